"""A link becomes what a person may choose from, or a sentence about what is wrong with it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from rh_api.client import Client, Job
from rh_api.emulator import Emulator, Fault, catalog
from rh_api.settings import Settings
from tests.unit.nodes.conftest import load_pack
from tests.unit.nodes.host import Host, fields_by_name, hosted_without_account, stored_site

KEY = "canary7Key0canary7Key0canary7Key"
INVERT_APP = "1900000000000000202"


class KSampler:
    OUTPUT_NODE = False

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802 - ComfyUI's name
        return {
            "required": {
                "seed": ("INT", {"min": 0, "max": 2**64 - 1}),
                "steps": ("INT", {"min": 1, "max": 10000}),
                "cfg": ("FLOAT", {"min": 0.0, "max": 100.0, "step": 0.1}),
                "sampler_name": (["euler", "ddim"],),
            }
        }


class SaveImage:
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802 - ComfyUI's name
        return {"required": {"filename_prefix": ("STRING", {})}}


@pytest.fixture
async def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Host]:
    async with hosted_without_account(
        tmp_path, monkeypatch, {"KSampler": KSampler, "SaveImage": SaveImage}
    ) as h:
        yield h


@pytest.fixture
async def emulator(host: Host) -> AsyncIterator[Emulator]:
    """The service of the default profile."""
    async with stored_site(host, KEY) as emulator:
        yield emulator


async def program(host: Host, text: str, kind: str = "workflow", **more: Any) -> dict[str, Any]:
    return await host.post("program", kind=kind, text=text, **more)


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        ("workflow", "error.workflow_id"),
        ("app", "error.app_id"),
        ("module", "error.quick_unreadable"),
    ],
)
async def test_what_is_no_id_and_no_link_is_refused_before_a_key_is_asked_for(
    host: Host, kind: str, key: str
) -> None:
    error = await host.error("program", kind=kind, text="hello 🦊 not a link")
    assert error["key"] == key
    error = await host.error("program", kind=kind, text=" ")
    assert error["key"].endswith("_blank")


async def test_a_workflow_is_told_with_all_that_can_be_set(host: Host, emulator: Emulator) -> None:
    view = await program(host, f"{emulator.base_url}/workflow/{catalog.TEXT_TO_IMAGE}?x=1")
    assert (view["kind"], view["id"], view["sandbox"]) == ("workflow", catalog.TEXT_TO_IMAGE, False)
    assert view["link"] == ""  # an emulator has no pages
    assert len(view["hash"]) == 64
    assert view["app"] is None
    fields = fields_by_name(view)
    assert {name for name, field in fields.items() if field["suggested"]} == {
        "3.seed",
        "3.steps",
        "5.width",
        "5.height",
        "6.text",
        "7.text",
    }
    assert fields["6.text"] == {
        "name": "6.text",
        "field": "text",
        "kind": "STRING",
        "stored": "a lighthouse at dusk",
        "multiline": True,
        "min": None,
        "max": None,
        "step": None,
        "options": None,
        "seed": False,
        "suggested": True,
        "label": "Positive",
        "description": "",
        "resource": "",
    }
    seed = fields["3.seed"]
    assert (seed["kind"], seed["seed"], seed["min"]) == ("INT", True, 0)
    assert seed["max"] == str(2**64 - 1)  # too large a number for a browser
    assert (fields["3.cfg"]["kind"], fields["3.cfg"]["step"]) == ("FLOAT", 0.1)
    assert fields["3.sampler_name"]["kind"] == "COMBO"
    assert fields["3.sampler_name"]["options"] == ["euler", "ddim"]
    assert fields["3.scheduler"]["options"] is None
    assert view["outputs"] == [
        {
            "id": "9",
            "title": "Save Image",
            "class_type": "SaveImage",
            "type": "IMAGE",
            "suggested": True,
        }
    ]


async def test_an_app_is_told_in_the_pages_language(host: Host, emulator: Emulator) -> None:
    emulator.apps[INVERT_APP].published = {
        "description": "<p>Turns &amp; <b>inverts</b><script>x</script></p>",
        "covers": [{"url": "http://no.example/a.png"}, {"url": "https://img.example/a.png"}],
    }
    view = await program(host, INVERT_APP, "app")
    assert view["app"] == {
        "name": "Invert a picture",
        "description": "Turns & inverts x",
        "cover": "https://img.example/a.png",
    }
    assert view["outputs"] == []
    assert [node["title"] for node in view["nodes"]] == ["LoadImage", "ImageScaleBy"]
    fields = fields_by_name(view)
    assert [field["label"] for field in fields.values()] == ["Upload image", "Method"]
    assert all(field["suggested"] for field in fields.values())
    assert fields["12.upscale_method"]["options"] == ["nearest-exact", "bilinear", "bicubic"]
    await host.speak("zh")
    view = await program(host, INVERT_APP, "app")
    assert [field["label"] for field in fields_by_name(view).values()] == ["上传图像", "算法"]


@pytest.mark.parametrize(
    ("text", "kind", "key", "hint"),
    [
        ("", "workflow", "error.workflow_blank", ""),
        ("", "app", "error.app_blank", ""),
        ("not a link", "workflow", "error.workflow_id", ""),
        ("https://evil.example/workflow/1", "workflow", "error.foreign_link", ""),
        (INVERT_APP, "workflow", "error.workflow_id_is_app", "wrong_kind"),
        (catalog.INVERT, "app", "error.app_id_is_workflow", "wrong_kind"),
        (
            "https://www.runninghub.ai/ai-detail/7",
            "workflow",
            "error.workflow_is_app",
            "wrong_kind",
        ),
        ("https://www.runninghub.ai/workflow/7", "app", "error.app_is_workflow", "wrong_kind"),
        ("1234567890123456789", "workflow", "error.workflow_not_found", ""),
        ("1234567890123456789", "app", "error.app_not_found", ""),
    ],
)
async def test_a_link_that_leads_nowhere_is_named(
    host: Host, emulator: Emulator, text: str, kind: str, key: str, hint: str
) -> None:
    error = await host.error("program", kind=kind, text=text)
    assert (error["key"], error["hint"]) == (key, hint)
    assert error["message"]
    assert not emulator.counters.orders


async def test_a_workflow_that_was_never_run_says_what_to_do(
    host: Host, emulator: Emulator
) -> None:
    emulator.workflows[catalog.INVERT].never_run = True
    error = await host.error("program", kind="workflow", text=catalog.INVERT)
    assert error["key"] == "error.workflow_never_run"
    assert "run it there once" in error["message"]


async def test_half_an_answer_is_an_error_and_the_next_one_is_good(
    host: Host, emulator: Emulator
) -> None:
    emulator.faults.append(Fault("/api/openapi/getJsonApiFormat", "truncated", count=None))
    assert "error" in await host.post("program", kind="workflow", text=catalog.INVERT)
    emulator.faults.clear()
    assert (await program(host, catalog.INVERT))["id"] == catalog.INVERT


async def test_without_a_key_the_page_can_offer_one(host: Host) -> None:
    error = await host.error("program", kind="workflow", text=catalog.INVERT)
    assert (error["key"], error["hint"]) == ("error.no_key", "no_key")


@pytest.mark.parametrize(
    "text",
    [
        catalog.INVERT,
        f"http://127.0.0.1:8123/workflow/{catalog.INVERT}",
        "http://localhost:8123/workflow/1",
    ],
)
async def test_a_sample_under_a_real_key_is_explained(host: Host, text: str) -> None:
    await host.post("profiles/save", name="a", origin="https://www.runninghub.ai", key=KEY)
    error = await host.error("program", kind="workflow", text=text)
    assert (error["key"], error["hint"]) == ("error.sandbox_link", "sandbox")


async def test_a_link_to_the_other_site_is_explained_without_a_request(host: Host) -> None:
    await host.post("profiles/save", name="a", origin="https://www.runninghub.ai", key=KEY)
    link = "https://www.runninghub.cn/workflow/7"
    error = await host.error("program", kind="workflow", text=link)
    assert (error["key"], error["hint"]) == ("error.wrong_site", "wrong_site")


async def test_the_copy_at_hand_serves_until_a_fresh_one_is_wanted(
    host: Host, emulator: Emulator
) -> None:
    first = await program(host, catalog.TEXT_OUT)
    emulator.workflows[catalog.TEXT_OUT].graph["21"]["inputs"]["value"] = "changed"
    assert (await program(host, catalog.TEXT_OUT))["hash"] == first["hash"]
    fresh = await program(host, catalog.TEXT_OUT, fresh=True)
    assert fresh["hash"] != first["hash"]
    assert fields_by_name(fresh)["21.value"]["stored"] == "changed"


async def test_all_of_two_thousand_nodes_are_told(host: Host, emulator: Emulator) -> None:
    graph: dict[str, Any] = {}
    for number in range(0, 2000, 2):
        sampler = json.loads(json.dumps(catalog.workflows()[catalog.TEXT_TO_IMAGE].graph["3"]))
        graph[str(number)] = sampler
        link = [str(number), 0]
        graph[str(number + 1)] = {
            "class_type": "SaveImage",
            "inputs": {"images": link, "filename_prefix": "x"},
        }
    number = emulator.add_workflow(graph)
    view = await program(host, number)
    assert len(view["nodes"]) == 2000
    assert sum(field["suggested"] for field in fields_by_name(view).values()) == 16


async def test_the_sandbox_needs_no_key_and_forgets_when_it_ends(host: Host) -> None:
    demo = await host.post("sandbox", on=True)
    assert demo["on"] is True
    assert {"kind": "workflow", "id": catalog.INVERT, "name": "Invert a picture"} in demo["samples"]
    assert {"kind": "app", "id": INVERT_APP, "name": "Invert a picture"} in demo["samples"]
    shown = await program(host, catalog.INVERT, profile="sandbox")
    assert (shown["sandbox"], shown["name"]) == (True, "Invert a picture")
    question = {"kind": "workflow", "id": catalog.INVERT, "profile": "sandbox"}
    assert (await host.post("estimate", **question))["quote"].startswith("nothing is paid")
    priced = {"model": "rhart-image-n-pro/text-to-image", "profile": "sandbox"}
    for route in ("models/price", "models/preview"):
        price = await host.post(route, **priced, values={"prompt": "a fox"})
        assert (price["text"][:15], price["amount"]) == ("nothing is paid", None)
    account = await host.post("profiles/test", name="sandbox")
    assert account["kind"] == "SHARED"  # so that it runs standard models too
    settings = await host.get("settings")
    assert settings["profiles"] == []
    assert not (host.state / "profiles.json").exists()
    assert (await host.post("sandbox", on=False))["on"] is False


async def test_samples_are_told_before_the_sandbox_runs(host: Host) -> None:
    before = await host.get("samples")
    assert {"kind": "workflow", "id": catalog.INVERT, "name": "Invert a picture"} in before[
        "samples"
    ]
    # Who tries the first one has a picture: one that always fails is for tests.
    assert catalog.NO_OUTPUT_FILES not in {sample["id"] for sample in before["samples"]}
    assert not load_pack("nodes.runtime.demo_server").is_running()
    assert (await host.post("sandbox", on=True))["samples"] == before["samples"]


async def test_samples_have_their_names_in_the_language_of_the_page(host: Host) -> None:
    language = load_pack("nodes.language")
    language.speak("zh")
    try:
        names = {sample["name"] for sample in (await host.get("samples"))["samples"]}
        await host.post("sandbox", on=True)
        workflow = await program(host, catalog.INVERT, profile="sandbox")
        app = await program(host, INVERT_APP, kind="app", profile="sandbox")
    finally:
        language.speak("en")
    assert [name for name in sorted(names) if name.isascii()] == []
    assert (workflow["name"], app["name"]) == ("图像反色", "图像反色")


@pytest.mark.parametrize("title", ["{", "A {subject} in oil"])
async def test_a_title_that_somebody_gave_a_sample_stays(host: Host, title: str) -> None:
    address, _ = load_pack("nodes.runtime.demo_server").start()
    graph = catalog.workflows()[catalog.INVERT].graph
    async with aiohttp.ClientSession() as session:
        workflow = {"graph": graph, "title": title}
        async with session.post(f"{address}/emulator/workflows", json=workflow) as answer:
            assert answer.status == 200
    assert title in [sample["name"] for sample in (await host.get("samples"))["samples"]]


async def test_an_estimate_is_told_from_what_runs_took_and_cost(
    host: Host, emulator: Emulator
) -> None:
    rates = {"default": "0.2 coins", "plus": "0.4 coins"}

    def nothing(size: str = "default") -> dict[str, Any]:
        rate = f"{rates[size]} a second on {size} (observed, not documented)"
        none = {"runs": 0, "seconds": None}
        return {**none, "quote": f"{rate}, total not known yet"}

    question = {"kind": "workflow", "id": catalog.TEXT_OUT, "instance": "default"}
    assert await host.post("estimate", **question) == nothing()
    emulator.run_seconds = 0.2
    values = {
        "RUNNINGHUB_API_KEY": KEY,
        "RUNNINGHUB_BASE_URL": emulator.base_url,
        "RUNNINGHUB_STATE": str(host.state),
    }
    async with Client(Settings.from_mapping(values)) as client:
        await client.run(Job(catalog.TEXT_OUT, {"21.value": "another"}))
    estimate = await host.post("estimate", **question)
    assert estimate["runs"] == 1
    assert estimate["seconds"] > 0
    assert estimate["quote"].startswith("about 1 coin (")
    assert await host.post("estimate", **{**question, "instance": "plus"}) == nothing("plus")
    assert await host.post("estimate", **{**question, "kind": "app"}) == nothing()
