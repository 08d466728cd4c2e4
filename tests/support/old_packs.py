"""What nodes of other RunningHub packs order: a model, written from reading their sources.

It reads a prompt in API format as ComfyUI would run it and says what each order sends. The packs'
own code is not here; `tests/unit/migration/test_against_packs.py` compares this model with it
where somebody has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rh_api.graph.fields import looks_like_field, split_name

Prompt = Mapping[str, Any]


@dataclass(frozen=True)
class Media:
    """A file that goes up, by what brings it: `LoadImage:a.png`."""

    source: str


@dataclass(frozen=True)
class Order:
    """What one node orders: the target, its fields, the machine."""

    target: str
    is_app: bool
    fields: frozenset[tuple[str, str, object]]
    instance: str | None


FILES = {
    "LoadImage": ("LoadImage", "image"),
    "LoadVideo": ("LoadVideo", "file"),
    "LoadAudio": ("LoadAudio", "audio"),
    "RH_VideoUploader": ("LoadVideo", "video"),
    "RH_AudioUploader": ("LoadAudio", "audio"),
}
"""What reads a file of the input folder, and the loader of ComfyUI's that would."""


def orders(prompt: Prompt) -> list[Order]:
    """The orders of a prompt, in the order of its nodes."""
    makers = {
        "RH_ExecuteNode": _apicall,
        "RH_Execute": _xu,
        "RH_ExecuteWorkflow": _lz,
        "RH_ExecuteAIApp": _lz,
    }
    return [
        makers[node["class_type"]](prompt, node["inputs"])
        for node in prompt.values()
        if node["class_type"] in makers
    ]


OURS = {"RunningHubRemoteWorkflow": "workflow", "RunningHubAIApp": "app"}


def ordered(prompt: Prompt) -> list[Order]:
    """What our nodes of a prompt order."""
    placed: list[Order] = []
    for node in prompt.values():
        name = OURS.get(node["class_type"])
        if name is None:
            continue
        inputs = node["inputs"]
        fields = frozenset(
            (*split_name(field), value_of(prompt, value))
            for field, value in inputs.items()
            if looks_like_field(field)
        )
        size = inputs.get("instance", "default")
        instance = None if size == "default" else size
        placed.append(Order(inputs[name], name == "app", fields, instance))
    return placed


def value_of(prompt: Prompt, value: object) -> object:
    """What a link brings, as far as orders go: a text, or a file."""
    if not isinstance(value, list):
        return value
    node = prompt[value[0]]
    inputs = node["inputs"]
    match node["class_type"]:
        case "PrimitiveString":
            return str(inputs["value"])
        case "RH_ImageUploaderNode" | "RH_UploadImage":
            return value_of(prompt, inputs["image"])
        case class_type:
            loader, name = FILES[class_type]
            return Media(f"{loader}:{inputs[name]}")


def _settings(prompt: Prompt, link: list[Any]) -> Mapping[str, Any]:
    return prompt[link[0]]["inputs"]


def _apicall(prompt: Prompt, inputs: Mapping[str, Any]) -> Order:
    settings = _settings(prompt, inputs["apiConfig"])
    is_app = inputs.get("is_webapp_task", False)
    target = settings["workflowId_webappId"]
    entries = _apicall_list(prompt, inputs.get("nodeInfoList"))
    target = str(int(target)) if is_app else target
    instance = "plus" if inputs.get("use_rtx4090_48g") else None
    return Order(target, is_app, frozenset(entries), instance)


def _apicall_list(prompt: Prompt, link: list[Any] | None) -> list[tuple[str, str, object]]:
    if not link:
        return []
    inputs = prompt[link[0]]["inputs"]
    before = _apicall_list(prompt, inputs.get("previousNodeInfoList"))
    value = value_of(prompt, inputs["fieldValue"])
    return [*before, (str(inputs["nodeId"]), inputs["fieldName"], value)]


def _xu(prompt: Prompt, inputs: Mapping[str, Any]) -> Order:
    settings = _settings(prompt, inputs["config"])
    instance = "plus" if inputs.get("use_high_performance") else None
    entries = frozenset(_xu_list(prompt, inputs.get("params")))
    target = settings["workflow_or_app_id"].strip()
    return Order(target, settings.get("is_ai_app", False), entries, instance)


def _xu_list(prompt: Prompt, link: list[Any] | None) -> list[tuple[str, str, object]]:
    if not link:
        return []
    node = prompt[link[0]]
    inputs = node["inputs"]
    before = _xu_list(prompt, inputs.get("previous_params"))

    def entry(end: str, value: object) -> tuple[str, str, object]:
        name = inputs.get(f"field_name{end}", "")
        custom = inputs.get(f"custom_field_name{end}", "").strip()
        field = custom if name == "custom" and custom else name
        return str(inputs[f"node_id{end}"]).strip(), field.strip(), value

    if node["class_type"] == "RH_Param":
        return [*before, entry("", value_of(prompt, inputs["field_value"]))]
    if node["class_type"] == "RH_MultiInputImage":
        own = [
            entry(f"_{place}", value_of(prompt, inputs[f"image_{place}"]))
            for place in range(1, 9)
            if f"image_{place}" in inputs and inputs.get(f"node_id_{place}", "").strip()
        ]
        return [*before, *own]
    if not inputs.get("node_id", "").strip():
        return before
    source = next(inputs[name] for name in ("image", "video") if name in inputs)
    return [*before, entry("", value_of(prompt, source))]


def _lz(prompt: Prompt, inputs: Mapping[str, Any]) -> Order:
    settings = _settings(prompt, inputs["api_config"])
    entries: list[tuple[str, str, object]] = []
    link = inputs.get("node_info_list")
    while link:
        node = prompt[link[0]]["inputs"]
        value = value_of(prompt, node["field_value"])
        entries.append((str(node["node_id"]), node["field_name"], value))
        link = node.get("previous_list")
    is_app = "webapp_id" in inputs
    target = inputs["webapp_id"] if is_app else settings["workflow_id"]
    # The service does not document the machine rtx4090 that this pack asks for: plus is meant.
    instance = "plus" if inputs.get("use_rtx4090") else None
    return Order(target, is_app, frozenset(entries), instance)
