"""Refuses a prompt as ComfyUI does, and tells what a node class is."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from nodes import NODE_CLASS_MAPPINGS

Prompt = dict[str, dict[str, Any]]


def error(kind: str, message: str, details: str = "", **extra: Any) -> dict[str, Any]:
    return {"type": kind, "message": message, "details": details, "extra_info": extra}


async def refusal(prompt: Prompt) -> tuple[dict[str, Any] | None, dict[str, Any], list[str]]:
    """Why a prompt is not taken (None: it is), the errors of its nodes, and the outputs to run."""
    for node_id, node in prompt.items():
        if node.get("class_type") not in NODE_CLASS_MAPPINGS:
            details = f"Node ID '#{node_id}'"
            message = f"Node '{node.get('class_type')}' not found."
            return error("missing_node_type", message, details), {}, []
    outputs = [node_id for node_id, node in prompt.items() if is_output(node)]
    if not outputs:
        return error("prompt_no_outputs", "Prompt has no outputs"), {}, []
    errors = {node_id: await _node_errors(prompt, node_id) for node_id in prompt}
    good: list[str] = []
    node_errors: dict[str, Any] = {}
    for output in outputs:
        bad = [node_id for node_id in _needed(prompt, output) if errors[node_id]]
        if not bad:
            good.append(output)
        for node_id in bad:
            about = {"errors": errors[node_id], "class_type": prompt[node_id]["class_type"]}
            node_errors.setdefault(node_id, {**about, "dependent_outputs": []})
            node_errors[node_id]["dependent_outputs"].append(output)
    if good:
        return None, node_errors, good
    text = "\n".join(
        f"{failure['message']}: {failure['details']}"
        for node in node_errors.values()
        for failure in node["errors"]
    )
    message = "Prompt outputs failed validation"
    return error("prompt_outputs_failed_validation", message, text), node_errors, []


def class_of(node: Mapping[str, Any]) -> Any:
    return NODE_CLASS_MAPPINGS[node["class_type"]]


def is_v3(kind: Any) -> bool:
    return hasattr(kind, "GET_SCHEMA")


def is_output(node: Mapping[str, Any]) -> bool:
    kind = class_of(node)
    return kind.GET_SCHEMA().is_output_node if is_v3(kind) else kind.OUTPUT_NODE


def takes_lists(kind: Any) -> bool:
    return kind.GET_SCHEMA().is_input_list if is_v3(kind) else kind.INPUT_IS_LIST


def is_child(name: str, parent: str) -> bool:
    """Whether an input belongs to one that grows: `images.image0` to `images`."""
    return name.startswith(f"{parent}.")


def is_link(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str)


def _needed(prompt: Prompt, node_id: str) -> list[str]:
    seen: list[str] = []
    waiting = [node_id]
    while waiting:
        current = waiting.pop()
        if current in seen or current not in prompt:
            continue
        seen.append(current)
        waiting += [value[0] for value in prompt[current]["inputs"].values() if is_link(value)]
    return seen


async def _node_errors(prompt: Prompt, node_id: str) -> list[dict[str, Any]]:
    node = prompt[node_id]
    kind, inputs = class_of(node), node["inputs"]
    declared = kind.INPUT_TYPES()
    errors: list[dict[str, Any]] = []
    for name in declared.get("required", {}):
        if name not in inputs and not any(is_child(child, name) for child in inputs):
            message = "Required input is missing"
            errors.append(error("required_input_missing", message, name, input_name=name))
    for group in ("required", "optional"):
        for name, spec in declared.get(group, {}).items():
            if name in inputs:
                errors += _input_errors(prompt, name, inputs[name], spec)
    if not errors and is_v3(kind) and hasattr(kind, "validate_inputs"):
        errors += await _own_errors(kind, inputs)
    return errors


def _input_errors(prompt: Prompt, name: str, value: Any, spec: Any) -> list[dict[str, Any]]:
    if is_link(value):
        source = prompt.get(value[0])
        if source is None or value[1] >= width(source):
            return [error("bad_linked_input", "Bad linked input", name, input_name=name)]
        return []
    more = spec[1] if len(spec) > 1 else {}
    options = spec[0] if isinstance(spec[0], list) else more.get("options")
    if isinstance(options, list) and value not in options and not more.get("image_upload"):
        details = f"{name}: {value!r} not in {options}"
        about = {"input_name": name, "received_value": value}
        return [error("value_not_in_list", "Value not in list", details, **about)]
    return []


def width(node: Mapping[str, Any]) -> int:
    kind = class_of(node)
    return len(kind.GET_SCHEMA().outputs if is_v3(kind) else kind.RETURN_TYPES)


async def _own_errors(kind: Any, inputs: Mapping[str, Any]) -> list[dict[str, Any]]:
    try:
        verdict = kind.validate_inputs(**fitting(kind.validate_inputs, known_inputs(kind, inputs)))
        verdict = await verdict if inspect.isawaitable(verdict) else verdict
    except Exception as failure:  # noqa: BLE001 - of any node
        # Raised, it is the message that people read; returned, ComfyUI puts words of its own first.
        shown = {"exception_type": type(failure).__name__, "traceback": []}
        message = "Exception when validating node"
        return [error("exception_during_validation", message, str(failure), **shown)]
    if verdict is True:
        return []
    return [error("custom_validation_failed", "Custom validation failed for node", str(verdict))]


def known_inputs(kind: Any, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """What a node may know before the run: links are None, and lists where it takes lists."""
    values = {name: None if is_link(value) else value for name, value in inputs.items()}
    if takes_lists(kind):
        return {name: [value] for name, value in values.items()}
    return values


def fitting(function: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    parameters = inspect.signature(function).parameters.values()
    if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters):
        return dict(values)
    names = {parameter.name for parameter in parameters}
    return {name: value for name, value in values.items() if name in names}
