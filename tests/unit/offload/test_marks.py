"""Marks of programs and of the canvas, and nonsense in their place."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rh_api.errors import BadInput
from rh_api.offload import ORDERS, Mark, Ordering, read_marks, with_classes

PROMPT: dict[str, Any] = {
    node_id: {"class_type": "ImageInvert", "inputs": {}}
    for node_id in ("3", "6", "8", "7:1", "7:2:1", "7:2:2", "9:1", "9:2:1", "9:2:2", "12")
}


def program(*segments: object) -> dict[str, object]:
    return {"runninghub": {"segments": list(segments)}}


def canvas(nodes: list[Any], groups: list[Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"extra_pnginfo": {"workflow": {"nodes": nodes, "groups": groups or [], **more}}}


def ours(name: str, **more: Any) -> dict[str, Any]:
    return {"runninghub": {"segment": name, **more}}


def marked(name: str, **more: Any) -> dict[str, Any]:
    return {"properties": ours(name, **more)}


def on_canvas(node_id: object, mark: str = "", **more: Any) -> dict[str, Any]:
    return {"id": node_id, "type": "ImageInvert", "properties": ours(mark) if mark else {}, **more}


@pytest.mark.parametrize(
    "extra",
    [None, {}, 5, [], {"runninghub": None}, {"runninghub": {}}, {"runninghub": {"segments": []}}],
)
def test_a_prompt_without_marks_marks_nothing(extra: object) -> None:
    assert read_marks(extra, PROMPT) == ()


# programs


def test_a_program_names_nodes() -> None:
    marks = read_marks(
        program(
            {"nodes": ["3", 6]},
            {"nodes": ["8"], "instance": "plus", "only": True, "name": "b"},
            {"nodes": ["7"], "instance": None},
        ),
        PROMPT,
    )
    assert marks == (
        Mark("1", ("3", "6")),
        Mark("b", ("8",), "plus", only=True),
        Mark("3", ("7:1", "7:2:1", "7:2:2")),
    )


def test_a_mark_says_who_pays_and_how_long_it_may_take() -> None:
    rules = {"profile": " studio ", "timeout": 90, "use_personal_queue": True, "workflow": 77}
    marks = read_marks(program({"nodes": ["3"], **rules}), PROMPT)
    assert marks == (Mark("1", ("3",), ordering=Ordering("studio", 90, True, "77")),)


def test_the_workflow_that_is_said_for_all_yields_to_a_mark_s_own() -> None:
    segments = [{"nodes": ["3"]}, {"nodes": ["6"], "workflow": "2"}]
    canvas_says = canvas([on_canvas(8, "a"), {"id": 12, **marked("b", workflow="3", timeout=5)}])
    extra = {"runninghub": {"segments": segments, "workflow": "1"}, **canvas_says}
    placed = {mark.nodes[0]: mark.ordering for mark in read_marks(extra, PROMPT)}
    assert placed == {
        "3": Ordering(workflow="1"),
        "6": Ordering(workflow="2"),
        "8": Ordering(workflow="1"),
        "12": Ordering(timeout=5, workflow="3"),
    }


def test_how_models_are_checked_is_said_for_all_or_by_a_mark() -> None:
    segments = [{"nodes": ["3"]}, {"nodes": ["6"], "models": "warn"}]
    extra = {"runninghub": {"segments": segments, "models": "strict"}}
    marks = read_marks(extra, PROMPT)
    assert [mark.ordering for mark in marks] == [Ordering(models="strict"), Ordering(models="warn")]


def test_the_route_is_said_for_all_or_by_a_mark() -> None:
    segments = [{"nodes": ["3"]}, {"nodes": ["6"], "route": "task"}]
    marks = read_marks({"runninghub": {"segments": segments, "route": "auto"}}, PROMPT)
    assert [mark.ordering for mark in marks] == [Ordering(route="auto"), Ordering(route="task")]


def test_nodes_of_one_name_and_different_accounts_are_different_marks() -> None:
    extra = canvas([on_canvas(3, "a"), {"id": 6, **marked("a", profile="other")}])
    assert [mark.nodes for mark in read_marks(extra, PROMPT)] == [("3",), ("6",)]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("profile", 5),
        ("profile", "x" * 201),
        ("timeout", -1),
        ("timeout", 1.5),
        ("timeout", True),
        ("timeout", "60"),
        ("use_personal_queue", 1),
        ("workflow", ["1"]),
        ("workflow", True),
        ("models", "maybe"),
        ("models", True),
        ("route", "fast"),
        ("route", True),
    ],
)
def test_an_option_of_a_mark_that_cannot_be(option: str, value: object) -> None:
    with pytest.raises(BadInput) as caught:
        read_marks(program({"nodes": ["3"], option: value}), PROMPT)
    assert caught.value.key == "segment.bad_option"
    assert f'"{option}"' in str(caught.value)
    with pytest.raises(BadInput) as caught:
        read_marks(canvas([{"id": 6, **marked("a", **{option: value})}]), PROMPT)
    assert caught.value.local_id == "6"


@pytest.mark.parametrize(
    ("runninghub", "key"),
    [
        ({"models": "maybe"}, "segment.bad_models"),
        ({"route": "fast"}, "segment.bad_route"),
        ({"models": ["warn"]}, "segment.bad_models"),
        ({"workflow": 1.5}, "segment.bad_workflow"),
        ({"again": "3"}, "node.bad_again"),
        ({"again": [None]}, "node.bad_again"),
        ("x", "segment.bad_segments"),
        ([], "segment.bad_segments"),
        ({"segments": {"nodes": ["3"]}}, "segment.bad_segments"),
        ({"segments": ["3"]}, "segment.bad_segment"),
        ({"segments": [{"nodes": ["3"], "instnace": "plus"}]}, "segment.bad_segment"),
        ({"segments": [{"nodes": [["3"]]}]}, "segment.bad_segment"),
        ({"segments": [{"nodes": [None]}]}, "segment.bad_segment"),
        ({"segments": [{"nodes": [True]}]}, "segment.bad_segment"),
        ({"segments": [{"nodes": [3.5]}]}, "segment.bad_segment"),
        ({"segments": [{}]}, "segment.no_nodes"),
        ({"segments": [{"nodes": []}]}, "segment.no_nodes"),
        ({"segments": [{"nodes": "3"}]}, "segment.no_nodes"),
        ({"segments": [{"nodes": ["77"]}]}, "segment.unknown_node"),
        ({"segments": [{"nodes": ["x" * 10**6]}]}, "segment.unknown_node"),
        ({"segments": [{"nodes": [""]}]}, "segment.unknown_node"),
        ({"segments": [{"nodes": ["3"]}, {"nodes": ["3"]}]}, "segment.twice"),
        ({"segments": [{"nodes": ["3"], "instance": "huge"}]}, "segment.bad_instance"),
        ({"segments": [{"nodes": ["3"], "instance": ["plus"]}]}, "segment.bad_instance"),
        ({"segments": [{"nodes": ["3"], "only": "yes"}]}, "segment.bad_mark"),
        ({"segments": [{"nodes": ["3"], "name": ""}]}, "segment.bad_mark"),
        ({"segments": [{"nodes": ["3"], "name": 5}]}, "segment.bad_mark"),
        ({"segments": [{"nodes": ["3"], "name": "x" * 201}]}, "segment.bad_mark"),
        ({"segments": [{"nodes": ["3"]}] * (ORDERS + 1)}, "segment.orders_many"),
        ({"segments": [{"nodes": ["3"]}] * 10_000}, "segment.orders_many"),
    ],
)
def test_nonsense_of_a_program(runninghub: object, key: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_marks({"runninghub": runninghub}, PROMPT)
    assert caught.value.key == key
    assert "…" not in str(caught.value)
    assert len(str(caught.value)) < 1000


KEYS = [
    "segments",
    "nodes",
    "groups",
    "id",
    "type",
    "properties",
    "runninghub",
    "segment",
    "instance",
    "only",
    "flags",
    "bounding",
    "pos",
    "size",
    "definitions",
    "subgraphs",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(JSON, JSON)
def test_whatever_is_said_is_marks_or_a_sentence(said_so: object, workflow: object) -> None:
    extra = {"runninghub": said_so, "extra_pnginfo": {"workflow": workflow}}
    marks: tuple[Mark, ...] = ()
    with contextlib.suppress(BadInput):
        marks = read_marks(extra, PROMPT)
    assert all(node_id in PROMPT for mark in marks for node_id in mark.nodes)


# the canvas


def test_nodes_of_the_canvas() -> None:
    extra = canvas(
        [
            on_canvas(3, "a"),
            on_canvas("6", "a"),
            on_canvas(8, "b"),
            {"id": 12, "properties": ours("b", instance="plus", only=True)},
            on_canvas(99, "a"),  # muted: not in the prompt
        ]
    )
    assert read_marks(extra, PROMPT) == (
        Mark("a", ("3", "6")),
        Mark("b", ("8",)),
        Mark("b", ("12",), "plus", only=True),
    )


@pytest.mark.parametrize("mark", ["", None])
def test_a_mark_that_was_taken_off(mark: object) -> None:
    extra = canvas([{"id": 3, "properties": {"runninghub": {"segment": mark, "form": {}}}}])
    assert read_marks(extra, PROMPT) == ()


@pytest.mark.parametrize(
    ("mark", "key"),
    [
        ({"segment": 5}, "segment.bad_mark"),
        ({"segment": ["a"]}, "segment.bad_mark"),
        ({"segment": "a", "only": 1}, "segment.bad_mark"),
        ({"segment": "a", "instance": "x"}, "segment.bad_instance"),
    ],
)
def test_nonsense_at_a_node_names_it(mark: object, key: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_marks(canvas([{"id": 3, "properties": {"runninghub": mark}}]), PROMPT)
    assert caught.value.key == key
    assert getattr(caught.value, "local_id", "") == "3"


INNER: dict[str, Any] = {
    "subgraphs": [
        {"id": "outer", "nodes": [on_canvas(1), {"id": 2, "type": "inner"}], "groups": []},
        {"id": "inner", "nodes": [on_canvas(1), on_canvas(2, "deep")], "groups": []},
    ]
}


def test_a_subgraph_node_means_all_below_it_and_an_inner_mark_counts_for_every_instance() -> None:
    extra = canvas(
        [{"id": 7, "type": "outer", "properties": ours("whole")}, {"id": 9, "type": "outer"}],
        definitions=INNER,
    )
    assert read_marks(extra, PROMPT) == (
        Mark("deep", ("7:2:2", "9:2:2")),
        Mark("whole", ("7:1", "7:2:1")),
    )


def test_a_subgraph_whose_definition_is_missing_is_marked_all_the_same() -> None:
    extra = canvas([{"id": 7, "type": "gone", "properties": ours("whole")}])
    assert read_marks(extra, PROMPT) == (Mark("whole", ("7:1", "7:2:1", "7:2:2")),)


def test_a_definition_that_contains_itself_ends() -> None:
    endless = {
        "subgraphs": [{"id": "x", "nodes": [{"id": 7, "type": "x", "properties": ours("a")}]}]
    }
    extra = canvas([{"id": 7, "type": "x"}], definitions=endless)
    prompt = {":".join(["7"] * 3000): PROMPT["3"]}
    assert read_marks(extra, prompt)[0].nodes == tuple(prompt)


def placed(node_id: int, x: float, y: float, **more: Any) -> dict[str, Any]:
    return {**on_canvas(node_id), "pos": [x, y], "size": [200, 100], **more}


def group(name: str, *bounding: float, **more: Any) -> dict[str, Any]:
    return {"bounding": list(bounding), "flags": ours(name, **more)}


def test_a_group_means_the_nodes_whose_centre_is_in_it() -> None:
    # Node 3 reaches from (0, -30) to (200, 100): its centre is (100, 35).
    node = placed(3, 0, 0)
    for bounding, inside in [
        ((90, 30, 20, 10), True),
        ((0, 0, 100, 200), False),
        ((0, 0, 101, 200), True),
        ((0, -100, 300, 135), False),
        ((0, -100, 300, 136), True),
        ((300, 300, 100, 100), False),
    ]:
        marks = read_marks(canvas([node], [group("g", *bounding)]), PROMPT)
        assert bool(marks) == inside, bounding


def test_positions_of_older_workflows() -> None:
    node = {**placed(3, 0, 0), "pos": {"0": 0, "1": 0}, "size": {"0": 200, "1": 100}}
    assert read_marks(canvas([node], [group("g", 0, 0, 200, 200)]), PROMPT)


def test_a_collapsed_node_is_a_bar() -> None:
    node = placed(3, 0, 0, flags={"collapsed": True}, size=[200, 1000])
    assert read_marks(canvas([node], [group("g", 0, -40, 300, 60)]), PROMPT)


def test_the_closest_mark_counts() -> None:
    groups = [group("big", -1000, -1000, 5000, 5000), group("small", 0, 0, 300, 300)]
    extra = canvas(
        [
            placed(3, 0, 0),
            placed(6, 1000, 1000),
            placed(8, 0, 0, properties=ours("own")),
            {"id": 7, "type": "outer", "pos": [0, 0], "size": [200, 100]},
        ],
        groups,
        definitions=INNER,
    )
    assert read_marks(extra, PROMPT) == (
        Mark("big", ("6",)),
        Mark("deep", ("7:2:2",)),
        Mark("own", ("8",)),
        Mark("small", ("3", "7:1", "7:2:1")),
    )


def test_groups_within_a_subgraph() -> None:
    inner = {"id": "s", "nodes": [placed(1, 0, 0)], "groups": [group("g", 0, 0, 300, 300)]}
    extra = canvas(
        [{"id": 7, "type": "s"}, {"id": 9, "type": "s"}], definitions={"subgraphs": [inner]}
    )
    assert read_marks(extra, PROMPT) == (Mark("g", ("7:1", "9:1")),)


def test_a_group_without_a_mark_or_without_bounds_marks_nothing() -> None:
    groups = [
        {"bounding": [0, 0, 900, 900], "flags": {}},
        {"bounding": "x", "flags": ours("g")},
        {"flags": ours("g")},
        5,
    ]
    assert read_marks(canvas([placed(3, 0, 0)], groups), PROMPT) == ()


def test_a_group_without_a_mark_hides_no_group_around_it() -> None:
    groups = [group("g", -1000, -1000, 5000, 5000), {"bounding": [0, 0, 900, 900], "flags": {}}]
    assert read_marks(canvas([placed(3, 0, 0)], groups), PROMPT) == (Mark("g", ("3",)),)


def test_what_is_muted_in_a_marked_group_is_left_out() -> None:
    nodes = [placed(3, 0, 0), placed(99, 0, 0)]
    marks = read_marks(canvas(nodes, [group("g", -1000, -1000, 5000, 5000)]), PROMPT)
    assert marks == (Mark("g", ("3",)),)


def test_a_program_comes_before_the_canvas() -> None:
    extra = {**canvas([on_canvas(3, "a"), on_canvas(6, "a")]), **program({"nodes": ["3"]})}
    assert read_marks(extra, PROMPT) == (Mark("1", ("3",)), Mark("a", ("6",)))


def test_classes_that_are_not_installed_are_read_from_the_canvas() -> None:
    inner = {"id": "inside", "nodes": [{"id": 6, "type": "Lost"}]}
    workflow = canvas(
        [{"id": 3, "type": "Missing"}, {"id": 7, "type": "inside"}, {"id": 8, "type": "Other"}],
        definitions={"subgraphs": [inner]},
    )["extra_pnginfo"]["workflow"]
    prompt: dict[str, Any] = {
        "3": {"inputs": {"image": ["8", 0]}},
        "7:6": {"inputs": {}},
        "8": {"class_type": "ImageInvert", "inputs": {}},
        "9": {"inputs": {}},
        "10": "nonsense",
    }
    assert with_classes(prompt, workflow) == {
        **prompt,
        "3": {"inputs": {"image": ["8", 0]}, "class_type": "Missing"},
        "7:6": {"inputs": {}, "class_type": "Lost"},
    }
    assert with_classes(prompt, {}) == prompt
