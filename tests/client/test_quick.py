"""Quick Create from the person's side: a module by its call example, and its styles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rh_api.client import Client, Job
from rh_api.emulator import Emulator, Fault, catalog
from rh_api.errors import (
    AppNotFound,
    BadField,
    BadInput,
    GraphRejected,
    Refused,
    RunningHubError,
    TaskFailed,
    Uncertain,
)
from rh_api.wire.orders import TaskOptions
from rh_api.wire.quick import example_of, read_module
from tests.client.conftest import MakeClient
from tests.support.jobs import picture

PAINT, REDRAW, BLEND = catalog.modules().values()
RUN = "/task/openapi/quick-ai-app/run"
KEY = "0123456789abcdef0123456789abcdef"  # the one in the pasted text, which is nobody's here


def ordered(emulator: Emulator) -> list[Any]:
    return [entry.json for entry in emulator.journal if entry.path == RUN]


def values(order: Any) -> dict[str, str]:
    return {f"{e['nodeId']}.{e['fieldName']}": e["fieldValue"] for e in order["nodeInfoList"]}


async def test_a_module_runs_with_all_of_its_entries(client: Client, emulator: Emulator) -> None:
    fields = {"10.image": picture(), "12.steps": 5}
    outcome = await client.run(Job(quick=REDRAW.example(KEY), fields=fields))
    assert outcome.results
    (order,) = ordered(emulator)
    assert order["webappId"] == REDRAW.webapp_id
    assert order["quickCreateCode"] == "002"
    sent = values(order)
    assert sent.pop("10.image") not in ("", "example.png")
    assert sent == {"3.text": "ink", "2.lora_name": "ink_v1.safetensors", "12.steps": "5"}
    assert order["apiKey"] == emulator.default_key


@pytest.mark.parametrize("module", catalog.modules().values(), ids=lambda module: module.name)
def test_what_is_kept_of_an_example_is_the_same_module(module: catalog.Module) -> None:
    parsed = read_module(module.example(KEY))
    assert read_module(example_of(parsed)) == parsed
    assert KEY not in example_of(parsed)


@pytest.mark.parametrize("module", [PAINT, BLEND], ids=lambda module: module.name)
async def test_the_other_modules_run_as_they_are(client: Client, module: catalog.Module) -> None:
    assert (await client.run(Job(quick=module.example()))).results


async def test_the_journal_knows_it_by_both_its_names_and_serves_it_again(
    client: Client, emulator: Emulator
) -> None:
    job = Job(quick=PAINT.example())
    first = await client.run(job)
    assert (await client.run(job)).task_id == first.task_id
    (past,) = (await client.history()).orders
    assert (past.kind, past.program) == ("quick", f"{PAINT.webapp_id}/001")
    emulator.modules[PAINT.webapp_id].code = "009"
    renumbered = PAINT.example().replace('"001"', '"009"')
    assert (await client.run(Job(quick=renumbered))).task_id != first.task_id


async def test_a_pasted_key_goes_nowhere(
    client: Client, emulator: Emulator, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    job = Job(quick=REDRAW.example(KEY))
    await client.run(job)
    assert KEY not in repr(job)
    assert all(KEY not in f"{entry}" for entry in emulator.journal)
    assert KEY not in caplog.text
    await client.close()
    paths = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert paths
    assert all(KEY.encode() not in path.read_bytes() for path in paths)


async def test_new_seeds_are_drawn_here_since_every_entry_has_to_be_sent(
    client: Client, emulator: Emulator
) -> None:
    job = Job(quick=PAINT.example(), reroll_seeds=True)
    first, second = await client.run(job), await client.run(job)
    assert first.task_id != second.task_id
    seeds = {values(order)["3.seed"] for order in ordered(emulator)}
    assert len(seeds) == 2
    assert "42" not in seeds


@pytest.mark.parametrize(
    ("job", "kind"),
    [
        (Job(quick=PAINT.example(), options=TaskOptions(instance="plus")), BadInput),
        (
            Job(quick=PAINT.example(), options=TaskOptions(webhook_url="https://a.example")),
            BadInput,
        ),
        (Job(quick=PAINT.example(), fields={"6.nothing": "x"}), BadField),
        (Job(quick=PAINT.example(), fields={"5.batch_size": "many"}), BadField),
        (Job(quick="https://www.runninghub.ai/quick"), BadInput),
    ],
)
async def test_what_cannot_work_is_refused_before_anything_goes_out(
    client: Client, emulator: Emulator, job: Job, kind: type[RunningHubError]
) -> None:
    with pytest.raises(kind):
        await client.run(job)
    assert not emulator.journal


@pytest.mark.parametrize(
    ("module", "kind", "code"),
    [
        (PAINT.example().replace('"001"', '"007"'), Refused, 301),
        (PAINT.example().replace(PAINT.webapp_id, "1900000000000000999"), AppNotFound, 901),
        (PAINT.example().replace("batch_size", "height"), Refused, 803),
    ],
    ids=["code", "module", "entry"],
)
async def test_a_refusal_says_to_paste_anew(
    client: Client, emulator: Emulator, module: str, kind: type[RunningHubError], code: int
) -> None:
    with pytest.raises(kind, match="paste its call example again") as caught:
        await client.run(Job(quick=module))
    assert caught.value.code == code
    assert emulator.counters.orders == 0
    assert not (await client.history()).orders


@pytest.mark.parametrize("code", [301, 901])
async def test_of_a_task_that_failed_it_is_not_said_that_it_was_refused(
    client: Client, emulator: Emulator, code: int
) -> None:
    emulator.fail_next = {"error_code": code, "error_message": "bad"}
    with pytest.raises(TaskFailed, match="cost 1 coin") as caught:
        await client.run(Job(quick=PAINT.example()))
    assert "refused this Quick Create module" not in str(caught.value)


async def test_of_a_task_that_was_made_and_rejected_it_is_not_said_that_it_was_refused(
    client: Client, emulator: Emulator
) -> None:
    emulator.invalid_graph = "tips"
    with pytest.raises(GraphRejected, match="accepted the order but will not run node") as caught:
        await client.run(Job(quick=REDRAW.example(), fields={"10.image": "gone.png"}))
    assert caught.value.task_id in emulator.tasks
    assert "refused this Quick Create module" not in str(caught.value)


async def test_a_lost_reply_is_a_question_and_never_a_second_order(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.faults.append(Fault(RUN, "lost_reply"))
    client = make_client()
    with pytest.raises(Uncertain):
        await client.run(Job(quick=PAINT.example()))
    with pytest.raises(Uncertain):
        await client.run(Job(quick=PAINT.example()))
    assert len(ordered(emulator)) == 1


async def test_the_example_of_the_other_site_is_told_before_anything_goes_out(
    make_client: MakeClient,
) -> None:
    line = f"curl 'https://www.runninghub.cn{RUN}' -d '{PAINT.example()}'"
    client = make_client(RUNNINGHUB_BASE_URL="https://www.runninghub.ai")
    with pytest.raises(RunningHubError) as caught:
        client.known_program(Job(quick=line))
    assert caught.value.key == "error.wrong_site"


async def test_styles_are_listed_without_a_key(client: Client, emulator: Emulator) -> None:
    styles = await client.quick.params(REDRAW.webapp_id)
    assert [(style.name, style.key, style.loras) for style in styles] == [
        ("ink", "input1", (("ink_v1.safetensors", "0.7"),)),
        ("watercolor", "input2", (("watercolor_v2.safetensors", "0.7"),)),
    ]
    assert await client.quick.params(PAINT.webapp_id) == ()
    assert await client.quick.params(REDRAW.webapp_id, 1) == ()
    assert all(emulator.default_key not in f"{entry}" for entry in emulator.journal)
    with pytest.raises(BadInput):
        await client.quick.params("../1")
