"""An agent's tools, asked by the official client: over a pipe to a process, and within this one."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from PIL import Image

from rh_api.cli.agent_pictures import inline_pictures
from rh_api.cli.agent_tools import AgentTools
from rh_api.cli.mcp_server import behind_token, server_of
from rh_api.emulator import Account, Emulator, Fault, catalog
from tests.support.waiting import until

from .conftest import ROOT, Call

CREATE = "/task/openapi/create"
MODEL = "rhart-image-n-pro/text-to-image"
PAINT_APP = next(iter(catalog.apps()))
WRONG = ("refused", "failed", "unknown", "unreachable", "not_fetched")
PAINT = {"6.text": "a cat", "3.seed": 7, "5.width": 64, "5.height": 64}

Agent = Callable[..., AbstractAsyncContextManager[Client]]


@pytest.fixture
def agent(variables: dict[str, str], tmp_path: Path) -> Agent:
    """A client of a server in this process, with a limit unless it is told otherwise."""

    @asynccontextmanager
    async def connected(max_cost: str = "50 coins", **more: str) -> AsyncIterator[Client]:
        tools = AgentTools(variables | more, tmp_path / "out", max_cost)
        (tmp_path / "out").mkdir(exist_ok=True)
        try:
            async with Client(server_of(tools), raise_exceptions=True) as client:
                yield client
        finally:
            await tools.ended()

    return connected


async def ask(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """The tool's answer. The official client itself checks that it fits the tool's schema."""
    result = await client.call_tool(tool, arguments)
    answer = result.structured_content
    is_wrong = answer["status"] in WRONG and tool != "look"  # which is about an unknown order
    assert result.is_error == ("error" in answer) == is_wrong, result
    assert json.loads(result.content[0].text) == answer
    return answer


async def paint(client: Client, **more: Any) -> dict[str, Any]:
    arguments = {"kind": "workflow", "program": catalog.TEXT_TO_IMAGE, "fields": PAINT}
    return await ask(client, "run", **arguments | more)


async def test_a_process_serves_the_demonstration_and_a_workflow(
    variables: dict[str, str], tmp_path: Path, emulator: Emulator
) -> None:
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "rh_api", "mcp", "--out", str(tmp_path), "--max-cost", "50 coins"],
        env=variables | {"PYTHONPATH": str(ROOT)},
    )
    async with Client(server) as client:
        demo = await ask(client, "demo")
        form = await ask(client, "show_form", kind="workflow", program=catalog.TEXT_TO_IMAGE)
        done = await paint(client)

    assert demo["status"] == form["status"] == done["status"] == "done"
    assert "6.text" in {field["name"] for field in form["fields"]}
    (result,) = done["results"]
    assert Path(result["path"]).parent == tmp_path
    with Image.open(result["path"]) as picture:
        assert picture.size == (64, 64)
    assert emulator.counters.orders == 1


async def test_a_model_is_found_priced_and_run(
    agent: Agent, call: Call, emulator: Emulator
) -> None:
    emulator.account.kind, emulator.account.limit = "SHARED", 3
    emulator.account.money = 100
    async with agent() as client:
        listed = await ask(client, "search_models", words=MODEL)
        form = await ask(client, "show_form", kind="model", program=MODEL)
        order = {"kind": "model", "program": MODEL}
        order["fields"] = {"prompt": "a cat", "resolution": "1k"}
        refused = await ask(client, "run", **order)
        # Nobody lists what it costs on this site: a person says what it may.
        assert emulator.counters.orders == 0
        allowed = f"model/{MODEL}=5 CNY, 50 coins"
        assert (await asyncio.to_thread(call, "limits", "--allow", allowed)).code == 0
        done = await ask(client, "run", **order)

    assert listed["models"][0]["endpoint"] == MODEL
    assert "prompt" in {field["name"] for field in form["parameters"]}
    assert refused["status"] == "refused"
    assert "--allow" in refused["error"]["message"]
    assert done["status"] == "done", done
    assert emulator.counters.orders == 1


@pytest.mark.parametrize("max_cost", ["50 coins", ""])
@pytest.mark.parametrize(
    ("kind", "program", "names"),
    [
        ("workflow", catalog.TEXT_TO_IMAGE, "fields"),
        ("app", PAINT_APP, "fields"),
        ("model", MODEL, "parameters"),
    ],
)
async def test_a_look_at_a_form_orders_nothing(
    agent: Agent, emulator: Emulator, kind: str, program: str, names: str, max_cost: str
) -> None:
    async with agent(max_cost) as client:
        form = await ask(client, "show_form", kind=kind, program=program)
        fields = {"prompt": "a cat"} if kind == "model" else {}
        await ask(client, "quote", kind=kind, program=program, fields=fields)
    assert form["status"] == "done", form
    assert form[names]
    assert emulator.counters.orders == 0


async def test_what_may_cost_more_than_the_limit_is_not_ordered(
    agent: Agent, emulator: Emulator
) -> None:
    emulator.run_seconds = 0.2
    async with agent("0.01 coins") as client:
        assert (await paint(client))["status"] == "refused"
        assert (await paint(client, timeout=3600))["status"] == "refused"
    assert emulator.counters.orders == 0


async def test_the_server_s_limit_holds_for_all_that_it_orders_together(
    agent: Agent, emulator: Emulator
) -> None:
    emulator.account.limit = 3
    async with agent("3 coins") as client:
        seeds = [PAINT | {"3.seed": seed} for seed in range(9)]
        answers = [await paint(client, fields=seeds[0])]
        answers += await asyncio.gather(*(paint(client, fields=fields) for fields in seeds[1:]))
    statuses = [answer["status"] for answer in answers]
    assert set(statuses) == {"done", "refused"}, answers
    assert emulator.counters.orders == statuses.count("done") <= 3


async def test_results_that_are_saved_at_once_are_each_their_own(
    agent: Agent, emulator: Emulator, tmp_path: Path
) -> None:
    large = PAINT | {"5.width": 512, "5.height": 512}
    seeds = [large | {"3.seed": seed} for seed in range(6)]
    async with agent() as client:
        for fields in seeds:
            await paint(client, fields=fields)
        answers = await asyncio.gather(*(paint(client, fields=fields) for fields in seeds * 8))
    saved = [Path(answer["results"][0]["path"]).read_bytes() for answer in answers]
    paid = [
        file.read_bytes() for file in (tmp_path / "state" / "runninghub-results").glob("*/*.png")
    ]
    assert sorted(saved) == sorted(paid * 8)
    assert emulator.counters.orders == 6


@pytest.mark.parametrize("field", ["6.text", "3.seed"])
async def test_a_key_in_a_field_is_refused(agent: Agent, emulator: Emulator, field: str) -> None:
    fields = PAINT | {field: f"with {emulator.default_key} in it"}
    async with agent() as client:
        refused = await paint(client, fields=fields)
    assert refused["status"] == "refused"
    assert field in refused["error"]["message"]
    assert emulator.default_key not in json.dumps(refused)
    assert emulator.counters.orders == 0


@pytest.mark.parametrize(
    "value", [None, [], {"a": 1}, [{"a": 1}], [["a"]], [None], float("nan"), [float("inf")]]
)
async def test_what_is_no_text_goes_out_as_none(
    variables: dict[str, str], emulator: Emulator, tmp_path: Path, value: object
) -> None:
    tools = AgentTools(variables, tmp_path, "50 coins")
    for kind, program, name in (
        ("workflow", catalog.TEXT_TO_IMAGE, "6.text"),
        ("app", PAINT_APP, "6.text"),
        ("model", MODEL, "prompt"),
    ):
        refused = await tools.run(kind, program, {name: value}, {})
        assert refused["status"] == "refused", refused
    await tools.ended()
    assert emulator.counters.orders == 0


async def test_an_empty_file_name_is_not_left_out(
    variables: dict[str, str], emulator: Emulator, tmp_path: Path
) -> None:
    """The order would go out with the picture that the workflow has stored, and be paid."""
    tools = AgentTools(variables, tmp_path, "50 coins")
    refused = await tools.run("workflow", catalog.INVERT, {}, {"10.image": ""})
    await tools.ended()
    assert refused["status"] == "refused", refused
    assert emulator.counters.orders == 0


async def test_a_list_of_objects_reaches_the_parameter_that_takes_one(
    agent: Agent, call: Call, emulator: Emulator
) -> None:
    emulator.account.kind = "SHARED"
    emulator.account.money = 100
    model, shots = "kling-v3.0-pro/text-to-video", [{"prompt": "a cat", "duration": 5}]
    await asyncio.to_thread(call, "limits", "--allow", f"model/{model}=50 CNY, 50 coins")
    async with agent("50 CNY") as client:
        fields: dict[str, Any] = {"prompt": "a cat", "multiShot": True, "shotType": "customize"}
        fields["multiPrompt"] = shots
        answer = await ask(client, "run", kind="model", program=model, fields=fields)
    assert answer["status"] == "done", answer
    sent = [entry.json for entry in emulator.journal if entry.path.endswith(f"/{model}")]
    assert sent[-1]["multiPrompt"] == shots


def test_without_the_sdk_one_sentence_says_how_to_get_it(
    call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delitem(sys.modules, "rh_api.cli.mcp_server")
    monkeypatch.setitem(sys.modules, "mcp.server.lowlevel.server", None)
    ran = call("mcp", "--out", str(tmp_path))
    assert ran.code == 2
    assert "pip install" in ran.err


@pytest.mark.parametrize("limit", ["much", ""])
def test_a_sum_that_is_none_is_refused_before_it_serves(
    call: Call, tmp_path: Path, limit: str
) -> None:
    ran = call("mcp", "--out", str(tmp_path), "--max-cost", limit)
    assert ran.code == 2
    assert f'"{limit}" is not a sum' in ran.err


async def test_without_a_limit_nothing_is_ordered(agent: Agent, emulator: Emulator) -> None:
    async with agent("") as client:
        refused = await paint(client)

    assert refused["status"] == "refused"
    assert "--max-cost" in refused["error"]["message"]
    assert emulator.counters.orders == 0


@pytest.mark.parametrize("name", ["DAY", "ORDER"])
async def test_a_limit_of_the_environment_is_one(
    agent: Agent, emulator: Emulator, name: str
) -> None:
    async with agent("", **{f"RUNNINGHUB_MAX_COST_{name}": "50 coins"}) as client:
        assert (await paint(client))["status"] == "done"
    assert emulator.counters.orders == 1


async def test_a_lost_reply_is_unknown_and_never_failed(agent: Agent, emulator: Emulator) -> None:
    emulator.faults.append(Fault(CREATE, "lost_reply"))
    async with agent() as client:
        lost = await paint(client)
        again = await paint(client)

    assert (lost["status"], again["status"]) == ("unknown", "unknown")
    assert lost["error"]["order"] is not None
    assert lost["order"] == again["order"] == lost["error"]["order"]
    assert any("Only a person" in note for note in lost["notes"])
    assert emulator.counters.orders == 1


async def test_a_run_reports_how_far_it_is(agent: Agent, emulator: Emulator) -> None:
    emulator.run_seconds = 0.3
    shares: list[float] = []

    async def progress(share: float, total: float | None, message: str | None) -> None:
        assert total == 1
        assert message
        shares.append(share)

    async with agent() as client:
        arguments = {"kind": "workflow", "program": catalog.TEXT_TO_IMAGE, "fields": PAINT}
        await client.call_tool("run", arguments, progress_callback=progress)

    assert shares
    assert shares == sorted(shares)


async def test_what_is_not_over_is_returned_and_goes_on(agent: Agent, emulator: Emulator) -> None:
    emulator.queue_seconds = 1
    async with agent() as client:
        ordered = await paint(client, wait=0)
        order = ordered["order"]
        await until(lambda: emulator.tasks)
        emulator.foreign_tasks = 99  # it waits for a machine until they go
        waited = await ask(client, "wait_for", order=order, seconds=0)
        (listed,) = (await ask(client, "history"))["orders"]
        emulator.foreign_tasks = 0
        done = await ask(client, "wait_for", order=order)
        later = await ask(client, "wait_for", order=order, seconds=0)

    assert ordered["status"] == "uploading"
    assert waited["status"] in ("queued", "running")
    assert listed["order"] == order
    assert done["status"] == later["status"] == "done", done
    assert done["order"] == order
    assert Path(done["results"][0]["path"]).is_file()
    assert later["results"] == done["results"]
    assert emulator.counters.orders == 1
    assert emulator.counters.cancels == 0


def paints(*seeds: int) -> list[dict[str, Any]]:
    run = {"kind": "workflow", "program": catalog.TEXT_TO_IMAGE}
    return [{**run, "fields": PAINT | {"3.seed": seed}} for seed in seeds]


async def test_several_runs_are_under_one_limit_and_each_has_its_state(
    agent: Agent, emulator: Emulator
) -> None:
    emulator.account.limit = 3
    async with agent("3 coins") as client:
        await paint(client)  # its cost is known from now on
        answer = await ask(client, "run_many", runs=paints(*range(8, 17)))
        again = await ask(client, "run_many", runs=paints(7))
    statuses = [run["status"] for run in answer["runs"]]
    assert set(statuses) == {"done", "refused"}, answer
    assert answer["status"] == "refused"
    assert emulator.counters.orders == 1 + statuses.count("done") <= 3
    assert len({run["order"] for run in answer["runs"] if run["status"] == "done"}) > 0
    assert (again["status"], again["runs"][0]["paid"]) == ("done", False)


async def test_of_several_runs_nothing_is_ordered_if_one_is_not_understood(
    agent: Agent, emulator: Emulator
) -> None:
    async with agent() as client:
        wrong = [*paints(1), {"kind": "model", "program": MODEL, "instance": "plus"}]
        assert (await ask(client, "run_many", runs=wrong))["status"] == "refused"
        assert (await ask(client, "run_many", runs=[]))["status"] == "refused"
    assert emulator.counters.orders == 0


async def test_several_runs_go_on_and_are_followed_each_by_its_number(
    agent: Agent, emulator: Emulator
) -> None:
    emulator.queue_seconds = 1
    async with agent() as client:
        begun = await ask(client, "run_many", runs=paints(1, 2), wait=0)
        orders = [run["order"] for run in begun["runs"]]
        done = [await ask(client, "wait_for", order=order) for order in orders]
    assert begun["status"] == "uploading"
    assert [answer["status"] for answer in done] == ["done", "done"]
    assert emulator.counters.orders == 2


async def test_a_wait_that_is_given_up_stops_nothing(agent: Agent, emulator: Emulator) -> None:
    emulator.run_seconds = 3600
    async with agent() as client:
        order = (await paint(client, wait=0))["order"]
        await until(lambda: emulator.tasks)
        waiting = asyncio.ensure_future(ask(client, "wait_for", order=order, seconds=3600))
        await ask(client, "balance")
        waiting.cancel()
        await asyncio.wait([waiting])
        assert (await ask(client, "wait_for", order=order, seconds=0))["status"] != "stopped"
        assert emulator.counters.cancels == 0
        stopped = await ask(client, "cancel", order=order)
        assert not emulator.open_tasks(emulator.default_key)
        again = await ask(client, "wait_for", order=order)
    assert stopped["status"] == again["status"] == "stopped"
    assert emulator.counters.cancels == 1


async def test_an_order_outlives_its_server_and_is_found_by_the_next(
    agent: Agent, emulator: Emulator
) -> None:
    emulator.queue_seconds = 1
    async with agent() as client:
        order = (await paint(client, wait=0))["order"]
        await until(lambda: emulator.tasks)
        emulator.foreign_tasks = 99
    assert emulator.open_tasks(emulator.default_key)
    emulator.foreign_tasks = 0
    async with agent() as client:
        done = await ask(client, "wait_for", order=order)
    assert (done["status"], done["order"]) == ("done", order), done
    assert emulator.counters.orders == 1
    assert emulator.counters.cancels == 0


async def test_what_was_not_sent_when_the_server_ended_is_not_started(
    agent: Agent, emulator: Emulator, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "out" / "in.png")
    emulator.faults.append(Fault("/openapi/v2/media/upload/", "hang", count=None))
    order = {"kind": "workflow", "program": catalog.INVERT, "files": {"10.image": "in.png"}}
    async with agent() as client:
        ordered = await ask(client, "run", **order, wait=0)
        await until(lambda: any("upload" in entry.path for entry in emulator.journal))
        waiting = await ask(client, "wait_for", order=ordered["order"], seconds=0)
    async with agent() as client:
        answer = await ask(client, "wait_for", order=ordered["order"])
        cancelled = await ask(client, "cancel", order=ordered["order"])
    assert waiting["status"] == "uploading"
    assert answer["status"] == cancelled["status"] == "not_started"
    assert emulator.counters.orders == 0


async def test_a_refusal_is_told_to_whoever_waits_for_it(agent: Agent, emulator: Emulator) -> None:
    async with agent() as client:
        ordered = await paint(client, fields={"6.nothing": "x"}, wait=0)
        refused = await ask(client, "wait_for", order=ordered["order"])
    assert refused["status"] == "refused"
    assert emulator.counters.orders == 0


async def test_what_a_person_knows_settles_an_unknown_order(
    agent: Agent, emulator: Emulator
) -> None:
    emulator.faults.append(Fault(CREATE, "lost_reply"))
    emulator.queue_seconds = 1
    async with agent() as client:
        order = (await paint(client))["order"]
        emulator.foreign_tasks = 99
        seen = await ask(client, "look", order=order)
        waited = await ask(client, "wait_for", order=order)
        (task,) = emulator.tasks
        wrong = await ask(client, "settle", order=order, is_task=task, not_started=True)
        settled = await ask(client, "settle", order=order, is_task=task)
        emulator.foreign_tasks = 0
        done = await ask(client, "wait_for", order=order)
    assert (seen["status"], seen["now"]) == ("unknown", 100)
    assert waited["status"] == "unknown"
    assert wrong["status"] == "refused"
    assert settled["status"] in ("queued", "running")
    assert done["status"] == "done", done
    assert emulator.counters.orders == 1


async def test_an_unknown_order_that_did_not_start_is_ordered_anew(
    agent: Agent, emulator: Emulator
) -> None:
    emulator.faults.append(Fault(CREATE, "reset"))
    async with agent() as client:
        unknown = await paint(client)
        settled = await ask(client, "settle", order=unknown["order"], not_started=True)
        done = await paint(client)
    assert unknown["status"] == "unknown"
    assert settled["status"] == "not_started"
    assert done["status"] == "done"
    assert done["order"] != unknown["order"]
    assert emulator.counters.orders == 1


async def test_an_agent_sees_what_it_made(agent: Agent, tmp_path: Path) -> None:
    large = PAINT | {"5.width": 2048, "5.height": 1024}
    arguments = {"kind": "workflow", "program": catalog.TEXT_TO_IMAGE, "fields": large}
    async with agent() as client:
        result = await client.call_tool("run", arguments)
        path = result.structured_content["results"][0]["path"]
        viewed = await client.call_tool("view", {"path": Path(path).name})
        (tmp_path / "secret.png").write_bytes(Path(path).read_bytes())
        (tmp_path / "out" / "link.png").symlink_to(tmp_path / "secret.png")
        hidden = await client.call_tool("view", {"path": "link.png"})
        link = next(part for part in result.content if part.type == "resource_link")
        (whole,) = (await client.read_resource(link.uri)).contents

    for answer in (result, viewed):
        (shown,) = [part for part in answer.content if part.type == "image"]
        data = base64.b64decode(shown.data)
        assert len(data) <= 700_000
        with Image.open(io.BytesIO(data)) as picture:
            assert picture.size == (1024, 512)
    assert base64.b64decode(whole.blob) == Path(path).read_bytes()
    assert hidden.is_error
    assert [part.type for part in hidden.content] == ["text"]


def test_at_most_four_pictures_are_shown_and_what_is_broken_is_not(tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n")
    files = [(broken, "image"), (catalogue_film(), "video")]
    noise = tmp_path / "noise.png"
    Image.effect_noise((1500, 1500), 200).convert("RGB").save(noise)
    files += [(noise, "image")] * 5
    shown = list(inline_pictures(files))
    assert len(shown) <= 4
    assert sum(len(data) for data, _ in shown) <= 700_000
    with Image.open(io.BytesIO(shown[0][0])) as poster:
        assert max(poster.size) <= 1024


def catalogue_film() -> Path:
    return ROOT / "rh_api" / "emulator" / "models" / "film.mp4"


@pytest.mark.parametrize("restarts", [False, True])
async def test_a_result_is_the_next_input(agent: Agent, emulator: Emulator, restarts: bool) -> None:
    again = {"kind": "workflow", "program": catalog.INVERT}
    async with agent() as client:
        first = (await paint(client))["results"][0]["input"]
        if not restarts:
            done = await ask(client, "run", **again, files={"10.image": first})
    async with agent() as client:
        if restarts:
            done = await ask(client, "run", **again, files={"10.image": first})
        for wrong in ("result:1/7", "result:99/0", "result:x", "result:1/../0"):
            refused = await ask(client, "run", **again, files={"10.image": wrong})
            assert refused["status"] == "refused", wrong
    assert done["status"] == "done", done
    assert emulator.counters.orders == 2


async def test_a_tool_says_what_it_does_and_what_it_costs(agent: Agent) -> None:
    async with agent() as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        said = client.server_capabilities
        assert client.server_info.version
    assert (said.prompts, said.resources) == (None, None)  # none is there
    for tool in tools.values():
        hints = tool.annotations
        assert tool.title
        assert hints is not None
        assert hints.read_only_hint is not None
        assert all(prop.get("description") for prop in tool.input_schema["properties"].values())
        assert tool.input_schema["additionalProperties"] is False
        assert tool.output_schema["additionalProperties"] is False
    reads = {name for name, tool in tools.items() if tool.annotations.read_only_hint}
    assert reads == {*("search_models", "show_form", "quote", "history", "balance", "view", "look")}
    assert "COSTS MONEY" in tools["run"].description
    assert "COSTS MONEY" in tools["run_many"].description
    assert "person" in tools["settle"].description.lower()


async def test_leaving_stops_the_task(agent: Agent, emulator: Emulator) -> None:
    emulator.run_seconds = 3600
    async with agent() as client:
        running = asyncio.ensure_future(paint(client))
        await until(lambda: emulator.tasks or running.done())
        running.cancel()
        await asyncio.wait([running])
        await until(lambda: not emulator.open_tasks(emulator.default_key))
    assert emulator.counters.cancels == 1
    assert running.cancelled() or running.result()["status"] == "stopped"


@pytest.mark.parametrize(
    "kind", ["lost_reply", "half_json", "truncated", "null_data", "empty", "wrong_types"]
)
async def test_a_create_that_goes_wrong_is_sent_once_and_never_called_failed(
    agent: Agent, emulator: Emulator, kind: Any
) -> None:
    emulator.faults.append(Fault(CREATE, kind))
    async with agent() as client:
        answers = [await paint(client) for _ in range(3)]

    assert emulator.counters.orders <= 1
    assert {answer["status"] for answer in answers} <= {"unknown", "done"}, answers
    # What is not known stays a question; an agent that asks again is told the same.
    assert len({answer["status"] for answer in answers}) == 1


async def test_an_argument_that_a_tool_does_not_have_orders_nothing(
    agent: Agent, emulator: Emulator
) -> None:
    order = {"kind": "workflow", "program": catalog.TEXT_TO_IMAGE, "values": PAINT}
    async with agent() as client:
        listed = await client.list_tools()
        refused = await client.call_tool("run", order)
        usual = {"run": order, "quote": order}
        others = [
            await client.call_tool(tool.name, usual.get(tool.name, {}) | {"task": "1", "key": "x"})
            for tool in listed.tools
        ]
    assert refused.is_error
    assert "values" in refused.content[0].text
    assert "a cat" not in refused.content[0].text
    assert emulator.counters.orders == 0
    assert all(tool.input_schema["additionalProperties"] is False for tool in listed.tools)
    assert all(answer.is_error for answer in others)


async def test_a_file_comes_from_the_folder_alone(
    agent: Agent, emulator: Emulator, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "out" / "in.png")
    Image.new("RGB", (8, 8)).save(tmp_path / "secret.png")
    (tmp_path / "out" / "link.png").symlink_to(tmp_path / "secret.png")
    arguments = {"kind": "workflow", "program": catalog.INVERT}
    async with agent() as client:
        for name in ("../secret.png", str(tmp_path / "secret.png"), "link.png", "~/x.png"):
            refused = await ask(client, "run", **arguments, files={"10.image": name})
            assert refused["status"] == "refused", name
        # Also where a name would hide the value's beginning from what looks at the value.
        (tmp_path / "x=").mkdir()
        for files, fields in (
            ({f"10.image=@{tmp_path}/x": "/../secret.png"}, {}),
            ({}, {f"10.image=@{tmp_path}/x": "/../secret.png"}),
        ):
            hidden = await ask(client, "run", **arguments, files=files, fields=fields)
            assert hidden["status"] == "refused", hidden
        fields = {"10.image": f"@{tmp_path / 'secret.png'}"}
        text = await ask(client, "run", **arguments, fields=fields)
        assert text["status"] != "done"
        assert not emulator.uploads
        done = await ask(client, "run", **arguments, files={"10.image": "in.png"})

    assert done["status"] == "done"
    assert len(emulator.uploads) == 1


@pytest.mark.parametrize("program", ["--again", "-h", "", "--out=/"])
async def test_a_name_is_no_option(agent: Agent, emulator: Emulator, program: str) -> None:
    async with agent() as client:
        answers = [
            await ask(client, "run", kind="workflow", program=program),
            await ask(client, "show_form", kind="app", program=program),
        ]
    assert [answer["status"] for answer in answers] == ["refused"] * 2
    assert emulator.counters.orders == 0


async def test_a_task_is_looked_at_fetched_and_listed(agent: Agent) -> None:
    async with agent() as client:
        task_id = (done := await paint(client))["task_id"]
        status = await ask(client, "wait_for", order=done["order"], seconds=0)
        fetched = await ask(client, "wait_for", order=done["order"])
        listed = await ask(client, "history")
        balance = await ask(client, "balance")
        quoted = await ask(
            client, "quote", kind="workflow", program=catalog.TEXT_TO_IMAGE, fields=PAINT
        )

    assert status["status"] == "done"
    assert fetched["task_id"] == task_id
    assert [order["task_id"] for order in listed["orders"]] == [task_id]
    assert balance["coins"]
    assert quoted["orders"]


async def test_the_key_is_in_no_answer(agent: Agent, emulator: Emulator) -> None:
    emulator.accounts[emulator.default_key] = Account(enabled=False)
    async with agent() as client:
        answers = [await paint(client), await ask(client, "balance"), await ask(client, "history")]
    assert emulator.default_key not in json.dumps(answers)


@pytest.mark.parametrize(
    ("header", "status"),
    [(None, 401), (b"Bearer other", 401), (b"secret", 401), (b"Bearer secret", 200)],
)
async def test_http_answers_whoever_knows_the_token(header: bytes | None, status: int) -> None:
    sent: list[dict[str, Any]] = []

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    headers = [] if header is None else [(b"authorization", header)]
    await behind_token(app, "secret")({"type": "http", "headers": headers}, None, send)
    assert sent[0]["status"] == status


async def test_an_order_that_waits_for_the_cost_limit_is_told_as_queued(
    agent: Agent, emulator: Emulator
) -> None:
    emulator.hold_at = "3"
    async with agent(RUNNINGHUB_MAX_COST_DAY="10 coins") as client:
        await paint(client, wait=0)
        await until(lambda: emulator.counters.orders == 1)
        second = await paint(client, fields={"6.text": "another"}, wait=0)
        told: dict[str, Any] = {}
        while "cost limits" not in told.get("message", ""):
            told = await ask(client, "wait_for", order=second["order"], seconds=0.1)
        await ask(client, "cancel", order=second["order"])
        emulator.hold_at = None
    assert told["status"] == "queued"
    assert emulator.counters.orders == 1
