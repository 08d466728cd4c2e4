"""What a person sees while a node runs, and what they may hand on when it has failed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.support.users import become_unknown_user
from tests.unit.nodes.conftest import load_pack
from tests.unit.nodes.host import Host, hosted

KEY = "canary7Key0canary7Key0canary7Key"
PROMPT = "a secret garden\nat night"


@pytest.fixture
async def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Host]:
    monkeypatch.setenv("RUNNINGHUB_API_KEY", KEY)
    monkeypatch.setenv("RUNNINGHUB_BASE_URL", "https://www.runninghub.ai")
    async with hosted(tmp_path, monkeypatch) as host:
        yield host


@pytest.fixture
def reports(host: Host) -> ModuleType:
    return load_pack("nodes.runtime.failure_reports")


def place(node_id: str, prompt: str = "p") -> Any:
    place = load_pack("nodes.runtime.node_outcomes").Place
    return place(prompt, "graph", node_id, "RunningHubRemoteWorkflow", "1", "", None)


def fail(reports: ModuleType, node_id: str, make: Any, **inputs: Any) -> None:
    """A run of a node that ends in an error of ours."""
    failures = load_pack("nodes.values.failures")
    listed = {name: [value] for name, value in inputs.items()}
    subject = reports.Subject("RunningHubRemoteWorkflow", inputs["workflow"])
    with (
        pytest.raises(failures.NodeFailure),
        reports.noted(place(node_id), subject, listed),
        failures.as_node_failures(),
    ):
        raise make(load_pack("rh_api.errors"))


def failed_in_the_cloud(errors: Any) -> Exception:
    return errors.TaskFailed(
        code=805,
        task_id="1900000000000000301",
        node_id="12",
        node="12",
        title="My sampler",
        node_class="KSampler",
        exception="RuntimeError",
        remote="prompt 'a secret garden at night' at night is not allowed in /home/x",
    )


async def test_a_report_says_where_it_failed_and_nothing_of_the_person(
    host: Host, reports: ModuleType
) -> None:
    link = "https://www.runninghub.ai/workflow/1900000000000000109?from=me"
    fail(reports, "6:3", failed_in_the_cloud, workflow=link, **{"6.text": PROMPT, "3.seed": 7})
    report = await host.post("report", prompt="p", node_id="6:3")
    for word in (
        "RunningHubRemoteWorkflow (6:3)",
        "Program: 1900000000000000109",
        "www.runninghub.ai",
        "3.seed, 6.text",
        "1900000000000000301",
        "12 KSampler",
        "RuntimeError",
        "error.task_failed",
        "805",
        "Fate: over",
        "rh_api doctor --report",
        "is not allowed",
    ):
        assert word in report["text"], word
    assert "secret garden" not in report["text"]
    assert "from=me" not in report["text"]
    assert report["link"].endswith("/1900000000000000301")
    full = await host.post("report", prompt="p", node_id="6:3", words=True)
    assert "secret garden" in full["text"]
    assert KEY not in host.said


async def test_a_report_is_english_whatever_the_page_speaks(
    host: Host, reports: ModuleType
) -> None:
    await host.speak("zh")
    fail(reports, "1", lambda errors: errors.NoOutput(task_id="7"), workflow="1")
    assert "saved nothing" in (await host.post("report", prompt="p", node_id="1"))["text"]


async def test_a_failure_is_told_to_a_user_without_a_home(
    host: Host, reports: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    become_unknown_user(monkeypatch)
    fail(reports, "1", lambda errors: errors.NoOutput(task_id="7"), workflow="1")
    assert "saved nothing" in (await host.post("report", prompt="p", node_id="1"))["text"]


async def test_what_a_refusal_quotes_is_cut_out(host: Host, reports: ModuleType) -> None:
    def refused(errors: Any) -> Exception:
        return errors.BadField("error.field_type", field="3.steps", node="K", value="my words")

    fail(reports, "1", refused, workflow="1")
    assert "my words" not in (await host.post("report", prompt="p", node_id="1"))["text"]


async def test_words_that_a_service_quotes_are_cut_out_whatever_their_marks(
    host: Host, reports: ModuleType
) -> None:
    words = "花园 （夜晚）。 一只猫"  # noqa: RUF001

    def failed(errors: Any) -> Exception:
        return errors.TaskFailed("error.task_failed_plain", remote=f"not allowed: {words}")

    fail(reports, "1", failed, workflow="1", **{"6.text": words})
    text = (await host.post("report", prompt="p", node_id="1"))["text"]
    assert "not allowed" in text
    assert "一只猫" not in text


async def test_a_refused_workflow_id_says_where_another_is_named(
    host: Host, reports: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(errors: Any) -> Exception:
        return errors.WorkflowNotFound("error.placeholder_refused", sent="1", remote="no")

    async def refused_id(workflow: str) -> object:
        fail(reports, "1", refused, workflow=workflow)
        return (await host.post("report", prompt="p", node_id="1"))["refused_id"]

    assert await refused_id("") == ""  # the environment's account has no page of its own
    monkeypatch.delenv("RUNNINGHUB_API_KEY")
    await host.post("profiles/save", name="main", origin="https://www.runninghub.ai", key=KEY)
    assert await refused_id("") == "main"
    assert await refused_id("1900000000000000101") == ""
    fail(reports, "1", failed_in_the_cloud, workflow="")
    assert (await host.post("report", prompt="p", node_id="1"))["refused_id"] is None


async def test_a_report_is_of_one_run_and_old_ones_make_room(
    host: Host, reports: ModuleType
) -> None:
    def no_output(errors: Any) -> Exception:
        return errors.NoOutput(task_id="7")

    fail(reports, "1", no_output, workflow="1")
    # Another workflow may have a node of the same id.
    with reports.noted(place("1", "other"), reports.Subject("RunningHubRemoteWorkflow"), {}):
        pass
    assert (await host.post("report", prompt="p", node_id="1"))["graph"] == "graph"
    error = await host.error("report", prompt="other", node_id="1")
    assert error["key"] == "node.no_report"
    for number in range(reports.KEPT + 5):
        fail(reports, f"n{number}", no_output, workflow="1")
    assert (await host.error("report", prompt="p", node_id="n4"))["key"] == "node.no_report"
    assert (await host.post("report", prompt="p", node_id="n5"))["task_id"] == "7"


@pytest.mark.parametrize(
    ("stage", "params", "seconds", "line"),
    [
        ("RUNNING", {}, 0.4, "running"),
        ("RUNNING", {"node": "KSampler"}, 12.7, "running KSampler · 12 s"),
        (
            "RUNNING",
            {"node": "KSampler", "usual": 33.8},
            12,
            "running KSampler · 12 s of about 34 s",
        ),
        ("RUNNING", {"elapsed": 30.0, "usual": 34.0}, 2, "running · 32 s of about 34 s"),
        ("RUNNING", {"usual": 0.2}, 3, "running · 3 s"),
        ("RUNNING", {"usual": 2.0}, 4, "running · 4 s"),
        ("QUEUED", {}, 3, "queued · 3 s"),
        (
            "QUEUED",
            {"running": 2, "queued": 4},
            9,
            "queued (tasks of the account: 2 running, 4 waiting) · 9 s",
        ),
        ("WAITING_SLOT", {"places": "3 of 3"}, 0, "waiting for a free slot (3 of 3 used)"),
    ],
)
async def test_a_line_says_what_it_waits_for_and_how_long(
    host: Host, stage: str, params: dict[str, Any], seconds: float, line: str
) -> None:
    progress, display = load_pack("rh_api.run.progress"), load_pack("nodes.runtime.node_display")
    news = progress.Progress(progress.Stage[stage], params=params)
    assert display.progress_line(news, seconds) == line
