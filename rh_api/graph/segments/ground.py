"""A prompt as the cut looks at it: what runs, in which order, and what each link carries."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from ...wire.workflows import Graph
from ..prompt import id_order, is_link
from .crossing import SAME, route
from .facts import FILE_VIDEO, MADE_VIDEO, PLAIN_CHOICE, SWITCH, SWITCHED, SWITCHED_BY
from .plan import CannotOffload, Classes, Link
from .savers import SAVERS
from .traits import Traits, traits_of

_MATCHED = "COMFY_MATCHTYPE_V3"
_VAGUE = frozenset({"*", _MATCHED})

_OUTPUTS = 10_000  # more than any class has
ONE, PERHAPS, MANY = 0, 1, 2
"""Whether an output is a list of values: no; ours, mostly of one item; yes."""


@dataclass(slots=True)
class Spot:
    """One node. `raw` are its links as written, `links` the same past savers and switches, both
    as (input, source, slot) by the input's name."""

    id: str
    class_type: str
    title: str
    inputs: Mapping[str, Any]
    traits: Traits
    raw: list[tuple[str, str, int]]
    links: list[tuple[str, str, int]] = field(default_factory=list[tuple[str, str, int]])

    @property
    def hindrance(self) -> str:
        """The key of the reason why it cannot run in the cloud; "": it can."""
        traits = self.traits
        if not traits.hindrance and any(self.inputs.get(name) for name in traits.paths):
            return "segment.local_disk"
        return traits.hindrance

    @property
    def label(self) -> str:
        """Id, title and class, as a sentence names the node."""
        named = self.title if self.title == self.class_type else f"{self.title} [{self.class_type}]"
        return f"{self.id} ({named or '?'})"


class Ground:
    """The nodes of a prompt; `order` has those that an output needs, sources first, and `rank`
    their places when they are ordered by their ids."""

    def __init__(
        self, prompt: Graph, classes: Classes, targets: Collection[str] | None = None
    ) -> None:
        self.spots = _read(prompt, classes)
        read = {source for spot in self.spots.values() for _, source, _ in spot.raw}
        ends = (
            spot.id
            for spot in self.spots.values()
            if (spot.traits.known.is_output if spot.traits.info else spot.id not in read)
            and (targets is None or spot.id in targets)
        )
        self.roots = sorted(ends, key=id_order)
        self.order = list(_sources_first(self.spots, self.roots))
        self.rank = {each: at for at, each in enumerate(sorted(self.order, key=id_order))}
        self._lists: dict[str, tuple[int, ...]] = {}
        self._types: dict[Link, str] = {}
        self._videos: dict[str, str] = {}
        for node_id in self.order:
            spot = self.spots[node_id]
            spot.links = [(name, *self._past(src, slot)) for name, src, slot in spot.raw]
            self._note_lists(spot)
            # Asked now, while the answer is one step away, however long the chain.
            if spot.class_type == SWITCH:
                self._video(node_id)
            for slot, kind in enumerate(spot.traits.known.outputs):
                if kind == _MATCHED:
                    self.out_type(node_id, slot)

    def label(self, node_id: str) -> str:
        spot = self.spots.get(node_id)
        return spot.label if spot else node_id

    def made_order(self, made: tuple[str, int, str]) -> tuple[int, int, str]:
        """Sort key of a value (source, slot, type) by where it is made."""
        source, slot, kind = made
        return self.rank[source], slot, kind

    def listed(self, source: str, slot: int) -> int:
        """ONE, PERHAPS or MANY values at an output."""
        lists = self._lists.get(source)
        return lists[slot] if lists is not None and 0 <= slot < len(lists) else ONE

    def link_type(self, reader: Spot, name: str, source: str, slot: int) -> str:
        """What a link carries; `*` when neither end tells."""
        said = self.out_type(source, slot)
        if said not in _VAGUE:
            return said
        declared = reader.traits.known.inputs.get(name)
        wanted = SAME.get(declared.type, declared.type) if declared else "*"
        return wanted if route(wanted) else "*"

    def out_type(self, source: str, slot: int) -> str:
        """What an output gives; `*` when its class does not tell."""
        key = (source, slot)
        if key not in self._types:
            self._types[key] = "*"  # what asks for itself learns nothing
            self._types[key] = self._out_type(source, slot)
        return self._types[key]

    def is_file_video(self, source: str) -> bool:
        return self._video(source) == FILE_VIDEO

    def is_made_video(self, source: str) -> bool:
        return self._video(source) == MADE_VIDEO

    def _out_type(self, source: str, slot: int) -> str:
        spot = self.spots.get(source)
        if spot is None:
            return "*"
        outputs = spot.traits.known.outputs
        if not 0 <= slot < len(outputs):
            return "*"
        said = SAME.get(outputs[slot], outputs[slot])
        if said != _MATCHED:
            return said
        matched = {
            self.out_type(src, src_slot)
            for name, src, src_slot in spot.links
            if (known := spot.traits.known.inputs.get(name)) and known.type == _MATCHED
        }
        return matched.pop() if len(matched) == 1 else "*"

    def _video(self, source: str) -> str:
        """The class that a VIDEO comes from, past nodes that hand it on; "" when that is open."""
        if source not in self._videos:
            self._videos[source] = ""
            spot = self.spots.get(source)
            if spot is not None:
                self._videos[source] = self._video_of(spot)
        return self._videos[source]

    def _video_of(self, spot: Spot) -> str:
        if spot.class_type in (FILE_VIDEO, MADE_VIDEO):
            return spot.class_type
        if spot.traits.own:
            return FILE_VIDEO
        if spot.class_type != SWITCH:
            return ""
        origins = {self._video(src) for name, src, _ in spot.links if name in SWITCHED}
        return origins.pop() if len(origins) == 1 else ""

    def _past(self, source: str, slot: int) -> Link:
        """The output that a link really reads: savers hand on, a plain switch has chosen."""
        spot = self.spots.get(source)
        if spot is None or slot != 0:
            return source, slot
        chosen = self._chosen(spot) if spot.class_type == SWITCH else None
        if chosen is not None:
            through = SWITCHED[chosen]
        else:
            saver = SAVERS.get(spot.class_type)
            if saver is None or not saver.passes:
                return source, slot
            through = saver.input
        # A saver outside `order` cannot be: who reads a link comes after its source.
        found = (link[1:] for link in spot.links if link[0] == through)
        return next(found, (source, slot))

    def _chosen(self, switch: Spot) -> bool | None:
        """What a switch has chosen, on itself or by a plain node; None where that will show."""
        source = next(
            (self.spots.get(src) for name, src, _ in switch.raw if name == SWITCHED_BY), None
        )
        about = switch.inputs.get(SWITCHED_BY)
        if source is not None and source.class_type == PLAIN_CHOICE:
            about = source.inputs.get("value")
        return about if isinstance(about, bool) else None

    def _note_lists(self, spot: Spot) -> None:
        """A list, or what ComfyUI makes once for each item of a list."""
        known = spot.traits.known
        mapped = ONE
        if self._lists and not known.input_is_list:
            mapped = max((self.listed(src, slot) for _, src, slot in spot.links), default=ONE)
        own = PERHAPS if spot.traits.own else MANY
        if mapped or any(known.output_is_list):
            padded = (*known.output_is_list, *(False,) * len(known.outputs))
            lists = (own if padded[slot] else mapped for slot in range(len(known.outputs)))
            self._lists[spot.id] = tuple(lists)


