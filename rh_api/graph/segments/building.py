"""From what runs where to the segments: their ids, numbers, inlets, outlets and notes."""

from __future__ import annotations

from collections.abc import Iterable

from ..prompt import id_order
from ..stand_ins import INLETS, OUTLETS
from .crossing import FILES, route
from .ground import PERHAPS
from .needs import HERE, Needs
from .numbering import input_order
from .plan import (
    CannotOffload,
    Inlet,
    Link,
    Note,
    Outlet,
    Pulled,
    Saved,
    Segment,
)
from .remote import Remote, build

_Value = tuple[str, int, str]


def build_segments(needs: Needs) -> dict[int, Segment]:
    """The segment of each piece, in an order in which they can run. Raises CannotOffload."""
    levels = _levels(needs)
    ids = {number: _id(needs, number) for number in needs.pieces}
    remotes = {number: build(needs, number) for number in needs.pieces}
    outlets = {number: _outlets(needs, number, remotes[number], ids) for number in needs.pieces}
    ordered = sorted(needs.pieces, key=lambda number: (levels[number], id_order(ids[number])))
    return {
        number: _segment(needs, number, remotes[number], ids, outlets, levels[number])
        for number in ordered
    }


def _segment(
    needs: Needs,
    number: int,
    remote: Remote,
    ids: dict[int, str],
    outlets: dict[int, list[Outlet]],
    level: int,
) -> Segment:
    piece, homes, ground = needs.pieces[number], needs.homes, needs.ground
    rank = ground.rank.__getitem__
    mark = homes.marks[homes.part[next(iter(piece.nodes))]]
    members = [node_id for node_id in piece.nodes if node_id in remote.graph]
    pulled = {
        node_id: why
        for node_id in piece.nodes
        if (why := homes.moved.get(node_id) or piece.pulled.get(node_id))
    }
    return Segment(
        id=ids[number],
        name=mark.name,
        instance=mark.instance,
        graph=remote.graph,
        inlets=_inlets(needs, number, remote, ids, outlets),
        outlets=tuple(outlets[number]),
        files=tuple(remote.files),
        loras=tuple(remote.loras),
        models=tuple(remote.models),
        saved=tuple(_saved(needs, number, remote, outlets[number])),
        pulled=tuple(
            Pulled(node_id, *pulled[node_id], stays=node_id in needs.here)
            for node_id in sorted(pulled, key=rank)
        ),
        members=tuple(sorted(members, key=rank)),
        titles={node_id: ground.spots[node_id].title for node_id in sorted(members)},
        level=level,
    )


def _id(needs: Needs, number: int) -> str:
    """The smallest id of a marked node that is gone from here; only then of one that went along."""
    piece = needs.pieces[number]
    gone = [
        node_id
        for node_id in piece.nodes
        if needs.piece_of.get(node_id) == number
        and node_id not in needs.here
        and node_id not in piece.savers
    ]
    marked = [node_id for node_id in gone if node_id in needs.homes.marked]
    if gone:
        return min(marked or gone, key=needs.ground.rank.__getitem__)
    # Nothing but savers, whose ids are taken; below a saver the canvas has no node.
    free = f"{min(piece.savers, key=id_order)}:0"
    while free in needs.ground.spots:
        free += ":0"
    return free


def _levels(needs: Needs) -> dict[int, int]:
    """How many orders have to be over before each piece can begin."""
    if len(needs.pieces) == 1:
        return dict.fromkeys(needs.pieces, 0)
    behind: dict[str, frozenset[int]] = {}  # the pieces that a node here reads from
    nothing: frozenset[int] = frozenset()
    for node_id in needs.ground.order:
        if node_id in needs.here:
            found = nothing
            for _, source, _ in needs.homes.links_of(node_id):
                if source in needs.here:
                    found |= behind.get(source, nothing)
                elif source in needs.piece_of:
                    found |= {needs.piece_of[source]}
            behind[node_id] = found
    before = {
        number: {
            other
            for via, source, _, _ in piece.inlets
            for other in (behind.get(source, nothing) if via == HERE else (via,))
        }
        for number, piece in needs.pieces.items()
    }
    levels: dict[int, int] = {}

    def level(number: int) -> int:
        if number not in levels:
            levels[number] = max((level(other) + 1 for other in before[number]), default=0)
        return levels[number]

    return {number: level(number) for number in needs.pieces}


