"""What is not known of the service is listed, and each row has its knob."""

from __future__ import annotations

import ast
import re
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

import pytest

from rh_api.emulator import Emulator
from rh_api.emulator.doubts import Doubts
from rh_api.emulator.knobs import HARSH, Knobs

ROOT = Path(__file__).parents[2]
MOST_ROWS = 25
MOST_KNOBS = 75
DOUBTING = re.compile(
    r"undocumented|sources|clients? s|reportedly|unknown whether|live log", re.IGNORECASE
)
ASKED = {"free", "paid", "no"}


class Row(NamedTuple):
    """A row of the table."""

    id: str
    question: str
    sources: str
    knob: str
    where: str
    otherwise: str
    ask: str

    @property
    def name(self) -> str:
        return self.knob.partition(":")[0].strip("`")

    @property
    def readings(self) -> list[Any]:
        """The one that the code takes, then the others."""
        values = self.knob.partition(":")[2]
        return [ast.literal_eval(value) for value in re.findall(r"`([^`]+)`", values)]


def rows() -> list[Row]:
    lines = (ROOT / "docs/unknowns.md").read_text("utf-8").splitlines()
    table = [line.strip("|").split("|") for line in lines if line.startswith("| `")]
    return [Row(*(cell.strip() for cell in cells)) for cells in table]


ROWS = rows()


def test_the_table_has_a_row_for_each_doubts_knob_and_no_other() -> None:
    assert [row.name for row in ROWS] == [knob.name for knob in fields(Doubts)]
    assert len({row.id for row in ROWS}) == len(ROWS) <= MOST_ROWS
    assert {row.ask for row in ROWS} == ASKED


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_a_row_is_whole(row: Row) -> None:
    assert re.fullmatch(r"`[a-z]+(-[a-z]+)+`", row.id)
    assert row.question.endswith("?")
    assert row.sources.endswith(".")
    assert row.otherwise.endswith(".")
    assert (ROOT / row.where.strip("`")).is_file()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_a_row_has_all_readings_of_its_knob_and_the_emulator_takes_each(row: Row) -> None:
    kind = get_type_hints(Doubts)[row.name]
    allowed = get_args(kind) if get_origin(kind) is Literal else (True, False)
    if kind is not int:
        assert sorted(row.readings, key=str) == sorted(allowed, key=str)
    assert len(set(row.readings)) == len(row.readings) >= 2
    for reading in row.readings:
        assert type(reading) is kind or kind is not int
        assert getattr(Emulator(**{row.name: reading}), row.name) == reading


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_the_emulator_stands_at_the_reading_that_the_code_takes(row: Row) -> None:
    assert getattr(Emulator(), row.name) == row.readings[0]
    assert getattr(Emulator(strict=True), row.name) == HARSH.get(row.name, row.readings[0])


def test_no_other_knob_tells_of_a_doubt() -> None:
    text = (ROOT / "rh_api/emulator/knobs.py").read_text("utf-8")
    assert DOUBTING.findall(text) == []
    assert DOUBTING.findall("Undocumented: two public clients send it") != []


def test_the_emulator_has_no_more_knobs_than_it_may() -> None:
    assert len(fields(Knobs)) <= MOST_KNOBS
