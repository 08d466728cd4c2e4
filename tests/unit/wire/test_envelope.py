"""The door: any bytes at all become data or one of our errors."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from email.utils import format_datetime
from functools import cache
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rh_api.errors import (
    BadReply,
    Fate,
    FileTooLarge,
    KeyRefused,
    NotFound,
    RateLimited,
    Redirected,
    RunningHubError,
    ServiceFault,
    UnknownCode,
)
from rh_api.wire import (
    accounts,
    apps,
    models,
    native,
    orders,
    quick,
    resources,
    tasks,
    uploads,
    webhooks,
    workflows,
)
from rh_api.wire.call import Response
from rh_api.wire.envelope import (
    as_list,
    open_envelope,
    read_id,
    read_int,
    read_json,
    read_object,
    reply_of,
    retry_after,
)
from tests.contract.recorded import SAMPLES, load

NATIVE = native.Prompt.of("native-0f0e0d0c-0b0a-4908-8706-050403020100")
READERS: dict[str, Callable[[Response], object]] = {
    "envelope": open_envelope,
    "create": orders.create("1").read,
    "cancel": tasks.cancel("1").read,
    "status": tasks.status("1").read,
    "outputs": tasks.outputs("1").read,
    "query": tasks.query("1").read,
    "workflow": workflows.workflow_json("1").read,
    "upload": uploads.read_upload,
    "lora": uploads.lora_slot("a", "b").read,
    "account": accounts.account_status().read,
    "queue": accounts.queue_status().read,
    "keys": accounts.api_key_list().read,
    "apps": apps.app_list().read,
    "app": apps.call_demo("1").read,
    "styles": quick.model_params("1", 1).read,
    "resources": resources.resource_list(resources.ResourceKind.LORA).read,
    "price": models.price_preview("a/b", {}).read,
    "webhook": webhooks.webhook_detail("1").read,
    "resend": webhooks.resend_webhook("1").read,
    "native create": native.queue_prompt(NATIVE, "{}").read,
    "native end": native.end_of(NATIVE).read,
    "native queue": native.native_queue("default").read,
    "native stop": native.dequeue(NATIVE).read,
    "native version": native.core_version("default").read,
    "native classes": native.object_info("default").read,
}

ANY_TEXT = st.text(st.characters(), max_size=20)  # surrogates too
NUMBERS = st.one_of(
    st.integers(),
    st.integers(min_value=10**400, max_value=10**401),
    st.floats(),
    st.sampled_from([0, 200, 421, 804, 805, 807, 813, 1003, 1501]),
)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    NUMBERS,
    NUMBERS.map(str),
    ANY_TEXT,
    st.sampled_from(["{", "{}", "[1]", "RUNNING", "SUCCESS", "FAILED"]),
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=10,
)

# Every name that a reader looks at, with anything at all behind it.
NAMES = [
    *("code", "msg", "message", "data", "errorCode", "errorMessage", "status", "results"),
    *("usage", "failedReason", "taskId", "taskStatus", "netWssUrl", "promptTips", "prompt"),
    *("node_errors", "outputs_to_execute", "errors", "traceback", "node_id", "node_name"),
    *("exception_type", "exception_message", "url", "fileUrl", "text", "nodeId", "fileType"),
    *("consumeCoins", "taskCostTime", "fileName", "download_url", "concurrentLimit"),
    *("runningCount", "remainCoins", "currentTaskCounts", "apiType"),
]
SHAPED = st.recursive(
    JSON,
    lambda inner: (
        st.dictionaries(st.sampled_from(NAMES), inner, max_size=5)
        | st.lists(inner, max_size=2)
        | inner.map(json.dumps)
    ),
    max_leaves=12,
)
REPLIES = st.dictionaries(st.sampled_from(NAMES), SHAPED, max_size=6)


Key = str | int


def items_of(value: Any) -> Iterator[tuple[Any, Any]]:
    """Of a JSON in a text too."""
    if isinstance(value, str) and value.startswith("{"):
        value = json.loads(value)
    if isinstance(value, dict):
        yield from value.items()
    if isinstance(value, list):
        yield from enumerate(value)


def places_in(value: object) -> Iterator[tuple[Key, ...]]:
    yield ()
    for key, item in items_of(value):
        yield from ((key, *place) for place in places_in(item))


def replaced(value: Any, place: tuple[Key, ...], other: object) -> Any:
    if not place:
        return other
    items = [
        (key, replaced(item, place[1:], other) if key == place[0] else item)
        for key, item in items_of(value)
    ]
    if isinstance(value, list):
        return [item for _, item in items]
    return json.dumps(dict(items)) if isinstance(value, str) else dict(items)


@st.composite
def nearly(draw: st.DrawFn, answers: Sequence[object]) -> object:
    """One of the answers, with something else in up to three of its places."""
    whole = draw(st.sampled_from(answers))
    places = list(places_in(whole))
    answer = whole
    # The deepest first, so that the others are still there.
    for place in sorted(draw(st.lists(st.sampled_from(places), max_size=3)), key=len, reverse=True):
        answer = replaced(answer, place, draw(SHAPED))
    return answer


# Answers of which there is no sample.
UNRECORDED = [
    {"system": {"comfyui_version": "v0.33.0"}},
    {"name": "a.png", "subfolder": "b", "type": "input"},
    {"VAELoader": {"input": {"required": {"vae_name": [["ae.safetensors"], {}]}}}},
]
ANSWERS = [
    *(
        sample["response"]["json"]
        for file in sorted(SAMPLES.glob("*.json"))
        for sample in load(file.stem)
        if "json" in sample.get("response", ())
    ),
    *UNRECORDED,
]


NEAR = nearly(ANSWERS)


@cache
def read_by(name: str) -> st.SearchStrategy[object]:
    """Answers that a reader can read, each with something else in some of its places."""

    def is_read(answer: object) -> bool:
        try:
            READERS[name](Response(200, json.dumps(answer).encode()))
        except RunningHubError:
            return False
        return True

    return nearly(list(filter(is_read, ANSWERS)))


STATUS = st.sampled_from([200, 201, 204, 301, 302, 400, 401, 403, 404, 413, 429, 500, 502, 503])


def survives(response: Response, names: Iterable[str] = READERS) -> None:
    sentences: list[str] = []
    for name in names:
        try:
            READERS[name](response)
        except RunningHubError as error:
            sentences.append(str(error))
    assert all(sentences)


@pytest.mark.parametrize("status", [200, 401, 403, 407])
def test_a_page_is_not_taken_for_the_services_word(status: int):
    with pytest.raises(BadReply) as caught:
        reply_of(Response(status, b"\n<!DOCTYPE html><title>Guest Wi-Fi</title>"))
    assert (caught.value.key, caught.value.params) == ("error.page", {"status": status})


@settings(deadline=None)
@given(status=STATUS, reply=REPLIES | NEAR)
def test_no_answer_breaks_a_reader(status: int, reply: object):
    survives(Response(status, json.dumps(reply).encode()))


@pytest.mark.parametrize("name", READERS)
@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_what_is_nearly_its_answer_breaks_no_reader(name: str, data: st.DataObject):
    survives(Response(200, json.dumps(data.draw(read_by(name))).encode()), [name])


@settings(deadline=None)
@given(body=st.binary(max_size=60), status=STATUS, headers=st.dictionaries(ANY_TEXT, ANY_TEXT))
@example(body=b"\xff\xfe{", status=200, headers={})
@example(body=b'{"code": NaN}', status=200, headers={})
@example(body=b'{"code": ' + b"9" * 5000 + b"}", status=200, headers={})
@example(body=b'{"code": 0, "data": "\\ud800"}', status=200, headers={})
def test_no_bytes_break_a_reader(body: bytes, status: int, headers: dict[str, str]):
    survives(Response(status, body, headers))


@pytest.mark.parametrize(
    "wrap",
    [
        "%s",
        '{"code": 0, "data": "%s"}',
        '{"code": 0, "data": {"taskId": "1", "promptTips": "%s"}}',
        '{"code": 805, "data": {"failedReason": {"traceback": "%s"}}}',
        '{"status": "FAILED", "failedReason": "%s"}',
    ],
)
def test_no_depth_breaks_a_reader(wrap: str):
    for deep in ("[" * 100_000, '{"a":' * 100_000):
        text = deep if wrap == "%s" else deep.replace('"', '\\"')
        survives(Response(200, (wrap % text).encode()))


@settings(deadline=None)
@given(reply=REPLIES | NEAR, data=st.data())
def test_half_an_answer_breaks_no_reader(reply: object, data: st.DataObject):
    body = json.dumps(reply).encode()
    cut = data.draw(st.integers(0, len(body)))
    survives(Response(200, body[:cut], complete=False))


PACES = (
    NUMBERS.map(str) | st.datetimes().map(format_datetime) | st.text(st.characters(), max_size=60)
)


@settings(deadline=None)
@given(PACES, st.none() | PACES)
@example("Mon, 01 Jan 2020 00:00:00 +99999999999999999999", None)
@example("Mon, 01 Jan 2020 00:00:00 GMT", "Mon, 01 Jan 2020 00:00:00 -0000")
@example("1e999", None)
def test_any_pace_that_is_asked_for_is_a_wait_or_none(pace: str, now: str | None):
    headers = {"retry-after": pace} | ({} if now is None else {"date": now})
    seconds = retry_after(Response(429, b"", headers))
    assert seconds is None or 0 <= seconds < float("inf")


@pytest.mark.parametrize(
    ("pace", "seconds"),
    [
        ("7", 7.0),
        (" 2.5 ", 2.5),
        ("-1", None),
        ("nan", None),
        ("soon", None),
        ("", None),
        ("Mon, 01 Jan 2024 00:01:40 GMT", 100.0),
        ("Mon, 01 Jan 2023 00:00:00 GMT", 0.0),
    ],
)
def test_a_pace_is_seconds_or_a_date_by_the_server_s_clock(pace: str, seconds: float | None):
    headers = {"retry-after": pace, "date": "Mon, 01 Jan 2024 00:00:00 GMT"}
    assert retry_after(Response(429, b"", headers)) == seconds


@pytest.mark.parametrize(
    ("status", "body", "kind", "fate"),
    [
        (200, "", BadReply, Fate.UNKNOWN),
        (200, "<html>", BadReply, Fate.UNKNOWN),
        (200, "[]", BadReply, Fate.UNKNOWN),
        (200, "{}", BadReply, Fate.UNKNOWN),
        (200, '{"code": "x"}', BadReply, Fate.UNKNOWN),
        (200, '{"code": true}', BadReply, Fate.UNKNOWN),
        (200, '{"code": 4711}', UnknownCode, Fate.UNKNOWN),
        (302, "<html>", Redirected, Fate.NOT_STARTED),
        (302, '{"code": 0, "data": {}}', Redirected, Fate.NOT_STARTED),
        (307, "{}", Redirected, Fate.NOT_STARTED),
        (401, "", KeyRefused, Fate.NOT_STARTED),
        (403, '{"error": "no"}', KeyRefused, Fate.NOT_STARTED),
        (404, "<html>", NotFound, Fate.NOT_STARTED),
        (413, "<html>", FileTooLarge, Fate.NOT_STARTED),
        (429, "", RateLimited, Fate.NOT_STARTED),
        (429, '{"code": 0}', RateLimited, Fate.NOT_STARTED),
        (500, '{"error": "no"}', ServiceFault, Fate.UNKNOWN),
        (500, '{"code": 4711}', ServiceFault, Fate.UNKNOWN),
        (401, '{"code": 4711}', KeyRefused, Fate.NOT_STARTED),
        (403, '{"code": 4711}', KeyRefused, Fate.NOT_STARTED),
        (404, '{"code": 4711}', NotFound, Fate.NOT_STARTED),
        (413, '{"code": 4711}', FileTooLarge, Fate.NOT_STARTED),
        (400, '{"code": 4711}', UnknownCode, Fate.UNKNOWN),
        (401, '{"code": 1005}', ServiceFault, Fate.UNKNOWN),
        (502, "<html>", ServiceFault, Fate.UNKNOWN),
    ],
)
def test_an_answer_without_data_is_an_error_with_a_fate(
    status: int, body: str, kind: type[RunningHubError], fate: Fate
):
    with pytest.raises(RunningHubError) as caught:
        open_envelope(Response(status, body.encode()))
    assert (type(caught.value), caught.value.fate) == (kind, fate)


def test_the_pace_travels_with_the_error():
    for body in ("", '{"code": 1003, "msg": "slow down"}'):
        for status in (200, 429) if body else (429,):
            response = Response(status, body.encode(), {"retry-after": "9"})
            with pytest.raises(RateLimited) as caught:
                open_envelope(response)
            assert caught.value.retry_after == 9


@settings(deadline=None)
@given(st.integers(min_value=1, max_value=2**63 - 1), st.booleans())
@example(2**53 + 1, False)
@example(2**53 + 1, True)
def test_ids_stay_exact(number: int, as_text: bool):
    value: object = str(number) if as_text else number
    reply = {"code": 0, "data": {"taskId": value, "taskStatus": "RUNNING"}}
    ticket = orders.create("1").read(Response(200, json.dumps(reply).encode()))
    assert ticket.task_id == str(number)


@pytest.mark.parametrize("nothing", [None, 0, "0", "", " ", "null", "None", True, 1.5, {}, []])
def test_what_is_no_id_is_none(nothing: object):
    assert read_id(nothing) == ""


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (3, 3),
        ("3", 3),
        (" -12 ", -12),
        ("2⁵", None),
        ("٣", None),
        ("--3", None),
        ("", None),
        (True, None),
        (1.0, None),
        ("9" * 5000, None),
        (None, None),
    ],
)
def test_numbers_come_as_numbers_or_texts(value: object, number: int | None):
    assert read_int(value) == number


@pytest.mark.parametrize("text", [r'{"a": ["\uD800x"]}', rb'{"a": ["\udfffx"]}'])
def test_half_a_character_becomes_one_that_can_be_kept(text: str | bytes):
    (value,) = as_list(read_object(read_json(text)).get("a"))
    assert str(value).encode().decode().endswith("x")


def test_a_character_of_two_halves_is_whole():
    assert read_json(r'["\ud83d\ude00"]') == ["\U0001f600"]
