"""Node classes of other RunningHub packs and how to replace them: one row per class.

From the sources of HM-RunningHub/ComfyUI_RH_APICall (May 2026), xuchenxu168/ComfyUI_RH_API
(November 2025) and liangzheng1128/ComfyUI-RunningHub (June 2026); none of their code is here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .graph import OldNode


@dataclass(frozen=True, slots=True)
class Rule:
    """`widgets`: names of saved values, in order. `marker`: an input of this pack's class only."""

    class_type: str
    widgets: tuple[str, ...] = ()
    marker: str = ""
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Settings(Rule):
    """API key, site, and target of an order. `app`: the switch for an AI app as target."""

    target: str = ""
    site: str = ""
    app: str = ""


@dataclass(frozen=True, slots=True)
class Names:
    """Inputs of one list entry. `custom`: the one that names the field if `field` is `custom`."""

    node: str
    field: str
    value: str
    custom: str = ""


@dataclass(frozen=True, slots=True)
class Entries(Rule):
    """Appends entries to the list at input `previous`. `media`: type of the values, "" for text."""

    names: tuple[Names, ...] = ()
    previous: str = ""
    media: str = ""


@dataclass(frozen=True, slots=True)
class Upload(Rule):
    """Uploads `media` (IMAGE, VIDEO, AUDIO) and returns its remote name (output 0).

    `source`: the media input: a linked tensor or video, or (`is_file`) the name of a file in
    ComfyUI's input folder. `loader`: class of the linked node that has the file's name, where the
    input is a path. `names`, `previous`: it also appends an entry to a list (output 1).
    """

    media: str = ""
    source: str = ""
    is_file: bool = False
    loader: str = ""
    names: Names | None = None
    previous: str = ""


@dataclass(frozen=True, slots=True)
class Execute(Rule):
    """Places an order. `outputs`: our output for each slot, "" for none."""

    config: str = ""
    list: str = ""
    timeout: str = ""
    big: str = ""
    big_sent: str = "plus"
    app: str = ""
    target: str = ""
    is_app: bool = False
    limit: str = ""
    saves: str = ""
    outputs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Direct(Rule):
    """Settings, fixed entries and an order in one node. `fields`: (input, field, when to send).

    When: `always`, `filled` (if not empty), `positive` (if 0 or more).
    """

    fields: tuple[tuple[str, str, str], ...] = ()
    media: tuple[tuple[str, str, str], ...] = ()
    outputs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Single(Rule):
    """One-to-one: (old, new) inputs, fixed values, outputs by slot. `linked`: a required link."""

    becomes: str = ""
    inputs: tuple[tuple[str, str], ...] = ()
    fixed: tuple[tuple[str, object], ...] = ()
    outputs: tuple[str, ...] = ()
    linked: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Stays(Rule):
    """Has no replacement; `why`: the sentence's key."""

    why: str = ""


_XU_OUTPUTS = ("images", "frames", "text", "audio", "video", "", "task_id")
_XU_NAMES = Names("node_id", "field_name", "field_value", "custom_field_name")
_XU_UPLOAD = Names("node_id", "field_name", "", "custom_field_name")
_XU_WIDGETS = ("node_id", "field_name", "custom_field_name")
_LZ_OUTPUTS = ("images", "frames", "text", "audio", "", "", "", "", "", "task_id")
_PROMPT = ("prompt", "6.text", "always")
_NEGATIVE = ("negative_prompt", "7.text", "filled")
_SEED = ("seed", "3.seed", "positive")
_PICTURE = (("image", "10.image", "IMAGE"),)
_KEY_AND_TARGET = ("api_key", "base_url", "workflow_id")

