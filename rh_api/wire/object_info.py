"""Parser of ComfyUI's `/object_info`: node classes and their file choices."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ..errors import BadReply
from .envelope import Json, as_list, read_object

_GAP = re.compile(r"[\s,:]*")


@dataclass(frozen=True, slots=True)
class Listed:
    """Node class names, and file choices by `<class>.<input>`."""

    classes: frozenset[str] = frozenset()
    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, "tuple[str, ...]"])

    def document(self) -> dict[str, object]:
        """Return it as a JSON object; file lists shared by several inputs are stored once."""
        numbers = {names: number for number, names in enumerate(dict.fromkeys(self.files.values()))}
        inputs = {name: numbers[names] for name, names in self.files.items()}
        return {"classes": sorted(self.classes), "lists": [*numbers], "inputs": inputs}

    @classmethod
    def of_document(cls, document: Json) -> Listed:
        """Parse what `document` returned. Raises ValueError for anything else."""
        try:
            lists = [tuple(map(str, as_list(names))) for names in as_list(document["lists"])]
            files = {name: lists[int(n)] for name, n in read_object(document["inputs"]).items()}  # type: ignore[call-overload]
            return cls(frozenset(map(str, as_list(document["classes"]))), files)
        except (KeyError, TypeError, IndexError) as error:
            raise ValueError(str(error)) from error


def read_object_info(text: str) -> Listed:
    """Parse one class at a time, so that of some 30 MB only the text is in memory.

    Raises BadReply for invalid or truncated text.
    """
    files: dict[str, tuple[str, ...]] = {}
    shared: dict[tuple[str, ...], tuple[str, ...]] = {}
    names: set[str] = set()
    try:
        for name, about in _entries(text):
            if "input" not in about:
                continue
            names.add(name)
            for input_name, options in _choices(about):
                files[f"{name}.{input_name}"] = shared.setdefault(options, options)
    except (ValueError, IndexError, RecursionError):
        raise BadReply from None
    if not names:
        raise BadReply
    return Listed(frozenset(names), files)


def _entries(text: str) -> Iterator[tuple[str, Json]]:
    read = json.JSONDecoder().raw_decode

    def after(at: int) -> int:
        gap = _GAP.match(text, at)
        return gap.end() if gap else at

    at = after(0)
    if text[at] != "{":
        raise ValueError
    at = after(at + 1)
    while text[at] != "}":
        name, at = read(text, at)
        about, at = read(text, after(at))
        yield str(name), read_object(about)
        at = after(at)


def _choices(about: Json) -> Iterable[tuple[str, tuple[str, ...]]]:
    """Yield inputs that are a choice of files (some option has a dot), in either COMBO syntax."""
    for group in ("required", "optional"):
        for name, spec in read_object(read_object(about["input"]).get(group)).items():
            kind, *more = as_list(spec) or [None]
            if kind == "COMBO":
                kind = read_object(more[0] if more else None).get("options")
            options = tuple(name for name in as_list(kind) if isinstance(name, str))
            if any("." in option for option in options):
                yield name, options
