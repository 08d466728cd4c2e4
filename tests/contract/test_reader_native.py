"""The native route: we ask what was recorded, and read what it means."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rh_api import errors
from rh_api.errors import Fate, RunningHubError
from rh_api.wire.call import Auth, Call, Response
from rh_api.wire.native import NativeQueue, Prompt, end_of, native_queue, queue_prompt
from rh_api.wire.tasks import Phase, RemoteResult, Report
from tests.contract.recorded import load

KEY = "fakekey0fakekey0fakekey0fakekey0"
PROMPT = Prompt("default", "0f0e0d0c-0b0a-4908-8706-050403020100")
FAMILIES = ("native_prompt", "native_history", "native_queue")
EXCHANGES = [
    pytest.param(family, sample, id=f"{family}: {sample['name']}")
    for family in FAMILIES
    for sample in load(family)
]


def call(family: str, body: dict[str, Any]) -> Call[Any]:
    if family == "native_history":
        return end_of(PROMPT)
    return queue_prompt(PROMPT, json.dumps(body["prompt"])) if body else native_queue("default")


def read(family: str, name: str) -> Any:
    (sample,) = [sample for sample in load(family) if sample["name"] == name]
    response = sample["response"]
    body = json.dumps(response["json"]).encode()
    return call(family, sample["request"].get("json", {})).read(Response(response["status"], body))


@pytest.mark.parametrize(("family", "sample"), EXCHANGES)
def test_the_recorded_request_is_what_we_send(family: str, sample: dict[str, Any]) -> None:
    recorded = sample["request"]
    body = recorded.get("json")
    request = call(family, body or {}).request
    assert request.auth is Auth.PATH
    path = request.path.replace("{key}", KEY)
    assert (request.method, path) == (recorded["method"], recorded["path"])
    if "no lower-case" not in sample["name"]:  # which is never sent
        assert request.body == body


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("taken, under the caller's own id", PROMPT.task_id),
        ("taken, under an id of the service", "native-1f0e0d0c-0b0a-4908-8706-050403020100"),
    ],
)
def test_a_prompt_that_was_taken_is_a_ticket(name: str, task: str) -> None:
    ticket = read("native_prompt", name)
    assert (ticket.task_id, ticket.phase) == (task, Phase.QUEUED)
    assert ticket.socket_url == PROMPT.socket_url
    assert not ticket.tips.node_errors


def test_what_was_taken_in_part_names_the_node_that_will_not_run() -> None:
    assert list(read("native_prompt", "taken in part").tips.node_errors) == ["2"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("refused by ComfyUI", errors.GraphRejected),
        ("refused with a code", errors.GraphRejected),
        ("an id that is no lower-case UUID", errors.GraphRejected),
        ("wrong key", errors.KeyRefused),
        ("no coins", errors.NoBalance),
    ],
)
def test_a_refusal_is_its_error_and_nothing_was_started(
    name: str, kind: type[RunningHubError]
) -> None:
    with pytest.raises(kind) as caught:
        read("native_prompt", name)
    assert caught.value.fate is Fate.NOT_STARTED
    if name.startswith("refused"):
        assert caught.value.node_id == "1"


@pytest.mark.parametrize(
    "body", [b"", b"{", b"{}", b'{"prompt_id": null}', b"<html>", b'{"code":0}']
)
def test_an_answer_that_names_no_prompt_says_nothing_of_the_order(body: bytes) -> None:
    with pytest.raises(RunningHubError) as caught:
        queue_prompt(PROMPT, "{}").read(Response(200, body))
    assert caught.value.fate is Fate.UNKNOWN


def test_what_is_not_over_has_no_end() -> None:
    assert read("native_history", "not over, or unknown") is None


def test_a_success_lists_its_files_without_the_key() -> None:
    report = read("native_history", "success")
    url = "/proxy/{key}/view?filename=x_00001_.png&subfolder=&type=output"
    assert report == Report(Phase.SUCCESS, (RemoteResult(url, "9"),))


def test_a_text_is_a_result() -> None:
    assert read("native_history", "a text").results == (RemoteResult("", "22", text="a caption"),)


@pytest.mark.parametrize(
    ("name", "phase", "node"),
    [
        ("failed", Phase.FAILED, "9"),
        ("failed, without a word", Phase.FAILED, None),
        ("interrupted", Phase.CANCELLED, None),
    ],
)
def test_a_bad_end_is_its_error(name: str, phase: Phase, node: str | None) -> None:
    report = read("native_history", name)
    assert report.phase is phase
    assert (report.error.fate, report.error.node_id) == (Fate.OVER, node)


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("nothing there", NativeQueue((), ())),
        ("one runs", NativeQueue((PROMPT.prompt_id,), ())),
        ("one waits", NativeQueue((), (PROMPT.prompt_id,))),
    ],
)
def test_the_queue_tells_what_runs_and_what_waits(name: str, lines: NativeQueue) -> None:
    assert read("native_queue", name) == lines
