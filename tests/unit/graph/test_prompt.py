from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rh_api.graph.prompt import Link, id_order, is_link, links, read_nodes, terminal_nodes

NUMBERED = st.lists(st.integers(0, 999), min_size=1, max_size=4).map(
    lambda path: ":".join(map(str, path))
)


def test_ids_are_ordered_as_integer_paths_with_words_after_numbers() -> None:
    mixed = ["b:1", "12:x", "13", "3", "12:10", "a", "12:3", "12"]
    assert sorted(mixed, key=id_order) == ["3", "12", "12:3", "12:10", "12:x", "13", "a", "b:1"]


@given(NUMBERED, NUMBERED)
def test_the_order_of_numbered_ids_is_that_of_their_paths(a: str, b: str) -> None:
    def path(node_id: str) -> list[int]:
        return [int(part) for part in node_id.split(":")]

    assert (id_order(a) < id_order(b)) == (path(a) < path(b))


@given(st.lists(st.text(alphabet="0123456789:a٣", max_size=6)))
def test_any_ids_can_be_ordered_and_different_ones_never_tie(ids: list[str]) -> None:
    keys = [id_order(node_id) for node_id in sorted(set(ids), key=id_order)]
    assert keys == sorted(set(keys))
    assert len(keys) == len(set(ids))


def test_an_id_of_thousands_of_digits_is_ordered_as_a_word() -> None:
    assert id_order("9" * 5000) > id_order("12")


def test_only_a_list_of_text_and_number_is_a_link() -> None:
    assert is_link(["4", 0])
    assert is_link(["512", 512])
    assert is_link(["4", True])
    for value in (["4"], ["4", None], [4, 0], ["4", "0"], ["4", 0, 1], "4", None, ("4", 0), {}):
        assert not is_link(value)


def test_entries_that_are_no_node_are_left_out() -> None:
    graph = {
        "1": {"class_type": "SaveImage", "inputs": {"images": ["2", 0]}, "_meta": {"title": "Out"}},
        "2": {"class_type": "LoadImage"},
        "3": {"inputs": {}},
        "4": "text",
        "5": {"class_type": "X", "inputs": []},
        "6": {"class_type": "X", "_meta": {"title": "  "}},
        "7": {"class_type": "X", "_meta": []},
    }
    nodes = read_nodes(graph)
    assert list(nodes) == ["1", "2", "6", "7"]
    assert nodes["1"].label == "Out [SaveImage]"
    assert [nodes[i].label for i in ("2", "6", "7")] == ["LoadImage", "X", "X"]
    assert nodes["2"].inputs == {}


def test_links_are_listed_and_the_ends_are_what_nothing_reads() -> None:
    graph = {
        "12": {"class_type": "SaveImage", "inputs": {"images": ["3", 1]}},
        "3": {"class_type": "Blend", "inputs": {"a": ["5", 0], "b": ["99", 0], "c": 0.5}},
        "5": {"class_type": "LoadImage", "inputs": {"image": "x.png"}},
        "7": {"class_type": "PreviewImage", "inputs": {"images": ["5", 0]}},
    }
    assert list(links(graph)) == [
        Link("3", 1, "12", "images"),
        Link("5", 0, "3", "a"),
        Link("99", 0, "3", "b"),
        Link("5", 0, "7", "images"),
    ]
    assert terminal_nodes(graph) == ("7", "12")
