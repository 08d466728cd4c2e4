"""What a node's free inputs become."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

Pack = Callable[[str], ModuleType]


@pytest.fixture
def values(pack: Pack) -> ModuleType:
    return pack("nodes.values")


async def read(values: ModuleType, inputs: dict[str, list[Any]], *, first: bool = False) -> Any:
    async def encoding(_: Callable[..., Any], picture: Any) -> Any:
        return picture

    return await values.read_fields(inputs, first=first, worker=encoding)


async def test_plain_values_travel_as_they_are(values: ModuleType) -> None:
    given_values = {"6.text": "a cat", "3.seed": 2**64 - 1, "3.cfg": 7.5, "12:3.on": False}
    fields = await read(values, {name: [value] for name, value in given_values.items()})
    assert fields == given_values
    assert type(fields["12:3.on"]) is bool


async def test_only_names_of_fields_count(values: ModuleType) -> None:
    inputs = {"workflow": ["1"], "link_0": ["x"], "refresh": [1], "format.codec": ["h264"]}
    assert await read(values, {**inputs, "6.text": ["a"]}) == {"6.text": "a"}


async def test_numbers_of_numpy_are_numbers(values: ModuleType) -> None:
    fields = await read(values, {"3.seed": [np.int64(5)], "3.cfg": [np.float32(0.5)]})
    assert fields == {"3.seed": 5, "3.cfg": 0.5}
    assert (type(fields["3.seed"]), type(fields["3.cfg"])) == (int, float)


async def test_lists_travel_as_json_text_also_in_the_browsers_wrapping(values: ModuleType) -> None:
    fields = await read(values, {"1.points": [{"__value__": [1, 2]}], "2.box": [[0, "a", 2]]})
    assert fields == {"1.points": "[1, 2]", "2.box": '[0, "a", 2]'}


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ({"samples": object()}, "LATENT"),
        ({"waveform": object(), "sample_rate": 44100}, "AUDIO"),
        (SimpleNamespace(get_stream_source=None), "VIDEO"),
        (None, "nothing"),
        ({"a": object()}, "dict"),
    ],
)
async def test_what_cannot_travel_keeps_its_name(
    values: ModuleType, value: object, name: str
) -> None:
    fields = await read(values, {"1.x": [value]})
    assert fields["1.x"].type_name == name


async def test_pictures_and_masks_are_told_by_their_shape(values: ModuleType) -> None:
    shapes = {
        "1.a": (1, 8, 9, 3),
        "1.b": (1, 8, 9),
        "1.c": (8, 9),
        "1.d": (1, 1, 8, 9),
        "1.e": (1, 1, 8, 4),
    }
    fields = await read(values, {name: [np.zeros(shape)] for name, shape in shapes.items()})
    kinds = {name: field.kind.value for name, field in fields.items()}
    expected = {"1.a": "IMAGE", "1.b": "MASK", "1.c": "MASK", "1.d": "MASK", "1.e": "IMAGE"}
    assert kinds == expected


@pytest.mark.parametrize(
    "given_values", [[np.zeros((3, 4, 4, 3))], [np.zeros((3, 4, 4))], ["a", "b", "c"]]
)
async def test_more_than_one_is_refused_by_name_and_the_first_goes_alone_when_asked(
    values: ModuleType, given_values: list[Any]
) -> None:
    with pytest.raises(Exception, match=r'"7\.image" takes one item, and 3 came') as refused:
        await read(values, {"7.image": given_values})
    assert type(refused.value).__name__ == "BadField"

    field = (await read(values, {"7.image": given_values}, first=True))["7.image"]
    assert field == "a" or len(field.tensor) == 1


async def test_an_empty_list_is_no_value(values: ModuleType) -> None:
    with pytest.raises(Exception, match=r'Nothing came through the link at "7\.image"'):
        await read(values, {"7.image": []})


def test_before_the_graph_runs_a_link_is_a_promise(values: ModuleType) -> None:
    fields = values.promised({"1.a": (None,), "1.b": [5], "workflow": ["w"]})
    assert type(fields["1.a"]).__name__ == "Promised"
    assert fields["1.b"] == 5
    assert set(fields) == {"1.a", "1.b"}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    )
)
def test_any_json_value_becomes_something_plain(value: object) -> None:
    from rh_pack.nodes import values  # pyright: ignore[reportMissingImports]

    (made,) = values.promised({"1.x": [value, "so that it is no link"]}).values()
    assert isinstance(made, (str, int, float, bool)) or type(made).__name__ == "Unsupported"
