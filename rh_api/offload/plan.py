"""The values of segments: what is marked, what is known of classes, and what was cut."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from string import digits
from typing import Any

from ..errors import BadInput
from ..graph.constants import SAVED_CLASS, SEGMENT_CLASS

CUT = frozenset({SEGMENT_CLASS, SAVED_CLASS})
ORDERS = 64
"""How many segments one prompt may be cut into: each is an order, and costs."""

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
        hint: str = "",
        **params: object,
    ) -> None:
        super().__init__(key, local_id=local_id, hint=hint)
        self.params = params


@dataclass(frozen=True, slots=True)
class Ordering:
    """How the order of a segment is placed, which changes nothing of what it makes.

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

    @property
    def inputs(self) -> dict[str, object]:
        """What differs from the defaults, as inputs of the segment's node."""
        return {name: value for name, value in asdict(self).items() if value}


@dataclass(frozen=True, slots=True)
class Mark:
    """Nodes that shall run on RunningHub; `only`: and no others with them.

    `nodes` are ids of the prompt. Where they touch, they are one segment.
    """

    name: str
    nodes: tuple[str, ...]
    instance: str = "default"
    only: bool = False
    ordering: Ordering = field(default_factory=Ordering)

    def on(self, nodes: Iterable[str]) -> Mark:
        """The mark on other nodes; on none for what it says, whatever it marks."""
        return replace(self, nodes=tuple(nodes))

    @property
    def sort_key(self) -> tuple[object, ...]:
        """Orders marks by what they say."""
        ordering = self.ordering
        options = (
            ordering.profile,
            ordering.timeout,
            ordering.use_personal_queue,
            ordering.workflow,
            ordering.models,
            ordering.route,
        )
        return self.name, self.instance, self.only, *options


@dataclass(frozen=True, slots=True)
class InputInfo:
    """One input of a class.

    `lazy`: what it reads runs only when the node asks for it. `upload`: it holds the name of a
    file in ComfyUI's folders, IMAGE, VIDEO, AUDIO or FILE. `grows`: it brings inputs named after
    it (`format.codec`). `least`, `most`: the range of a number; None where none is known. `raw`:
    its node gets the link itself, as the end of a loop does, and may run what lies behind it again.
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
    """What is known of a node class. `open`: it takes inputs that it does not declare. `changes`:
    by its own word, equal inputs may give another value, such as a text that is drawn by lot."""

    inputs: Mapping[str, InputInfo] = field(default_factory=dict[str, InputInfo])
    outputs: tuple[str, ...] = ()
    output_is_list: tuple[bool, ...] = ()
    input_is_list: bool = False
    is_output: bool = False
    is_api: bool = False
    open: bool = False
    changes: bool = False

    def is_lazy(self, name: str) -> bool:
        """Whether what an input reads runs only when the node asks for it.

        Packs whose nodes grow inputs one by one declare the first (`input1`), and mean all.
        """
        if declared := self.inputs.get(name):
            return declared.lazy
        stem = name.rstrip(digits)
        siblings = (info for key, info in self.inputs.items() if key.rstrip(digits) == stem != key)
        return stem != name and any(info.lazy for info in siblings)


Classes = Callable[[str], ClassInfo | None]
"""A class by its name; None for one that is not known here."""


@dataclass(frozen=True, slots=True)
class Inlet:
    """A value that goes up: input `in_<number>` of the segment's node.

    `source` is where the local prompt takes it from, `targets` (node, input) who reads it in the
    remote graph. `listed`: it comes from a node whose outputs are lists; it may hold only one
    item, which shows when it runs. A VIDEO must be a file: one made of pictures is refused.
    """

    number: int
    type: str
    source: Link
    targets: tuple[tuple[str, str], ...]
    listed: bool = False


@dataclass(frozen=True, slots=True)
class Outlet:
    """A value that comes back: output `out_<number>` of the segment's node, slot `number - 1`.

    `source` is the remote output that it holds, `saver` the remote node that writes it, `prefix`
    what its files' names begin with ("" for a text, which has no file name). Two outlets may share
    a saver. Type FILES: the saver's results as they are, for a RunningHubSaved.
    """

    number: int
    type: str
    source: Link
    saver: str
    prefix: str


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file of this machine that a loader in the segment reads: `photo.png [output]`.

    `type` is IMAGE, VIDEO, AUDIO or FILE.
    """

    node_id: str
    input: str
    value: str
    type: str


@dataclass(frozen=True, slots=True)
class LocalLora:
    """A LoRA that the segment uses: where it is only here, it has to go up (`with_lora`)."""

    node_id: str
    input: str
    value: str


@dataclass(frozen=True, slots=True)
class ModelName:
    """A model that the cloud has to have. `kind`: CHECKPOINT, UNET, LORA or GGUF can be looked
    up there; any other, such as VAE, cannot."""

    node_id: str
    input: str
    value: str
    kind: str


@dataclass(frozen=True, slots=True)
class Saved:
    """A saver that runs in the cloud and whose files are saved here, under its own id.

    `inputs` are its plain values, the file name's prefix among them. `saver` is the remote node,
    `outlet` the number of the outlet that brings its files.
    """

    node_id: str
    class_type: str
    inputs: Mapping[str, Any]
    saver: str
    outlet: int


@dataclass(frozen=True, slots=True)
class Note:
    """Something that a person should know of a node: a sentence's key and its parameters."""

    node_id: str
    key: str
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Dependency:
    """A node that nobody marked and that has to go along, and the sentence why."""

    node_id: str
    key: str
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Segment:
    """One order. `id` is its node in the local prompt; `level` counts the orders before it.

    `graph` is what runs in the cloud, without loaders for the inlets. `members` are the ids that
    are the same node in both graphs, so that progress shows there; `titles` how people call them.
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
    dependencies: tuple[Dependency, ...] = ()
    members: tuple[str, ...] = ()
    titles: Mapping[str, str] = field(default_factory=dict[str, str])
    level: int = 0
    ordering: Ordering = field(default_factory=Ordering)


@dataclass(frozen=True, slots=True)
class Plan:
    """The rewritten local prompt and its segments, in an order in which they can run.

    `split`: how many marked parts were not convex, so that each became several orders.
    """

    prompt: Mapping[str, Any]
    segments: tuple[Segment, ...] = ()
    notes: tuple[Note, ...] = ()
    split: int = 0
