"""The table of what is covered names every page of the documentation, and only what exists."""

from __future__ import annotations

import importlib
import inspect
import json
import re
from collections.abc import Container, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

from rh_api.errors import SUCCESS_CODES
from tests.contract import (
    test_emulator_answers,
    test_reader,
    test_reader_apps,
    test_reader_models,
    test_reader_native,
    test_reader_quick,
)
from tests.contract.recorded import SAMPLES, load

ROOT = Path(__file__).parents[2]
STATES = {"done", "text", "later", "no known path"}

# The navigation tree of the documentation, kept by hand: it is nowhere to be asked for.
DOCUMENTATION = json.loads((Path(__file__).parent / "documentation.json").read_text("utf-8"))
PLAYERS = {
    "reader": (
        test_reader,
        test_reader_apps,
        test_reader_models,
        test_reader_native,
        test_reader_quick,
    ),
    "emulator": (test_emulator_answers,),
}
NOT_PLAYED = {
    ("reader", "lora_put"): "what is put into the object store is answered by it, not by an API",
    ("emulator", "sockets"): "each sequence has a test of its own, of which a test keeps count",
    ("emulator", "model_create"): "standard models",
    ("emulator", "price_preview"): "standard models",
}
NAMED_IN_ITS_TEST = {("sockets", "noise frames to tolerate")}


@dataclass(frozen=True)
class Row:
    section: str
    name: str
    state: str
    functions: tuple[str, ...]
    values: tuple[str, ...]
    samples: tuple[str, ...]


def rows() -> list[Row]:
    table: list[Row] = []
    section = ""
    for line in (ROOT / "docs" / "coverage.md").read_text("utf-8").splitlines():
        if line.startswith("## "):
            section = line.removeprefix("## ")
        if not line.startswith("| ") or line.split(" | ")[1] == "state":
            continue
        name, state, *lists = (cell.strip() for cell in line.strip("|").split("|"))
        functions, values, samples = (tuple(re.findall(r"`([^`]+)`", cell)) for cell in lists)
        table.append(Row(section, name, state, functions, values, samples))
    return table


ROWS = rows()


@pytest.mark.parametrize("section", DOCUMENTATION)
def test_the_table_has_every_page_and_schema_once(section: str) -> None:
    listed = [row.name for row in ROWS if row.section.lower() == section]
    assert sorted(listed) == sorted(DOCUMENTATION[section])


def exists(name: str) -> bool:
    """Whether `wire.orders.create` is a name in the module `rh_api.wire.orders`."""
    parts = ["rh_api", *name.split(".")]
    for end in range(len(parts) - 1, 1, -1):
        try:
            value: object = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        for part in parts[end:]:
            if not hasattr(value, part):
                return False
            value = getattr(value, part)
        return True
    return False


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_each_name_in_the_table_exists(row: Row) -> None:
    assert row.state in STATES
    missing = [name for name in (*row.functions, *row.values) if not exists(name)]
    missing += [name for name in row.samples if not (SAMPLES / name).is_file()]
    assert missing == []


def parameters(modules: Iterable[ModuleType]) -> set[str]:
    """Every value, as JSON, that a test of these modules is called with."""
    marks = [
        mark
        for module in modules
        for test in vars(module).values()
        for mark in getattr(test, "pytestmark", ())
        if inspect.isfunction(test) and mark.name == "parametrize"
    ]
    arguments = [value for mark in marks for value in mark.args[1]]
    # A row is a tuple, what pytest.param made, or the one value itself.
    values = [row if isinstance(row, tuple) else (row,) for row in arguments]
    values = [row.values if hasattr(row, "marks") else row for row in values]
    return {written(value) for row in values for value in row if isinstance(value, dict)}


def written(exchange: object) -> str:
    return json.dumps(exchange, sort_keys=True)


def unplayed(family: str, played: Container[str]) -> list[str]:
    """The exchanges of a family that no test is called with, by what tells them apart."""
    return [
        str(sample.get("name", sample.get("code")))
        for sample in load(family)
        if written(sample) not in played and sample.get("code") not in SUCCESS_CODES
    ]


PLAYED = {side: parameters(modules) for side, modules in PLAYERS.items()}


@pytest.mark.parametrize("row", [r for r in ROWS if r.state == "done"], ids=lambda row: row.name)
def test_what_is_done_has_a_function_and_an_exchange_that_is_played(row: Row) -> None:
    assert row.functions
    families = [name.removesuffix(".json") for name in row.samples]
    assert any(
        len(unplayed(family, played)) < len(load(family))
        for family in families
        for played in PLAYED.values()
    )


@pytest.mark.parametrize("side", PLAYERS)
def test_every_recorded_exchange_is_played(side: str) -> None:
    missing = {
        (path.stem, name)
        for path in SAMPLES.glob("*.json")
        if (side, path.stem) not in NOT_PLAYED
        for name in unplayed(path.stem, PLAYED[side])
    }
    assert missing <= NAMED_IN_ITS_TEST


def test_an_exchange_that_nobody_plays_is_noticed() -> None:
    assert unplayed("create", ()) == [sample["name"] for sample in load("create")]
    assert unplayed("create", PLAYED["reader"]) == []


def test_each_recorded_family_is_in_the_table() -> None:
    assert {path.name for path in SAMPLES.glob("*.json")} == {
        name for row in ROWS for name in row.samples
    }


def test_a_name_that_does_not_exist_is_noticed() -> None:
    assert exists("wire.orders.create")
    assert not exists("wire.tasks.nothing")
    assert not exists("wire.nothing.create")
    assert not exists("nothing")
