"""What a node's free inputs become."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.nodes.conftest import load_pack

Pack = Callable[[str], ModuleType]


@pytest.fixture
def values(pack: Pack) -> ModuleType:
    return pack("nodes.values.field_values")


class Sound(dict):  # type: ignore[type-arg]
    """An AUDIO of some sounds."""

    def __init__(self, count: int) -> None:
        super().__init__(waveform=np.zeros((count, 2, 5), np.float32), sample_rate=8000)


class LazySound(Mapping):  # type: ignore[type-arg]
    """An AUDIO of the video pack's, which reads its file when somebody first looks."""

    def __init__(self) -> None:
        self.loaded: Sound | None = None

    def _load(self) -> Sound:
        self.loaded = self.loaded or Sound(1)
        return self.loaded

    def __getitem__(self, key: str) -> Any:
        return self._load()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._load())

    def __len__(self) -> int:
        return len(self._load())


VIDEO = SimpleNamespace(get_stream_source=None)


def orders_of(values: ModuleType, inputs: dict[str, list[Any]], **how: Any) -> list[dict[str, Any]]:
    groups = how.pop("zips", ()), how.pop("lists", ())
    return values.orders(inputs, *groups, **{"first": False, **how})


def fields_of(values: ModuleType, inputs: dict[str, list[Any]]) -> dict[str, Any]:
    (fields,) = orders_of(values, inputs)
    return fields


def test_plain_values_travel_as_they_are(values: ModuleType) -> None:
    given_values = {"6.text": "a cat", "3.seed": 2**64 - 1, "3.cfg": 7.5, "12:3.on": False}
    fields = fields_of(values, {name: [value] for name, value in given_values.items()})
    assert fields == given_values
    assert type(fields["12:3.on"]) is bool


def test_numbers_of_numpy_are_numbers(values: ModuleType) -> None:
    fields = fields_of(values, {"3.seed": [np.int64(5)], "3.cfg": [np.float32(0.5)]})
    assert fields == {"3.seed": 5, "3.cfg": 0.5}
    assert (type(fields["3.seed"]), type(fields["3.cfg"])) == (int, float)


def test_lists_travel_as_json_text_also_in_the_browsers_wrapping(values: ModuleType) -> None:
    fields = fields_of(values, {"1.points": [{"__value__": [1, 2]}], "2.box": [[0, "a", 2]]})
    assert fields == {"1.points": "[1, 2]", "2.box": '[0, "a", 2]'}
    assert {type(value).__name__ for value in fields.values()} == {"JsonText"}  # for no text field


@pytest.mark.parametrize(
    ("value", "name"),
    [({"samples": object()}, "LATENT"), (None, "nothing"), ({"a": object()}, "dict")],
)
def test_what_cannot_travel_keeps_its_name(values: ModuleType, value: object, name: str) -> None:
    assert fields_of(values, {"1.x": [value]})["1.x"].type_name == name


def test_pictures_and_masks_are_told_by_their_shape(values: ModuleType) -> None:
    shapes = {
        "1.a": (1, 8, 9, 3),
        "1.b": (1, 8, 9),
        "1.c": (8, 9),
        "1.d": (1, 1, 8, 9),
        "1.e": (1, 1, 8, 4),
    }
    fields = fields_of(values, {name: [np.zeros(shape)] for name, shape in shapes.items()})
    kinds = {name: field.kind.value for name, field in fields.items()}
    expected = {"1.a": "IMAGE", "1.b": "MASK", "1.c": "MASK", "1.d": "MASK", "1.e": "IMAGE"}
    assert kinds == expected


@pytest.mark.parametrize(
    "items",
    [
        [np.zeros((3, 4, 4, 3))],
        [np.zeros((3, 4, 4))],
        [np.zeros((1, 4, 4, 3)), np.zeros((2, 5, 5, 3))],
        ["a", "b", "c"],
        [Sound(3)],
        [Sound(1), Sound(2)],
        [VIDEO, VIDEO, VIDEO],
    ],
)
def test_an_order_an_item_or_the_first_alone(values: ModuleType, items: list[Any]) -> None:
    inputs = {"7.image": items, "6.text": ["all"]}
    fields = orders_of(values, inputs)
    assert [order["6.text"] for order in fields] == ["all"] * 3
    assert orders_of(values, inputs, first=True) == fields[:1]


