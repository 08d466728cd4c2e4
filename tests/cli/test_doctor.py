"""`doctor`: it asks what is doubtful, orders nothing, and says what is other than assumed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rh_api.doctor.examine import examine
from rh_api.emulator import Emulator, Fault
from rh_api.emulator.accounts import example_accounts
from rh_api.emulator.catalog import INVERT
from rh_api.emulator.doubts import MIB
from rh_api.settings import Settings
from rh_api.texts import english
from tests.support.jobs import painting_small
from tests.unit.test_unknowns import ROWS, Row

from .conftest import Call, Ran

CREATES = (
    "/task/openapi/create",
    "/task/openapi/ai-app/run",
    "/task/openapi/quick-ai-app/run",
    "/openapi/v2/run/",
    "/proxy/{key}/prompt",
)
FREE = [row for row in ROWS if row.ask == "free"]


@pytest.fixture
def emulator() -> Emulator:
    return painting_small(Emulator(run_seconds=0))


@pytest.fixture
def shared(emulator: Emulator) -> str:
    """A key for which models are priced."""
    accounts = example_accounts()
    return next(key for key, account in accounts.items() if account.kind == "SHARED")


def verdicts(ran: Ran) -> dict[str, str]:
    return {finding["id"]: finding["verdict"] for finding in ran.document["findings"]}


def others(ran: Ran) -> list[str]:
    return [name for name, verdict in verdicts(ran).items() if verdict == "other"]


def test_all_that_can_be_asked_is_as_assumed_and_nothing_is_ordered(
    call: Call, emulator: Emulator, shared: str
) -> None:
    ran = call(
        "doctor",
        "--json",
        "--workflow",
        INVERT,
        "--upload",
        "30",
        RUNNINGHUB_API_KEY=shared,
    )

    assert (ran.code, others(ran)) == (0, []), ran.err
    told = verdicts(ran)
    assert {row.id.strip("`") for row in ROWS} <= told.keys()
    free = [row.id.strip("`") for row in FREE]
    assert [name for name in free if told[name] != "as_assumed"] == []
    assert told["workflow"] == told["fetch"] == told["key"] == "as_assumed"
    assert emulator.counters.orders == 0
    assert [path for path in CREATES if emulator.counters.under(path)] == []
    assert emulator.counters.keys_misplaced == set()
    assert shared not in ran.out + ran.err


def turned() -> list[Any]:
    return [
        pytest.param(row, reading, id=f"{row.id}-{reading}".replace("`", ""))
        for row in FREE
        for reading in row.readings[1:]
    ]


@pytest.mark.parametrize(("row", "reading"), turned())
def test_a_row_of_another_reading_and_no_other_is_told(
    call: Call, emulator: Emulator, shared: str, row: Row, reading: object
) -> None:
    setattr(emulator, row.name, reading)
    size = ("--upload", "30") if "limit" in row.id else ()

    ran = call("doctor", "--json", *size, RUNNINGHUB_API_KEY=shared)

    assert (ran.code, others(ran)) == (6, [row.id.strip("`")]), ran.err
    assert "Traceback" not in ran.err
    finding = next(item for item in ran.document["findings"] if item["verdict"] == "other")
    assert finding["advice"]


def test_the_table_says_what_an_answer_means(call: Call, emulator: Emulator, shared: str) -> None:
    emulator.native_socket = "1011"
    emulator.resource_filter = "file"

    ran = call("doctor", RUNNINGHUB_API_KEY=shared)

    assert ran.code == 6
    assert ran.out.count("other than assumed") == 2
    assert "asked for every few seconds instead of being pushed. Nothing else changes." in ran.out
    assert "models are found by both" in ran.out
    assert "The native route, ComfyUI's own API there, is" in ran.out
    assert "Answers that differ from what this program assumes: 2." in ran.err


def test_a_refused_size_is_told_with_the_size(call: Call, emulator: Emulator, shared: str) -> None:
    emulator.upload_limit = 20 * MIB

    ran = call("doctor", "--upload", "30", RUNNINGHUB_API_KEY=shared)

    assert "31,457,280 bytes were refused with 1008" in ran.out
    assert "is sent by the older one" in ran.out


@pytest.mark.parametrize(
    "fault",
    [
        Fault("/", "status", count=None, value=500),
        Fault("/", "html", count=None),
        Fault("/", "half_json", count=None),
        Fault("/", "truncated", count=None),
        Fault("/", "reset", count=None),
        Fault("/", "retry_after", count=None, value=30),
    ],
    ids=lambda fault: fault.kind,
)
def test_a_service_that_fails_everywhere_ends_it_with_nothing_told(
    call: Call, emulator: Emulator, fault: Fault
) -> None:
    emulator.faults.append(fault)

    ran = call("doctor", "--json")

    assert ran.code == 4, ran.err
    told = verdicts(ran)
    del told["native-list"]  # of which a part is read
    assert set(told.values()) == {"not_told"}
    assert "Traceback" not in ran.err


async def test_a_service_that_never_answers_ends_it_in_time(
    emulator: Emulator, variables: dict[str, str]
) -> None:
    emulator.faults.append(Fault("/", "hang", count=None))

    examining = examine(Settings.from_mapping(variables), seconds=1.0)
    examination = await asyncio.wait_for(examining, 60)  # as is promised; an upload waits for 120

    assert {finding.text(english) for finding in examination.findings[:4]} == {"no answer in time"}


def test_no_connection_is_told(call: Call) -> None:
    ran = call("doctor", "--json", RUNNINGHUB_BASE_URL="http://127.0.0.1:9")

    assert ran.code == 4
    assert set(verdicts(ran).values()) == {"not_told"}


def test_a_refused_key_is_told_and_says_nothing_of_the_rest(call: Call) -> None:
    ran = call("doctor", "--json", RUNNINGHUB_API_KEY="0" * 32)

    assert ran.code == 4
    assert "key" in ran.err
    assert others(ran) == []


@pytest.mark.parametrize("row", FREE, ids=lambda row: row.id.strip("`"))
def test_one_bad_answer_does_not_end_the_rest(
    call: Call, emulator: Emulator, shared: str, row: Row
) -> None:
    paths = {
        "unknown-task": "/task/openapi/cancel",
        "preview-fillers": "/openapi/v2/price-preview/alibaba/qwen-image-3.0/image-edit",
        "unknown-model": "/openapi/v2/price-preview/no-such",
        "upload-limit": "/openapi/v2/media/upload/binary",
        "older-upload-limit": "/task/openapi/upload",
        "model-filter": "/openapi/v2/resource/list",
        "native-core": "/proxy/{key}/system_stats",
        "native-socket": "/proxy/{key}/ws",
    }
    name = row.id.strip("`")
    emulator.faults.append(Fault(paths[name], "html", count=None))

    ran = call("doctor", "--json", "--upload", "30", RUNNINGHUB_API_KEY=shared)

    told = verdicts(ran)
    assert ran.code == 0, ran.err
    assert told[name] == "not_told"
    rest = {other.id.strip("`") for other in FREE} - {name}
    assert [other for other in rest if told[other] != "as_assumed"] == []


def test_a_model_free_key_is_told_why_no_price_is(call: Call) -> None:
    ran = call("doctor")

    assert ran.code == 0
    assert "this kind of key has no standard models" in ran.out


def test_the_price_of_a_model_that_is_named_is_asked_for(call: Call, shared: str) -> None:
    model = "alibaba/wan-2.6/text-to-video"

    ran = call("doctor", "--model", model, "--json", RUNNINGHUB_API_KEY=shared)
    seen = {finding["id"]: finding["seen"] for finding in ran.document["findings"]}
    quoted = call("quote", "model", model, "--set", "prompt=a cat", RUNNINGHUB_API_KEY=shared)

    assert ran.code == 0, ran.err
    assert seen["price"].split()[0] in quoted.out


def test_a_price_that_is_refused_is_not_blamed_on_the_key(call: Call, shared: str) -> None:
    ran = call("doctor", "--model", "no/such-model", "--json", RUNNINGHUB_API_KEY=shared)

    assert ran.code == 0
    told = verdicts(ran)
    assert (told["price"], told["preview-fillers"]) == ("not_told", "as_assumed")
    price = next(finding for finding in ran.document["findings"] if finding["id"] == "price")
    assert price["seen"] == "refused with 412"
    assert call("doctor", "--model", "no-such-model").code == 2


@pytest.mark.parametrize("option", ["--workflow", "--app"])
def test_a_program_that_is_not_there_is_told(call: Call, option: str) -> None:
    ran = call("doctor", "--json", option, "1900000000000009999")

    assert (ran.code, others(ran)) == (6, [option.strip("-")]), ran.err
