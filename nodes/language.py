"""The language of the browser that was last here, for what ComfyUI shows as the server says it."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from ..rh_api.errors import RunningHubError
from ..rh_api.texts import ENGLISH, fill

log = logging.getLogger("runninghub")

_LOCALES = Path(__file__).parents[1] / "locales"
CHINESE = frozenset({"zh"})

_spoken: Mapping[str, str] = ENGLISH
_read: dict[str, Mapping[str, str]] = {"en": ENGLISH}


def speak(locale: str) -> None:
    """Take up the language of a browser, such as `zh` or `zh-TW`; English for one we lack."""
    global _spoken
    name = locale.lower().replace("_", "-").partition("-")[0]
    known = name if name in CHINESE else "en"
    if known not in _read:
        _read[known] = _texts(known)
    _spoken = _read[known]


def is_chinese() -> bool:
    return _spoken is not ENGLISH


def say(key: str, params: Mapping[str, object]) -> str:
    """The sentence of `key`, in English where the language has none."""
    return fill(_spoken.get(key) or ENGLISH.get(key, key), params)


def told(error: RunningHubError) -> str:
    """What a person reads of an error."""
    return error.told(say)


def _texts(name: str) -> Mapping[str, str]:
    try:
        read: Any = json.loads((_LOCALES / name / "main.json").read_text("utf-8"))
        texts = read["runninghub"]["texts"]
    except (OSError, ValueError, KeyError, TypeError):
        log.warning("the texts of %s cannot be read", name)
        return ENGLISH
    return {k: v for k, v in cast("dict[str, object]", texts).items() if isinstance(v, str)}
