"""Where each node belongs: to this machine, or to one of the parts that go to the cloud.

A part is what is marked and touches. What reads something from a part that cannot cross the
border moves into that part, and so does what would take its way out of a part only to bring back
something that cannot cross.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .crossing import route
from .facts import CHEAP, MADE_VIDEO, OPENED_VIDEO
from .going import FOLLOWING
from .ground import MANY, Ground, Spot
from .plan import CUT, CannotOffload, Mark, Note

Why = tuple[str, Mapping[str, str]]
"""Key and parameters of the sentence why a node goes along."""


@dataclass(slots=True)
class Homes:
    """`part` is the home of each node that goes to the cloud; nodes without an entry stay here.

    `marks` has the mark of each part, `marked` the nodes that somebody marked (and that run),
    `moved` why others went along.
    """

    ground: Ground
    part: dict[str, int] = field(default_factory=dict[str, int])
    marks: dict[int, Mark] = field(default_factory=dict[int, Mark])
    marked: set[str] = field(default_factory=set[str])
    moved: dict[str, Why] = field(default_factory=dict[str, Why])
    notes: list[Note] = field(default_factory=list[Note])

    def links_of(self, node_id: str) -> list[tuple[str, str, int]]:
        """The links that count once the homes are known: a node here reads other nodes here as
        written; all else is read past savers and switches."""
        spot = self.ground.spots[node_id]
        if node_id in self.part:
            return spot.links
        part = self.part
        return [
            link if raw[1] in part else raw for raw, link in zip(spot.raw, spot.links, strict=True)
        ]


def find_homes(ground: Ground, marks: Sequence[Mark]) -> Homes:
    """The homes of all nodes that run. Raises CannotOffload for a node that cannot go."""
    homes = Homes(ground)
    marked = _marked(homes, marks)
    parts = _Parts()
    for node_id, number in marked.items():
        parts.add(node_id, number)
    after = _after(ground, marked)
    _forwards(homes, parts, marks)
    while _backwards(homes, parts, marks, after):
        _forwards(homes, parts, marks)
    names: dict[str, int] = {}
    for node_id in ground.order:
        if node_id in parts.above:
            top = parts.top(node_id)
            part = homes.part[node_id] = names.setdefault(top, len(names))
            homes.marks[part] = marks[parts.number[top]]
    homes.marked.update(marked)
    return homes


def _marked(homes: Homes, marks: Sequence[Mark]) -> dict[str, int]:
    """The mark of each node that runs and is marked: the first that names it."""
    ground = homes.ground
    same: dict[tuple[str, str, bool], int] = {}
    named: dict[str, int] = {}
    for number, mark in enumerate(marks):
        first = same.setdefault((mark.name, mark.instance, mark.only), number)
        for node_id in mark.nodes:
            named.setdefault(node_id, first)
    found: dict[str, int] = {}
    for node_id in ground.order:
        spot = ground.spots[node_id]
        # What an earlier pass has put in place of marked nodes has gone already.
        if node_id not in named or spot.class_type in CUT:
            continue
        reason = spot.hindrance
        if reason:
            raise CannotOffload(reason, local_id=node_id, node=spot.label)
        if _opens_here(ground, spot, named):
            homes.notes.append(Note(node_id, "segment.opens_here", {"node": spot.label}))
        else:
            found[node_id] = named[node_id]
    return found


def _opens_here(ground: Ground, spot: Spot, named: Mapping[str, int]) -> bool:
    """Whether a video that may be made of pictures is opened here, so that they go up instead."""
    return spot.class_type == OPENED_VIDEO and any(
        source not in named
        and not ground.is_file_video(source)
        and not ground.is_made_video(source)
        for _, source, _ in spot.links
    )


class _Parts:
    """Sets of nodes that grow together; each has the number of its mark."""

    def __init__(self) -> None:
        self.above: dict[str, str] = {}
        self.number: dict[str, int] = {}

    def add(self, node_id: str, number: int) -> None:
        self.above[node_id] = node_id
        self.number[node_id] = number

    def top(self, node_id: str) -> str:
        above = self.above
        while above[node_id] != node_id:
            above[node_id] = node_id = above[above[node_id]]
        return node_id

    def join(self, one: str, other: str) -> None:
        self.above[self.top(one)] = self.top(other)


def _after(ground: Ground, marked: Mapping[str, int]) -> dict[str, int]:
    """The marks that come somewhere before each node, as bits by their numbers."""
    after: dict[str, int] = {}
    for node_id in ground.order:
        bits = 0
        for _, source, _ in ground.spots[node_id].links:
            bits |= after.get(source, 0)
            if source in marked:
                bits |= 1 << marked[source]
        after[node_id] = bits
    return after


def _forwards(homes: Homes, parts: _Parts, marks: Sequence[Mark]) -> None:
    """Move what reads from a part what cannot come out, and join what touches."""
    spots, numbers = homes.ground.spots, parts.number
    for node_id in homes.ground.order:
        number = numbers.get(node_id)
        if number is None:
            number = _follow(homes, parts, marks, node_id)
        if number is not None:
            for _, source, _ in spots[node_id].links:
                if numbers.get(source) == number:
                    parts.join(node_id, source)


def _follow(homes: Homes, parts: _Parts, marks: Sequence[Mark], node_id: str) -> int | None:
    """Move a node to the first part that it reads something from which cannot come to it.

    What it needs in the same way from a part of another mark goes along as a copy.
    """
    ground = homes.ground
    spot = ground.spots[node_id]
    for raw, (name, source, slot) in zip(spot.raw, spot.links, strict=True):
        if raw[1] not in parts.above or source not in parts.above:
            continue
        stuck = comes_out(ground, spot, name, source, slot)
        if stuck:
            number = parts.number[source]
            why = _may_follow(ground, marks[number], spot, source, stuck)
            homes.moved[node_id] = ("segment.pulled_reader", why)
            parts.add(node_id, number)
            return number
    return None


def _backwards(
    homes: Homes, parts: _Parts, marks: Sequence[Mark], after: Mapping[str, int]
) -> bool:
    """Move what comes after a mark and is needed by the same mark where it cannot cross.

    So does what is cheap and only read there: no order is cut in two for a sum. Whether
    anything moved.
    """
    ground, moved = homes.ground, False
    sole: dict[str, int] = {}  # the mark of all readers of a cheap node, else -1
    for node_id in reversed(ground.order):
        spot = ground.spots[node_id]
        number = parts.number.get(node_id, -1)
        bits = after[node_id]
        if number < 0 and bits and spot.class_type in CHEAP:
            number = sole.get(node_id, -1)
            if number >= 0 and bits >> number & 1 and not marks[number].only:
                homes.moved[node_id] = ("segment.pulled_cheap", {"node": spot.label})
                parts.add(node_id, number)
                moved = True
            else:
                number = -1
        for name, source, slot in spot.links:
            behind = after.get(source, 0)
            if not behind or source in parts.above:
                continue
            other = ground.spots[source]
            if other.class_type in CHEAP:
                sole[source] = number if sole.get(source, number) == number else -1
            if number < 0 or not behind >> number & 1 or marks[number].only or other.hindrance:
                continue
            stuck = goes_in(ground, spot, name, source, slot)
            if stuck:
                why = {"node": other.label, "other": spot.label, "type": stuck}
                homes.moved[source] = ("segment.pulled_source", why)
                parts.add(source, number)
                moved = True
    return moved


def _may_follow(ground: Ground, mark: Mark, spot: Spot, source: str, stuck: str) -> dict[str, str]:
    why = {"node": spot.label, "other": ground.label(source), "type": stuck}
    if mark.only:
        raise CannotOffload("segment.only", local_id=spot.id, **why)
    reason = spot.hindrance
    if reason:
        raise CannotOffload(FOLLOWING[reason], local_id=spot.id, **why)
    return why


def comes_out(ground: Ground, reader: Spot, name: str, source: str, slot: int) -> str:
    """What a link carries when it cannot come out of the cloud; "" when it can. `IMAGE[]`: a list."""
    kind = ground.link_type(reader, name, source, slot)
    if ground.listed(source, slot) == MANY:
        return f"{kind}[]"
    if route(kind) is None:
        return kind
    if kind != "VIDEO" or ground.is_file_video(source):
        return ""
    # Of a video made of pictures these come instead, and it is made here.
    return "" if ground.spots[source].class_type == MADE_VIDEO else kind


def goes_in(ground: Ground, reader: Spot, name: str, source: str, slot: int) -> str:
    """What a link carries when it cannot go into the cloud; "" when it can. `IMAGE?`: what is
    made only when it is needed, which shows in the cloud."""
    kind = ground.link_type(reader, name, source, slot)
    if ground.listed(source, slot) == MANY:
        return f"{kind}[]"
    declared = reader.traits.known.inputs.get(name)
    if declared is not None and declared.lazy:
        return f"{kind}?"
    if route(kind) is None or (kind == "VIDEO" and ground.is_made_video(source)):
        return kind
    return ""
