"""A limit of cost holds whatever a graph and a prompt say: only a person's own pages raise one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from rh_api.emulator import Emulator, catalog
from tests.comfy.client import ComfyClient
from tests.comfy.graphs import marked, pixels, remote, turning
from tests.comfy.page import Page
from tests.comfy.server import Server
from tests.comfy.test_refusals import nothing_was_sent, sentence

pytestmark = pytest.mark.comfy

MUCH = "1000000 coins"
# What somebody may hope is read, at each place that a shared graph or a program can fill.
WISHES: dict[str, Any] = {
    "max_cost": MUCH,
    "max_cost_order": MUCH,
    "RUNNINGHUB_MAX_COST_ORDER": MUCH,
    "limits": {"order": MUCH, "prompt": MUCH, "day": MUCH},
    "limit": "",
    "scope": "another",
    "allow": MUCH,
    "allow_once": True,
    "once": True,
    "order_key": "*",
}
SAID_BESIDE: dict[str, dict[str, Any]] = {
    "beside our own words": {**WISHES, "runninghub": {"again": ["2"]}},
    "in the canvas": {
        "extra_pnginfo": {"workflow": {**WISHES, "nodes": [], "extra": {"runninghub": WISHES}}}
    },
}
SAID_IN_NODES: dict[str, dict[str, Any]] = {
    "names that nobody reads": {name: value for name, value in WISHES.items() if name != "limits"},
    "again": {"again": True},
    "the least time": {"timeout": 1},
    "the machine kept": {"retain_seconds": 180},
    "the account by name": {"profile": "environment"},
    "another workflow's name": {"workflow": f"https://www.runninghub.ai/post/{catalog.INVERT}"},
}


@pytest.fixture
async def limited(server: Server, emulator: Emulator) -> AsyncIterator[Page]:
    """The page on which a person lets one order cost 1 coin."""
    async with Page(server.url) as page:
        await page.post("limits/save", scope="order", sum="1 coins")
        yield page
        await page.post("limits/save", scope="order", sum="")


async def is_refused(
    comfyui: ComfyClient, page: Page, prompt: dict[str, Any], extra: dict[str, Any] | None = None
) -> str:
    before = await page.post("limits")
    result = await comfyui.queue(prompt, extra)
    assert result.outcome != "success"
    assert await page.post("limits") == before
    return sentence(result)


@pytest.mark.parametrize("place", SAID_BESIDE)
async def test_what_is_said_beside_a_prompt_raises_no_limit(
    limited: Page, comfyui: ComfyClient, emulator: Emulator, place: str
) -> None:
    prompt = await turning(comfyui, pixels())
    prompt["2"] = remote(catalog.INVERT, {"10.image": ["1", 0]})
    message = await is_refused(comfyui, limited, prompt, SAID_BESIDE[place])
    assert "the limit for one order is 1 coin" in message
    assert nothing_was_sent(emulator)


async def test_no_wish_is_one_of_our_words(
    limited: Page, comfyui: ComfyClient, emulator: Emulator
) -> None:
    prompt = await turning(comfyui, pixels())
    prompt["2"] = remote(catalog.INVERT, {"10.image": ["1", 0]})
    for name, value in WISHES.items():
        message = await is_refused(comfyui, limited, prompt, {"runninghub": {name: value}})
        assert f'an unknown key "{name}"; it can have' in message
    assert nothing_was_sent(emulator)


@pytest.mark.parametrize("place", SAID_IN_NODES)
async def test_what_a_node_holds_raises_no_limit(
    limited: Page, comfyui: ComfyClient, emulator: Emulator, place: str
) -> None:
    prompt = await turning(comfyui, pixels())
    prompt["2"] = remote(catalog.INVERT, {"10.image": ["1", 0]})
    prompt["2"]["inputs"].update(SAID_IN_NODES[place])
    message = await is_refused(comfyui, limited, prompt)
    assert "the limit for one order is 1 coin" in message
    assert nothing_was_sent(emulator)


@pytest.mark.parametrize("options", [{}, {"timeout": 1}, {"profile": "environment"}])
@pytest.mark.parametrize("by", ["a program", "the canvas"])
async def test_a_marked_part_raises_no_limit(
    limited: Page, comfyui: ComfyClient, emulator: Emulator, by: str, options: dict[str, Any]
) -> None:
    prompt = await turning(comfyui, pixels())
    if by == "a program":
        beside = marked("2", **options)
        beside.update(WISHES)
    else:
        mark = {"segment": "shared", **WISHES, **options}
        node = {"id": 2, "type": "ImageInvert", "properties": {"runninghub": mark}}
        beside = {"extra_pnginfo": {"workflow": {"nodes": [node], **WISHES}}}
    message = await is_refused(comfyui, limited, prompt, beside)
    assert "the limit for one order is 1 coin" in message
    assert nothing_was_sent(emulator)


async def test_a_segment_s_options_know_nothing_of_costs(
    limited: Page, comfyui: ComfyClient, emulator: Emulator
) -> None:
    prompt = await turning(comfyui, pixels())
    for name, value in WISHES.items():
        message = await is_refused(comfyui, limited, prompt, marked("2", **{name: value}))
        assert "apart from that, only" in message
    assert nothing_was_sent(emulator)


async def test_the_native_route_passes_no_limit(
    limited: Page, comfyui: ComfyClient, emulator: Emulator
) -> None:
    prompt = await turning(comfyui, pixels())
    message = await is_refused(comfyui, limited, prompt, marked("2", route="native"))
    assert "limit of 1 coin" in message
    assert nothing_was_sent(emulator)


async def test_the_person_s_own_page_raises_it(
    limited: Page, comfyui: ComfyClient, emulator: Emulator
) -> None:
    prompt = await turning(comfyui, pixels())
    message = await is_refused(comfyui, limited, prompt, marked("2"))
    assert "the limit for one order is 1 coin" in message
    await limited.post("limits/save", scope="order", sum="50 coins")
    result = await comfyui.queue(prompt, marked("2"))
    assert result.outcome == "success", result.events[-2:]
    assert emulator.counters.orders == 1
