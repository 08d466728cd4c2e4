from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, ClassVar

class Hidden(str, Enum):
    unique_id = ...
    prompt = ...
    extra_pnginfo = ...
    dynprompt = ...

class HiddenHolder:
    unique_id: str
    prompt: dict[str, Any] | None
    extra_pnginfo: dict[str, Any] | None
    dynprompt: Any

class FolderType(str, Enum):
    input = ...
    output = ...
    temp = ...

class Input:
    id: str
    def __init__(
        self,
        id: str,
        display_name: str | None = None,
        optional: bool = False,
        tooltip: str | None = None,
        lazy: bool | None = None,
        extra_dict: Mapping[str, Any] | None = None,
        raw_link: bool | None = None,
        advanced: bool | None = None,
    ) -> None: ...

class Output:
    id: str | None
    display_name: str | None
    tooltip: str | None
    is_output_list: bool
    def __init__(
        self,
        id: str | None = None,
        display_name: str | None = None,
        tooltip: str | None = None,
        is_output_list: bool = False,
    ) -> None: ...

_Input = Input
_Output = Output

class ComfyTypeIO:
    Type: ClassVar[Any]
    io_type: ClassVar[str]

    class Input(_Input): ...
    class Output(_Output): ...

def Custom(io_type: str) -> type[ComfyTypeIO]: ...

class AnyType(ComfyTypeIO): ...
class Image(ComfyTypeIO): ...
class Mask(ComfyTypeIO): ...
class Audio(ComfyTypeIO): ...
class Video(ComfyTypeIO): ...
class File3DAny(ComfyTypeIO): ...

class Boolean(ComfyTypeIO):
    class Input(_Input):
        def __init__(
            self,
            id: str,
            display_name: str | None = None,
            optional: bool = False,
            tooltip: str | None = None,
            lazy: bool | None = None,
            default: bool | None = None,
            label_on: str | None = None,
            label_off: str | None = None,
            socketless: bool | None = None,
            force_input: bool | None = None,
            extra_dict: Mapping[str, Any] | None = None,
            raw_link: bool | None = None,
            advanced: bool | None = None,
        ) -> None: ...

class Int(ComfyTypeIO):
    class Input(_Input):
        def __init__(
            self,
            id: str,
            display_name: str | None = None,
            optional: bool = False,
            tooltip: str | None = None,
            lazy: bool | None = None,
            default: int | None = None,
            min: int | None = None,
            max: int | None = None,
            step: int | None = None,
            control_after_generate: bool | None = None,
            *,
            socketless: bool | None = None,
            force_input: bool | None = None,
            extra_dict: Mapping[str, Any] | None = None,
            raw_link: bool | None = None,
            advanced: bool | None = None,
        ) -> None: ...

class String(ComfyTypeIO):
    class Input(_Input):
        def __init__(
            self,
            id: str,
            display_name: str | None = None,
            optional: bool = False,
            tooltip: str | None = None,
            lazy: bool | None = None,
            multiline: bool = False,
            placeholder: str | None = None,
            default: str | None = None,
            dynamic_prompts: bool | None = None,
            socketless: bool | None = None,
            force_input: bool | None = None,
            extra_dict: Mapping[str, Any] | None = None,
            raw_link: bool | None = None,
            advanced: bool | None = None,
        ) -> None: ...

class Combo(ComfyTypeIO):
    class Input(_Input):
        def __init__(
            self,
            id: str,
            options: Sequence[str] | type[Enum] | None = None,
            display_name: str | None = None,
            optional: bool = False,
            tooltip: str | None = None,
            lazy: bool | None = None,
            default: str | Enum | None = None,
            *,
            socketless: bool | None = None,
            extra_dict: Mapping[str, Any] | None = None,
            raw_link: bool | None = None,
            advanced: bool | None = None,
        ) -> None: ...

class Schema:
    node_id: str
    display_name: str | None
    is_dev_only: bool
    inputs: list[Input]
    outputs: list[Output]
    def __init__(
        self,
        node_id: str,
        display_name: str | None = None,
        category: str = "sd",
        inputs: Sequence[Input] = ...,
        outputs: Sequence[Output] = ...,
        hidden: Sequence[Hidden] = ...,
        description: str = "",
        search_aliases: Sequence[str] = ...,
        is_input_list: bool = False,
        is_output_node: bool = False,
        is_deprecated: bool = False,
        is_experimental: bool = False,
        is_dev_only: bool = False,
        *,
        not_idempotent: bool = False,
        enable_expand: bool = False,
        accept_all_inputs: bool = False,
        has_intermediate_output: bool = False,
    ) -> None: ...
    def get_v1_info(self, cls: type[ComfyNode]) -> Any: ...

class NodeOutput:
    args: tuple[Any, ...]
    ui: Any
    def __init__(
        self,
        *args: Any,
        ui: Any = None,
        expand: Mapping[str, Any] | None = None,
        block_execution: str | None = None,
    ) -> None: ...

class ComfyNode(ABC):
    # execute, validate_inputs and fingerprint_inputs are left out: each node has its own signature.
    hidden: ClassVar[HiddenHolder]
    @classmethod
    @abstractmethod
    def define_schema(cls) -> Schema: ...
    @classmethod
    def GET_SCHEMA(cls) -> Schema: ...
