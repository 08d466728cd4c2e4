"""Schemas, inputs and outputs that the nodes share."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ...rh_api.graph.constants import INSTANCES, MIRRORS, POOL
from .defaults import EACH, FIRST, MAX_ORDERS, RETAIN
from .deferred import model_names

CATEGORY = "RunningHub"

MACHINE = ("instance", "add_metadata", "use_personal_queue", "retain_seconds")
"""Ids of options that Quick Create's orders do not have."""


def program_schema(
    node_id: str,
    display_name: str,
    description: str,
    aliases: list[str],
    named: io.Input,
    *,
    without: tuple[str, ...] = (),
) -> io.Schema:
    """The schema of a node that runs a program; `named` is the input that says which, `without` are
    ids of options that its orders do not have."""
    options = [option for option in order_inputs() if option.id not in without]
    return io.Schema(
        node_id=node_id,
        display_name=display_name,
        category=CATEGORY,
        description=description,
        search_aliases=["runninghub", "cloud", "remote", "api", *aliases],
        inputs=[form_input(), named, *options, *link_inputs()],
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
        inputs=[*inputs, profile_input()],
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
        outputs=without_tooltips([*typed_outputs(), model_3d_output()]),
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
    shared = {option.id: option for option in order_inputs()}
    anew = io.Boolean.Input(
        "reroll_seeds",
        optional=True,
        default=False,
        tooltip="On: every run is a new order, which costs again. Off: an identical run returns "
        "the results that are already here.",
    )
    return [
        io.String.Input(
            "model",
            placeholder="endpoint, name or link",
            tooltip="Endpoint, name or link of a standard model.",
        ),
        io.String.Input(
            "extra",
            optional=True,
            default="",
            multiline=True,
            tooltip="A JSON object of parameters that the catalogue does not know.",
        ),
        shared["batch"],
        shared["max_orders"],
        shared["timeout"],
        anew,
        io.Boolean.Input(
            "send_anyway",
            optional=True,
            default=False,
            tooltip="Also send values that only the catalogue contradicts: it may be older than "
            "the service.",
        ),
        shared["profile"],
    ]


def internal(schema: io.Schema) -> io.Schema:
    """Mark a schema as that of a node that the prompt handler makes and no menu lists."""
    schema.is_dev_only = True
    return schema


def form_input() -> io.Input:
    """The canvas' own state, as JSON; API callers leave it out."""
    hidden = {"hidden": True}
    return io.String.Input("form", optional=True, default="", extra_dict=hidden, socketless=True)


def order_inputs() -> list[io.Input]:
    """Options of how an order is placed, for every node that places one."""
    return [
        io.Combo.Input(
            "instance",
            options=list(INSTANCES),
            optional=True,
            default=INSTANCES[0],
            tooltip="Size of the cloud machine: default 24 GB, plus 48 GB, ultra 84 GB.",
        ),
        io.String.Input(
            "outputs",
            optional=True,
            default="",
            tooltip="Remote output nodes that out_1, out_2 … carry, by id, separated by commas. "
            "Empty: all, in the order of their ids.",
        ),
        io.Combo.Input(
            "batch",
            options=[EACH, FIRST],
            optional=True,
            default=EACH,
            tooltip="How a batch or a list is sent to a field that takes one item. each: one order "
            "per item. first: only the first item.",
        ),
        io.Int.Input(
            "max_orders",
            optional=True,
            default=MAX_ORDERS,
            min=1,
            max=1000,
            tooltip="The most orders that one run may place. Each one costs money.",
        ),
        io.Int.Input(
            "timeout",
            optional=True,
            default=0,
            min=0,
            max=7 * 24 * 3600,
            tooltip="Seconds of running time after which the task is cancelled; 0: never. Waiting "
            "in the queue does not count.",
        ),
        io.Boolean.Input(
            "reroll_seeds",
            optional=True,
            default=False,
            tooltip="On: every run is a new order, and seeds that you did not set get new random "
            "values. Off: they stay as they were saved.",
        ),
        io.Boolean.Input(
            "add_metadata",
            optional=True,
            default=True,
            tooltip="Whether result pictures carry the workflow that made them.",
        ),
        io.Boolean.Input(
            "use_personal_queue",
            optional=True,
            default=False,
            tooltip="For keys with dedicated machines: wait in their queue instead of being "
            "refused when all are busy.",
        ),
        io.Int.Input(
            "retain_seconds",
            optional=True,
            default=0,
            min=0,
            max=RETAIN[1],
            tooltip="For shared enterprise keys: seconds that the machine is kept ready for the "
            "next run, 10 to 180; they are billed. 0: not kept.",
        ),
        profile_input(),
    ]


def profile_input() -> io.Input:
    """The account that pays, for every node that calls the service."""
    return io.String.Input(
        "profile",
        optional=True,
        default="",
        tooltip="Name of a stored key and site. Empty: the default one.",
        extra_dict={"widgetType": "RUNNINGHUB_PROFILE"},  # the canvas' own widget lists them
    )


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


def result_outputs() -> list[io.Output]:
    """The typed outputs and the whole pool."""
    pool = [
        io.AnyType.Output(f"out_{n}", f"out_{n}", f"What remote output node {n} made.", True)
        for n in range(1, POOL + 1)
    ]
    return [*typed_outputs(), *pool]


def without_tooltips(outputs: list[io.Output]) -> list[io.Output]:
    """Remove the outputs' tooltips: ComfyUI looks them up by slot number, and on the canvas these
    nodes show only the outputs that a user keeps."""
    for output in outputs:
        output.tooltip = None
    return outputs