def _read(prompt: Graph, classes: Classes) -> dict[str, Spot]:
    known: dict[str, Traits] = {}
    spots: dict[str, Spot] = {}
    for node_id, entry in prompt.items():
        if not isinstance(entry, dict):
            continue
        about = cast("dict[str, Any]", entry)
        class_type, inputs = about.get("class_type"), about.get("inputs")
        if not isinstance(class_type, str):
            class_type = ""
        if not isinstance(inputs, dict):
            inputs = {}
        if class_type not in known:
            known[class_type] = traits_of(class_type, classes(class_type))
        values = cast("dict[str, Any]", inputs)
        meta = about.get("_meta")
        title = cast("dict[str, Any]", meta).get("title") if isinstance(meta, dict) else None
        raw = [
            (name, value[0], _slot(value[1]))
            for name, value in values.items()
            if value.__class__ is list and is_link(value)
        ]
        raw.sort()
        spots[node_id] = Spot(
            node_id,
            class_type,
            title.strip() if isinstance(title, str) and title.strip() else class_type,
            values,
            known[class_type],
            cast("list[tuple[str, str, int]]", raw),
        )
    return spots


def _slot(index: Any) -> int:
    """An output's index; -1, which no class has, for one that is no whole number."""
    if index.__class__ is not int:
        whole = isinstance(index, (int, float)) and index in (0, 1, 2, 3, 4, 5, 6, 7)
        return int(index) if whole else -1
    return index if 0 <= index < _OUTPUTS else -1


def _sources_first(spots: Mapping[str, Spot], roots: Collection[str]) -> Iterator[str]:
    """The nodes that the roots need, each after all that it reads from."""
    done: set[str] = set()
    under_way: set[str] = set()
    for root in roots:
        stack: list[tuple[str, Iterator[tuple[str, str, int]]]] = []
        if root not in done:
            under_way.add(root)
            stack.append((root, iter(spots[root].raw)))
        while stack:
            node_id, links = stack[-1]
            for _, source, _ in links:
                if source in under_way:
                    node = spots[source].label
                    raise CannotOffload("segment.cycle", local_id=source, node=node)
                if source not in done and source in spots:
                    under_way.add(source)
                    stack.append((source, iter(spots[source].raw)))
                    break
            else:
                stack.pop()
                under_way.discard(node_id)
                done.add(node_id)
                yield node_id
