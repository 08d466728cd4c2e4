"""Expands a node's undeclared inputs to fields of orders: one order per batch or list item."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from typing import cast

from ...rh_api.errors import BadField, BadInput
from ...rh_api.graph.check import Promised
from ...rh_api.graph.link_validation import unwrap
from .adapters.adapter import Media
from .adapters.table import PLAIN, adapter_of, media_of
from .codecs.errors import MediaError
from .upload_sources import Pack

Inputs = Mapping[str, Sequence[object]]
"""A node's inputs as ComfyUI passes them under `is_input_list`: a list of values each."""


def promised(fields: Inputs) -> dict[str, object]:
    """The fields as known while the prompt is validated; the value of a link is Promised."""
    return {
        name: Promised() if list(values) == [None] else PLAIN.encode(unwrap(values[0]))
        for name, values in fields.items()
        if values
    }


def read_lazy_values(inputs: Inputs) -> None:
    """Load the lazy mappings of other packs (audio of videos, by a subprocess that may take
    seconds). Blocks: call it in the prompt's thread, never in the server's loop."""
    for values in inputs.values():
        for value in values:
            if isinstance(value, Mapping):
                len(cast("Mapping[object, object]", value))


def orders(
    fields: Inputs,
    zips: Container[str],
    lists: Container[str] = (),
    *,
    first: bool,
) -> list[dict[str, object]]:
    """The fields of each order, one at least: plain values, Media, Packs, and lists of those.

    Lists and batches are zipped, single items are broadcast. `zips`: fields that take one zip of
    all images. `lists`: fields that take all items at once. `first`: only the first item of each
    other list or batch is used. Nothing is encoded yet. Raises BadField for a field without a
    value, and BadInput for lengths that differ.
    """
    items_of = {name: _items(name, values, name in zips) for name, values in fields.items()}
    items_of |= {name: [_together(items)] for name, items in items_of.items() if name in lists}
    if first:
        items_of = {name: items[:1] for name, items in items_of.items()}
    lengths = {name: len(items) for name, items in items_of.items() if len(items) > 1}
    if len(set(lengths.values())) > 1:
        listing = ", ".join(f'"{name}" {length}' for name, length in lengths.items())
        raise BadInput("node.batch_lengths", lengths=listing)
    count = max(lengths.values(), default=1)
    return [{name: items[n % len(items)] for name, items in items_of.items()} for n in range(count)]


def check_count(every: Sequence[Mapping[str, object]], most: int, *, alike: bool) -> None:
    """Raise BadInput for more orders than `most`. `alike`: count equal orders once.

    Hashes every value then: call it in a worker thread.
    """
    count = len(every)
    if alike:
        count = len({tuple((n, _contents(v)) for n, v in fields.items()) for fields in every})
    if count > most:
        raise BadInput("node.batch_many", count=count, most=most)


def _contents(value: object) -> object:
    if isinstance(value, list):
        return tuple(map(_contents, cast("list[object]", value)))
    if not isinstance(value, Media):
        return type(value), value  # True is not 1
    try:
        return value.contents
    except MediaError:
        return value.key  # encoding it will raise the error


def with_masks(pictures: list[Media], mask: object) -> list[Media]:
    """Attach masks to images, one for all or one each. Raises `media.mask_count`."""
    masks = media_of(mask)
    if len(masks) not in (1, len(pictures)):
        raise MediaError("media.mask_count", masks=len(masks), pictures=len(pictures))
    return [replace(picture, mask=masks[n % len(masks)]) for n, picture in enumerate(pictures)]


def _together(items: list[object]) -> object:
    """The items of a field that takes a list; a single one as it is, since it may be a text that
    lists several."""
    return items[0] if len(items) == 1 else items


def _items(name: str, values: Sequence[object], is_zip: bool) -> list[object]:
    """The items of a field, or one Pack. Raises BadField for none."""
    if not values:
        raise BadField("node.field_empty", field=name)
    plain = [unwrap(value) for value in values]
    if is_zip:
        adapters = [adapter_of(value) for value in plain]
        zipped = [a for a in adapters if a is not None and a.in_zip]
        if len(zipped) == len(plain):
            return [Pack(tuple(map(Media, zipped, plain)))]
    return [item for value in plain for item in media_of(value) or [PLAIN.encode(value)]]