def test_fields_of_equal_length_go_in_step(values: ModuleType) -> None:
    pictures = np.zeros((2, 4, 4, 3))
    orders = orders_of(values, {"1.image": [pictures], "6.text": ["a", "b"], "3.seed": [5]})
    assert [(o["1.image"].index, o["6.text"], o["3.seed"]) for o in orders] == [
        (0, "a", 5),
        (1, "b", 5),
    ]


def test_other_lengths_are_named(values: ModuleType) -> None:
    inputs = {"1.image": [np.zeros((3, 4, 4, 3))], "6.text": ["a", "b"], "3.seed": [5]}
    with pytest.raises(Exception, match=r'"1\.image" 3, "6\.text" 2') as refused:
        orders_of(values, inputs)
    assert type(refused.value).__name__ == "BadInput"


def test_more_orders_than_allowed_are_counted(values: ModuleType) -> None:
    every = orders_of(values, {"6.text": list("abcdefghijklmnopq")})
    with pytest.raises(Exception, match=r"17 orders.* allows 16"):
        values.check_count(every, 16, alike=True)


def tensor(count: int, value: float = 0.0, *shape: int) -> Any:
    full = np.full((count, *(shape or (4, 4, 3))), value, np.float32)
    return sys.modules["torch"].from_numpy(full)


@pytest.mark.parametrize(
    ("make", "orders"),
    [
        (lambda: ["a"] * 20, 1),
        (lambda: ["a", "b"] * 10, 2),
        (lambda: [1, True, 1.0] * 7, 3),
        (lambda: [tensor(20)], 1),
        (lambda: [tensor(2), tensor(3, 0.5)], 2),
        (lambda: [tensor(2), tensor(3, 0, 4, 4)], 2),
        (lambda: [{"waveform": tensor(9, 0, 2, 5), "sample_rate": 8000}], 1),
        (lambda: [VIDEO] * 5, 1),
    ],
)
def test_equal_items_are_one_order(
    values: ModuleType, make: Callable[[], list[Any]], orders: int
) -> None:
    every = orders_of(values, {"7.image": make(), "6.text": ["all"]})
    values.check_count(every, orders, alike=True)
    for most, alike in ((orders - 1, True), (len(every) - 1, False)):
        with pytest.raises(Exception, match=rf"allows {most}\."):
            values.check_count(every, most, alike=alike)


def test_a_field_that_takes_a_zip_gets_one_of_all_pictures(values: ModuleType) -> None:
    batches = [np.zeros((2, 4, 4, 3)), np.zeros((1, 5, 5))]
    inputs = {"1.upload": batches, "6.text": ["a", "b"]}
    first, second = orders_of(values, inputs, zips={"1.upload"})
    assert first["1.upload"] == second["1.upload"]
    assert [media.kind.value for media in first["1.upload"].media] == ["IMAGE", "MASK"]
    (named,) = orders_of(values, {"1.upload": ["uploaded.zip"]}, zips={"1.upload"})
    assert named == {"1.upload": "uploaded.zip"}


def test_an_empty_list_is_no_value(values: ModuleType) -> None:
    with pytest.raises(Exception, match=r'Nothing came through the link at "7\.image"'):
        orders_of(values, {"7.image": []})


def test_there_is_always_an_order(values: ModuleType) -> None:
    assert orders_of(values, {}) == [{}]
    assert len(orders_of(values, {"1.sound": [Sound(0)]})) == 1  # which has no sound to send


def test_a_sound_that_is_read_when_somebody_looks_is_a_sound(values: ModuleType) -> None:
    sound = LazySound()
    values.read_lazy_values({"7.audio": [sound], "6.text": ["a"], "3.seed": (None,)})
    assert sound.loaded
    assert fields_of(values, {"7.audio": [sound]})["7.audio"].kind.value == "AUDIO"


def test_before_the_graph_runs_a_link_is_a_promise(values: ModuleType) -> None:
    fields = values.promised({"1.a": (None,), "1.b": [5]})
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
    field_values = load_pack("nodes.values.field_values")
    (promised,) = field_values.promised({"1.x": [value, "so that it is no link"]}).values()
    assert isinstance(promised, (str, int, float, bool)) or type(promised).__name__ == "Unsupported"