def _outlets(needs: Needs, number: int, remote: Remote, ids: dict[int, str]) -> list[Outlet]:
    piece = needs.pieces[number]
    outlets: list[Outlet] = []
    for source, slot, kind in sorted(piece.outlets, key=needs.ground.made_order):
        saver = remote.saver_of[source, slot, kind]
        link = (source, slot)
        outlets.append(Outlet(len(outlets) + 1, kind, link, saver, remote.prefixes[saver]))
    savers = {remote.saver_of[node_id] for node_id in piece.savers}
    for saver in sorted(savers, key=id_order):
        link = (saver, 0)
        outlets.append(Outlet(len(outlets) + 1, FILES, link, saver, remote.prefixes[saver]))
    if len(outlets) > OUTLETS:
        raise CannotOffload(
            "segment.outlets_many",
            local_id=ids[number],
            node=needs.ground.label(ids[number]),
            count=len(outlets),
            limit=OUTLETS,
        )
    return outlets


def _inlets(
    needs: Needs,
    number: int,
    remote: Remote,
    ids: dict[int, str],
    outlets: dict[int, list[Outlet]],
) -> tuple[Inlet, ...]:
    piece = needs.pieces[number]
    found: list[tuple[list[tuple[str, str]], str, Link, bool]] = []
    for (via, source, slot, kind), readers in piece.inlets.items():
        targets = sorted((remote.instead.get(each, each) for each in readers), key=input_order)
        link = (source, slot)
        listed = via == HERE and needs.ground.listed(source, slot) == PERHAPS
        if via != HERE:
            link = (ids[via], slot_of(outlets[via], (source, slot, kind)))
        found.append((targets, kind, link, listed))
    if len(found) > INLETS:
        raise CannotOffload(
            "segment.inlets_many",
            local_id=ids[number],
            node=needs.ground.label(ids[number]),
            count=len(found),
            limit=INLETS,
        )
    found.sort(key=lambda each: input_order(each[0][0]))
    return tuple(
        Inlet(place, kind, link, tuple(targets), listed)
        for place, (targets, kind, link, listed) in enumerate(found)
    )


def slot_of(outlets: Iterable[Outlet], made: _Value) -> int:
    """The output index of the segment's node that carries a value."""
    source, slot, kind = made
    return next(
        each.number - 1 for each in outlets if each.source == (source, slot) and each.type == kind
    )


def _saved(needs: Needs, number: int, remote: Remote, outlets: list[Outlet]) -> Iterable[Saved]:
    files = {each.saver: each.number for each in outlets if each.type == FILES}
    for node_id in sorted(needs.pieces[number].savers, key=needs.ground.rank.__getitem__):
        spot = needs.ground.spots[node_id]
        saver = remote.saver_of[node_id]
        linked = {name for name, _, _ in spot.links}
        plain = {
            name: value
            for name, value in sorted(spot.inputs.items())
            if name not in linked and name in spot.traits.known.inputs
        }
        yield Saved(node_id, spot.class_type, plain, saver, files[saver])


def find_notes(needs: Needs, segments: Iterable[Segment]) -> list[Note]:
    """What a person should know: what a way loses, what is not proven, what runs here after all."""
    homes, ground = needs.homes, needs.ground
    segments = list(segments)
    here_too = homes.marked & needs.here.keys() if segments else homes.marked
    here_too = sorted(here_too, key=ground.rank.__getitem__)
    notes = [
        *homes.notes,
        *(Note(each, "segment.runs_here", {"node": ground.label(each)}) for each in here_too),
    ]
    for segment in segments:
        for outlet in segment.outlets:
            way = route(outlet.type)
            if way is not None:
                source = outlet.source[0]
                notes.append(Note(source, way.loss, {"node": ground.label(source)}))
        for inlet in segment.inlets:
            if inlet.listed:
                reader = inlet.targets[0][0]
                notes.append(Note(reader, "segment.one_item", {"node": ground.label(reader)}))
        unchecked = [each for each in segment.models if each.kind == "OTHER"]
        if unchecked:
            names = ", ".join(dict.fromkeys(each.value for each in unchecked))
            notes.append(Note(unchecked[0].node_id, "segment.unchecked", {"names": names}))
    return notes
