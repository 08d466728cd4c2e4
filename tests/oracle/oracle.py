"""What a cut prompt has to make: the uncut one, with the border's rounding at the cut links.

Which links are cut, and on which side each node runs, is read from the plan. What flows through
them is not: every node and link is that of the prompt as the person wrote it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from rh_api.emulator.graphs import as_link
from rh_api.graph.constants import SAVED_CLASS, SEGMENT_CLASS
from rh_api.offload import Plan
from tests.oracle.graphs import Prompt

BORDER = "TestBorder"
"""Stands in the oracle's prompt for a border: inputs `value`, `kind`, and `way`, in or out."""
HERE = ""
PASSES = {"SaveImage": "images", "PreviewImage": "images", "SaveText": "text"}
"""Savers whose output is their input."""


def with_borders(prompt: Prompt, plan: Plan, outputs: list[str]) -> Prompt:
    """The prompt with a node for each border that a value passes; `outputs` keep their ids.

    A node that runs on both sides, or in several orders, is there once for each.
    """
    drawing = _Drawing(prompt, plan)
    for node_id in outputs:
        drawing.copy(drawing.saved_at(node_id), node_id, node_id)
    return drawing.drawn


@dataclass
class _Drawing:
    prompt: Prompt
    plan: Plan
    drawn: Prompt = field(default_factory=dict)
    """The oracle's prompt. A node's copy is called by its place and its id."""
    _copies: dict[tuple[str, str], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.segments = {segment.id: segment for segment in self.plan.segments}

    def saved_at(self, node_id: str) -> str:
        local = self.plan.prompt[node_id]
        return local["inputs"]["files"][0] if local["class_type"] == SAVED_CLASS else HERE

    def runs_at(self, place: str, node_id: str) -> bool:
        if place == HERE:
            local = self.plan.prompt.get(node_id)
            return local is not None and local["class_type"] not in (SEGMENT_CLASS, SAVED_CLASS)
        return node_id in self.segments[place].graph

    def copy(self, place: str, node_id: str, name: str = "") -> str:
        key = (place, node_id)
        if key not in self._copies:
            self._copies[key] = name = name or f"{node_id} at {place}"
            node = self.prompt[node_id]
            inputs = {
                input_name: self.incoming(place, node_id, input_name, value)
                for input_name, value in node["inputs"].items()
            }
            self.drawn[name] = {"class_type": node["class_type"], "inputs": inputs}
        return self._copies[key]

    def incoming(self, place: str, reader: str, name: str, value: Any) -> Any:
        """What an input gets, through the borders that lie on its way."""
        while (link := as_link(value)) is not None:
            source, slot = link
            if self.runs_at(place, source):
                return [self.copy(place, source), slot]
            past = self.past(source, slot)
            if past is None:
                return self.carried(place, reader, name, source, slot)
            value = past[0]
        return value

    def past(self, node_id: str, slot: int) -> tuple[Any] | None:
        """What stands behind a saver or a switch that has been set."""
        node = self.prompt[node_id]
        if node["class_type"] in PASSES and slot == 0:
            return (node["inputs"][PASSES[node["class_type"]]],)
        if node["class_type"] == "ComfySwitchNode":
            chosen = node["inputs"]["switch"]
            flag = self.prompt.get(link[0]) if (link := as_link(chosen)) else None
            if flag and flag["class_type"] == "PrimitiveBoolean":
                chosen = flag["inputs"]["value"]
            if isinstance(chosen, bool):
                return (node["inputs"]["on_true" if chosen else "on_false"],)
        return None

    def carried(self, place: str, reader: str, name: str, source: str, slot: int) -> Any:
        if place == HERE:
            at, kind = self.way_out(reader, name, source, slot)
            return self.border("out", kind, [self.copy(at, source), slot])
        inlets = self.segments[place].inlets
        inlet = next(inlet for inlet in inlets if (reader, name) in inlet.targets)
        came: list[Any] = [self.copy(self.above(inlet.source[0]), source), slot]
        if inlet.source[0] in self.segments:
            came = self.border("out", inlet.type, came)
        return self.border("in", inlet.type, came)

    def above(self, node_id: str) -> str:
        return node_id if node_id in self.segments else HERE

    def border(self, way: str, kind: str, value: list[Any]) -> list[Any]:
        name = f"{value[0]} {value[1]} {way} {kind}"
        inputs = {"value": value, "kind": kind, "way": way}
        self.drawn[name] = {"class_type": BORDER, "inputs": inputs}
        return [name, 0]

    def way_out(self, reader: str, name: str, source: str, slot: int) -> tuple[str, str]:
        """The segment that a local input reads from, and as which type."""
        local = self.plan.prompt.get(reader)
        written = as_link(local["inputs"].get(name)) if local else None
        if written and written[0] in self.segments:
            return written[0], self.segments[written[0]].outlets[written[1]].type
        return next(
            (segment.id, outlet.type)
            for segment in self.segments.values()
            for outlet in segment.outlets
            if outlet.source == (source, slot)
        )
