"""The settable fields of a remote workflow: how they are named, listed and sent,
and the kind of each.

A kind is inferred from class, name and stored value. Loaders are recognized by a rule,
not by a list of classes: RunningHub has thousands of packs. Names are from RunningHub docs,
"Upload Resource" (LoadImage, LoadVideo, LoadAudio, LoadImages(zip) with field `upload`) and "About
nodeInfoList" (LoadImageFromUrl), and from core ComfyUI (LoadVideo has `file`) and VideoHelperSuite
(VHS_LoadVideo, VHS_LoadAudioUpload).
"""

from __future__ import annotations

import enum
import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from ..errors import BadField
from ..wire.filetypes import Kind
from .prompt import Graph, Node, id_order, is_link, read_nodes


class FieldKind(enum.Enum):
    """The type of a field as ComfyUI would name it.

    IMAGE, VIDEO, AUDIO and ZIP hold the name of an uploaded file, URL the address of one. JSON
    holds a list or an object. ANY holds nothing yet (null), so it takes any plain value. LORA, a
    remote LoRA's name, and COMBO, one of a list of texts, are declared, never inferred.
    """

    STRING = "STRING"
    INT = "INT"
    FLOAT = "FLOAT"
    BOOLEAN = "BOOLEAN"
    IMAGE = "IMAGE"
    VIDEO = "VIDEO"
    AUDIO = "AUDIO"
    ZIP = "ZIP"
    URL = "URL"
    JSON = "JSON"
    LORA = "LORA"
    COMBO = "COMBO"
    ANY = "*"


_MEDIA = {"image": FieldKind.IMAGE, "video": FieldKind.VIDEO, "audio": FieldKind.AUDIO}
_ZIP_FIELDS = frozenset({"upload", "file", "zip", "zip_file"})
_LOADING = frozenset({"load", "loader"})
# Classes that load from a path on the server or from text, not from an uploaded file.
_ELSEWHERE = frozenset({"path", "directory", "folder", "base64"})

_TAKES: dict[FieldKind, frozenset[Kind]] = {
    FieldKind.IMAGE: frozenset({Kind.IMAGE}),
    FieldKind.VIDEO: frozenset({Kind.VIDEO}),
    FieldKind.AUDIO: frozenset({Kind.AUDIO}),
    FieldKind.ZIP: frozenset({Kind.FILE, Kind.IMAGE}),  # images are zipped before their upload
}


def kind_of(class_type: str, name: str, stored: object) -> FieldKind:
    """Infer the kind of one field; `stored` is its value in the workflow and no link."""
    if stored is None or isinstance(stored, str):
        loaded = _loaded(words_of(class_type), name.lower())
        return loaded or (FieldKind.ANY if stored is None else FieldKind.STRING)
    if isinstance(stored, bool):
        return FieldKind.BOOLEAN
    if isinstance(stored, int):
        return FieldKind.INT
    return FieldKind.FLOAT if isinstance(stored, float) else FieldKind.JSON


def media_taken(class_type: str, kind: FieldKind) -> frozenset[Kind]:
    """File kinds that may be uploaded for a field of `kind`; for a URL by the class's name."""
    if kind is not FieldKind.URL:
        return _TAKES.get(kind, frozenset())
    named = _media_named(words_of(class_type)) or _MEDIA
    return frozenset[Kind]().union(*(_TAKES[_MEDIA[medium]] for medium in named))


def is_address(text: str) -> bool:
    """Whether a text is a URL (http, https, ftp, s3, oss, cos, data), not a name."""
    return re.match(r"\s*((https?|ftp|s3|oss|cos)://|data:)", text, re.IGNORECASE) is not None


# PreviewImage, ShowText, DisplayAny, Image Comparer: their files are temporary, not results.
_SHOWING = frozenset({"preview", "show", "display", "view", "viewer", "compare", "comparer"})


