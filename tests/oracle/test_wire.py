"""The same proof over the wire: each order goes through the client to a served emulator."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from rh_api.client import Client, Outcome, Source
from rh_api.emulator import Emulator, catalog
from rh_api.errors import BadInput
from rh_api.graph.extra_data import NATIVE
from rh_api.offload import LocalFile, load
from rh_api.offload.driver import InletValue, Models, job_of, results_of
from rh_api.settings import Settings
from rh_api.wire.filetypes import Kind
from tests.oracle.graphs import LOCAL_LORA, Prompt, random_marks, random_prompt
from tests.oracle.oracle import with_borders
from tests.oracle.runs import (
    Values,
    decoded_outlet,
    encoded,
    input_folder,
    outputs_of,
    run_cut,
    run_uncut,
)
from tests.oracle.trial import plan_of
from tests.support.clocks import QuickClock

GRAPHS = 16
NATIVE_GRAPHS = 8


@dataclass
class Wire:
    """Runs segments by a client of its own for each, as restarts would."""

    emulator: Emulator
    settings: Settings
    folder: Path

    def file(self, file: LocalFile, /) -> Path:
        return self.folder / file.value

    def lora(self, name: str, /) -> Path | None:
        return self.folder / LOCAL_LORA if name == LOCAL_LORA else None

    def order(self, inputs: dict[str, Any]) -> Values:
        return asyncio.run(self._order(inputs))

    async def _order(self, inputs: dict[str, Any]) -> Values:
        segment = load(inputs["segment"])
        brought: list[InletValue] = []
        for inlet in segment.inlets:
            items, files = encoded(inlet.type, inputs[f"in_{inlet.number}"])
            sources = [Source(Kind.IMAGE, data, ".png", "image/png") for data in files]
            brought.append(InletValue(inlet, items, sources))
        async with Client(self.settings, clock=QuickClock(8)) as client:
            order = await job_of(client, segment, brought, models=Models(lambda: 0.0), files=self)
            outcome = await client.run(order)
            return tuple(
                decoded_outlet(outlet, _contents(outcome, outlet)) for outlet in segment.outlets
            )


def _contents(outcome: Outcome, outlet: Any) -> list[Any]:
    return [
        result.text if result.path is None else result.path.read_bytes()
        for result in results_of(outlet, outcome.results)
    ]


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    for name, data in input_folder().items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / LOCAL_LORA).write_bytes(b"a style")
    emulator = Emulator(
        strict=True, run_seconds=0, reroll_inline_seeds=False
    )  # equal to a local run
    with emulator.run_in_thread() as url:
        settings = {
            "RUNNINGHUB_API_KEY": emulator.default_key,
            "RUNNINGHUB_BASE_URL": url,
            "RUNNINGHUB_STATE": str(tmp_path / "state"),
            "RUNNINGHUB_SEGMENT_WORKFLOW": catalog.INVERT,
        }
        yield Wire(emulator, Settings.from_mapping(settings), tmp_path)


def as_uploaded(prompt: Prompt) -> Prompt:
    """The prompt with the name that the local LoRA gets: it changes what the emulator paints."""
    name = f"api-lora-cn/{hashlib.md5(b'a style', usedforsecurity=False).hexdigest()}.safetensors"
    return json.loads(json.dumps(prompt).replace(LOCAL_LORA, name))


@pytest.mark.parametrize("number", range(GRAPHS))
def test_a_random_cut_is_equal_to_local_over_the_wire(wire: Wire, number: int) -> None:
    check_cut(wire, Random(number))


@pytest.mark.parametrize("number", range(NATIVE_GRAPHS))
def test_it_is_by_the_native_route(wire: Wire, number: int) -> None:
    wire.settings = replace(wire.settings, route=NATIVE)
    check_cut(wire, Random(1000 + number))
    assert not wire.emulator.counters.requests["/task/openapi/create"]


def is_a_batch(prompt: Prompt) -> bool:
    """Whether it makes several at once, which the native route is not asked for."""
    empties = (node["inputs"] for node in prompt.values() if node["class_type"].startswith("Empty"))
    return any(inputs.get("batch_size", 1) > 1 for inputs in empties)


def check_cut(wire: Wire, random: Random) -> None:
    """A random cut graph makes what the uncut one makes."""
    while True:
        prompt = random_prompt(random, most=6)
        if wire.settings.route == NATIVE and is_a_batch(prompt):
            continue
        try:
            run_uncut(prompt)
            plan = plan_of(prompt, random_marks(random, prompt))
        except (BadInput, RuntimeError, ValueError):
            continue
        if plan.segments:
            break

    shown = run_cut(dict(plan.prompt), wire.order)

    assert shown == run_uncut(with_borders(as_uploaded(prompt), plan, outputs_of(prompt)))
    assert wire.emulator.counters.orders
    assert not wire.emulator.counters.keys_misplaced
