"""The settable fields of a remote workflow: how they are named, listed and sent."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import BadField
from .kinds import FieldKind, kind_of
from .prompt import Graph, Node, id_order, is_link, read_nodes

if TYPE_CHECKING:
    from ..wire.orders import NodeInfo


@dataclass(frozen=True, slots=True)
class Field:
    """One plain value of a remote workflow. `stored` is what runs when nobody sets it."""

    node: Node
    name: str
    stored: object
    kind: FieldKind

    @property
    def full_name(self) -> str:
        """`<nodeId>.<fieldName>`, the name that people give it."""
        return f"{self.node.id}.{self.name}"


def split_name(name: str) -> tuple[str, str]:
    """Node id and field name of `12:3.image`.

    The first dot divides: field names may have dots (`57.format.codec`), node ids have none.
    Raises BadField when either half is missing.
    """
    node_id, _, field = name.partition(".")
    if not node_id or not field:
        raise BadField("error.field_name", field=name)
    return node_id, field


def looks_like_field(name: str) -> bool:
    """Whether an input that came unasked is meant as a field.

    Only numbered nodes count (`6.text`, `12:3.image`), as the site's editor makes them: what the
    browser adds by itself (a refresh button, children of a dynamic combo) starts with a word.
    """
    return re.fullmatch(r"[0-9]+(:[0-9]+)*\..+", name, re.DOTALL) is not None


def fields(graph: Graph) -> list[Field]:
    """Every settable field: nodes ordered as integer paths, a node's fields as stored."""
    nodes = sorted(read_nodes(graph).values(), key=lambda node: id_order(node.id))
    return [field for node in nodes for field in fields_of(node)]


def fields_of(node: Node) -> list[Field]:
    """The settable fields of one node: all inputs but links."""
    return [
        Field(node, name, stored, kind_of(node.class_type, name, stored))
        for name, stored in node.inputs.items()
        if not is_link(stored)
    ]


def takes_url(graph: Graph, name: str) -> bool:
    """Whether the field of that full name loads from an address instead of an uploaded name."""
    return loads_url(fields(graph), name)


def loads_url(among: Iterable[Field], name: str) -> bool:
    """The same, where the fields are at hand."""
    return any(field.full_name == name and field.kind is FieldKind.URL for field in among)


def seeds(graph: Graph, given: Container[str]) -> dict[str, int]:
    """The stored seeds that nobody set, by full name.

    The service re-rolls a seed that is not listed (RunningHub docs, "About nodeInfoList", note
    1), so whoever wants the workflow as it was saved lists these as they are.
    """
    return {
        field.full_name: field.stored
        for field in fields(graph)
        if is_seed(field)
        and isinstance(field.stored, int)
        and not isinstance(field.stored, bool)
        and field.full_name not in given
    }


def is_seed(field: Field) -> bool:
    """Whether a field is one of those that the service re-rolls, by its name."""
    return field.name.lower().endswith("seed")


def node_info(values: Mapping[str, object]) -> tuple[NodeInfo, ...]:
    """nodeInfoList for plain values by full name. Equal values give an equal list in any order."""
    # Imported here: ComfyUI starts faster without.
    from ..wire.orders import NodeInfo

    ordered = sorted((id_order(split_name(name)[0]), *split_name(name), name) for name in values)
    return tuple(NodeInfo(node_id, field, values[name]) for _, node_id, field, name in ordered)
