"""A strict parser of the subset of YAML 1.2 that documentation pages use.

Block mappings and sequences, scalars of every style, one-line flow lists and mappings, anchors of
complete values. No tags, no merge keys, no multiple documents. A parser of our own, because
`rh_api` has no dependency on one, and because the usual one (PyYAML) implements YAML 1.1, where
the aspect ratio `16:9` is the number 969.
"""

from __future__ import annotations

import json
import re
from typing import cast

_DEEPEST = 60
_MAX_LINES = 30_000
_BLOCK = re.compile(r"([|>])([+-]?)([1-9]?)([+-]?)(?:\s+#.*)?")
_INT = re.compile(r"[-+]?[0-9]{1,30}")
_FLOAT = re.compile(
    r"[-+]?(?:[0-9]{1,30}\.[0-9]{0,30}|\.[0-9]{1,30}|[0-9]{1,30})(?:[eE][-+]?[0-9]{1,3})?"
)
_QUOTED_KEY = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^']|'')*')\s*:(?:\s+(.*))?$""")
_ENDS = {"'": re.compile(r"(?:[^']|'')*'(?!')"), '"': re.compile(r'(?:[^"\\]|\\.)*"')}
_NAME = re.compile(r"[&*]([^\s,\[\]{}]{1,100})(?:\s+(.*))?$")
_WORDS: dict[str, object] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}


class NotYaml(ValueError):
    """The text is not in the supported subset of YAML."""


def read_yaml(text: str) -> object:
    """Parse a text to mappings, lists and scalars. Raises NotYaml for anything else."""
    lines = text.splitlines()
    if len(lines) > _MAX_LINES:
        raise NotYaml("too many lines")
    reader = _Reader(lines)
    value = reader.block(0, 0)
    if reader.peek() is not None:
        raise NotYaml(f"line {reader.at + 1}")
    return value


class _Reader:
    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.at = 0
        self.anchors: dict[str, object] = {}

    def peek(self) -> tuple[int, str] | None:
        """Indent and text of the next line with content, which is not consumed."""
        while self.at < len(self.lines):
            line = self.lines[self.at]
            text = line.lstrip(" ")
            if text.startswith("\t"):
                raise self._wrong()
            if text.strip() and not text.startswith("#"):
                return len(line) - len(text), text.rstrip()
            self.at += 1
        return None

    def block(self, least: int, depth: int) -> object:
        line = self.peek()
        if line is None or line[0] < least:
            return None
        if depth > _DEEPEST:
            raise self._wrong()
        indent, text = line
        if _is_item(text):
            return self._sequence(indent, depth)
        if _split_pair(text) is not None:
            return self._mapping(indent, depth)
        self.at += 1
        return self._value(text, indent - 1, depth)

    def _sequence(self, indent: int, depth: int) -> list[object]:
        items: list[object] = []
        while (line := self.peek()) is not None and line[0] == indent and _is_item(line[1]):
            text = line[1][1:].lstrip(" ")
            if _is_item(text) or _split_pair(text) is not None:
                # The content after the dash is a nested block, indented to its column.
                column = indent + len(line[1]) - len(text)
                self.lines[self.at] = " " * column + text
                items.append(self.block(column, depth + 1))
            else:
                self.at += 1
                items.append(self._value(text, indent, depth))
        return items

    def _mapping(self, indent: int, depth: int) -> dict[str, object]:
        mapping: dict[str, object] = {}
        while (line := self.peek()) is not None and line[0] == indent:
            pair = _split_pair(line[1])
            if pair is None or _is_item(line[1]):
                break
            self.at += 1
            if pair[0] in mapping or pair[0] == "<<":
                raise self._wrong()
            mapping[pair[0]] = self._value(pair[1], indent, depth, in_mapping=True)
        return mapping

    def _value(self, text: str, indent: int, depth: int, *, in_mapping: bool = False) -> object:
        mark = text[:1]
        if mark in ("", "#"):
            return self._nested(indent, depth, in_mapping)
        if mark in "&*":
            return self._anchored(text, indent, depth, in_mapping)
        if mark in "|>":
            return self._block_scalar(text, indent)
        if mark in "\"'":
            return self._quoted(text)
        if mark in "!%@`":
            raise self._wrong()
        return _flow(text) if mark in "[{" else self._plain(text, indent)

    def _nested(self, indent: int, depth: int, in_mapping: bool) -> object:
        line = self.peek()
        if line is None or line[0] < indent:
            return None
        # Only a sequence may have the same indent as its key.
        if line[0] == indent and not (in_mapping and _is_item(line[1])):
            return None
        return self.block(indent, depth + 1)

    def _anchored(self, text: str, indent: int, depth: int, in_mapping: bool) -> object:
        match = _NAME.match(text)
        if match is None:
            raise self._wrong()
        name, behind = match[1], match[2] or ""
        if text[0] == "*":
            # An anchor is set when its value is complete, so no value can contain itself.
            if name not in self.anchors or behind:
                raise self._wrong()
            return self.anchors[name]
        value = self.anchors[name] = self._value(behind, indent, depth, in_mapping=in_mapping)
        return value

    def _plain(self, text: str, indent: int) -> object:
        parts = [_uncommented(text)]
        while self.at < len(self.lines):
            line = self.lines[self.at]
            text = line.strip()
            if not text or len(line) - len(line.lstrip(" ")) <= indent or text.startswith("#"):
                break
            parts.append(_uncommented(text))
            self.at += 1
        return _scalar(parts[0]) if len(parts) == 1 else " ".join(parts)

    def _block_scalar(self, mark: str, indent: int) -> str:
        header = _BLOCK.fullmatch(mark)
        if header is None:
            raise self._wrong()
        lines: list[str] = []
        inner = indent + int(header[3]) if header[3] else 0
        while self.at < len(self.lines):
            line = self.lines[self.at]
            place = len(line) - len(line.lstrip(" "))
            if line.strip():
                if place <= indent or place < inner:
                    break
                inner = inner or place
            lines.append(line[inner:] if line.strip() else "")
            self.at += 1
        while lines and not lines[-1]:
            lines.pop()
        text = "\n".join(lines) if header[1] == "|" else _folded(lines)
        strip = "-" in (header[2], header[4])
        return text if strip or not text else text + "\n"

    def _quoted(self, text: str) -> str:
        # Line by line: neither a doubled quote nor an escape spans two lines.
        ends, parts, line, start = _ENDS[text[0]], list[str](), text, 1
        while not (end := ends.match(line, start)):
            if self.at >= len(self.lines):
                raise self._wrong()
            before, line, start = line, self.lines[self.at].strip(), 0
            parts += before, "\n" if not line else " " if before else ""
            self.at += 1
        tail = line[end.end() :].strip()
        if tail and not tail.startswith("#"):
            raise self._wrong()
        return _unquoted("".join(parts) + line[: end.end()])

    def _wrong(self) -> NotYaml:
        return NotYaml(f"line {self.at + 1}")


def _is_item(text: str) -> bool:
    return text == "-" or text.startswith("- ")


def _split_pair(text: str) -> tuple[str, str] | None:
    """Key and value of `key: value`; None for a line that is no such pair."""
    if text[:1] in ("'", '"'):
        pair = _QUOTED_KEY.match(text)
        return (_unquoted(pair[1]), (pair[2] or "").strip()) if pair else None
    if text[:1] in ("[", "{", "|", ">", "#", "&", "*", "!", "%", "@", "`"):
        return None
    key, colon, value = text.partition(": ")
    if not colon:
        if not text.endswith(":"):
            return None
        key, value = text[:-1], ""
    return (key.strip(), value.strip()) if " #" not in key else None


def _unquoted(text: str) -> str:
    if text[0] == "'":
        return text[1:-1].replace("''", "'")
    try:
        return str(json.loads(re.sub(r"\\x([0-9A-Fa-f]{2})", r"\\u00\1", text), strict=False))
    except ValueError as error:
        raise NotYaml("a quoted text") from error


def _uncommented(text: str) -> str:
    return re.split(r"\s#", text, maxsplit=1)[0].strip()


def _folded(lines: list[str]) -> str:
    """Fold lines into one; an empty line is a line break, indented lines are not folded."""
    text, breaks = "", 0
    for number, line in enumerate(lines):
        if not line:
            breaks += 1
            continue
        apart = line.startswith(" ") or (number and lines[number - 1].startswith(" "))
        joint = "\n" * (breaks + bool(apart)) if breaks or apart else " "
        text += (joint if text else "") + line
        breaks = 0
    return text


def _scalar(text: str) -> object:
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


def _flow(text: str) -> object:
    """Parse a list or mapping on one line: JSON, or a list of plain scalars."""
    text = _uncommented(text)
    try:
        return cast("object", json.loads(text))
    except (ValueError, RecursionError):
        inner = text[1:-1].strip()
        if not (text.startswith("[") and text.endswith("]")) or set('[]{}"&*') & set(inner):
            raise NotYaml("a list on one line") from None
        parts = [part.strip() for part in inner.split(",")]
        return [_unquoted(part) if part[0] == "'" else _scalar(part) for part in parts if part]
