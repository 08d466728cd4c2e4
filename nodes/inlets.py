"""What came through a segment's inputs, as what goes up: plain values, or a file an item."""

from __future__ import annotations

import numbers
from collections.abc import Mapping, Sequence
from typing import Any, cast

from comfy_api.latest import Input

from ..rh_api.errors import BadInput
from ..rh_api.graph.segments import Inlet, Item, Segment
from ..rh_api.offload import Given
from .media.codec import Kind
from .sources import Media, Sources
from .values import media_of

_MEDIA = {kind.value: kind for kind in Kind}
_PLAIN: Mapping[str, tuple[type, ...]] = {
    "STRING": (str,),
    "INT": (numbers.Integral,),
    "FLOAT": (numbers.Real,),
    "BOOLEAN": (bool,),
}


def given(
    segment: Segment, inputs: Mapping[str, Sequence[object]], sources: Sources
) -> list[Given]:
    """The value of every inlet. Nothing is encoded yet.

    Raises BadInput for a list of several items, where local nodes would run once for each, and
    for a value that is not of the type that its link promised.
    """
    return [_one(inlet, inputs.get(f"in_{inlet.number}", ()), sources) for inlet in segment.inlets]


def _one(inlet: Inlet, values: Sequence[object], sources: Sources) -> Given:
    if len(values) != 1:
        raise _refusal("segment.list_came", inlet, count=len(values))
    (value,) = values
    kind = _MEDIA.get(inlet.type)
    if kind is None:
        return Given(inlet, [Item(value=_plain(inlet, value))])
    media = media_of(value)
    if not media or any(one.kind is not kind for one in media):
        raise _wrong(inlet, value)
    if kind is Kind.VIDEO and not _is_file(value):
        raise _refusal("segment.video_made", inlet)
    files = [sources.draft(one, f"in_{inlet.number}") for one in media]
    return Given(inlet, [Item(_channels(one)) for one in media], files)


def _refusal(key: str, inlet: Inlet, **params: Any) -> BadInput:
    node_id, name = inlet.targets[0]
    return BadInput(key, node=node_id, input=name, **params)


def _wrong(inlet: Inlet, value: object) -> BadInput:
    given = "nothing" if value is None else type(value).__name__
    return _refusal("segment.wrong_value", inlet, type=inlet.type, given=given)


def _plain(inlet: Inlet, value: object) -> object:
    if isinstance(value, bool) != (inlet.type == "BOOLEAN"):
        raise _wrong(inlet, value)
    if not isinstance(value, _PLAIN.get(inlet.type, ())):
        raise _wrong(inlet, value)
    if inlet.type == "INT":
        return int(cast("int", value))
    return float(cast("float", value)) if inlet.type == "FLOAT" else value


def _channels(media: Media) -> int:
    """Of the file that a picture becomes (with alpha 4), or of a sound."""
    if media.kind is Kind.AUDIO:
        return cast("Any", media.value)["waveform"].shape[-2]
    if media.kind is not Kind.IMAGE:
        return 3
    shape: tuple[int, ...] = cast("Any", media.value).shape
    return 4 if shape[-1] in (2, 4) else 3


def _is_file(value: object) -> bool:
    """Whether a VIDEO has a file of its own, instead of being made of pictures."""
    return type(value).get_stream_source is not Input.Video.get_stream_source  # type: ignore[attr-defined]
