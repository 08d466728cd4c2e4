"""A node's free inputs become an order's fields: plain values as they are, pictures as files."""

from __future__ import annotations

import asyncio
import json
import numbers
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from ..rh_api.client import Source
from ..rh_api.errors import BadField
from ..rh_api.graph.check import Promised, Unsupported
from ..rh_api.graph.fields import looks_like_field
from ..rh_api.graph.mirror import unwrap
from ..rh_api.texts import english
from ..rh_api.wire.filetypes import Kind as FileKind
from .media.codec import Kind
from .media.errors import MediaError

Inputs = Mapping[str, Sequence[object]]
"""A node's inputs as ComfyUI hands them to one that takes lists: a list for each."""
Worker = Callable[..., Awaitable[Any]]
"""Runs a function with its arguments where it may take its time."""

ENCODER_THREADS = 2  # of one picture; the pool that it runs in has two workers

# What ComfyUI's own types look like, where the type itself says nothing.
_SHAPES = ({"waveform", "sample_rate"}, "AUDIO"), ({"samples"}, "LATENT")


@dataclass(frozen=True, slots=True)
class Picture:
    """An IMAGE or a MASK of one item, not yet encoded."""

    kind: Kind
    tensor: Any


def promised(inputs: Inputs) -> dict[str, object]:
    """The fields as far as they are known before the graph runs; a link's value is Promised."""
    return {
        name: Promised() if list(values) == [None] else _plain(unwrap(values[0]))
        for name, values in inputs.items()
        if looks_like_field(name) and values
    }


async def read_fields(inputs: Inputs, *, first: bool, worker: Worker) -> dict[str, object]:
    """The fields of an order: plain values, and a Source for each picture.

    `first`: of a list or a batch the first item goes alone; otherwise more than one is refused.
    Raises BadField, naming the field.
    """
    given = {
        name: _single(name, values, first=first)
        for name, values in inputs.items()
        if looks_like_field(name)
    }

    async def ready(name: str, value: object) -> object:
        if not isinstance(value, Picture):
            return value
        try:
            return await worker(_encoded, value)
        except MediaError as error:
            reason = english(error.key, error.params)
            raise BadField("node.field_media", field=name, reason=reason) from None

    made = await asyncio.gather(*(ready(name, value) for name, value in given.items()))
    return dict(zip(given, made, strict=True))


def _single(name: str, values: Sequence[object], *, first: bool) -> object:
    """The one value of a field."""
    if not values:
        raise BadField("node.field_empty", field=name)
    if len(values) > 1 and not first:
        raise BadField("node.field_many", field=name, count=len(values))
    value = unwrap(values[0])
    kind = tensor_kind(value)
    if kind is None:
        return _plain(value)
    tensor = cast("Any", value)
    # A mask may come without its batch axis.
    count = len(tensor) if tensor.ndim > 2 else 1
    if count > 1 and not first:
        raise BadField("node.field_many", field=name, count=count)
    return Picture(kind, tensor[:1] if count > 1 else tensor)


def _plain(value: object) -> object:
    """A value as JSON says it; lists and objects as JSON text, all else Unsupported."""
    if isinstance(value, (str, bool)):
        return value
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        return float(value)
    type_name = _type_name(value)
    if type_name is None:
        try:
            return json.dumps(value, ensure_ascii=False)
        except (TypeError, ValueError, RecursionError):
            type_name = type(value).__name__
    return Unsupported(type_name)


def _type_name(value: object) -> str | None:
    """ComfyUI's name for a value that cannot travel; None for a JSON list or object."""
    if isinstance(value, dict):
        keys = cast("dict[object, object]", value).keys()
        return next((name for shape, name in _SHAPES if shape <= keys), None)
    if isinstance(value, (list, tuple)):
        return None
    if hasattr(value, "get_stream_source") or hasattr(value, "get_components"):
        return "VIDEO"
    return "nothing" if value is None else type(value).__name__


def tensor_kind(value: object) -> Kind | None:
    """Whether a tensor is an IMAGE (batch, height, width, channels) or a MASK; None if no tensor."""
    if type(value).__name__ not in ("Tensor", "ndarray", "Parameter"):
        return None
    shape = cast("Any", value).shape
    if len(shape) == 4 and not (shape[1] == 1 and shape[3] > 4):
        return Kind.IMAGE
    return Kind.MASK


def _encoded(picture: Picture) -> Source:
    """The PNG of one picture."""
    from .media.kinds import CODECS
    from .media.tensors import to_array

    array = to_array(picture.tensor)
    (file,) = CODECS[picture.kind].encode(array, threads=ENCODER_THREADS)
    return Source(FileKind.IMAGE, file.data, file.suffix, file.mime)
