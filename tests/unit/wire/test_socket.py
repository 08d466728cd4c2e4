"""Frames are hints: whatever comes, the bar only rises and nothing is ever raised."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rh_api.wire.socket import MAX_TEXT, SocketReader

PROMPT = "22222222-3333-4444-8555-666666666666"
NODES = st.sampled_from(["1", "2", "3", "12:3"])
IDS = NODES | st.sampled_from(["", None, 4, 0, True, [], {}])
STEPS = st.integers(0, 6)
NUMBERS = st.one_of(
    STEPS,
    st.integers(),
    st.sampled_from([10**400, -(10**400)]),
    st.floats(),
    st.none(),
    st.text(max_size=3),
    st.booleans(),
)
STATES = st.fixed_dictionaries(
    {"state": st.sampled_from(["running", "finished", "pending", 3])},
    optional={"value": NUMBERS, "max": NUMBERS},
)


def frames(kind: str, **data: st.SearchStrategy[object]) -> st.SearchStrategy[str]:
    """Frames of one kind as a ComfyUI sends them, some of another prompt or of none."""
    ids = st.sampled_from([PROMPT, PROMPT, PROMPT, "other", 7, None])
    message = {"type": st.just(kind), "data": st.fixed_dictionaries({"prompt_id": ids, **data})}
    return st.fixed_dictionaries(message).map(json.dumps)


SENT = st.one_of(
    frames("executing", node=NODES),
    frames("executing", node=st.none()),
    frames("executed", node=NODES),
    frames("progress", node=NODES, value=STEPS, max=STEPS),
    frames("progress_state", nodes=st.dictionaries(NODES, STATES, max_size=3)),
    frames("execution_cached", nodes=st.lists(NODES, max_size=2)),
    frames("execution_success", node=NODES | st.none()),
    st.binary(max_size=9).map(lambda tail: b"\0\0\0\1\0\0\0\1\xff\xd8\xff" + tail),
)
KINDS = st.sampled_from(
    [
        "status",
        "execution_start",
        "execution_cached",
        "executing",
        "executed",
        "progress",
        "progress_state",
        "execution_success",
        "execution_error",
        "execution_interrupted",
        "unknown",
        7,
    ]
)
DATA = st.fixed_dictionaries(
    {},
    optional={
        "node": IDS,
        "node_id": IDS,
        "value": NUMBERS,
        "max": NUMBERS,
        "nodes": st.lists(IDS, max_size=4)
        | st.dictionaries(st.text(max_size=3), STATES | NUMBERS, max_size=3),
        "prompt_id": st.sampled_from([PROMPT, PROMPT, "other", 7, None]),
    },
)
NOISE = st.one_of(
    st.fixed_dictionaries({"type": KINDS, "data": DATA | NUMBERS}).map(json.dumps),
    st.text(st.characters(), max_size=20),
    st.binary(max_size=20),
    st.binary(max_size=9).map(lambda tail: b"\0\0\0\1\0\0\0\1" + tail),
)


@settings(deadline=None)
@given(st.integers(0, 5), st.lists(SENT | NOISE, min_size=2, max_size=30))
@example(3, [json.dumps({"type": "progress", "data": {"value": 10**400, "max": 3, "node": "1"}})])
@example(3, [json.dumps({"type": "progress", "data": {"value": 1, "max": 10**400, "node": "1"}})])
@example(
    3, [json.dumps({"type": "progress", "data": {"value": 1e308, "max": 1e-308, "node": "1"}})]
)
@example(3, ['{"type": "progress", "data": {"value": Infinity, "max": NaN, "node": "1"}}'])
def test_the_bar_rises_and_stops_short_of_the_end(total: int, sent: list[str | bytes]):
    reader = SocketReader(total)
    shown = 0.0
    for frame in sent:
        news = reader.text(frame) if isinstance(frame, str) else reader.binary(frame)
        if news is None:
            continue
        assert (news.fraction is None) == (total == 0)
        if news.fraction is not None:
            assert shown <= news.fraction <= 0.99
            shown = news.fraction
        assert news.node_fraction is None or 0 < news.node_fraction <= 1
        assert news.preview is None or news.preview.startswith((b"\xff\xd8\xff", b"\x89PNG"))


@pytest.mark.parametrize(
    "frame",
    ["[" * 60_000, json.dumps({"data": '{"a":' * 8_000}), " " * MAX_TEXT + '{"type": "executing"}'],
    ids=["deep", "deep inside a text", "large"],
)
def test_a_frame_that_nobody_can_read_says_nothing(frame: str):
    assert SocketReader(3).text(frame) is None


def say(reader: SocketReader, kind: str, **data: object):
    return reader.text(json.dumps({"type": kind, "data": {"prompt_id": PROMPT, **data}}))


def test_a_preview_is_shown_with_the_node_that_draws_it():
    reader = SocketReader(2)
    say(reader, "executing", node="3")
    news = reader.binary(b"\0\0\0\1\0\0\0\1\xff\xd8\xffpicture")
    assert news is not None
    assert (news.node_id, news.preview) == ("3", b"\xff\xd8\xffpicture")


def test_frames_of_another_prompt_say_nothing():
    reader = SocketReader(2)
    say(reader, "executing", node="3")
    assert say(reader, "executing", node=None, prompt_id="another") is None
    news = say(reader, "executing", node="4")
    assert news is not None
    assert news.fraction == 0.5


@pytest.mark.parametrize(
    ("kind", "data", "over"),
    [
        ("executing", {"node": None}, True),
        ("execution_success", {}, True),
        ("execution_error", {"node_id": "3"}, True),
        ("execution_interrupted", {"node_id": "3"}, True),
        # RunningHub also sends it for a single node, in the middle of a run.
        ("execution_success", {"node": "3"}, False),
        ("executing", {"node": "3"}, False),
        ("executed", {"node": "3"}, False),
    ],
)
def test_what_hints_at_the_end(kind: str, data: dict[str, object], over: bool):
    news = say(SocketReader(2), kind, **data)
    assert news is not None
    assert news.may_be_over is over


def test_newer_comfyui_reports_all_nodes_at_once():
    reader = SocketReader(4)
    nodes = {
        "1": {"state": "finished", "value": 1, "max": 1},
        "2": {"state": "running", "value": 5, "max": 10},
        "3": {"state": "pending", "value": 0, "max": 1},
    }
    news = say(reader, "progress_state", nodes=nodes)
    assert news is not None
    assert (news.fraction, news.node_id, news.node_fraction) == (0.37, "2", 0.5)


def test_without_a_total_the_node_is_still_named():
    news = say(SocketReader(0), "progress", node="3", value=1, max=4)
    assert news is not None
    assert (news.fraction, news.node_id, news.node_fraction) == (None, "3", 0.25)
