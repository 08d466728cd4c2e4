"""What comes through a segment's inputs, as its order takes it."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from types import ModuleType
from typing import Any

import numpy as np
import pytest


@pytest.fixture
def sent_for(pack: Callable[[str], ModuleType]) -> Callable[..., list[object]]:
    """The plain values that go up, of one that came for an input of a type."""
    offload, inlets = pack("rh_api.offload"), pack("nodes.values.inlets")

    def plain_values(kind: str, *values: object, required: bool = True) -> list[object]:
        inlet = offload.Inlet(0, kind, ("1", 0), (("2", "x"),))
        graph = {"2": {"class_type": "Takes", "inputs": {}}}
        segment = offload.Segment("2", "a", "default", graph, (inlet,))
        info = offload.ClassInfo({"x": offload.InputInfo(kind, required)})
        came: Any = inlets.values(segment, {"in_0": values}, None, lambda _: info)
        return [item.value for brought in came for item in brought.items]

    return plain_values


@pytest.mark.parametrize(
    ("kind", "value", "sent"),
    [
        ("STRING", " a\n", " a\n"),
        ("INT", 2**64 - 1, 2**64 - 1),
        ("INT", 3.0, 3),
        ("INT", True, 1),
        ("INT", np.int64(3), 3),
        ("INT", np.array(3), 3),
        ("FLOAT", 3, 3.0),
        ("FLOAT", np.float32(0.5), 0.5),
        ("FLOAT", Fraction(1, 3), 1 / 3),
        ("BOOLEAN", np.bool_(True), True),
        ("BOOLEAN", 0, False),
        ("BOOLEAN", 1.0, True),
    ],
)
def test_a_value_goes_up_as_the_type_of_its_link(
    sent_for: Callable[..., list[object]], kind: str, value: object, sent: object
) -> None:
    (came,) = sent_for(kind, value)
    assert (came, type(came)) == (sent, type(sent))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("STRING", 3),
        ("INT", 2.5),
        ("INT", float("nan")),
        ("INT", float("inf")),
        ("INT", "3"),
        ("INT", np.array([3])),
        ("FLOAT", 2**2000),
        ("FLOAT", None),
        ("BOOLEAN", 2),
    ],
)
def test_what_is_another_value_is_refused(
    sent_for: Callable[..., list[object]], kind: str, value: object
) -> None:
    with pytest.raises(Exception, match=f"takes {kind} in the cloud"):
        sent_for(kind, value)


def test_a_sound_of_one_axis_is_refused_with_its_encoding(
    pack: Callable[[str], ModuleType],
) -> None:
    table = pack("nodes.values.adapters.table")
    waveform = pack("nodes.values.codecs.tensors").from_array(np.zeros(100, np.float32))
    (media,) = table.media_of({"waveform": waveform, "sample_rate": 8000})
    assert media.adapter.channels(media) == 1
    with pytest.raises(Exception, match="not_a_sound"):
        media.adapter.encode(media, None)


def test_nothing_is_left_out_where_it_may_be(sent_for: Callable[..., list[object]]) -> None:
    assert sent_for("FLOAT", None, required=False) == []
    with pytest.raises(Exception, match="nothing came"):
        sent_for("FLOAT", None)
    with pytest.raises(Exception, match="2 items"):
        sent_for("FLOAT", None, None)
