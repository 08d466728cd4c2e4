"""The passes that rewrite a prompt with nodes of ours or marks, before ComfyUI validates it."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from ...rh_api.errors import BadInput, RunningHubError
from ...rh_api.graph.constants import (
    MODEL_CLASSES,
    MODEL_OUTPUTS,
    PROGRAM_OUTPUTS,
    SEGMENT_CLASS,
)
from ...rh_api.graph.extra_data import ExtraData, mark_again, read_extra_data
from ...rh_api.graph.fields import looks_like_field
from ...rh_api.graph.lazy_outputs import on_demand
from ...rh_api.graph.link_validation import IsField, fail_closed, mirror_links
from ...rh_api.graph.node_options import MODEL, PROGRAM
from ...rh_api.graph.prompt import Graph, Link, Node, downstream, links, read_nodes
from ...rh_api.graph.sockets import pool_links
from ...rh_api.models.names import is_field
from ...rh_api.settings import read_switch
from ...rh_api.wire.call_example import without_key
from .. import language
from .dead_links import dead_links

if TYPE_CHECKING:
    from ...rh_api.offload import Mark

log = logging.getLogger("runninghub")


@dataclass(frozen=True, slots=True)
class FreeInputs:
    """A node class whose fields are undeclared inputs. `named`: the input that names the program;
    `outputs`: how many the class declares, of which a node on the canvas shows some."""

    named: str
    is_field: IsField = looks_like_field
    outputs: int = PROGRAM_OUTPUTS


_OTHER_PREFIXES = ("RunningHub", "RHUpload", "RHLora")  # of classes of ours without free inputs
FREE_INPUTS: Mapping[str, FreeInputs] = {
    "RunningHubRemoteWorkflow": FreeInputs("workflow"),
    "RunningHubAIApp": FreeInputs("app"),
    "RunningHubQuickCreate": FreeInputs("module"),
    **dict.fromkeys(MODEL_CLASSES, FreeInputs("model", is_field, MODEL_OUTPUTS)),
}

_SWITCHES = {option.name for option in (*PROGRAM, *MODEL) if option.type == "BOOLEAN"}

Pass = Callable[[Graph, ExtraData], dict[str, Any]]


def use_pool_links(prompt: Graph, _: ExtraData) -> dict[str, Any]:
    """Renumber links from the outputs that a node shows to the outputs that its class declares."""
    return pool_links(prompt, {name: free.outputs for name, free in FREE_INPUTS.items()})


def mirror_field_links(prompt: Graph, _: ExtraData) -> dict[str, Any]:
    """Copy links of undeclared inputs to declared ones, which ComfyUI validates."""
    return mirror_links(prompt, {name: free.is_field for name, free in FREE_INPUTS.items()})


def drop_keys(prompt: Graph, _: ExtraData) -> dict[str, Any]:
    """Remove API keys from pasted links and call examples: ComfyUI stores the prompt, also in
    output files."""
    nodes: dict[str, Any] = dict(prompt)
    for node in read_nodes(prompt).values():
        own = FREE_INPUTS.get(node.class_type)
        text = node.inputs.get(own.named) if own else None
        if own and isinstance(text, str):
            inputs = {**node.inputs, own.named: without_key(text)}
            nodes[node.id] = {**nodes[node.id], "inputs": inputs}
    return nodes


def read_switches(prompt: Graph, _: ExtraData) -> dict[str, Any]:
    """Parse switches given as text, by scripts and forms, to bool: to ComfyUI "false" is true."""
    nodes: dict[str, Any] = dict(prompt)
    for node in read_nodes(prompt).values():
        own = _SWITCHES if node.class_type in FREE_INPUTS else ()
        texts = {name: node.inputs[name] for name in own if isinstance(node.inputs.get(name), str)}
        try:
            meant = {name: read_switch(name, str(text)) for name, text in texts.items()}
        except BadInput as error:
            raise BadInput(error.key, local_id=node.id, **dict[str, Any](error.params)) from None
        if meant:
            nodes[node.id] = {**nodes[node.id], "inputs": {**node.inputs, **meant}}
    return nodes


def drop_nulls(prompt: Graph, _: ExtraData) -> dict[str, Any]:
    """Raise BadInput for a field that is null; drop other null inputs. ComfyUI takes null for a
    value still to come by a link and would fail only when the node runs, after others ordered."""
    nodes: dict[str, Any] = dict(prompt)
    for node in read_nodes(prompt).values():
        own = FREE_INPUTS.get(node.class_type)
        without = {name: value for name, value in node.inputs.items() if value is not None}
        if own is None or len(without) == len(node.inputs):
            continue
        for name in _fields_of(node, own):
            if name not in without:
                raise BadInput("node.null", local_id=node.id, name=name[:80])
        nodes[node.id] = {**nodes[node.id], "inputs": without}
    return nodes


def _fields_of(node: Node, own: FreeInputs) -> list[str]:
    """Return the inputs that must have a value: the program's name, and its fields."""
    fields = {name: [value] for name, value in node.inputs.items() if own.is_field(name)}
    if own.named == "model":
        # Imported on use, to keep it off ComfyUI's startup.
        from . import model_inputs

        form = node.inputs.get("form")
        schema = model_inputs.schema_of(form if isinstance(form, str) else "")
        fields = model_inputs.fields_of(fields, schema)
    return [name for name in (own.named, *fields) if name in node.inputs]


