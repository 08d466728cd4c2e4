"""Links from a node that shows some of its outputs reach the right ones of all."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rh_api.graph.constants import PROGRAM_OUTPUTS
from rh_api.graph.sockets import BadForm, pool_links

OURS = {"RunningHubRemoteWorkflow": PROGRAM_OUTPUTS}


def remote(form: object = "", **inputs: Any) -> dict[str, Any]:
    text = form if isinstance(form, str) else json.dumps(form)
    return {"class_type": "RunningHubRemoteWorkflow", "inputs": {"form": text, **inputs}}


def save(*link: Any) -> dict[str, Any]:
    return {"class_type": "SaveImage", "inputs": {"images": list(link), "filename_prefix": "x"}}


def test_each_visible_socket_is_one_of_the_pool() -> None:
    prompt = {
        "6:1": remote({"sockets": [7, 0, 8]}),
        "2": save("6:1", 0),
        "3": save("6:1", 2),
        "4": save("2", 0),
    }
    passed: Any = pool_links(prompt, OURS)
    assert passed["2"]["inputs"] == {"images": ["6:1", 7], "filename_prefix": "x"}
    assert passed["3"]["inputs"]["images"] == ["6:1", 8]
    assert passed["4"] is prompt["4"]
    assert prompt["6:1"] == remote({"sockets": [7, 0, 8]})
    assert prompt["2"]["inputs"]["images"] == ["6:1", 0]


def test_one_of_ours_may_read_from_another() -> None:
    prompt = {
        "1": remote({"sockets": [7]}),
        "2": remote({"sockets": [8]}, **{"10.image": ["1", 0]}),
        "3": save("2", 0),
    }
    passed: Any = pool_links(prompt, OURS)
    assert passed["2"]["inputs"]["10.image"] == ["1", 7]
    assert passed["3"]["inputs"]["images"] == ["2", 8]


@pytest.mark.parametrize("form", ["", {"v": 1}, {"sockets": None}])
def test_without_sockets_links_are_of_the_pool(form: object) -> None:
    prompt = {"1": remote(form), "2": save("1", 9)}
    assert pool_links(prompt, OURS) == prompt


def test_a_prompt_that_passed_before_passes_unchanged() -> None:
    prompt = {"1": remote({"sockets": [7, 9]}), "2": save("1", 1)}
    passed = pool_links(prompt, OURS)
    assert pool_links(passed, OURS) == passed


def test_what_is_shown_changes_nothing() -> None:
    stored = {"v": 1, "name": "\u6c34\u5f69"}
    few: Any = pool_links({"1": remote({**stored, "sockets": [9]}), "2": save("1", 0)}, OURS)
    more: Any = pool_links({"1": remote({**stored, "sockets": [0, 9]}), "2": save("1", 1)}, OURS)
    assert few == more
    assert json.loads(few["1"]["inputs"]["form"]) == stored


def test_nodes_of_others_may_have_a_form_of_their_own() -> None:
    survey = {"class_type": "Survey", "inputs": {"form": "{"}}
    prompt = {"1": survey, "2": save("1", 5)}
    assert pool_links(prompt, OURS) == prompt


@pytest.mark.parametrize(
    "form",
    [
        "{",
        "[1]",
        "[" * 50_000,
        "7",
        {"sockets": "7"},
        {"sockets": [20]},
        {"sockets": [-1]},
        {"sockets": [True]},
        {"sockets": [1.5]},
        {"sockets": [[7]]},
        json.dumps({"sockets": [0], "x": "y" * 1_000_001}),
    ],
)
def test_a_form_that_is_none_is_refused_on_its_node(form: object) -> None:
    with pytest.raises(BadForm) as refused:
        pool_links({"2": save("6:1", 0), "6:1": remote(form)}, OURS)
    assert refused.value.local_id == "6:1"


@pytest.mark.parametrize("slot", [2, -1, 0.5, 10**30, float("nan"), float("inf")])
def test_a_link_from_a_socket_that_is_not_there_is_refused_on_its_source(slot: float) -> None:
    with pytest.raises(BadForm) as refused:
        pool_links({"1": remote({"sockets": [7, 8]}), "2": save("1", slot)}, OURS)
    assert refused.value.local_id == "1"


@given(st.text() | st.recursive(st.none() | st.integers() | st.text(), st.lists))
def test_no_form_breaks_the_pass(form: object) -> None:
    prompt = {"1": {"class_type": "RunningHubRemoteWorkflow", "inputs": {"form": form}}}
    with contextlib.suppress(BadForm):
        assert pool_links(prompt, OURS).keys() == {"1"}
