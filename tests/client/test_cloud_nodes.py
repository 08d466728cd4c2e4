"""The native route's list of classes and files: a hint of the day, and nothing that is waited for
long, asked of nobody who did not choose that route, or believed in."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rh_api.client import Client
from rh_api.emulator import Emulator, Fault
from rh_api.offload import CannotOffload, LocalLora, ModelName, Ordering, Segment
from rh_api.offload.driver import Models, check_early, find_dry_run_facts
from rh_api.offload.explain import explain
from rh_api.offload.plan import Plan
from rh_api.texts import english
from tests.client.conftest import MakeClient
from tests.client.test_cloud_models import NoFiles

INFO = "/proxy/{key}/object_info"
VAES = ["ae.safetensors", "sdxl/vae.safetensors"]
KNOWN = {
    "VAELoader": {"input": {"required": {"vae_name": [VAES, {}]}}},
    "KSampler": {"input": {}},
}


@pytest.fixture
def _tells(emulator: Emulator) -> None:
    tell(emulator)


def tell(emulator: Emulator, object_info: object = KNOWN) -> None:
    body = json.dumps(object_info)
    emulator.faults.append(Fault(INFO, "body", count=None, value=body, status=200))


def loads(vae: str, route: str = "native", class_type: str = "KSampler") -> Segment:
    graph = {
        "4": {"class_type": "VAELoader", "inputs": {"vae_name": vae}},
        "5": {"class_type": class_type, "inputs": {}},
    }
    models = (ModelName("4", "vae_name", vae, "VAE"),)
    ordering = Ordering(route=route)
    return Segment("100", "", "default", graph, models=models, ordering=ordering)


async def warnings(client: Client, segment: Segment) -> list[str]:
    models = Models(time.monotonic)
    notices = await check_early(client, segment, models=models, files=NoFiles())
    return [english(notice.key, notice.params) for notice in notices]


@pytest.mark.usefixtures("_tells")
@pytest.mark.parametrize("route", ["native", "auto"])
async def test_what_is_not_listed_is_hinted_at(client: Client, route: str) -> None:
    assert await warnings(client, loads("ae.safetensors", route)) == []
    assert await warnings(client, loads("sdxl\\vae.safetensors", route)) == []
    (file,) = await warnings(client, loads("ea.safetensors", route))
    assert '"ea.safetensors", which node 4 (VAELoader) loads' in file
    assert "Nearest: ae.safetensors" in file
    (class_,) = await warnings(client, loads("ae.safetensors", route, "Fancy"))
    assert 'class "Fancy" of node 5 (Fancy) is not in the cloud\'s current list' in class_


@pytest.mark.usefixtures("_tells")
async def test_what_is_told_already_is_not_told_twice(client: Client) -> None:
    unknown = replace(loads("x.safetensors"), models=(ModelName("4", "vae_name", "x", "UNET"),))
    (warning,) = await warnings(client, unknown)
    assert "RunningHub does not list" in warning


@pytest.mark.usefixtures("_tells")
async def test_a_lora_that_may_go_up_is_not_missed(client: Client) -> None:
    lora = (LocalLora("4", "vae_name", "own.safetensors"),)
    assert await warnings(client, replace(loads("own.safetensors"), loras=lora)) == []


@pytest.mark.usefixtures("_tells")
async def test_explain_tells_it_of_its_node(client: Client) -> None:
    segment = loads("ea.safetensors")
    plan = Plan(segment.graph, (segment,))
    models = Models(time.monotonic)
    facts = await find_dry_run_facts(client, plan, models=models, files=NoFiles())
    (note,) = explain(segment.graph, plan, facts, english)["notes"]
    assert (note["id"], "current list" in note["text"]) == ("4", True)
    assert note["class_type"] == segment.graph["4"]["class_type"]


@pytest.mark.parametrize(
    ("segment", "words"),
    [
        (loads("ae.safetensors", class_type="Fancy"), r'class "Fancy" of node 5'),
        (loads("ea.safetensors"), 'no model "ea.safetensors", which node 4'),
    ],
)
async def test_a_strict_word_makes_a_refusal_of_it(
    make_client: MakeClient, emulator: Emulator, segment: Segment, words: str
) -> None:
    tell(emulator)
    client = make_client(RUNNINGHUB_MODELS="strict")
    with pytest.raises(CannotOffload, match=words):
        await warnings(client, segment)
    plan, models = Plan(segment.graph, (segment,)), Models(time.monotonic)
    with pytest.raises(CannotOffload, match=words):
        await find_dry_run_facts(client, plan, models=models, files=NoFiles())


async def test_the_list_is_asked_for_once_a_day_and_kept_for_the_next_process(
    make_client: MakeClient, emulator: Emulator, tmp_path: Path
) -> None:
    tell(emulator)
    for _ in range(2):
        assert await warnings(make_client("one"), loads("ea.safetensors"))
    assert emulator.counters.requests[INFO] == 1
    (file,) = tmp_path.rglob("native-*-default.json")
    stored = json.loads(file.read_text())
    file.write_text(json.dumps({**stored, "at": stored["at"] - 24 * 3600 - 1}))
    assert await warnings(make_client("one"), loads("ea.safetensors"))
    assert emulator.counters.requests[INFO] == 2
    file.write_text("{")
    assert await warnings(make_client("one"), loads("ea.safetensors"))
    assert emulator.counters.requests[INFO] == 3


@pytest.mark.usefixtures("_tells")
async def test_of_other_routes_and_machines_nothing_is_asked(
    client: Client, emulator: Emulator
) -> None:
    for route in ("", "task"):
        assert await warnings(client, loads("ea.safetensors", route)) == []
    assert await warnings(client, replace(loads("x", "auto"), instance="ultra")) == []
    assert emulator.counters.under("/proxy") == 0


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("status", 404),
        ("html", None),
        ("truncated", None),
        ("body", '{"code": 802, "msg": "no"}'),
        ("body", "[" * 100_000),
        ("empty", None),
        ("reset", None),
    ],
)
async def test_what_cannot_be_read_is_no_hint_and_is_not_asked_for_again_at_once(
    client: Client, emulator: Emulator, kind: Any, value: Any
) -> None:
    emulator.faults.append(Fault(INFO, kind, count=None, value=value))
    assert await warnings(client, loads("ea.safetensors")) == []
    requests = emulator.counters.requests[INFO]
    assert await warnings(client, loads("ea.safetensors")) == []
    assert emulator.counters.requests[INFO] == requests


async def test_thirty_megabytes_are_read_and_a_hundred_are_not(
    make_client: MakeClient, emulator: Emulator, tmp_path: Path
) -> None:
    emulator.native_info_bytes = 30_000_000
    # Whoever asks waits some seconds at most, and what is read on is there later.
    listing = await make_client("one").cloud_nodes.listed("default", 60.0)
    assert listing is not None
    assert "KSampler" in listing.classes
    (file,) = tmp_path.rglob("native-*-default.json")
    assert file.stat().st_size < 100_000
    emulator.native_info_bytes = 100_000_000
    assert await make_client("two").cloud_nodes.listed("plus", 60.0) is None


async def test_who_asks_while_it_is_slow_does_not_wait_for_it(
    client: Client, emulator: Emulator
) -> None:
    emulator.faults.append(Fault(INFO, "hang", count=None))
    assert await client.cloud_nodes.listed("default", 0.05) is None
    # The patience of the first is that of all who come after it.
    before = time.monotonic()
    for _ in range(20):
        assert await client.cloud_nodes.listed("default", 0.05) is None
    assert time.monotonic() - before < 20 * 0.05
    await client.close()
    assert emulator.counters.requests[INFO] <= 1


async def test_a_list_of_days_ago_is_not_asked_for_at_each_look_where_it_cannot_be_read(
    client: Client, emulator: Emulator, tmp_path: Path
) -> None:
    tell(emulator)
    await warnings(client, loads("ae.safetensors"))
    (file,) = (tmp_path / "state").glob("native-*.json")
    old = json.loads(file.read_text("utf-8"))
    file.write_text(json.dumps({**old, "at": time.time() - 3 * 86_400.0}), "utf-8")
    emulator.faults.clear()
    emulator.faults.append(Fault(INFO, "status", count=None, value=404))
    before = emulator.counters.requests[INFO]
    later = Client(client.settings)
    for _ in range(4):
        await warnings(later, loads("ea.safetensors"))
    await later.close()
    assert emulator.counters.requests[INFO] == before + 1
