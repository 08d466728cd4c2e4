from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rh_api.errors import BadInput
from rh_api.graph.fields import looks_like_field
from rh_api.graph.link_validation import MIRRORS, TooManyLinks, fail_closed, mirror_links, unwrap

OURS = {"RunningHubRemoteWorkflow": looks_like_field}


def prompt_of(inputs: dict[str, object]) -> dict[str, object]:
    return {
        "1": {"class_type": "LoadImage", "inputs": {"image": "x.png", "6.text": ["1", 0]}},
        "2": {
            "class_type": "RunningHubRemoteWorkflow",
            "inputs": inputs,
            "_meta": {"title": "Cloud"},
        },
        "3": "no node",
    }


def inputs_of(prompt: dict[str, object]) -> dict[str, object]:
    node = prompt["2"]
    assert isinstance(node, dict)
    return node["inputs"]


def test_links_of_fields_are_mirrored_in_the_order_of_their_names() -> None:
    fields = {
        "12:3.image": ["1", 1],
        "workflow": "187",
        "outputs": ["1", 0],
        "6.text": "plain",
        "format.codec": ["1", 0],
        "3.seed": ["1", 2],
        "12.points": [1, 2, 3],
        "link_0": ["9", 9],
        "link_31": "left over",
        "link_text": "kept",
    }
    prompt = prompt_of(fields)
    before = copy.deepcopy(prompt)
    passed = mirror_links(prompt, OURS)
    expected = {name: value for name, value in fields.items() if name not in ("link_0", "link_31")}
    assert inputs_of(passed) == {**expected, "link_0": ["1", 2], "link_1": ["1", 1]}
    assert prompt == before
    assert passed["2"]["_meta"] == {"title": "Cloud"}  # pyright: ignore


def test_other_nodes_are_the_same_objects() -> None:
    prompt = prompt_of({"6.text": ["1", 0]})
    passed = mirror_links(prompt, OURS)
    assert list(passed) == list(prompt)
    assert passed["1"] is prompt["1"]
    assert passed["3"] is prompt["3"]


def test_more_links_than_mirrors_are_refused() -> None:
    most: dict[str, object] = {f"{n}.image": ["1", 0] for n in range(MIRRORS)}
    assert len(inputs_of(mirror_links(prompt_of(most), OURS))) == 2 * MIRRORS
    with pytest.raises(TooManyLinks) as caught:
        mirror_links(prompt_of({**most, "99.image": ["1", 0]}), OURS)
    assert isinstance(caught.value, BadInput)
    assert caught.value.local_id == "2"
    assert caught.value.params == {
        "node": "Cloud [RunningHubRemoteWorkflow]",
        "count": 33,
        "limit": 32,
    }


LINKED = st.dictionaries(
    st.builds("{}.{}".format, st.integers(0, 50), st.sampled_from(["a", "b", "c.d"])),
    st.tuples(st.integers(0, 9).map(str), st.integers(0, 3)).map(list),
    max_size=MIRRORS,
)


@given(LINKED)
def test_every_link_is_mirrored_once_and_passing_twice_changes_nothing(
    linked: dict[str, object],
) -> None:
    once = mirror_links(prompt_of(linked), OURS)
    mirrored = [value for name, value in inputs_of(once).items() if name.startswith("link_")]
    assert sorted(mirrored, key=str) == sorted(linked.values(), key=str)
    assert mirror_links(once, OURS) == once
    turned = mirror_links(prompt_of(dict(reversed(linked.items()))), OURS)
    assert turned == once


def test_the_browsers_wrapping_is_taken_off() -> None:
    assert unwrap({"__value__": [1, 2]}) == [1, 2]
    for value in ([1, 2], {"__value__": 1, "x": 2}, {}, "text", None):
        assert unwrap(value) == value


def test_a_refused_prompt_is_one_node_under_the_offending_id() -> None:
    assert fail_closed("6:4", "no such node") == {
        "6:4": {"class_type": "RunningHubRefusal", "inputs": {"message": "no such node"}}
    }