def only_shows(class_type: str) -> bool:
    """Whether an output node of that class only displays its inputs and saves nothing."""
    words = words_of(class_type)
    return bool(words & _SHOWING) and "save" not in words


@lru_cache(4096)
def words_of(class_type: str) -> frozenset[str]:
    """`LoadImageFromURL`, `Load Image From URL` and `load_image_from_url` have the same words."""
    words = re.findall(r"[Bb]ase64|[A-Z]+(?![a-z])|[A-Z]?[a-z]+", class_type)
    return frozenset(word.lower().removesuffix("s") for word in words)


def _media_named(words: frozenset[str]) -> list[str]:
    return [medium for medium in _MEDIA if medium in words]


def _loaded(words: frozenset[str], name: str) -> FieldKind | None:
    """The kind of a loader's field that names a file; None for plain text."""
    media = _media_named(words)
    loads = bool(words & _LOADING)
    if "url" in words and (loads or media):
        is_source = name in _MEDIA or name.endswith(("url", "urls"))
        return FieldKind.URL if is_source else None
    if not loads or words & _ELSEWHERE:
        return None
    if "zip" in words:
        return FieldKind.ZIP if name in _ZIP_FIELDS else None
    # `file` names no medium: the class must, and only one.
    return _MEDIA.get(media[0] if name == "file" and len(media) == 1 else name)


if TYPE_CHECKING:
    from ..wire.orders import NodeInfo


@dataclass(frozen=True, slots=True)
class Field:
    """One settable value of a remote workflow. `stored`: its value if it is not set."""

    node: Node
    name: str
    stored: object
    kind: FieldKind

    @property
    def full_name(self) -> str:
        """`<nodeId>.<fieldName>`, by which users and callers address it."""
        return f"{self.node.id}.{self.name}"


def split_name(name: str) -> tuple[str, str]:
    """Node id and field name of `12:3.image`.

    The first dot separates: field names may have dots (`57.format.codec`), node ids have none.
    Raises BadField if either part is missing.
    """
    node_id, _, field = name.partition(".")
    if not node_id or not field:
        raise BadField("error.field_name", field=name)
    return node_id, field


def looks_like_field(name: str) -> bool:
    """Whether an undeclared input is meant as a field.

    Only numeric node ids count (`6.text`, `12:3.image`), as the site's editor makes them: inputs
    that the browser adds (a refresh button, children of a dynamic combo) start with a word.
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
    """Whether the field of that full name takes a URL instead of an uploaded file's name."""
    node_id = name.partition(".")[0]
    return loads_url(fields({node_id: graph.get(node_id)}), name)


def loads_url(among: Iterable[Field], name: str) -> bool:
    """As `takes_url`, for a list of fields."""
    return any(field.full_name == name and field.kind is FieldKind.URL for field in among)


def seeds(graph: Graph, listed: Container[str]) -> dict[str, int]:
    """The stored seeds that are not in `listed`, by full name.

    To run the workflow as it was saved, these have to be sent as they are: the service re-rolls a
    seed that nodeInfoList lacks (RunningHub docs, "About nodeInfoList", note 1).
    """
    return {
        field.full_name: field.stored
        for field in fields(graph)
        if is_seed(field)
        and isinstance(field.stored, int)
        and not isinstance(field.stored, bool)
        and field.full_name not in listed
    }


def is_seed(field: Field) -> bool:
    """Whether the service re-rolls a field, by its name."""
    return field.name.lower().endswith("seed")


def node_info(values: Mapping[str, object]) -> tuple[NodeInfo, ...]:
    """nodeInfoList for plain values by full name, sorted: independent of the order of `values`."""
    # A lazy import, so that ComfyUI starts faster.
    from ..wire.orders import NodeInfo

    ordered = sorted((id_order(split_name(name)[0]), *split_name(name), name) for name in values)
    return tuple(NodeInfo(node_id, field, values[name]) for _, node_id, field, name in ordered)
