"""The compiler's input and output: marks, descriptions of classes, segments and the plan."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, astuple, dataclass, field, fields, replace
from string import digits
from typing import Any

from ..errors import BadInput
from ..graph.constants import SAVED_CLASS, SEGMENT_CLASS
from ..wire.orders import TaskOptions

CUT = frozenset({SEGMENT_CLASS, SAVED_CLASS})
ORDERS = 64
"""Maximum of segments that one prompt may be cut into: each is an order, and costs."""

Link = tuple[str, int]
"""A node's id and the index of its output, as a prompt writes a link."""


class CannotOffload(BadInput):
    """What is marked cannot run on RunningHub. `local_id` is the node concerned, "" for none."""

    default_key = "segment.cannot"

    def __init__(
        self,
        key: str | None = None,
        /,
        *,
        local_id: str = "",
        hint: str = "marks",
        **params: object,
    ) -> None:
        super().__init__(key, local_id=local_id, hint=hint)
        self.params = params


@dataclass(frozen=True, slots=True)
class Ordering:
    """Options of how a segment's order is placed; none of them affects its results.

    `profile`: the account that pays, "" for the host's own. `timeout`: seconds of running time
    after which it is cancelled, 0 for none. `use_personal_queue`: wait in the queue of a
    dedicated key instead of being refused. `workflow`: id or link of the saved workflow that the
    graph goes out under, "" for what the host has set. `models`: "warn" or "strict" about models
    that the cloud does not list, "" for what the host has set. `route`: one of
    `graph.extra_data.ROUTES`, "" for what the host has set.
    """

    profile: str = ""
    timeout: int = 0
    use_personal_queue: bool = False
    workflow: str = ""
    models: str = ""
    route: str = ""

    @classmethod
    def options(cls) -> dict[str, object]:
        """The name and default of each, in the order of a segment's node."""
        return {option.name: option.default for option in fields(cls)}

    @property
    def inputs(self) -> dict[str, object]:
        """The options that differ from the defaults, as inputs of the segment's node."""
        return {name: value for name, value in asdict(self).items() if value}


@dataclass(frozen=True, slots=True)
class Mark:
    """Nodes to run on RunningHub; `only`: refuse to pull others along.

    `nodes` are ids of the prompt. Connected ones are a part: one segment, or several if split.
    `whole`: the whole graph is meant, so that what cannot go stays here instead of being refused.
    """

    name: str
    nodes: tuple[str, ...]
    instance: str = "default"
    only: bool = False
    ordering: Ordering = field(default_factory=Ordering)
    whole: bool = False

    def on(self, nodes: Iterable[str]) -> Mark:
        """A copy with other nodes; with none, to compare marks by their options."""
        return replace(self, nodes=tuple(nodes))

    @property
    def sort_key(self) -> tuple[object, ...]:
        """The name and all options."""
        return self.name, self.instance, self.only, *astuple(self.ordering)


@dataclass(frozen=True, slots=True)
class InputInfo:
    """One input of a class.

    `lazy`: evaluated only when the node asks for it. `upload`: it holds the name of a file in
    ComfyUI's folders, IMAGE, VIDEO, AUDIO or FILE. `grows`: dynamic, it expands to others
    (`format.codec`). `least`, `most`: the range of a number; None if unknown. `raw`: its node
    receives the link itself, as a loop's end does, and may run its ancestors again.
    """

    type: str
    required: bool = False
    lazy: bool = False
    upload: str = ""
    grows: bool = False
    least: float | None = None
    most: float | None = None
    raw: bool = False


@dataclass(frozen=True, slots=True)
class ClassInfo:
    """What is known of a node class. `open`: it takes undeclared inputs. `changes`: it declares
    that equal inputs may give another value, such as a text that is drawn at random."""

    inputs: Mapping[str, InputInfo] = field(default_factory=dict[str, InputInfo])
    outputs: tuple[str, ...] = ()
    output_is_list: tuple[bool, ...] = ()
    input_is_list: bool = False
    is_output: bool = False
    is_api: bool = False
    open: bool = False
    changes: bool = False

    def is_lazy(self, name: str) -> bool:
        """Whether an input is evaluated only when the node asks for it.

        Packs with numbered dynamic inputs declare the first (`input1`), and mean all.
        """
        if declared := self.inputs.get(name):
            return declared.lazy
        stem = name.rstrip(digits)
        siblings = (info for key, info in self.inputs.items() if key.rstrip(digits) == stem != key)
        return stem != name and any(info.lazy for info in siblings)


