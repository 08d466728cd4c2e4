"""Finds, masks and removes API keys in graphs and texts.

A RunningHub key is 32 hexadecimal characters, as is every MD5: the context of a match decides how
certain it is, and the user has the last word.
"""

from __future__ import annotations

import enum
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import cast

from ..errors import BadInput
from ..wire.envelope import as_list
from .graph import Json, as_dict
from .packs import KEY_INPUTS, WIDGETS

# Suffixes of files that are named by their MD5: those 32 characters are no key.
_FILE = (
    r"\.(png|jpe?g|webp|gif|bmp|avif|hei[cf]|mp4|m4v|webm|mkv|mov|wav|mp3|flac|opus|og[ag]|m4a"
    r"|zip|json|txt|safetensors)\b"
)
_HEX = re.compile(rf"(?<![0-9A-Za-z])[0-9a-fA-F]{{32}}(?![0-9A-Za-z]|{_FILE})")
_PROXY = re.compile(r"/proxy(?:-plus)?/([0-9A-Za-z]{16,64})(?=/|$)")
_NAME = re.compile(
    r"api[-_ ]?key|\bkey\b|access[-_ ]?token|\btoken\b|authori[sz]ation|bearer|secret"
    r"|密钥|秘钥|令牌",
    re.IGNORECASE,
)
_SITE = re.compile(r"runninghub|rhtv|rh[-_ ]?(api|openapi)", re.IGNORECASE)
_KEY = re.compile(r"[0-9A-Za-z_.-]{20,200}")
_PLACEHOLDER = re.compile(r"your|xxx|\*\*\*|here|enter|paste", re.IGNORECASE)
_NEAR = 60  # characters between a name and its key
_TEXTS = re.compile(r"note|markdown|primitive|string|text", re.IGNORECASE)
_DEPTH = 60


class Surety(enum.Enum):
    """CERTAIN: in a known key input or proxy URL. LIKELY: with a telling name or site nearby.
    MAYBE: only by its format."""

    CERTAIN = 3
    LIKELY = 2
    MAYBE = 1


@dataclass(frozen=True)
class FoundKey:
    """A key and its places, such as `apiKey · RH Settings (6)`. Only `veiled` is ever shown."""

    key: str
    surety: Surety
    places: tuple[str, ...]

    @property
    def veiled(self) -> str:
        """The masked key, `ed37…13`: enough for its owner to recognize it."""
        return veiled(self.key)


def veiled(key: str) -> str:
    return f"{key[:4]}…{key[-2:]}"


def find_keys(document: object) -> tuple[FoundKey, ...]:
    """Find keys in a workflow, a prompt, or any other JSON value; the most certain first."""
    return gather(_walk(document, (), None, 0))


def find_keys_in_text(text: str, place: str) -> tuple[FoundKey, ...]:
    """Find keys in a text that is not JSON, such as an image's comment."""
    return gather(_in_text(text, place, "", is_text=True))


def gather(findings: Iterable[tuple[str, Surety, str]]) -> tuple[FoundKey, ...]:
    """Group (key, surety, place) findings into one entry per key, the most certain first."""
    surety: dict[str, Surety] = {}
    places: dict[str, list[str]] = {}
    for key, sure, place in findings:
        best = surety.get(key, sure)
        surety[key] = max(best, sure, key=lambda grade: grade.value)
        there = places.setdefault(key, [])
        # Each node is listed once, by the first input that holds the key.
        if all(place.rpartition(" · ")[2] != earlier.rpartition(" · ")[2] for earlier in there):
            there.append(place)
    entries = [FoundKey(key, surety[key], tuple(places[key])) for key in surety]
    return tuple(sorted(entries, key=lambda entry: -entry.surety.value))


def clean(document: object, keys: Iterable[str]) -> object:
    """Return a copy without the keys; a string that is only a key becomes empty.

    Raises BadInput for a value that is nested too deeply to be copied.
    """
    try:
        return _cleaned(document, [key for key in keys if key])
    except RecursionError:
        raise BadInput("migrate.unreadable") from None


def _cleaned(document: object, keys: list[str]) -> object:
    if isinstance(document, str):
        return "" if document.strip() in keys else clean_text(document, keys)
    if isinstance(document, dict):
        return {
            clean_text(name, keys): _cleaned(value, keys)
            for name, value in cast("Json", document).items()
        }
    if isinstance(document, list):
        return [_cleaned(value, keys) for value in as_list(cast("object", document))]
    return document


def clean_text(text: str, keys: Iterable[str]) -> str:
    """Overwrite keys with as many `x`: the length stays, so no offset in a file changes."""
    for key in keys:
        text = text.replace(key, "x" * len(key))
    return text


