"""Applies a plan to a canvas graph in place; the rest of the file stays as it is."""

from __future__ import annotations

import copy
from collections.abc import Mapping

from ..wire.envelope import as_list
from .canvas_graph import BYPASSED, MUTED, PASSING, CanvasGraph, Link, inputs_of, outputs_of
from .graph import Json, NewNode, Output, Plan, Source, as_dict
from .target_nodes import MODEL, PROGRAMS, Shape, shape_of

_MEDIA = {"IMAGE": "IMAGE,MASK,STRING", "VIDEO": "VIDEO,STRING", "AUDIO": "AUDIO,STRING", "*": "*"}
_OPTIONAL, _LIST = 7, 6  # LiteGraph's socket shapes
_CONTROL = "control_after_generate"
_ROW = 24
_COPIED_KEYS = ("pos", "flags", "order", "color", "bgcolor", "showAdvanced")


def write_graph(canvas: CanvasGraph, plan: Plan, last: Mapping[str, int]) -> None:
    """Apply `plan` to `canvas.graph`. `last`: the file's highest id of a `node` and of a `link`."""
    _Writer(canvas, plan, last["node"], last["link"]).write()


class _Writer:
    def __init__(self, canvas: CanvasGraph, plan: Plan, node: int, link: int) -> None:
        self.canvas, self.plan, self.last_link = canvas, plan, link
        self.new = plan.new_nodes()
        self.ids = {node_id: node_id for node_id in plan.put}
        for name in plan.added:
            node += 1
            self.ids[name] = str(node)
        self.started = {(link.origin, link.origin_slot) for link in canvas.links}
        self.shown = {name: self._shown(name) for name in self.new}
        self.links: list[Link] = []
        self.gone = {*plan.put, *plan.dropped}
        are_objects = any(as_dict(link.whole) is not None for link in canvas.links)
        self.objects = are_objects or bool(canvas.place) or canvas.graph.get("version") == 1

    def write(self) -> None:
        graph = self.canvas.graph
        orphaned = self._orphaned()
        for link in self.canvas.links:
            if link.target not in self.gone | orphaned and link.origin not in orphaned:
                self._move(link)
        new_nodes = {self.ids[name]: self._node(name, new) for name, new in self.new.items()}
        in_place = [
            new_nodes.pop(_id(node), node)
            for node in as_list(graph.get("nodes"))
            if _id(node) not in self.plan.dropped | orphaned
        ]
        graph["nodes"] = [*in_place, *new_nodes.values()]
        graph["links"] = [self._written(link) for link in self.links]
        self._update_slots()

    def _orphaned(self) -> set[str]:
        """Virtual nodes that only removed nodes read, or that nothing reads behind dropped ones."""
        nodes = self.canvas.nodes
        passing = {node_id for node_id, node in nodes.items() if node["type"] in PASSING}
        served = {reroute for node_id in self.plan.dropped for reroute in self.canvas.past(node_id)}
        ends = {node_id: self.canvas.ends(node_id) for node_id in passing}
        return {
            node_id
            for node_id in passing
            if ends[node_id] <= self.gone and (ends[node_id] or node_id in served)
        }

    def _move(self, link: Link) -> None:
        """Keep a link, from its new source if that moved; drop it if its source is gone."""
        start = self.plan.new_source(Source(link.origin, link.origin_slot))
        if isinstance(start, Output):
            link.origin = self.ids[start.node]
            link.origin_slot = self.shown[start.node].index(start.name)
            link.type = shape_of(self.new[start.node]).outputs[start.name]
        if start is not None:
            self.links.append(link)

    def _written(self, link: Link) -> object:
        """A link in the file's format: an object in subgraphs and in version 1, else a list."""
        parts = {
            "id": link.id,
            "origin_id": _number(link.origin),
            "origin_slot": link.origin_slot,
            "target_id": _number(link.target),
            "target_slot": link.target_slot,
            "type": link.type,
        }
        whole = as_dict(link.whole)
        if whole is not None or (link.whole is None and self.objects):
            return {**(whole or {}), **parts}
        return [*parts.values(), *as_list(link.whole)[6:]]

    def _shown(self, name: str) -> list[str]:
        """Names of a new node's visible outputs, in slot order."""
        new = self.new[name]
        every = list(shape_of(new).outputs)
        if new.class_type not in (*PROGRAMS, MODEL):
            return every
        used = {
            output.name
            for source, output in self.plan.moved.items()
            if output.node == name and (source.node, source.slot) in self.started
        }
        for reader in self.new.values():
            used |= {
                link.name
                for link in reader.links.values()
                if isinstance(link, Output) and link.node == name
            }
        return [output for output in every if output in (used or new.shown)]

    def _node(self, name: str, new: NewNode) -> Json:
        old = self.canvas.nodes.get(name) or self.canvas.nodes.get(new.near) or {}
        shape, node_id = shape_of(new), self.ids[name]
        inputs: list[Json] = []
        for widget, (kind, _) in shape.widgets.items():
            inputs.append(_socket(widget, kind, widget=True))
        inputs += [_socket(socket, kind) for socket, kind in shape.sockets.items()]
        for field in new.fields:
            media = _MEDIA.get(field.kind)
            inputs.append(_socket(field.name, media or field.kind, widget=media is None))
        for slot, socket in enumerate(inputs):
            source = new.links.get(str(socket["name"]))
            start = None if source is None else self._start(source)
            if start is not None:
                self.last_link += 1
                self.links.append(Link(self.last_link, *start, node_id, slot, socket["type"]))
        drawn = {"shape": _LIST} if new.class_type in (*PROGRAMS, MODEL) else {}
        outputs: list[Json] = [
            {"name": output, "type": shape.outputs[output], "links": None, **drawn}
            for output in self.shown[name]
        ]
        rows = max(len(inputs) - len(shape.widgets) + 4, len(outputs))
        copied = (*_COPIED_KEYS, "size") if name in self.plan.put else _COPIED_KEYS
        node: Json = {
            "id": _number(node_id),
            "type": new.class_type,
            "pos": [0, 0],
            "size": [320, 60 + _ROW * rows],
            "flags": {},
            "order": 0,
            "mode": MUTED if old.get("mode") in (MUTED, BYPASSED) else 0,
            **{key: copy.deepcopy(old[key]) for key in copied if key in old},
            "inputs": inputs,
            "outputs": outputs,
            "properties": {"Node name for S&R": new.class_type},
            "widgets_values": [
                new.values.get(widget, usual) for widget, (_, usual) in shape.widgets.items()
            ],
        }
        if new.title:
            node["title"] = new.title
        if name not in self.canvas.nodes and new.near:
            node["pos"] = _beside(old.get("pos"), new.near in self.plan.dropped, rows)
        if new.class_type in (*PROGRAMS, MODEL):
            self._put_form(node, new, shape)
        return node

    def _put_form(self, node: Json, new: NewNode, shape: Shape) -> None:
        """Store form and field values, by name, where our scripts read them; append the widgets."""
        kind = PROGRAMS.get(new.class_type, "model")
        every = list(shape.outputs)
        name = self._name_of(node)
        form: Json = {
            "v": 1,
            "kind": kind,
            "id": new.form.get("id") or new.values.get(kind, ""),
            "name": new.form.get("name", ""),
            "hash": "",
            "fields": [
                {**_field(field.name, field.kind, new.values.get(field.name)), **field.about}
                for field in new.fields
                if not field.item
            ],
            "outputs": [],
            "sockets": [every.index(output) for output in self.shown[name]],
            **{key: value for key, value in new.form.items() if key not in ("id", "name")},
        }
        values = {
            field.name: new.values.get(field.name, "")
            for field in new.fields
            if field.kind not in _MEDIA and field.name not in new.links
        }
        values |= {f"{seed.name} {_CONTROL}": seed.control for seed in new.fields if seed.control}
        saved = as_list(node["widgets_values"])
        for field in new.fields:
            if field.kind not in _MEDIA:
                saved += [new.values.get(field.name, ""), *filter(None, [field.control])]
        properties = as_dict(node["properties"])
        assert properties is not None  # noqa: S101 - made above
        properties["runninghub"] = {"form": form, "values": values}

    def _name_of(self, node: Json) -> str:
        return next(name for name, node_id in self.ids.items() if node_id == _id(node))

    def _start(self, source: Source | Output) -> tuple[str, int] | None:
        start = self.plan.new_source(source)
        if isinstance(start, Output):
            return self.ids[start.node], self.shown[start.node].index(start.name)
        return None if start is None else (start.node, start.slot)

    def _update_slots(self) -> None:
        """Update the link ids of every slot, and of the subgraph's own inputs and outputs."""
        graph = self.canvas.graph
        into = {(link.target, link.target_slot): link.id for link in self.links}
        out: dict[tuple[str, int], list[object]] = {}
        for link in self.links:
            out.setdefault((link.origin, link.origin_slot), []).append(link.id)
        for node in filter(None, map(as_dict, as_list(graph.get("nodes")))):
            for slot, socket in enumerate(inputs_of(node)):
                now = into.get((_id(node), slot))
                if socket.get("link") != now or "link" not in socket:
                    socket["link"] = now
            for slot, socket in enumerate(outputs_of(node)):
                links = out.get((_id(node), slot))
                if as_list(socket.get("links")) != (links or []):
                    socket["links"] = links
        for side in ("inputs", "outputs"):
            for border in filter(None, map(as_dict, as_list(graph.get(side)))):
                if isinstance(border.get("linkIds"), list):
                    there = {link.id for link in self.links}
                    border["linkIds"] = [i for i in as_list(border["linkIds"]) if i in there]


def _socket(name: str, kind: str, *, widget: bool = False) -> Json:
    socket: Json = {"name": name, "type": kind, "link": None}
    if widget:
        socket |= {"shape": _OPTIONAL, "widget": {"name": name}}
    return socket


def _field(name: str, kind: str, value: object) -> Json:
    """A field's entry in a form; `stored` is the given value, since the workflow's is unknown."""
    text = value if isinstance(value, str) else ""
    return {
        "name": name,
        "kind": kind,
        "label": name,
        "tip": name,
        "stored": value,
        "multiline": kind == "STRING" and (len(text) > 40 or "\n" in text),
    }


def _beside(pos: object, is_place_free: bool, rows: int) -> list[object]:
    """Position of an added node: the old node's if that is free, else to the right of it."""
    about = as_dict(pos)
    x, y = [about.get("0"), about.get("1")] if about else [*as_list(pos), 0, 0][:2]
    if is_place_free and rows < 8:
        return [x, y]
    return [x + 360 if isinstance(x, (int, float)) else x, y]


def _id(node: object) -> str:
    return str((as_dict(node) or {}).get("id"))


def _number(node_id: str) -> object:
    return int(node_id) if node_id.removeprefix("-").isdigit() else node_id
