"""How much of a catalogue from outside is read, and what of it is taken for text and numbers."""

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
    """Refuse more bytes than any honest source sends, before anything of them is read."""
    if len(data) > most:
        raise CatalogueRefused(source=source, reason=f"{len(data)} bytes are too many")


def text_of(value: object, most: int = MAX_TEXT) -> str:
    """One bounded line to be shown as text: no controls, nothing that turns its direction."""
    if isinstance(value, str) and len(value) <= most and value.isprintable() and "  " not in value:
        return value.strip()
    if isinstance(value, bool):
        return str(value).lower()
    return " ".join(_UNSEEN.sub(" ", read_text(value)[: most * 2]).split())[:most]


def is_chinese(text: str) -> bool:
    """Whether a name is of the Chinese site."""
    return _CHINESE.search(text) is not None


def texts_of(values: Iterable[object], most: int) -> tuple[str, ...]:
    """Distinct texts that are not blank, in their order."""
    texts: dict[str, None] = {}
    for value in values:
        text = text_of(value)
        if text and len(texts) < most:
            texts[text] = None
    return tuple(texts)


def number_of(value: object) -> float | None:
    """A finite number, also from its text; a whole one stays whole."""
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
    """A whole number above zero."""
    number = number_of(value)
    return int(number) if number is not None and number >= 1 else None
