"""A node's free inputs become the fields of its orders: an order an item of a batch or a list."""

from __future__ import annotations

import json
import numbers
from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from ..rh_api.errors import BadField, BadInput
from ..rh_api.graph.check import Promised, Unsupported
from ..rh_api.graph.fields import looks_like_field
from ..rh_api.graph.mirror import unwrap
from .media.codec import Kind
from .media.errors import MediaError
from .sources import Media, Pack

Inputs = Mapping[str, Sequence[object]]
"""A node's inputs as ComfyUI hands them to one that takes lists: a list for each."""

# What ComfyUI's own types look like, where the type itself says nothing.
_SOUND = frozenset({"waveform", "sample_rate"})
_LATENT = frozenset({"samples"})


def names(inputs: Inputs) -> list[str]:
    """The inputs that are fields."""
    return [name for name in inputs if looks_like_field(name)]


def promised(inputs: Inputs) -> dict[str, object]:
    """The fields as far as they are known before the graph runs; a link's value is Promised."""
    return {
        name: Promised() if list(inputs[name]) == [None] else _plain(unwrap(inputs[name][0]))
        for name in names(inputs)
        if inputs[name]
    }


def orders(
    inputs: Inputs, zips: Container[str], *, first: bool, most: int
) -> list[dict[str, object]]:
    """The fields of each order: plain values, Media and Packs.

    Items of lists and batches go in step, single ones repeat. `zips`: fields that take one zip
    of all pictures. `first`: of each list or batch the first item goes alone. Nothing is encoded
    yet. Raises BadField for a field without a value, BadInput for lengths that differ and for
    more orders than `most`.
    """
    given = {name: _items(name, inputs[name], name in zips) for name in names(inputs)}
    if first:
        given = {name: items[:1] for name, items in given.items()}
    lengths = {name: len(items) for name, items in given.items() if len(items) > 1}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f'"{name}" {length}' for name, length in lengths.items())
        raise BadInput("node.batch_lengths", lengths=told)
    count = max(lengths.values(), default=1)
    if count > most:
        raise BadInput("node.batch_many", count=count, most=most)
    return [
        {name: items[index % len(items)] for name, items in given.items()} for index in range(count)
    ]


def media_of(value: object) -> list[Media]:
    """The items of a value that travels as files; [] for any other value."""
    kind = tensor_kind(value)
    if kind is not None:
        shape = cast("Any", value).shape
        # A mask may come without its batch axis; an empty batch is refused when it is encoded.
        return _split(kind, value, shape[0] if len(shape) > 2 else 1)
    if _is_video(value):
        return [Media(Kind.VIDEO, value)]
    if isinstance(value, dict) and cast("dict[object, object]", value).keys() >= _SOUND:
        shape = getattr(cast("dict[str, Any]", value)["waveform"], "shape", ())
        return _split(Kind.AUDIO, value, shape[0] if len(shape) > 2 else 1)
    return []


def with_masks(pictures: list[Media], mask: object) -> list[Media]:
    """The pictures with one mask for all or one each. Raises `media.mask_count`."""
    masks = media_of(mask)
    if len(masks) not in (1, len(pictures)):
        raise MediaError("media.mask_count", masks=len(masks), pictures=len(pictures))
    return [replace(one, mask=masks[n % len(masks)]) for n, one in enumerate(pictures)]


def _split(kind: Kind, value: object, count: int) -> list[Media]:
    if count < 2:
        return [Media(kind, value)]
    return [Media(kind, value, index) for index in range(count)]


def _items(name: str, values: Sequence[object], is_zip: bool) -> list[object]:
    """The items of a field."""
    if not values:
        raise BadField("node.field_empty", field=name)
    plain = [unwrap(value) for value in values]
    kinds = [tensor_kind(value) for value in plain]
    if is_zip and all(kinds):
        return [Pack(tuple(Media(kind, v) for kind, v in zip(kinds, plain, strict=True) if kind))]
    return [item for value in plain for item in media_of(value) or [_plain(value)]]


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
        return "LATENT" if keys >= _LATENT else None
    if isinstance(value, (list, tuple)):
        return None
    return "nothing" if value is None else type(value).__name__


def _is_video(value: object) -> bool:
    return hasattr(value, "get_stream_source") or hasattr(value, "get_components")


def tensor_kind(value: object) -> Kind | None:
    """Whether a tensor is an IMAGE (batch, height, width, channels) or a MASK; None if no tensor."""
    if type(value).__name__ not in ("Tensor", "ndarray", "Parameter"):
        return None
    shape = cast("Any", value).shape
    if len(shape) == 4 and not (shape[1] == 1 and shape[3] > 4):
        return Kind.IMAGE
    return Kind.MASK
