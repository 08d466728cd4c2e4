from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rh_api.errors import BadField, BadInput
from rh_api.graph.outputs import POOL, counter, group, read_output_ids, select
from rh_api.wire.tasks import RemoteResult, file_name

GRAPH = {
    "3": {"class_type": "LoadImage", "inputs": {"image": "x.png"}},
    "12": {"class_type": "SaveImage", "inputs": {"images": ["3", 0]}},
    "12:3": {"class_type": "PreviewImage", "inputs": {"images": ["3", 0]}},
    "9": {
        "class_type": "SaveImage",
        "inputs": {"images": ["3", 0]},
        "_meta": {"title": "Big one"},
    },
}


@dataclass(frozen=True)
class Result:
    node_id: str
    name: str


def name_of(result: Result) -> str:
    return result.name


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("", ()),
        (" , ", ()),
        ("9", ("9",)),
        (" 12:3 ,9,", ("12:3", "9")),
        ("9\uff0c12", ("9", "12")),
    ],
)
def test_listed_ids_keep_their_order(text: str, ids: tuple[str, ...]) -> None:
    assert read_output_ids(text, GRAPH) == ids
    assert read_output_ids(text) == ids


def test_an_id_given_twice_is_refused() -> None:
    with pytest.raises(BadInput) as caught:
        read_output_ids("9, 12, 9")
    assert (caught.value.key, caught.value.params) == ("error.outputs_twice", {"wanted": "9"})


def test_more_ids_than_outputs_are_refused() -> None:
    most = ",".join(map(str, range(POOL)))
    assert len(read_output_ids(most)) == POOL == 12
    with pytest.raises(BadInput) as caught:
        read_output_ids(most + ",99")
    assert caught.value.params == {"count": 13, "limit": 12}


def test_an_id_that_the_workflow_lacks_is_answered_with_the_nearest() -> None:
    with pytest.raises(BadField) as caught:
        read_output_ids("99", GRAPH)
    assert caught.value.node_id == "99"
    assert str(caught.value.params["near"]).startswith("9 (Big one [SaveImage])")
    assert read_output_ids("99") == ("99",)


def test_what_a_person_listed_wins() -> None:
    assert select(("12", "3"), ("9",), GRAPH, [Result("9", "")]) == ("12", "3")


def test_without_a_list_the_service_says_else_the_graph_else_the_results() -> None:
    results = [Result("12:3", ""), Result("9", ""), Result("", "")]
    assert select((), ("12:3", "9", "9", ""), GRAPH, results) == ("9", "12:3")
    assert select((), ("12:3", "9"), GRAPH) == ("9", "12:3")
    assert select((), (), GRAPH, results) == ("9", "12", "12:3")
    assert select((), (), None, results) == ("9", "12:3")
    assert select(()) == ()


def test_a_saver_that_another_node_reads_from_is_not_lost() -> None:
    passing = {
        "5": {"class_type": "SaveImage", "inputs": {"images": ["3", 0]}},
        "6": {"class_type": "Note", "inputs": {"images": ["5", 0]}},
    }
    assert select((), (), passing) == ("6",)
    assert select((), (), passing, [Result("5", "")]) == ("5",)


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("ComfyUI_00001_abcde_1760000000.png", 1),
        ("ComfyUI_00038_sffft_1742964027.png", 38),
        ("ComfyUI_00012_.png", 12),
        ("ComfyUI_100000_.png", 100000),
        ("video_00002-audio.mp4", 2),
        ("AnimateDiff_00003.mp4", 3),
        ("20240101_00004_abcde_1742964027.png", 4),
        ("batch_12345_00005_.png", 5),
        ("ComfyUI_00006_12345_1742964027.png", 6),
        ("photo_1742964027.png", None),
        ("9d77b8530f8b3591.png", None),
        ("", None),
    ],
)
def test_the_counter_is_read_from_a_file_name(name: str, count: int | None) -> None:
    assert counter(name) == count


def test_files_of_a_node_are_ordered_by_counter_when_all_have_one() -> None:
    listed = [Result("9", f"a_{n:05}_.png") for n in (3, 1, 2)]
    assert group(listed, ("9",), name_of) == {"9": [listed[1], listed[2], listed[0]]}
    listed.append(Result("9", "cover.png"))
    assert group(listed, ("9",), name_of) == {"9": listed}


def test_results_without_a_node_come_last_and_unselected_ones_are_left_out() -> None:
    loose, unselected, mine = Result("", "x.png"), Result("3", "y.png"), Result("9", "z.png")
    grouped = group([loose, unselected, mine], ("12", "9"), name_of)
    assert list(grouped.items()) == [("12", []), ("9", [mine]), ("", [loose])]


def test_results_of_the_service_can_be_grouped() -> None:
    first = RemoteResult("https://example.com/o/x_00001_.png", "9")
    second = RemoteResult("https://example.com/o/x_00002_.png", "9")
    assert group([second, first], ("9",), lambda r: file_name(r.url)) == {"9": [first, second]}


@given(st.permutations(range(8)))
def test_no_result_is_lost_or_doubled(order: list[int]) -> None:
    results = [Result(str(n % 3), f"x_{n:05}_.png") for n in order]
    grouped = group(results, ("2", "0", "1"), name_of)
    flat = [item for items in grouped.values() for item in items]
    assert flat == [Result(str(n % 3), f"x_{n:05}_.png") for n in (2, 5, 0, 3, 6, 1, 4, 7)]