def clean_bytes(data: bytes, keys: Iterable[str]) -> bytes:
    """As `clean_text`, for a file's bytes; pixels do not equal a key by chance."""
    for key in keys:
        data = data.replace(key.encode(), b"x" * len(key))
    return data


def _walk(
    value: object, path: tuple[str, ...], node: Json | None, depth: int
) -> Iterator[tuple[str, Surety, str]]:
    if depth > _DEPTH:
        return
    about = as_dict(value)
    if about is not None:
        inner = about if isinstance(about.get("class_type") or about.get("type"), str) else None
        if inner is not None and ("inputs" in about or "widgets_values" in about):
            node = about
            yield from _key_inputs(about, path)
        for name, child in about.items():
            yield from _walk(child, (*path, name), node, depth + 1)
    elif isinstance(value, list):
        for place, child in enumerate(as_list(cast("object", value))):
            yield from _walk(child, (*path, str(place)), node, depth + 1)
    elif isinstance(value, str):
        inner_json = _json(value)
        if inner_json is not None:
            yield from _walk(inner_json, path, node, depth + 1)
        else:
            yield from _in_text(value, _place(path, node), _context(path, node), _is_text(node))


def _key_inputs(node: Json, path: tuple[str, ...]) -> Iterator[tuple[str, Surety, str]]:
    """Keys in inputs of known nodes that are there to hold one, hexadecimal or not."""
    class_type = str(node.get("class_type") or node.get("type"))
    for name in KEY_INPUTS.get(class_type, ()):
        value = (as_dict(node.get("inputs")) or {}).get(name)
        saved = node.get("widgets_values")
        named = as_dict(saved)
        if named is not None:
            value = named.get(name)
        elif isinstance(saved, list):
            values = as_list(cast("object", saved))
            place = WIDGETS[class_type].index(name)
            value = values[place] if place < len(values) else None
        text = value.strip() if isinstance(value, str) else ""
        if _KEY.fullmatch(text) and not _PLACEHOLDER.search(text):
            yield text, Surety.CERTAIN, f"{name} · {_label(node, path)}"


def _in_text(
    text: str, place: str, context: str, is_text: bool
) -> Iterator[tuple[str, Surety, str]]:
    for match in _PROXY.finditer(text):
        if set(match[1]) != {"x"}:  # else it was already overwritten
            yield match[1], Surety.CERTAIN, place
    for match in _HEX.finditer(text):
        before = text[max(0, match.start() - _NEAR) : match.start()]
        after = text[match.end() : match.end() + _NEAR]
        if _NAME.search(before) or _NAME.search(context) or _SITE.search(before + after + context):
            yield match[0], Surety.LIKELY, place
        elif is_text and len(text.strip()) == len(match[0]):
            yield match[0], Surety.MAYBE, place


def _context(path: tuple[str, ...], node: Json | None) -> str:
    """The context of a value: its own name, and the title and short texts of its node."""
    name = next((step for step in reversed(path) if not step.isdigit()), "")
    if node is None:
        return name
    own = [str(node.get("title") or ""), str((as_dict(node.get("_meta")) or {}).get("title"))]
    saved = node.get("widgets_values")
    values = [*(as_dict(saved) or {}).values(), *as_list(saved)]
    values += (as_dict(node.get("inputs")) or {}).values()
    others = [text for text in values if isinstance(text, str) and len(text) < 300]
    return " ".join([name, *own, *others])


def _is_text(node: Json | None) -> bool:
    kind = str((node or {}).get("class_type") or (node or {}).get("type") or "")
    return node is not None and _TEXTS.search(kind) is not None


def _place(path: tuple[str, ...], node: Json | None) -> str:
    name = next((step for step in reversed(path) if not step.isdigit()), "")
    return f"{name} · {_label(node, path)}" if node is not None else "/".join(path)


def _label(node: Json, path: tuple[str, ...]) -> str:
    meta = as_dict(node.get("_meta")) or {}
    kind = str(node.get("class_type") or node.get("type"))
    title = str(node.get("title") or meta.get("title") or kind)[:60]
    node_id = node.get("id", path[-1] if path and node.get("class_type") else None)
    return title if node_id is None else f"{title} ({node_id})"


def read_document(text: str) -> object | None:
    """Parse a JSON object or list; None for anything else."""
    try:
        document: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return cast("object", document) if isinstance(document, (dict, list)) else None


def _json(text: str) -> object:
    """Parse JSON nested in a string: a form, or a graph in a graph's metadata; else None."""
    return read_document(text) if text.lstrip().startswith(("{", "[")) else None