def _refuse_dead_links(
    prompt: Graph,
    canvas: Mapping[str, Any],
    targets: object,
    is_known: Callable[[str], object],
) -> None:
    """Raise BadInput if the link of a program's media field has no value: the workflow's own
    stored file would be used. `targets`: of a partial run, the ids of its output nodes,
    which may not need the field; `is_known`: whether a class exists."""

    def is_media_field(node: Node, name: str) -> bool:
        own = FREE_INPUTS.get(node.class_type)
        return own is not None and own.named != "model" and own.is_field(name)  # they store no file

    for node_id, field in dead_links(read_nodes(prompt), canvas, is_media_field, is_known):
        needed_by = downstream(prompt, [node_id])
        if not isinstance(targets, list) or needed_by & {*cast("list[str]", targets)}:
            raise BadInput("node.dead_link", local_id=node_id, field=field[:80])


def _refuse_keys(prompt: Graph, beside: object, canvas: object, keys: Collection[str]) -> None:
    """Raise BadInput if one of the API keys occurs anywhere in the prompt or its extra data
    (`beside`, which includes `canvas`). ComfyUI embeds both in images and keeps them in its
    history."""

    def has_key(value: object) -> bool:
        text = json.dumps(value, default=str)  # other packs' handlers may add any object
        return any(key in text for key in keys)

    for node in read_nodes(prompt).values():
        if has_key(prompt[node.id]):
            raise BadInput("node.key_in_graph", local_id=node.id, node=node.label)
    if has_key(beside):
        raise BadInput("node.key_on_canvas" if has_key(canvas) else "node.key_beside_graph")


def order_anew(prompt: Graph, extra: ExtraData) -> dict[str, Any]:
    """Set the `again` input on the nodes that shall order anew and clear it on all others, since a
    requeued prompt may still have it. Segments cut from this prompt get theirs from the cut."""
    return mark_again(prompt, extra.again, (*FREE_INPUTS, SEGMENT_CLASS))


# Pure functions (prompt, extra data) -> prompt, in order. Marked parts are cut out between the
# two: the cut needs links that refer to declared outputs.
EARLY_PASSES: tuple[Pass, ...] = (drop_nulls, use_pool_links, order_anew)
PASSES: tuple[Pass, ...] = (drop_keys, read_switches, mirror_field_links)


def handle_prompt(data: dict[str, Any]) -> dict[str, Any]:
    """Return POST /prompt's body after all passes; the same object without our nodes or marks.

    Fails closed: ComfyUI swallows a handler's exceptions and runs the unchanged prompt, so on any
    error this returns a prompt of one node whose validation fails with the reason.
    """
    prompt = data.get("prompt")
    if not isinstance(prompt, dict):
        return data
    graph = cast("Graph", prompt)
    ours = _own_nodes(graph)
    marks: tuple[Mark, ...] = ()
    try:
        # Imported on use, to keep it off ComfyUI's startup; an import error is refused too.
        from ...rh_api.offload import marks_of, with_classes

        extra = read_extra_data(data.get("extra_data"))
        marks = marks_of(extra, graph)
        if not ours and not marks:
            return data
        from . import config, local_classes

        targets = data.get("partial_execution_targets")
        _refuse_dead_links(graph, extra.canvas, targets, local_classes.info)
        passed = with_classes(graph, extra.canvas)
        for prompt_pass in EARLY_PASSES:
            passed = prompt_pass(passed, extra)
        if marks:
            # Imported only here: an import error must not refuse prompts without marks.
            from . import segment_pass

            data = segment_pass.offloaded(data, passed, marks, extra)
            passed = data["prompt"]
        for prompt_pass in PASSES:
            passed = prompt_pass(passed, extra)
        _refuse_keys(passed, data.get("extra_data"), extra.canvas, config.known_keys())
        data = _without_lazy_targets(data, passed)
    # An exception that escaped would let the prompt run unchecked.
    except Exception as error:
        if isinstance(error, RunningHubError):
            reason = language.describe(error)
        else:
            log.exception("a prompt could not be prepared")
            reason = str(error) or type(error).__name__
        node_id = str(getattr(error, "local_id", "") or next(_error_nodes(graph, ours, marks), "1"))
        sentence = language.say("node.prompt_refused", {"reason": reason})
        hint = str(getattr(error, "hint", "") or "")
        refused = {**data, "prompt": fail_closed(node_id, sentence, hint)}
        # They name nodes that are gone; with them ComfyUI would not run even the refusal.
        refused.pop("partial_execution_targets", None)
        return refused
    return {**data, "prompt": passed}


def _without_lazy_targets(data: dict[str, Any], prompt: Graph) -> dict[str, Any]:
    """Return the body with targets that exclude our nodes that only lazy inputs read."""
    ours, nodes = _own_nodes(prompt), read_nodes(prompt)
    if {link.source for link in links(prompt)}.isdisjoint(ours):
        return data
    from . import local_classes

    def is_lazy(link: Link) -> bool:
        info = local_classes.info(nodes[link.target].class_type)
        return info is not None and info.is_lazy(link.field)

    requested = data.get("partial_execution_targets")
    outputs = [node.id for node in nodes.values() if local_classes.saves(node.class_type)]
    if isinstance(requested, list):
        outputs = [output for output in outputs if output in requested]
    waiting = on_demand(prompt, outputs, ours, is_lazy)
    if not waiting:
        return data
    targets = [output for output in outputs if output not in waiting]
    return {**data, "partial_execution_targets": targets}


def _error_nodes(prompt: Graph, ours: list[str], marks: tuple[Mark, ...]) -> Iterator[str]:
    """Yield candidate nodes to show an error on that names none, best first."""
    yield from (node for mark in marks for node in mark.nodes)
    yield from ours
    yield from prompt


def _own_nodes(prompt: Graph) -> list[str]:
    return [
        node.id
        for node in read_nodes(prompt).values()
        if node.class_type in FREE_INPUTS or node.class_type.startswith(_OTHER_PREFIXES)
    ]
