"""What has to run where so that everything that is saved or shown gets what it reads.

Asked from the outputs backwards: a node in the cloud is there once for each piece that needs it,
and a node that nothing needs any more is nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .facts import CHEAP, MADE_VIDEO
from .going import FOLLOWING
from .ground import Ground, Spot
from .homes import Homes, Why, comes_out, goes_in
from .plan import ORDERS, CannotOffload
from .savers import PREFIX_INPUT, SAVERS

HERE = -1
"""The place of what runs on this machine; the cloud's places are the numbers of pieces."""

Carried = tuple[int, str, int, str]
"""A value on its way into a piece: the place it comes from, source, slot, type."""
Made = tuple[str, int, str]
"""A value on its way out of a piece: source, slot, type."""


@dataclass(slots=True)
class Piece:
    """One order to be: its nodes, what comes in (and who reads it), what goes out, its savers."""

    nodes: dict[str, None] = field(default_factory=dict[str, None])
    inlets: dict[Carried, list[tuple[str, str]]] = field(
        default_factory=dict[Carried, list[tuple[str, str]]]
    )
    outlets: dict[Made, None] = field(default_factory=dict[Made, None])
    savers: list[str] = field(default_factory=list[str])
    pulled: dict[str, Why] = field(default_factory=dict[str, Why])


@dataclass(slots=True)
class Needs:
    """`here` are the nodes that run on this machine, copies of nodes of the cloud among them."""

    homes: Homes
    piece_of: dict[str, int]
    cheap: frozenset[str]
    pieces: dict[int, Piece] = field(default_factory=dict[int, Piece])
    here: dict[str, None] = field(default_factory=dict[str, None])

    @property
    def ground(self) -> Ground:
        return self.homes.ground

    def runs_here_too(self, source: str) -> bool:
        """Whether a node of the cloud that is read here can simply run here as well."""
        spot = self.ground.spots[source]
        return spot.class_type == MADE_VIDEO or source in self.cheap


def find_needs(homes: Homes, piece_of: dict[str, int]) -> Needs:
    """What runs where. Raises CannotOffload for what cannot go or cannot cross."""
    cheap = _cheap(homes)
    needs = Needs(homes, piece_of, cheap)
    _Asking(needs, {}).ask()
    inside = {
        number: frozenset(node for node in piece.nodes if piece_of.get(node) != number)
        for number, piece in needs.pieces.items()
    }
    # What went along for one link serves the others too: once more, knowing that.
    if any(
        carried[1] in inside[number]
        for number, piece in needs.pieces.items()
        for carried in piece.inlets
    ):
        needs = Needs(homes, piece_of, cheap)
        _Asking(needs, inside).ask()
    return needs


def _cheap(homes: Homes) -> frozenset[str]:
    """Nodes of the cloud that only count or write, from what is here or is cheap itself."""
    cheap: set[str] = set()
    for node_id in homes.ground.order:
        spot = homes.ground.spots[node_id]
        if spot.class_type in CHEAP and all(
            source in cheap or source not in homes.part for _, source, _ in spot.links
        ):
            cheap.add(node_id)
    return frozenset(cheap.intersection(homes.part))


