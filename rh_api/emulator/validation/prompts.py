"""ComfyUI's graph validation: node classes, links, types, ranges, existing files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from ..graphs import Graph, Verdict, as_link, execution_order, id_key, inputs_of
from ..nodes.classes import NODE_CLASSES
from ..nodes.fields import Field

Exists = Callable[[str, str], bool]
"""``(listing, name)``: whether a loader finds a file of that name."""


def _error(kind: str, message: str, details: str, name: str) -> dict[str, Any]:
    return {
        "type": kind,
        "message": message,
        "details": details,
        "extra_info": {"input_name": name},
    }


def _fault(kind: str, message: str, details: str = "") -> dict[str, Any]:
    return {"type": kind, "message": message, "details": details, "extra_info": {}}


def validate_prompt(graph: Graph, exists: Exists) -> Verdict:
    """Check a graph as ComfyUI's ``validate_prompt`` does; converts plain values in place."""
    for node_id, node in graph.items():
        class_type = node.get("class_type")
        if not isinstance(class_type, str) or class_type not in NODE_CLASSES:
            return Verdict(
                error=_fault(
                    "missing_node_type",
                    f"Node '{class_type}' not found.",
                    f"Node ID '#{node_id}'",
                )
            )
    outputs = [node for node in graph if NODE_CLASSES[graph[node]["class_type"]].is_output]
    if not outputs:
        return Verdict(error=_fault("prompt_no_outputs", "Prompt has no outputs"))
    errors = {node: problems for node in graph if (problems := _node_errors(graph, node, exists))}
    verdict = Verdict()
    for output in sorted(outputs, key=id_key):
        broken = [node for node in execution_order(graph, [output]) if node in errors]
        if not broken and not _has_cycle(graph, output):
            verdict.outputs.append(output)
        for node in broken:
            entry = verdict.node_errors.setdefault(
                node,
                {
                    "errors": errors[node],
                    "dependent_outputs": [],
                    "class_type": graph[node]["class_type"],
                },
            )
            entry["dependent_outputs"].append(output)
    if not verdict.outputs:
        verdict.error = _fault(
            "prompt_outputs_failed_validation", "Prompt outputs failed validation"
        )
    return verdict


def _has_cycle(graph: Graph, output: str) -> bool:
    order = execution_order(graph, [output])
    place = {node: index for index, node in enumerate(order)}
    links = ((node, as_link(value)) for node in order for value in inputs_of(graph[node]).values())
    return any(link and link[0] in place and place[link[0]] >= place[node] for node, link in links)


def _node_errors(graph: Graph, node_id: str, exists: Exists) -> list[dict[str, Any]]:
    node = graph[node_id]
    inputs = inputs_of(node)
    problems: list[dict[str, Any]] = []
    for name, spec in NODE_CLASSES[node["class_type"]].inputs.items():
        if name not in inputs:
            if not spec.optional:
                problems.append(
                    _error("required_input_missing", "Required input is missing", name, name)
                )
            continue
        link = as_link(inputs[name])
        problem = (
            _link_error(graph, link, name, spec)
            if link
            else _value_error(inputs, name, spec, exists)
        )
        if problem:
            problems.append(problem)
    return problems


def _link_error(
    graph: Graph, link: tuple[str, int], name: str, spec: Field
) -> dict[str, Any] | None:
    source, slot = link
    outputs = NODE_CLASSES[graph[source]["class_type"]].outputs if source in graph else ()
    if slot >= len(outputs):
        details = f"{name}, link to {source}:{slot}"
        return _error("bad_linked_input", "Bad linked input, no such output", details, name)
    accepted = ("*", outputs[slot], "STRING" if spec.kind == "COMBO" else spec.kind)
    if spec.kind not in accepted[:2] and outputs[slot] != accepted[2]:
        details = f"{name}, received_type({outputs[slot]}) mismatch input_type({spec.kind})"
        return _error(
            "return_type_mismatch", "Return type mismatch between linked nodes", details, name
        )
    return None


def _value_error(
    inputs: dict[str, Any], name: str, spec: Field, exists: Exists
) -> dict[str, Any] | None:
    if spec.kind == "*":
        return None
    if not spec.is_widget:
        return _error("bad_linked_input", "Bad linked input, must be a link", name, name)
    try:
        value = inputs[name] = convert(inputs[name], spec.kind)
    except (TypeError, ValueError) as problem:
        details = f"{name}, {inputs[name]}, {problem}"
        return _error(
            "invalid_input_type",
            f"Failed to convert an input value to a {spec.kind} value",
            details,
            name,
        )
    return _range_error(value, name, spec) or _listing_error(value, name, spec, exists)


def convert(value: object, kind: str) -> Any:
    """Convert a plain value to a widget's type; numbers may be strings. TypeError or ValueError."""
    if isinstance(value, (dict, list)) or value is None:
        raise TypeError(f"{kind} wanted")
    match kind:
        case "INT":
            if isinstance(value, bool):
                raise TypeError("INT wanted")
            if isinstance(value, float) and not value.is_integer():
                raise ValueError("INT wanted")
            return int(cast("int | float | str", value))
        case "FLOAT":
            if isinstance(value, bool):
                raise TypeError("FLOAT wanted")
            return float(cast("int | float | str", value))
        case "BOOLEAN":
            if isinstance(value, str):
                if value.lower() not in ("true", "false"):
                    raise ValueError("BOOLEAN wanted")
                return value.lower() == "true"
            return bool(value)
        case _:
            return value if isinstance(value, str) else str(value)


def _range_error(value: Any, name: str, spec: Field) -> dict[str, Any] | None:
    if spec.low is not None and value < spec.low:
        message = f"Value {value} smaller than min of {spec.low:g}"
        return _error("value_smaller_than_min", message, name, name)
    if spec.high is not None and value > spec.high:
        message = f"Value {value} bigger than max of {spec.high:g}"
        return _error("value_bigger_than_max", message, name, name)
    return None


def _listing_error(value: Any, name: str, spec: Field, exists: Exists) -> dict[str, Any] | None:
    if spec.options and value not in spec.options:
        details = f"{name}: '{value}' not in {list(spec.options)}"
        return _error("value_not_in_list", "Value not in list", details, name)
    if not spec.listing or exists(spec.listing, str(value)):
        return None
    if spec.listing in ("checkpoints", "loras"):
        details = f"{name}: '{value}' not in list"
        return _error("value_not_in_list", "Value not in list", details, name)
    details = f"{name} - Invalid file: {value}"
    return _error("custom_validation_failed", "Custom validation failed for node", details, name)
