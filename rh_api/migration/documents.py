"""Migration and key search in files: JSON, and the metadata of images, videos and audio."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from .. import media
from ..errors import BadInput
from ..media import Carrier, DoesNotFit, carrier_of
from ..models.catalogue import Catalogue
from .api_prompt import is_prompt
from .canvas_graph import is_workflow
from .graph import Json, as_dict
from .keys import (
    FoundKey,
    clean,
    clean_bytes,
    clean_text,
    find_keys,
    find_keys_in_text,
    gather,
    read_document,
)
from .migrate import Migration, migrate

SUFFIXES = (".json", *media.SUFFIXES)
_HOLDERS = ("workflow", "prompt", "output", "extra_data", "extra_pnginfo")
"""Keys under which a graph may be nested: in the body of POST /prompt, in a video's comment."""


@dataclass(frozen=True)
class FileMigration:
    """`data`: the new file. `beside`: JSON of new graphs that did not fit into it, by name."""

    data: bytes
    graphs: tuple[tuple[str, Migration], ...] = ()
    beside: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def replaces(self) -> bool:
        return any(migration.replaced for _, migration in self.graphs)


def migrate_file(data: bytes, catalogue: Catalogue) -> FileMigration:
    """Replace old nodes in every graph of a file; pixels and other metadata stay as they are.

    Raises BadInput for a file without a graph, or in an unsupported format.
    """
    graphs: list[tuple[str, Migration]] = []
    carrier = carrier_of(data)
    if carrier is None:
        whole = _json_of(data)
        changed = _each_graph(whole, "", lambda doc, name: _noted(doc, name, catalogue, graphs))
        _require(graphs)
        replaces = any(migration.replaced for _, migration in graphs)
        return FileMigration(_dumped(data, changed) if replaces else data, tuple(graphs))
    texts = carrier.read(data)
    changes: dict[int, str] = {}
    for place, (name, text) in enumerate(texts):
        document = read_document(text)
        if document is None:
            continue
        before = len(graphs)
        changed = _each_graph(document, name, lambda d, n: _noted(d, n, catalogue, graphs))
        if any(migration.replaced for _, migration in graphs[before:]):
            changes[place] = json.dumps(changed, separators=(",", ":"))
    _require(graphs)
    written, overflow = _written(carrier, data, changes)
    beside = {texts[place][0]: text for place, text in overflow.items()}
    return FileMigration(written, tuple(graphs), beside)


def keys_in_file(data: bytes) -> tuple[FoundKey, ...]:
    """Find keys in a JSON, media or plain text file. Raises BadInput for any other."""
    carrier = carrier_of(data)
    if carrier is None:
        text = _text_of(data)
        document = read_document(text)
        # Plain text: a note, or a command line with a key.
        return find_keys_in_text(text, "text") if document is None else find_keys(document)
    keys: list[FoundKey] = []
    for name, text in carrier.read(data):
        document = read_document(text)
        keys += find_keys_in_text(text, name) if document is None else find_keys({name: document})
    return gather((key.key, key.surety, place) for key in keys for place in key.places)


def clean_file(data: bytes, keys: Iterable[str]) -> bytes:
    """Return the file with those keys removed. Raises BadInput if it cannot be read or written."""
    keys = tuple(keys)
    carrier = carrier_of(data)
    if carrier is None:
        document = read_document(_text_of(data))
        return clean_bytes(data, keys) if document is None else _dumped(data, clean(document, keys))
    changes: dict[int, str] = {}
    for place, (_, text) in enumerate(carrier.read(data)):
        cleaned = clean_text(text, keys)
        if cleaned != text:
            changes[place] = cleaned
    # Texts may be compressed, so they are rewritten; anywhere else a key is overwritten in place.
    try:
        data = carrier.write(data, changes)
    except DoesNotFit:
        raise BadInput("migrate.stays_as_it_is") from None
    clean_data = clean_bytes(data, keys)
    if carrier.with_checksums is None:
        if clean_data != data:
            raise BadInput("migrate.stays_as_it_is")
        return data
    return carrier.with_checksums(data, clean_data)


def _noted(
    document: Json, name: str, catalogue: Catalogue, graphs: list[tuple[str, Migration]]
) -> Json:
    migration = migrate(document, catalogue)
    graphs.append((name, migration))
    return migration.document


def _each_graph(value: object, name: str, act: Callable[[Json, str], Json]) -> object:
    """Return the value with each graph in it replaced by `act(graph, name)`."""
    document = as_dict(value)
    if document is None:
        return value
    if is_workflow(document) or is_prompt(document):
        return act(document, name)
    changed: Json = {}
    for key, entry in document.items():
        inner = read_document(entry) if isinstance(entry, str) and key in _HOLDERS else None
        if inner is not None:
            replaced = _each_graph(inner, key, act)
            changed[key] = entry if replaced is inner else json.dumps(replaced)
        else:
            changed[key] = _each_graph(entry, key, act) if key in _HOLDERS else entry
    return changed


def _require(graphs: list[tuple[str, Migration]]) -> None:
    if not graphs:
        raise BadInput("migrate.no_graph")


def _written(
    carrier: Carrier, data: bytes, texts: Mapping[int, str]
) -> tuple[bytes, dict[int, str]]:
    """The file with each text written that fits, and the texts that do not, by index."""
    overflow: dict[int, str] = {}
    with contextlib.suppress(DoesNotFit):
        return carrier.write(data, texts), overflow
    for place, text in texts.items():
        try:
            data = carrier.write(data, {place: text})
        except DoesNotFit:
            overflow[place] = text
    return data, overflow


def _json_of(data: bytes) -> object:
    document = read_document(_text_of(data))
    if document is None:
        raise BadInput("migrate.unreadable")
    return document


def _text_of(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadInput("migrate.unreadable") from None


def _dumped(data: bytes, document: object) -> bytes:
    """Serialize `document` in the style of `data`: its indent, separators and final blanks."""
    text = _text_of(data)
    indent = next(iter(_indents(text)), None)
    separators = (",", ":") if indent is None and '": ' not in text[:2000] else None
    written = json.dumps(document, ensure_ascii=False, indent=indent, separators=separators)
    # UTF-8 cannot encode a lone surrogate (half an emoji of a cut title): it stays an escape.
    return (written + text[len(text.rstrip()) :]).encode("utf-8", "backslashreplace")


def _indents(text: str) -> Iterator[int | str]:
    for line in text.split("\n", 3)[1:3]:
        blanks = line[: len(line) - len(line.lstrip(" \t"))]
        if blanks:
            yield len(blanks) if blanks.isspace() and "\t" not in blanks else "\t"
