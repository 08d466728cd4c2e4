"""The schema of a node, and what object_info says of it."""

from __future__ import annotations

from enum import Enum
from types import SimpleNamespace
from typing import Any


class FolderType(str, Enum):
    input = "input"
    output = "output"
    temp = "temp"


class Hidden(str, Enum):
    unique_id = "UNIQUE_ID"
    prompt = "PROMPT"
    extra_pnginfo = "EXTRA_PNGINFO"
    dynprompt = "DYNPROMPT"


class Input:
    io_type = "*"
    extras: tuple[str, ...] = ()

    def __init__(
        self,
        id: str,
        display_name: str | None = None,
        optional: bool = False,
        tooltip: str | None = None,
        lazy: bool | None = None,
        extra_dict: dict[str, Any] | None = None,
        raw_link: bool | None = None,
        advanced: bool | None = None,
        **options: Any,
    ) -> None:
        named = {
            "display_name": display_name,
            "tooltip": tooltip,
            "lazy": lazy,
            "rawLink": raw_link,
            "advanced": advanced,
            "socketless": options.pop("socketless", None),
            "forceInput": options.pop("force_input", None),
            "dynamicPrompts": options.pop("dynamic_prompts", None),
        }
        self.id = id
        self.optional = optional
        entries = {**(extra_dict or {}), **named, **options}
        self.options = {key: value for key, value in entries.items() if value is not None}

    def spec(self) -> tuple[Any, dict[str, Any]]:
        return self.io_type, self.options


class Output:
    io_type = "*"

    def __init__(
        self,
        id: str | None = None,
        display_name: str | None = None,
        tooltip: str | None = None,
        is_output_list: bool = False,
    ) -> None:
        self.id = id
        self.name = display_name or id or self.io_type
        self.tooltip = tooltip
        self.is_output_list = is_output_list


def Custom(io_type: str, **defaults: Any) -> Any:
    class TypedInput(Input):
        def __init__(self, id: str, *more: Any, **options: Any) -> None:
            super().__init__(id, *more, **{**defaults, **options})

    TypedInput.io_type = io_type
    made_output = type("Output", (Output,), {"io_type": io_type})
    members = {"io_type": io_type, "Input": TypedInput, "Output": made_output, "Type": Any}
    return type(io_type, (), members)


AnyType = Custom("*")
Image = Custom("IMAGE")
Mask = Custom("MASK")
Audio = Custom("AUDIO")
Video = Custom("VIDEO")
Boolean = Custom("BOOLEAN")
Int = Custom("INT")
Float = Custom("FLOAT")
String = Custom("STRING", multiline=False)
File3DAny = Custom("FILE_3D")
Combo = Custom("COMBO", multiselect=False)


class Schema:
    def __init__(
        self,
        node_id: str,
        display_name: str | None = None,
        category: str = "sd",
        inputs: Any = (),
        outputs: Any = (),
        hidden: Any = (),
        description: str = "",
        search_aliases: Any = (),
        is_input_list: bool = False,
        is_output_node: bool = False,
        is_dev_only: bool = False,
        accept_all_inputs: bool = False,
        **flags: Any,
    ) -> None:
        self.node_id = node_id
        self.display_name = display_name
        self.category = category
        self.inputs = list(inputs)
        self.outputs = list(outputs)
        self.hidden = list(hidden)
        self.description = description
        self.search_aliases = list(search_aliases) or None
        self.is_input_list = is_input_list
        self.is_output_node = is_output_node
        self.is_dev_only = is_dev_only
        self.accept_all_inputs = accept_all_inputs
        self.flags = flags

    def info(self, python_module: str) -> dict[str, Any]:
        """The node's entry in object_info."""
        inputs: dict[str, Any] = {}
        for group, optional in (("required", False), ("optional", True)):
            specs = {entry.id: entry.spec() for entry in self.inputs if entry.optional is optional}
            if specs:
                inputs[group] = specs
        hidden = list(self.hidden)
        if self.is_output_node:
            own = (Hidden.prompt, Hidden.extra_pnginfo)
            hidden += [entry for entry in own if entry not in hidden]
        if hidden:
            inputs["hidden"] = {entry.name: (entry.value,) for entry in hidden}
        return {
            "input": inputs,
            "input_order": {group: list(members) for group, members in inputs.items()},
            "is_input_list": self.is_input_list,
            "output": [output.io_type for output in self.outputs],
            "output_is_list": [output.is_output_list for output in self.outputs],
            "output_name": [output.name for output in self.outputs],
            "output_tooltips": [output.tooltip or None for output in self.outputs],
            "output_matchtypes": None,
            "name": self.node_id,
            "display_name": self.display_name,
            "description": self.description,
            "python_module": python_module,
            "category": self.category,
            "output_node": self.is_output_node,
            "deprecated": False,
            "experimental": False,
            "dev_only": self.is_dev_only,
            "api_node": False,
            "price_badge": None,
            "search_aliases": self.search_aliases,
            "essentials_category": None,
            "has_intermediate_output": bool(self.flags.get("has_intermediate_output")),
        }

    def get_v1_info(self, cls: Any) -> Any:
        return SimpleNamespace(**self.info("custom_nodes.some-name"))


class NodeOutput:
    def __init__(
        self, *args: Any, ui: Any = None, expand: Any = None, block_execution: str | None = None
    ) -> None:
        self.args = args
        self.ui = ui
        self.expand = expand
        self.block_execution = block_execution


class HiddenHolder:
    """What a node asked to be told beside its inputs."""

    def __init__(self, contents: dict[str, Any]) -> None:
        for entry in Hidden:
            setattr(self, entry.name, contents.get(entry.value))


class ComfyNode:
    hidden: HiddenHolder

    @classmethod
    def define_schema(cls) -> Schema:
        raise NotImplementedError

    @classmethod
    def GET_SCHEMA(cls) -> Schema:
        if "_schema" not in cls.__dict__:
            cls._schema = cls.define_schema()
        return cls._schema

    @classmethod
    def GET_NODE_INFO_V1(cls) -> dict[str, Any]:
        return vars(cls.GET_SCHEMA().get_v1_info(cls))

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return cls.GET_SCHEMA().info("")["input"]
