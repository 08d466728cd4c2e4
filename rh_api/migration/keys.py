"""Keys that graphs and texts hold: found, shown veiled, and taken out.

A RunningHub key is 32 hexadecimal characters, and so is every MD5: what stands beside one decides
how sure a finding is, and a person has the last word.
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

# A file that is named by its content: 32 hexadecimal characters that are no key.
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
    """CERTAIN: a field that holds keys. LIKELY: a name or an address beside. MAYBE:
    only its form."""

    CERTAIN = 3
    LIKELY = 2
    MAYBE = 1


@dataclass(frozen=True)
class FoundKey:
    """A key, and where it stands: `apiKey of RH Settings (6)`. It is never shown whole."""

    key: str
    surety: Surety
    places: tuple[str, ...]

    @property
    def veiled(self) -> str:
        """`ed37…ee13`: enough for its owner to know it."""
        return veiled(self.key)


def veiled(key: str) -> str:
    return f"{key[:4]}…{key[-2:]}"


def find_keys(document: object) -> tuple[FoundKey, ...]:
    """The keys of a workflow, a prompt, or any other JSON value; the surest first."""
    return gather(_walk(document, (), None, 0))


def find_keys_in_text(text: str, place: str) -> tuple[FoundKey, ...]:
    """The keys of a text that is no JSON, such as a picture's comment."""
    return gather(_in_text(text, place, "", is_text=True))


def gather(findings: Iterable[tuple[str, Surety, str]]) -> tuple[FoundKey, ...]:
    """One entry for a key, however often it stands there."""
    surety: dict[str, Surety] = {}
    places: dict[str, list[str]] = {}
    for key, sure, place in findings:
        best = surety.get(key, sure)
        surety[key] = max(best, sure, key=lambda grade: grade.value)
        there = places.setdefault(key, [])
        # A node's key is told once, by the input that holds it.
        if all(place.rpartition(" · ")[2] != earlier.rpartition(" · ")[2] for earlier in there):
            there.append(place)
    entries = [FoundKey(key, surety[key], tuple(places[key])) for key in surety]
    return tuple(sorted(entries, key=lambda entry: -entry.surety.value))


def clean(document: object, keys: Iterable[str]) -> object:
    """A copy without the keys: a value that is nothing else becomes empty.

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
    """The text without the keys, as long as before: a place in a file is not moved."""
    for key in keys:
        text = text.replace(key, "x" * len(key))
    return text


def clean_bytes(data: bytes, keys: Iterable[str]) -> bytes:
    """A file's bytes without the keys, as long as before: pixels never look like a key."""
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
            yield from _in_text(value, _place(path, node), _beside(path, node), _is_text(node))


def _key_inputs(node: Json, path: tuple[str, ...]) -> Iterator[tuple[str, Surety, str]]:
    """The inputs of known nodes that hold a key, whatever it looks like."""
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
    text: str, place: str, beside: str, is_text: bool
) -> Iterator[tuple[str, Surety, str]]:
    for match in _PROXY.finditer(text):
        if set(match[1]) != {"x"}:  # else it was taken out before
            yield match[1], Surety.CERTAIN, place
    for match in _HEX.finditer(text):
        before = text[max(0, match.start() - _NEAR) : match.start()]
        after = text[match.end() : match.end() + _NEAR]
        if _NAME.search(before) or _NAME.search(beside) or _SITE.search(before + after + beside):
            yield match[0], Surety.LIKELY, place
        elif is_text and len(text.strip()) == len(match[0]):
            yield match[0], Surety.MAYBE, place


def _beside(path: tuple[str, ...], node: Json | None) -> str:
    """What may say what a value is: its own name, and the other texts of its node."""
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
    """The object or list that a text holds as JSON; None for anything else."""
    try:
        document: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return cast("object", document) if isinstance(document, (dict, list)) else None


def _json(text: str) -> object:
    """What a text holds as JSON: a form, or a graph in a graph's metadata."""
    return read_document(text) if text.lstrip().startswith(("{", "[")) else None
