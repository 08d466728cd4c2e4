"""Converts a segment node's inputs to what is sent: plain values, or one file per item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...rh_api.errors import BadInput
from ...rh_api.offload import Classes, Inlet, Item, Segment
from ...rh_api.offload.driver import InletValue
from .adapters.table import BY_TYPE, PLAIN
from .upload_sources import Sources


def values(
    segment: Segment,
    inputs: Mapping[str, Sequence[object]],
    sources: Sources,
    classes: Classes,
) -> list[InletValue]:
    """The value of every inlet, without those of optional inputs that are None, such as the audio
    of a silent video. Nothing is encoded yet.

    Raises BadInput for a list of several items, over which ComfyUI would map a local node, and for
    a value that is not of its link's type.
    """
    came = [(inlet, inputs.get(f"in_{inlet.number}", ())) for inlet in segment.inlets]
    return [
        _value(inlet, items, sources)
        for inlet, items in came
        if any(item is not None for item in items) or not _optional(segment, inlet, classes)
    ]


def _optional(segment: Segment, inlet: Inlet, classes: Classes) -> bool:
    """Whether all inputs that read its value are optional."""
    readers = [(classes(segment.graph[node]["class_type"]), name) for node, name in inlet.targets]
    return all(
        about is not None and name in about.inputs and not about.inputs[name].required
        for about, name in readers
    )


def _value(inlet: Inlet, items: Sequence[object], sources: Sources) -> InletValue:
    if len(items) != 1:
        raise _refusal("segment.list_came", inlet, count=len(items))
    (value,) = items
    adapter = BY_TYPE.get(inlet.type)
    if adapter is None:
        try:
            return InletValue(inlet, [Item(value=PLAIN.encode_as(value, inlet.type))])
        except ValueError:
            raise _wrong(inlet, value) from None
    if not adapter.detect(value):
        raise _wrong(inlet, value)
    if reason := adapter.inlet_refusal(value):
        raise _refusal(reason, inlet)
    media = adapter.split(value)
    files = [sources.lazy_source(item, f"in_{inlet.number}") for item in media]
    return InletValue(inlet, [Item(adapter.channels(item)) for item in media], files)


def _refusal(key: str, inlet: Inlet, **params: Any) -> BadInput:
    node_id, name = inlet.targets[0]
    return BadInput(key, node=node_id, input=name, **params)


def _wrong(inlet: Inlet, value: object) -> BadInput:
    type_name = "nothing" if value is None else type(value).__name__
    return _refusal("segment.wrong_value", inlet, type=inlet.type, given=type_name)
