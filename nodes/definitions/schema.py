"""Schemas, inputs and outputs that the nodes share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from comfy_api.latest import io

from ...rh_api.graph import node_options
from ...rh_api.graph.constants import MIRRORS, POOL
from ...rh_api.graph.node_options import NodeOption
from .deferred import model_names

CATEGORY = "RunningHub"


def program_schema(
    node_id: str,
    display_name: str,
    description: str,
    aliases: list[str],
    named: io.Input,
    options: Iterable[NodeOption] = node_options.PROGRAM,
) -> io.Schema:
    """The schema of a node that runs a program; `named` is the input that says which."""
    return io.Schema(
        node_id=node_id,
        display_name=display_name,
        category=CATEGORY,
        description=description,
        search_aliases=["runninghub", "cloud", "remote", "api", *aliases],
        inputs=[form_input(), named, *map(option_input, options), *link_inputs()],
        outputs=without_tooltips(result_outputs()),
        is_input_list=True,
        is_output_node=True,
        accept_all_inputs=True,
    )


def upload_schema(
    node_id: str, display_name: str, description: str, inputs: list[io.Input]
) -> io.Schema:
    """The schema of a node that uploads something; its outputs are the remote name and URL."""
    return io.Schema(
        node_id=node_id,
        display_name=display_name,
        category=CATEGORY,
        description=description,
        search_aliases=["runninghub", "upload"],
        inputs=[*inputs, option_input(node_options.PROFILE)],
        outputs=[
            io.String.Output("file_name", "file_name", "For fields that name a file.", True),
            io.String.Output("url", "url", "For fields that load from an address.", True),
        ],
    )


def model_schema(node_id: str, display_name: str, description: str) -> io.Schema:
    """The schema of a node that runs a standard model."""
    return ModelSchema(
        node_id=node_id,
        display_name=display_name,
        category=CATEGORY,
        description=description,
        inputs=[form_input(), *model_inputs(), *link_inputs()],
        outputs=without_tooltips([*typed_outputs(), model_3d_output(), urls_output()]),
        is_input_list=True,
        is_output_node=True,
        accept_all_inputs=True,
    )


class ModelSchema(io.Schema):
    """A schema whose search aliases are computed when a page requests the definitions: models come
    and go while ComfyUI runs, and reading them would slow down its start."""

    def get_v1_info(self, cls: Any) -> Any:
        info = super().get_v1_info(cls)
        info.search_aliases = [*_MODEL_WORDS, *model_names(self.node_id)]
        return info


_MODEL_WORDS = ("runninghub", "cloud", "model", "api")


def model_inputs() -> list[io.Input]:
    """The inputs of a model's node beside its parameters."""
    named = io.String.Input(
        "model",
        placeholder="endpoint, name or link",
        tooltip="Endpoint, name or link of a standard model.",
    )
    return [named, *map(option_input, node_options.MODEL)]


def internal(schema: io.Schema) -> io.Schema:
    """Mark a schema as that of a node that the prompt handler makes and no menu lists."""
    schema.is_dev_only = True
    return schema


def form_input() -> io.Input:
    """The canvas' own state, as JSON; API callers leave it out."""
    hidden = {"hidden": True}
    return io.String.Input("form", optional=True, default="", extra_dict=hidden, socketless=True)


def option_input(option: NodeOption) -> io.Input:
    """The optional input of an option."""
    name, tooltip, default = option.name, option.tooltip, option.default
    about: dict[str, Any] = {"optional": True, "tooltip": tooltip, "default": default}
    if option.choices:
        return io.Combo.Input(name, options=list(option.choices), **about)
    if option.type == "BOOLEAN":
        return io.Boolean.Input(name, **about)
    if option.type == "INT":
        return io.Int.Input(name, min=option.low, max=option.high, **about)
    if option is node_options.PROFILE:  # the canvas' own widget lists them
        about["extra_dict"] = {"widgetType": "RUNNINGHUB_PROFILE"}
    return io.String.Input(name, multiline=option.is_json, **about)


def link_inputs() -> list[io.Input]:
    """Declared inputs for copies of links to fields: ComfyUI validates declared inputs only."""
    return [io.AnyType.Input(f"link_{number}", optional=True) for number in range(MIRRORS)]


def typed_outputs() -> list[io.Output]:
    """The outputs by type of every node that runs something. Every output is a list."""
    return [
        io.Image.Output("images", "images", "All pictures.", True),
        io.Mask.Output("masks", "masks", "1 - alpha of each picture.", True),
        io.Video.Output("video", "video", "All videos.", True),
        io.Audio.Output("audio", "audio", "All sounds.", True),
        io.String.Output("text", "text", "All texts, also those in text files.", True),
        io.String.Output("files", "files", "All other files, below ComfyUI's output folder.", True),
        io.String.Output("task_id", "task_id", "The task's id at RunningHub.", True),
    ]


def model_3d_output() -> io.Output:
    """Of ComfyUI's own type of a 3D file."""
    return io.File3DAny.Output("model_3d", "model_3d", "All 3D files.", True)


def urls_output() -> io.Output:
    """The last output of every node that runs something: older graphs keep their links."""
    tooltip = (
        "The addresses of all results at RunningHub, in order. They expire, and whoever has one "
        "can read the file."
    )
    return io.String.Output("urls", "urls", tooltip, True)


def result_outputs() -> list[io.Output]:
    """The typed outputs, the whole pool, and the addresses."""
    pool = [
        io.AnyType.Output(f"out_{n}", f"out_{n}", f"What remote output node {n} made.", True)
        for n in range(1, POOL + 1)
    ]
    return [*typed_outputs(), *pool, urls_output()]


def without_tooltips(outputs: list[io.Output]) -> list[io.Output]:
    """Remove the outputs' tooltips: ComfyUI looks them up by slot number, and on the canvas these
    nodes show only the outputs that a user keeps."""
    for output in outputs:
        output.tooltip = None
    return outputs
