"""A ComfyUI that keeps nothing of what nodes gave, so that it may run one twice in a prompt."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator

import numpy as np
import pytest

from rh_api.emulator import Emulator, catalog
from tests.comfy.client import ComfyClient, Result
from tests.comfy.graphs import (
    Prompt,
    decoded,
    loaded,
    mark,
    marked,
    pixels,
    remote,
    save,
    turning,
)
from tests.comfy.server import Server, running
from tests.support.cloud import environment_of
from tests.support.graphs import node

pytestmark = [pytest.mark.comfy, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def uncached(
    cloud: tuple[Emulator, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    emulator, base_url = cloud
    environment = environment_of(emulator, base_url)
    with running(tmp_path_factory.mktemp("uncached"), environment, ("--cache-none",)) as server:
        yield server


@pytest.fixture
async def comfyui(uncached: Server, emulator: Emulator) -> AsyncIterator[ComfyClient]:
    async with ComfyClient(uncached.url) as client:
        yield client


def runs_of(result: Result, node_id: str) -> int:
    return [event.data["node"] for event in result.events if event.type == "executing"].count(
        node_id
    )


def read_late(node_id: str) -> Prompt:
    """A switch that asks for a node's picture only when that was measured: it is 37 wide."""
    measure, switch, saver = (f"{node_id}{number}" for number in (7, 8, 9))
    return {
        measure: node("GetImageSize", image=[node_id, 0]),
        switch: node("TestPicks", select=[measure, 0], input37=[node_id, 0]),
        saver: save([switch, 0]),
    }


@pytest.mark.parametrize(
    ("kind", "wish"),
    [*itertools.product(("program", "part"), ("kept", "again")), ("program", "reroll")],
)
async def test_a_node_that_runs_twice_in_a_prompt_pays_once(
    comfyui: ComfyClient, emulator: Emulator, kind: str, wish: str
) -> None:
    prompt, extra = await turning(comfyui, pixels()), marked("2")
    if kind == "program":
        fields = {"10.image": ["1", 0]}
        prompt["2"] = remote(catalog.INVERT, fields, reroll_seeds=wish == "reroll")
        extra = {"runninghub": {}}
    if wish == "again":
        extra["runninghub"]["again"] = ["2"]
    for run in (1, 2):
        result = await comfyui.queue(prompt | read_late("2"), extra)
        assert result.outcome == "success", result.refusal
        assert runs_of(result, "2") == 2
        assert emulator.counters.orders == (1 if wish == "kept" else run)
        has_paid = wish != "kept" or run == 1
        assert result.texts("2")[-1].startswith("done in") == has_paid


async def test_twins_with_rerolled_seeds_that_run_twice_pay_once_each(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    picture = node("RepeatImageBatch", image=["1", 0], amount=2)
    prompt = {"1": await loaded(comfyui, pixels()), "4": picture}
    for twin in ("2", "3"):
        prompt[twin] = remote(catalog.INVERT, {"10.image": ["4", 0]}, reroll_seeds=True)
        prompt |= read_late(twin)
    result = await comfyui.queue(prompt)
    assert result.outcome == "success", result.refusal
    assert [runs_of(result, twin) for twin in ("2", "3")] == [2, 2]
    assert emulator.counters.orders == 4  # two pictures each


async def test_a_node_that_runs_again_after_its_twin_gives_its_own_picture(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    """The twin waits for the node's picture, and the node is asked again for the twin's."""
    fields = {"6.text": f"a {mark()}", "5.width": 64, "5.height": 64}
    prompt = {
        "2": remote(catalog.TEXT_TO_IMAGE, fields, reroll_seeds=True),
        "20": save(["2", 0]),
        "21": node("GetImageSize", image=["2", 0]),
        "3": remote(catalog.TEXT_TO_IMAGE, {**fields, "5.width": ["21", 0]}, reroll_seeds=True),
        "30": save(["3", 0]),
        "31": node("GetImageSize", image=["3", 0]),
        "22": node("TestPicks", select=["31", 0], input64=["2", 0]),
        "23": save(["22", 0]),
    }
    result = await comfyui.queue(prompt)
    assert result.outcome == "success", result.refusal
    assert [runs_of(result, node_id) for node_id in ("2", "3")] == [2, 1]
    own, twin, late = [
        await decoded(comfyui, result.outputs[saver]["images"][0]) for saver in ("20", "30", "23")
    ]
    assert not np.array_equal(own, twin)
    assert np.array_equal(own, late)
    assert emulator.counters.orders == 2
