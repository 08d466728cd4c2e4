"""The IR of a migration: the old graph and the plan of changes, whatever the file format."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast


@dataclass(frozen=True, slots=True)
class Source:
    """Output `slot` (from 0) of a node of the old graph."""

    node: str
    slot: int


@dataclass(frozen=True, slots=True)
class Output:
    """A named output of a node that the plan creates."""

    node: str
    name: str


@dataclass(frozen=True, slots=True)
class OldNode:
    """One node. `values` and `links` by input name; links are resolved through virtual nodes.

    `names`: all its inputs in the file, linked or not. `types`: of those that are known. `live`:
    neither muted nor bypassed. `is_saved`: from a canvas file, where a missing value is the
    class's default.
    """

    id: str
    class_type: str
    title: str
    values: Mapping[str, object]
    links: Mapping[str, Source]
    names: frozenset[str]
    types: Mapping[str, str] = field(default_factory=dict[str, str])
    live: bool = True
    is_saved: bool = False

    @property
    def own_title(self) -> str:
        """The title if the user set it, else ""."""
        is_given = self.title != self.class_type and not self.title.startswith("RH ")
        return self.title if is_given else ""

    def text(self, name: str, default: str = "") -> str:
        """A value as the text that ComfyUI passes to a STRING input."""
        value = self.values.get(name, default)
        return value if isinstance(value, str) else default if value is None else str(value)


@dataclass(frozen=True, slots=True)
class Reader:
    """Input `name` of `node`, which reads an output; `label`: the node in sentences.

    `type`: what the input takes, `*` for anything or where that is not known.
    """

    node: str
    name: str
    label: str
    type: str = "*"

    def takes(self, kind: str) -> bool:
        return not {"*", kind}.isdisjoint(self.type.split(","))


@dataclass(frozen=True)
class OldGraph:
    """One flat graph: a prompt, a workflow's root, or one of its subgraphs.

    `readers`: the inputs that read an output through virtual nodes, a subgraph's borders among
    them. `dependents`: ids of the nodes and borders that read from a node, bypassed ones
    included. `place`: prefix of node ids in reports, such as `name / `. `outside`: for a
    subgraph, the nodes that feed its inputs, by input slot, one for each use of it.
    """

    nodes: Mapping[str, OldNode]
    readers: Mapping[Source, tuple[Reader, ...]]
    dependents: Mapping[str, frozenset[str]]
    place: str = ""
    outside: Mapping[int, tuple[OldNode, ...]] = field(
        default_factory=dict[int, "tuple[OldNode, ...]"]
    )


@dataclass(frozen=True)
class Sentence:
    """A user-facing sentence: its key in `texts.py`, and its parameters."""

    key: str
    params: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True)
class NewField:
    """A field of a program's node; `kind` as a node's form has it, `*` for any.

    `about`: more keys of its entry in the form. `item`: it is the socket of one list item, which
    a form omits. `control`: `control_after_generate` of a seed, such as `randomize`.
    """

    name: str
    kind: str
    about: Mapping[str, object] = field(default_factory=dict[str, object])
    item: bool = False
    control: str = ""


@dataclass
class NewNode:
    """A node that a plan creates. Values and links by input; outputs as in `target_nodes.py`.

    `fields`: the inputs that the class does not declare, in order. `form`: a standard model's
    entries of the node's form. `shown`: its visible outputs if no link reads any. `near`: id of
    the old node to place an added one beside.
    """

    class_type: str
    values: dict[str, object] = field(default_factory=dict[str, object])
    links: dict[str, Source | Output] = field(default_factory=dict[str, "Source | Output"])
    fields: list[NewField] = field(default_factory=list[NewField])
    form: Mapping[str, object] = field(default_factory=dict[str, object])
    shown: tuple[str, ...] = ("images", "text")
    title: str = ""
    near: str = ""


@dataclass
class Change:
    """One replacement, for the report. `nodes`: old ids, first the one that the new node takes."""

    nodes: list[str]
    becomes: str
    program: str = ""
    notes: list[Sentence] = field(default_factory=list[Sentence])

    def note(self, key: str, **params: object) -> None:
        sentence = Sentence(key, params)
        if sentence not in self.notes:
            self.notes.append(sentence)


@dataclass
class Plan:
    """The changes to one graph.

    `put`: new nodes, by the id of the old one that each replaces. `added`: more new nodes, by
    unique temporary names. `dropped`: ids of nodes to remove. `moved`: outputs of removed nodes
    to new outputs; links from any other output of them are cut. `kept`: why a node stays, by id.
    """

    put: dict[str, NewNode] = field(default_factory=dict[str, NewNode])
    added: dict[str, NewNode] = field(default_factory=dict[str, NewNode])
    dropped: set[str] = field(default_factory=set[str])
    moved: dict[Source, Output] = field(default_factory=dict[Source, Output])
    changes: list[Change] = field(default_factory=list[Change])
    kept: dict[str, Sentence] = field(default_factory=dict[str, Sentence])

    def add(self, node: NewNode) -> str:
        name = f"+{len(self.added) + 1}"
        self.added[name] = node
        return name

    def removes(self, node: str) -> bool:
        return node in self.put or node in self.dropped

    def new_nodes(self) -> dict[str, NewNode]:
        return {**self.put, **self.added}

    def new_source(self, source: Source | Output) -> Source | Output | None:
        """The new source of a link; None if its output was removed."""
        if isinstance(source, Output):
            return source
        return self.moved.get(source) if self.removes(source.node) else source


Json = dict[str, Any]


def readers_of(nodes: Iterable[OldNode]) -> dict[Source, tuple[Reader, ...]]:
    """The inputs that read each output."""
    readers: dict[Source, list[Reader]] = {}
    for node in nodes:
        for name, source in node.links.items():
            reader = Reader(node.id, name, node.title, node.types.get(name, "*"))
            readers.setdefault(source, []).append(reader)
    return {source: tuple(reading) for source, reading in readers.items()}


def as_dict(value: object) -> Json | None:
    return cast("Json", value) if isinstance(value, dict) else None