Classes = Callable[[str], ClassInfo | None]
"""Look-up of a class by name; None for an unknown class."""


@dataclass(frozen=True, slots=True)
class Inlet:
    """A live-in of a segment: input `in_<number>` of its node.

    `source` is the output of the local prompt that it reads, `targets` the inputs (node, input) of
    the remote graph that read it. `listed`: its source returns lists; that there is one item only
    is checked at run time. A VIDEO must be a file: one made of images is refused.
    """

    number: int
    type: str
    source: Link
    targets: tuple[tuple[str, str], ...]
    listed: bool = False


@dataclass(frozen=True, slots=True)
class Outlet:
    """A live-out of a segment: output `out_<number>` of its node, slot `number - 1`.

    `source` is the remote output that it holds, `saver` the remote node that writes it, `prefix`
    its files' name prefix ("" for a text, which has no file name). Two outlets may share a saver.
    Type FILES: the saver's results undecoded, for a RunningHubSaved.
    """

    number: int
    type: str
    source: Link
    saver: str
    prefix: str


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A local file that a loader in the segment reads, in ComfyUI's notation: `photo.png [output]`.

    `type` is IMAGE, VIDEO, AUDIO or FILE.
    """

    node_id: str
    input: str
    value: str
    type: str


@dataclass(frozen=True, slots=True)
class LocalLora:
    """A LoRA that the segment uses: uploaded where the cloud lacks it (`with_lora`)."""

    node_id: str
    input: str
    value: str


@dataclass(frozen=True, slots=True)
class ModelName:
    """A model that the cloud must have. `kind`: CHECKPOINT, UNET, LORA or GGUF can be looked up
    there; any other, such as VAE, cannot."""

    node_id: str
    input: str
    value: str
    kind: str


@dataclass(frozen=True, slots=True)
class Saved:
    """A local saver that runs in the cloud; its files are saved locally, under its own id.

    `inputs` are its plain values, the file name's prefix among them. `saver` is the remote node,
    `outlet` the number of the outlet that holds its files.
    """

    node_id: str
    class_type: str
    inputs: Mapping[str, Any]
    saver: str
    outlet: int


@dataclass(frozen=True, slots=True)
class Note:
    """A diagnostic on a node, for the user: text key and parameters."""

    node_id: str
    key: str
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class PulledNode:
    """A node that was pulled or cloned into a segment; text key and parameters of the reason."""

    node_id: str
    key: str
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Segment:
    """One order. `id`: its node in the local prompt; `level`: its depth in the DAG of orders.

    `graph` is what runs in the cloud, without loaders for the inlets. `members`: ids of nodes that
    are the same in both graphs, to show progress there; `titles`: these nodes' titles.
    """

    id: str
    name: str
    instance: str
    graph: Mapping[str, Any]
    inlets: tuple[Inlet, ...] = ()
    outlets: tuple[Outlet, ...] = ()
    files: tuple[LocalFile, ...] = ()
    loras: tuple[LocalLora, ...] = ()
    models: tuple[ModelName, ...] = ()
    saved: tuple[Saved, ...] = ()
    pulled: tuple[PulledNode, ...] = ()
    members: tuple[str, ...] = ()
    titles: Mapping[str, str] = field(default_factory=dict[str, str])
    level: int = 0
    ordering: Ordering = field(default_factory=Ordering)

    @property
    def options(self) -> TaskOptions:
        """Options of its order, whose results carry no workflow."""
        queues = self.ordering.use_personal_queue
        return TaskOptions(self.instance, add_metadata=False, personal_queue=queues)


@dataclass(frozen=True, slots=True)
class Plan:
    """The rewritten local prompt, and its segments in topological order.

    `split`: how many marked parts were not convex, so that each became several orders.
    """

    prompt: Mapping[str, Any]
    segments: tuple[Segment, ...] = ()
    notes: tuple[Note, ...] = ()
    split: int = 0