_RULES: tuple[Rule, ...] = (
    # ComfyUI_RH_APICall
    Settings(
        "RH_SettingsNode",
        ("base_url", "apiKey", "workflowId_webappId"),
        keys=("apiKey",),
        target="workflowId_webappId",
        site="base_url",
    ),
    Entries(
        "RH_NodeInfoListNode",
        ("nodeId", "fieldName", "fieldValue"),
        names=(Names("nodeId", "fieldName", "fieldValue"),),
        previous="previousNodeInfoList",
    ),
    Execute(
        "RH_ExecuteNode",
        ("run_timeout", "concurrency_limit", "is_webapp_task", "use_rtx4090_48g"),
        config="apiConfig",
        list="nodeInfoList",
        timeout="run_timeout",
        big="use_rtx4090_48g",
        app="is_webapp_task",
        limit="concurrency_limit",
        outputs=("images", "frames", "", "text", "audio", *["video"] * 5),
    ),
    Upload("RH_ImageUploaderNode", media="IMAGE", source="image"),
    Upload("RH_VideoUploader", ("video",), media="VIDEO", source="video", is_file=True),
    Upload("RH_AudioUploader", ("audio",), media="AUDIO", source="audio", is_file=True),
    Stays("RH_VideoUploaderPath", ("video_path",), why="migrate.stays_path"),
    Stays("RH_Utils", ("anything",), why="migrate.stays_helper"),
    Single(
        "RH_ExtractImage",
        ("image_index",),
        becomes="ImageFromBatch",
        inputs=(("images", "image"), ("image_index", "batch_index")),
        fixed=(("length", 1),),
        outputs=("IMAGE",),
        note="migrate.note_pick",
    ),
    Stays("RH_BatchImages", ("image_indices",), why="migrate.stays_helper"),
    # ComfyUI_RH_API
    Settings(
        "RH_Config",
        ("api_key", "workflow_or_app_id", "base_url", "is_ai_app"),
        keys=("api_key",),
        target="workflow_or_app_id",
        site="base_url",
        app="is_ai_app",
    ),
    Entries(
        "RH_Param",
        ("node_id", "field_name", "field_value", "custom_field_name"),
        names=(_XU_NAMES,),
        previous="previous_params",
    ),
    Entries(
        "RH_MultiParams",
        tuple(
            f"{name}_{place}"
            for place in range(1, 5)
            for name in ("node_id", "field_name", "field_value", "custom_field_name")
        ),
        names=tuple(
            Names(
                f"node_id_{place}",
                f"field_name_{place}",
                f"field_value_{place}",
                f"custom_field_name_{place}",
            )
            for place in range(1, 5)
        ),
        previous="previous_params",
    ),
    Entries(
        "RH_MultiInputImage",
        tuple(f"{name}_{place}" for place in range(1, 9) for name in ("node_id", "field_name")),
        names=tuple(
            Names(f"node_id_{place}", f"field_name_{place}", f"image_{place}")
            for place in range(1, 9)
        ),
        previous="previous_params",
        media="IMAGE",
    ),
    Upload(
        "RH_UploadImage",
        _XU_WIDGETS,
        marker="config",
        media="IMAGE",
        source="image",
        names=_XU_UPLOAD,
        previous="previous_params",
    ),
    Upload(
        "RH_UploadVideo",
        _XU_WIDGETS,
        media="VIDEO",
        source="video",
        names=_XU_UPLOAD,
        previous="previous_params",
    ),
    Upload(
        "RH_UploadAudio",
        ("audio_path", *_XU_WIDGETS),
        media="AUDIO",
        source="audio_path",
        loader="RH_LoadAudioPath",
        names=_XU_UPLOAD,
        previous="previous_params",
    ),
    Execute(
        "RH_Execute",
        ("timeout", "use_high_performance", "save_to_local", "output_prefix"),
        config="config",
        list="params",
        timeout="timeout",
        big="use_high_performance",
        saves="save_to_local",
        outputs=_XU_OUTPUTS,
    ),
    Single(
        "RH_Download",
        ("task_id", "timeout", "save_to_local", "output_prefix"),
        becomes="RunningHubTask",
        inputs=(("task_id", "task_id"),),
        outputs=_XU_OUTPUTS[:-1],
    ),
    Single(
        "RH_ImageSelector",
        ("index",),
        becomes="ImageFromBatch",
        inputs=(("images", "image"), ("index", "batch_index")),
        fixed=(("length", 1),),
        outputs=("IMAGE",),
        note="migrate.note_pick",
    ),
    Single(
        "RH_TextDisplay",
        ("text",),
        becomes="PreviewAny",
        inputs=(("text", "source"),),
        outputs=("STRING",),
        linked="text",
    ),
    Stays("RH_LoadAudioPath", ("audio_filename",), why="migrate.stays_needed"),
    Stays("RH_UploadFile", ("node_id", "field_name", "file_path"), why="migrate.stays_path"),
    Stays("RH_UploadLatent", ("node_id", "field_name"), why="migrate.stays_latent"),
    Stays("RH_BatchUploadImage", ("node_id", "field_name"), why="migrate.stays_batch"),
    Stays("RH_ParamBundle", why="migrate.stays_batch"),
    Stays("RH_BatchExecute", ("workflow_id",), why="migrate.stays_batch"),
    Stays("RH_TaskManager", ("task_id", "action"), why="migrate.stays_tasks"),
    # ComfyUI-RunningHub
    Settings(
        "RH_Settings",
        ("api_key", "base_url", "workflow_id"),
        keys=("api_key",),
        target="workflow_id",
        site="base_url",
    ),
    Entries(
        "RH_NodeInfo",
        ("node_id", "field_name", "field_value"),
        names=(Names("node_id", "field_name", "field_value"),),
        previous="previous_list",
    ),
    Execute(
        "RH_ExecuteWorkflow",
        ("run_timeout", "poll_interval", "use_rtx4090"),
        config="api_config",
        list="node_info_list",
        timeout="run_timeout",
        big="use_rtx4090",
        big_sent="rtx4090",
        outputs=_LZ_OUTPUTS,
    ),
    Execute(
        "RH_ExecuteAIApp",
        ("webapp_id", "run_timeout", "poll_interval", "use_rtx4090"),
        config="api_config",
        list="node_info_list",
        timeout="run_timeout",
        big="use_rtx4090",
        big_sent="rtx4090",
        target="webapp_id",
        is_app=True,
        outputs=("images", "text", "audio", "task_id"),
    ),
    Upload("RH_UploadImage", marker="api_config", media="IMAGE", source="image"),
    *(
        Direct(
            name,
            widgets,
            keys=("api_key",),
            fields=fields,
            media=media,
            outputs=outputs,
        )
        for name, widgets, fields, media, outputs in (
            (
                "RH_TextToImage",
                (
                    "prompt",
                    *_KEY_AND_TARGET,
                    "negative_prompt",
                    "seed",
                    "control_after_generate",
                    "timeout",
                ),
                (_PROMPT, _NEGATIVE, _SEED),
                (),
                ("images",),
            ),
            (
                "RH_ImageToImage",
                ("prompt", *_KEY_AND_TARGET, "negative_prompt", "timeout"),
                (_PROMPT, _NEGATIVE),
                _PICTURE,
                ("images",),
            ),
            (
                "RH_ImageToVideo",
                (*_KEY_AND_TARGET, "prompt", "timeout"),
                (("prompt", "6.text", "filled"),),
                _PICTURE,
                ("", "task_id"),
            ),
            (
                "RH_TextToVideo",
                ("prompt", *_KEY_AND_TARGET, "negative_prompt", "timeout"),
                (_PROMPT, _NEGATIVE),
                (),
                ("", "task_id"),
            ),
            (
                "RH_TextToAudio",
                ("text", *_KEY_AND_TARGET, "timeout"),
                (("text", "6.text", "always"),),
                (),
                ("audio", ""),
            ),
        )
    ),
    Single(
        "RH_TaskOutputs",
        ("api_key", "base_url", "task_id", "wait_for_result", "timeout"),
        keys=("api_key",),
        becomes="RunningHubTask",
        inputs=(("task_id", "task_id"),),
        outputs=("images", "", "task_id"),
    ),
    Stays(
        "RH_TaskStatus",
        ("api_key", "base_url", "task_id"),
        keys=("api_key",),
        why="migrate.stays_tasks",
    ),
    Stays(
        "RH_TaskCancel",
        ("api_key", "base_url", "task_id"),
        keys=("api_key",),
        why="migrate.stays_tasks",
    ),
    Stays("RH_UploadFile", ("file_path", "file_type"), "api_config", why="migrate.stays_path"),
    Stays("RH_DownloadImage", ("url",), why="migrate.stays_address"),
    Stays("RH_DownloadVideo", ("url", "extract_frames", "max_frames"), why="migrate.stays_address"),
    Stays("RH_AnyToString", ("anything",), why="migrate.stays_helper"),
    Stays("RH_SplitOutput", ("output_urls",), why="migrate.stays_helper"),
    # ComfyUI_RH_OpenAPI; its models are in `model_nodes.py`
    Settings("RHSettingsNode", ("base_url", "apiKey"), keys=("apiKey",), site="base_url"),
)


def _by_class() -> Mapping[str, tuple[Rule, ...]]:
    by_class: dict[str, tuple[Rule, ...]] = {}
    for rule in _RULES:
        by_class[rule.class_type] = (*by_class.get(rule.class_type, ()), rule)
    return by_class


_BY_CLASS = _by_class()

WIDGETS: Mapping[str, tuple[str, ...]] = {
    name: rules[0].widgets for name, rules in _BY_CLASS.items()
}
"""Names of the saved values, in order, by class."""

KEY_INPUTS: Mapping[str, tuple[str, ...]] = {
    name: rules[0].keys for name, rules in _BY_CLASS.items() if rules[0].keys
}
"""Inputs that hold an API key, by class."""


def rule_of(node: OldNode) -> Rule | None:
    """The row of a node's class, by marker if packs share its name; None for unknown classes."""
    rules = _BY_CLASS.get(node.class_type, ())
    marked = [rule for rule in rules if rule.marker and rule.marker in node.names]
    return next(iter(marked or [rule for rule in rules if not rule.marker] or rules), None)
