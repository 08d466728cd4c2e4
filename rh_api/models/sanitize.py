"""Limits of catalogues from outside, and sanitizers of their texts and numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from ..errors import CatalogueRefused
from ..wire.envelope import read_text

MAX_BYTES = 4_000_000  # of a file; the shipped one has a tenth
MAX_MODELS = 5_000  # ten times what there are
MAX_PARAMETERS = 200
MAX_OPTIONS = 1_000
MAX_RULES = 100
MAX_TEXT = 300  # of a name, a note, an option
MAX_NUMBER = 2**64

_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200b-\u200f\u202a-\u202e\u2066-\u2069]+")

_CHINESE = re.compile(r"[\u3400-\u9fff]")


def check_size(data: bytes, source: str, most: int = MAX_BYTES) -> None:
    """Raise CatalogueRefused for more than `most` bytes, before any of them are parsed."""
    if len(data) > most:
        raise CatalogueRefused(source=source, reason=f"{len(data)} bytes are too many")


def text_of(value: object, most: int = MAX_TEXT) -> str:
    """A value as one line of at most `most` characters, without control and bidi characters."""
    if isinstance(value, str) and len(value) <= most and value.isprintable() and "  " not in value:
        return value.strip()
    if isinstance(value, bool):
        return str(value).lower()
    return " ".join(_UNSEEN.sub(" ", read_text(value)[: most * 2]).split())[:most]


def is_chinese(text: str) -> bool:
    """Whether a text contains Chinese characters."""
    return _CHINESE.search(text) is not None


def texts_of(values: Iterable[object], most: int) -> tuple[str, ...]:
    """At most `most` distinct texts that are not blank, in order."""
    texts: dict[str, None] = {}
    for value in values:
        text = text_of(value)
        if text and len(texts) < most:
            texts[text] = None
    return tuple(texts)


def number_of(value: object) -> float | None:
    """A finite number, also parsed from text, as int if it is integral; None for anything else."""
    if isinstance(value, str):
        try:
            value = float(value) if re.fullmatch(r"-?[0-9]{1,20}(\.[0-9]{1,20})?", value) else None
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or abs(value) > MAX_NUMBER:
        return None
    if not math.isfinite(value):
        return None
    return int(value) if float(value).is_integer() else float(value)


def count_of(value: object) -> int | None:
    """A number of at least 1, truncated to an integer; None for anything else."""
    number = number_of(value)
    return int(number) if number is not None and number >= 1 else None
