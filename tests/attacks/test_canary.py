"""The key is nowhere but in the requests that need it: not on the disk, in a log,
or in an error."""

from __future__ import annotations

import io
import json
import logging
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rh_api.cli.entry import main
from rh_api.client import Client, Progress, Watch
from rh_api.emulator import Emulator, Fault, catalog
from rh_api.errors import RunningHubError
from rh_api.run.progress import unwatched
from tests.attacks.conftest import CANARY, files
from tests.support.jobs import invert, paint

CREATE, QUERY, UPLOAD = "/task/openapi/create", "/openapi/v2/query", "/openapi/v2/media/upload"
RESULTS, WORKFLOW = "/results/", "/api/openapi/getJsonApiFormat"
ECHO = f'{{"code": 999, "msg": "bad key {CANARY} for apiKey={CANARY}", "data": null}}'

# Each of them makes a run of its own fail, in a place and a way of its own.
FAILING: tuple[tuple[str, str, Any], ...] = (
    *((CREATE, kind, None) for kind in ("lost_reply", "reset", "html", "empty", "null_data")),
    *((CREATE, "code", code) for code in (500, 802, 803, 412, 416, 433, 1002, 7777)),
    (CREATE, "body", ECHO),
    (CREATE, "redirect", "elsewhere"),
    *((WORKFLOW, "code", code) for code in (380, 810, 802)),
    (WORKFLOW, "body", ECHO),
    (WORKFLOW, "redirect", "elsewhere"),
    *((UPLOAD, "code", code) for code in (401, 301)),
    (UPLOAD, "redirect", "elsewhere"),
    (UPLOAD, "body", ECHO),
    *((RESULTS, "status", status) for status in (403, 404)),
    (RESULTS, "redirect", "elsewhere"),
    (RESULTS, "body", f"<!DOCTYPE html>{CANARY}"),
    (QUERY, "code", 805),
    (QUERY, "code", 1501),
)


OLD_UPLOAD = "/task/openapi/upload"


def faults(path: str, kind: Any, value: Any, elsewhere: str) -> list[Fault]:
    status = {"redirect": 307, "body": 200}.get(kind)
    if kind == "redirect":
        value = elsewhere + CREATE
    struck = (path, OLD_UPLOAD) if path == UPLOAD else (path,)
    return [Fault(endpoint, kind, count=None, value=value, status=status) for endpoint in struck]


async def attempt(client: Client, path: str, number: int, watch: Watch) -> None:
    """A run that meets what lies on `path`."""
    if path == WORKFLOW:  # which a run would take from the copy of the last one
        await client.programs.workflow(catalog.INVERT, fresh=True)
    await client.run(invert(number), watch)


def chain(error: BaseException) -> Iterator[BaseException]:
    """An error and all that it was made from."""
    waiting: list[object] = [error]
    seen: list[BaseException] = []
    while waiting:
        part = waiting.pop()
        if isinstance(part, BaseException) and part not in seen:
            seen.append(part)
            yield part
            waiting += [part.__cause__, part.__context__, *part.args]


def words(error: BaseException) -> str:
    texts = [f"{err} {err!r} {err.args!r} {getattr(err, '__dict__', {})!r}" for err in chain(error)]
    return "\n".join([*texts, *traceback.format_exception(error)])


@pytest.fixture
def _loud(caplog: pytest.LogCaptureFixture) -> None:
    for name in ("", "runninghub", "urllib3", "aiohttp", "asyncio", "requests"):
        caplog.set_level(logging.DEBUG, name or None)


def holders(folder: Path) -> list[Path]:
    return [path for path in files(folder) if CANARY.encode() in path.read_bytes()]


@pytest.mark.usefixtures("_loud")
async def test_the_key_stays_secret_through_failing_and_good_runs(
    client: Client, emulator: Emulator, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert len(FAILING) == 30
    news: list[Progress] = []
    output = ""
    other = Emulator(strict=True)
    other.accounts[CANARY] = emulator.accounts[CANARY]
    async with other.serve() as elsewhere:
        for number, (path, kind, value) in enumerate(FAILING):
            emulator.faults[:] = faults(path, kind, value, elsewhere)
            with pytest.raises(RunningHubError) as caught:
                await attempt(client, path, number, news.append)
            output += words(caught.value)
    assert other.counters.total == 0
    emulator.faults.clear()
    for number in range(10):
        outcome = await client.run(paint(f"good {number}"), news.append)
        output += repr(outcome)
    output += repr(await client.account.status()) + repr(client) + repr(client.settings)
    await client.close()

    # The service was made to say it; what it says is quoted, and must be cut out there as well.
    assert CANARY not in output
    assert CANARY not in repr(news)
    assert CANARY not in caplog.text
    assert caplog.records
    assert files(home / "state")
    assert holders(home) == []
    assert not emulator.counters.keys_misplaced
    assert emulator.counters.keys_seen


@pytest.mark.usefixtures("_loud")
@pytest.mark.parametrize("path", [CREATE, WORKFLOW, UPLOAD])
@pytest.mark.parametrize("way", ["plain", "json", "percent", "location"])
async def test_the_key_is_not_told_however_the_service_spells_it(
    client: Client, emulator: Emulator, caplog: pytest.LogCaptureFixture, path: str, way: str
) -> None:
    struck = (path, OLD_UPLOAD) if path == UPLOAD else (path,)
    emulator.faults += [Fault(endpoint, "echo_key", count=None, value=way) for endpoint in struck]
    with pytest.raises(RunningHubError) as caught:
        await attempt(client, path, 1, unwatched)
    assert way == "location" or "wrong parameter:" in str(caught.value)
    percent = "".join(f"%{ord(letter):02X}" for letter in CANARY)
    for text in (words(caught.value), caplog.text):
        assert not any(spelling in text for spelling in (CANARY, percent))


@pytest.mark.usefixtures("_loud")
def test_the_command_line_never_shows_the_key(
    emulator: Emulator, thread_url: str, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    variables = {
        "RUNNINGHUB_API_KEY": CANARY,
        "RUNNINGHUB_BASE_URL": thread_url,
        "RUNNINGHUB_STATE": str(home / "state"),
    }
    output = ""
    faults = [None, *(Fault(CREATE, kind) for kind in ("lost_reply", "html", "reset"))]
    faults += [Fault(CREATE, "body", value=ECHO, status=200), Fault(WORKFLOW, "html", count=None)]
    for number, fault in enumerate(faults):
        emulator.faults[:] = [fault] if fault else []
        for more in ((), ("--json",)):
            out, err = io.StringIO(), io.StringIO()
            argv = ("run", catalog.TEXT_TO_IMAGE, "--set", f"6.text={number}{more}")
            main((*argv, "--out", str(home / "out"), *more), out, err, variables)
            output += out.getvalue() + err.getvalue()
    emulator.faults.clear()
    for argv in (("account",), ("workflow", catalog.INVERT)):
        out, err = io.StringIO(), io.StringIO()
        assert main((*argv, "--json"), out, err, variables) == 0
        assert json.loads(out.getvalue())
        output += out.getvalue() + err.getvalue()
    assert CANARY not in output
    assert CANARY not in caplog.text
    assert holders(home) == []
