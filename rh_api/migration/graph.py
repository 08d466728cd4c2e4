"""A graph as the rules see it, and what they want of it, whichever way it was written down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast


@dataclass(frozen=True, slots=True)
class Source:
    """Output `slot` of a node: a node of the graph as it was, or one that the plan adds."""

    node: str
    slot: int


@dataclass(frozen=True, slots=True)
class Output:
    """An output by its name, of a node that the plan makes."""

    node: str
    name: str


@dataclass(frozen=True, slots=True)
class OldNode:
    """One node. `values` and `links` by input name; links lead past nodes that only pass on.

    `names`: every input that the graph has, linked or not. `live`: neither muted nor bypassed.
    `is_saved`: of a canvas, where a value that is missing is the class's usual one.
    """

    id: str
    class_type: str
    title: str
    values: Mapping[str, object]
    links: Mapping[str, Source]
    names: frozenset[str]
    live: bool = True
    is_saved: bool = False

    @property
    def own_title(self) -> str:
        """A title that a person gave, else nothing."""
        is_given = self.title != self.class_type and not self.title.startswith("RH ")
        return self.title if is_given else ""

    def text(self, name: str, default: str = "") -> str:
        """A plain value as the text that ComfyUI hands to a STRING input."""
        value = self.values.get(name, default)
        return value if isinstance(value, str) else default if value is None else str(value)


@dataclass(frozen=True, slots=True)
class Reader:
    """Input `name` of `node` reads an output."""

    node: str
    name: str
    label: str


@dataclass(frozen=True)
class OldGraph:
    """One flat graph: a prompt, a workflow's root, or one of its subgraphs.

    `readers`: who reads an output in the end, the borders of a subgraph among them. `dependents`:
    ids of the nodes that would lose something with a node, bypassed ones too. `place`: what to
    write before a node's id, with a mark between. `outside`: of a subgraph, the nodes that feed
    its inputs by their place, one for each time that it is used.
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
    """A sentence for people: its key in `texts.py`, and what it names."""

    key: str
    params: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True)
class NewField:
    """A field of a program's node; `kind` as a node's form has it, `*` for any.

    `about`: what else the form keeps of it. `item`: the socket of one item of a list, which
    stands in no form. `control`: what becomes of a seed after a run, such as `randomize`.
    """

    name: str
    kind: str
    about: Mapping[str, object] = field(default_factory=dict[str, object])
    item: bool = False
    control: str = ""


@dataclass
class NewNode:
    """A node that a plan makes. Values and links by input; outputs are named by `target_nodes.py`.

    `fields`: those inputs that the class does not declare, in order. `form`: what a standard
    model's node keeps of its model.
    """

    class_type: str
    values: dict[str, object] = field(default_factory=dict[str, object])
    links: dict[str, Source | Output] = field(default_factory=dict[str, "Source | Output"])
    fields: list[NewField] = field(default_factory=list[NewField])
    form: Mapping[str, object] = field(default_factory=dict[str, object])
    title: str = ""
    near: str = ""


@dataclass
class Change:
    """What becomes of some nodes. `nodes`: their ids, that of the new one first."""

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
    """What is to be done with one graph.

    `put`: new nodes in the place and under the id of old ones. `added`: more new nodes, by names
    that no node has. `dropped`: ids of nodes that go. `moved`: where an output of an old node is
    now; who reads one that is not there reads nothing any more. `kept`: why a node stays.
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

    def goes(self, node: str) -> bool:
        return node in self.put or node in self.dropped

    def new_nodes(self) -> dict[str, NewNode]:
        return {**self.put, **self.added}

    def whence(self, source: Source | Output) -> Source | Output | None:
        """Where a link starts now; None for an output that is no more."""
        if isinstance(source, Output):
            return source
        return self.moved.get(source) if self.goes(source.node) else source


Json = dict[str, Any]


def readers_of(nodes: Iterable[OldNode]) -> dict[Source, tuple[Reader, ...]]:
    """Who reads which output."""
    readers: dict[Source, list[Reader]] = {}
    for node in nodes:
        for name, source in node.links.items():
            readers.setdefault(source, []).append(Reader(node.id, name, node.title))
    return {source: tuple(reading) for source, reading in readers.items()}


def as_dict(value: object) -> Json | None:
    return cast("Json", value) if isinstance(value, dict) else None