class _Asking:
    """One walk from the outputs backwards. `inside`: what is known to go along with each piece."""

    def __init__(self, needs: Needs, inside: Mapping[int, frozenset[str]]) -> None:
        self.needs = needs
        self.ground = needs.ground
        self.inside = inside
        self.todo: list[tuple[int, str]] = []

    def ask(self) -> None:
        needs, spots = self.needs, self.ground.spots
        for root in self.ground.roots:
            number = needs.piece_of.get(root)
            if number is None:
                self._need(HERE, root)
                continue
            self._need(number, root)
            needs.pieces[number].savers.append(root)
            for link in spots[root].links:
                # The name that files get is made here, since they are saved here.
                if link[0] == PREFIX_INPUT:
                    self._check_prefix(spots[root], *link)
                    self._ask_here(spots[root], *link)
        while self.todo:
            place, node_id = self.todo.pop()
            if place == HERE:
                for link in needs.homes.links_of(node_id):
                    self._ask_here(spots[node_id], *link)
            else:
                self._ask_there(place, spots[node_id])

    def _need(self, place: int, node_id: str) -> None:
        nodes = self.needs.here if place == HERE else self._piece(place, node_id).nodes
        if node_id not in nodes:
            nodes[node_id] = None
            self.todo.append((place, node_id))

    def _piece(self, place: int, node_id: str) -> Piece:
        pieces = self.needs.pieces
        if place not in pieces:
            if len(pieces) == ORDERS:
                raise CannotOffload(
                    "segment.orders_many", local_id=node_id, count=len(pieces) + 1, limit=ORDERS
                )
            pieces[place] = Piece()
        return pieces[place]

    def _ask_here(self, spot: Spot, name: str, source: str, slot: int) -> None:
        if source not in self.ground.spots:
            return  # ComfyUI says so itself
        if source not in self.needs.piece_of or self.needs.runs_here_too(source):
            self._need(HERE, source)
        else:
            self._check_output(spot, source, slot)
            self._bring_out(spot, name, source, slot)

    def _ask_there(self, place: int, spot: Spot) -> None:
        needs, ground, piece = self.needs, self.ground, self.needs.pieces[place]
        inside = self.inside.get(place, ())
        is_saver = spot.class_type in SAVERS
        for name, source, slot in spot.links:
            if (is_saver and name == PREFIX_INPUT) or not spot.traits.declares(name):
                continue
            self._check_link(spot, name, source, slot)
            at = needs.piece_of.get(source, HERE)
            if at == place or source in needs.cheap or source in inside:
                self._need(place, source)
                continue
            if source in piece.pulled:
                continue
            stuck = goes_in(ground, spot, name, source, slot)
            if at != HERE:
                stuck = stuck or comes_out(ground, spot, name, source, slot)
            if stuck:
                self._pull(place, spot, source, stuck)
                continue
            if at == HERE:
                self._need(HERE, source)
            else:
                self._bring_out(spot, name, source, slot)
            carried = (at, source, slot, ground.link_type(spot, name, source, slot))
            piece.inlets.setdefault(carried, []).append((spot.id, name))

    def _check_prefix(self, spot: Spot, name: str, source: str, slot: int) -> None:
        if comes_out(self.ground, spot, name, source, slot):
            raise CannotOffload(
                "segment.prefix_linked",
                local_id=spot.id,
                node=spot.label,
                input=name,
                other=self.ground.label(source),
            )

    def _bring_out(self, reader: Spot, name: str, source: str, slot: int) -> None:
        number = self.needs.piece_of[source]
        self._need(number, source)
        kind = self.ground.link_type(reader, name, source, slot)
        self.needs.pieces[number].outlets[source, slot, kind] = None

    def _check_link(self, spot: Spot, name: str, source: str, slot: int) -> None:
        if source not in self.ground.spots:
            raise CannotOffload(
                "segment.no_source", local_id=spot.id, node=spot.label, input=name, other=source
            )
        self._check_output(spot, source, slot)
        if name in spot.traits.files:
            raise CannotOffload(
                "segment.file_linked", local_id=spot.id, node=spot.label, input=name
            )

    def _check_output(self, reader: Spot, source: str, slot: int) -> None:
        found = self.ground.spots[source]
        if found.traits.info and not 0 <= slot < len(found.traits.known.outputs):
            raise CannotOffload(
                "segment.no_output_slot",
                local_id=reader.id,
                node=reader.label,
                other=found.label,
                slot=slot,
            )

    def _pull(self, place: int, reader: Spot, source: str, stuck: str) -> None:
        """Take a copy of `source` along, since what `reader` needs of it cannot go in."""
        homes, piece, spot = self.needs.homes, self.needs.pieces[place], self.ground.spots[source]
        why = {"node": spot.label, "other": reader.label, "type": stuck}
        if source not in homes.marked:
            # The first node of a piece is its own: somebody asked for what it makes.
            if homes.marks[homes.part[next(iter(piece.nodes))]].only:
                raise CannotOffload("segment.only", local_id=source, **why)
            reason = spot.hindrance
            if reason:
                raise CannotOffload(FOLLOWING[reason], local_id=source, **why)
        piece.pulled[source] = ("segment.pulled_source", why)
        self._need(place, source)
