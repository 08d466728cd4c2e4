"""The language of the last browser seen, process-wide, for texts that the server renders."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any, cast

from ..rh_api.errors import RunningHubError
from ..rh_api.texts import ENGLISH, Words, fill

log = logging.getLogger("runninghub")

_LOCALES = Path(__file__).parents[1] / "locales"
CHINESE = frozenset({"zh"})

_spoken: Mapping[str, str] = ENGLISH


def speak(locale: str) -> None:
    """Set the language by a browser's locale, such as `zh` or `zh-TW`; English if unsupported."""
    global _spoken
    name = locale.lower().replace("_", "-").partition("-")[0]
    _spoken = _texts(name) if name in CHINESE else ENGLISH


def is_chinese() -> bool:
    return _spoken is not ENGLISH


def say(key: str, params: Mapping[str, object]) -> str:
    """Render the text of `key` in the current language, in English where that lacks it."""
    return _filled(_spoken, key, params)


def _filled(texts: Mapping[str, str], key: str, params: Mapping[str, object]) -> str:
    say = partial(_filled, texts)
    spoken = {k: v.tell(say) if isinstance(v, Words) else v for k, v in params.items()}
    return fill(texts.get(key) or ENGLISH.get(key, key), spoken)


def in_languages(sentences: Sequence[tuple[str, Mapping[str, object]]]) -> dict[str, str]:
    """Render sentences as one line per language code, for a page that shows it later."""
    return {
        name: " · ".join(_filled(texts, key, params) for key, params in sentences)
        for name, texts in _languages()
    }


def _languages() -> Iterator[tuple[str, Mapping[str, str]]]:
    """The texts of each language, in English where it lacks one."""
    yield "en", ENGLISH
    for name in sorted(CHINESE):
        yield name, {**ENGLISH, **_texts(name)}


def error_in_languages(error: RunningHubError) -> dict[str, str]:
    """The message of an error for the user, in each language."""
    return {name: error.describe(partial(_filled, texts)) for name, texts in _languages()}


def describe(error: RunningHubError) -> str:
    """The message of an error for the user, in the current language."""
    return error.describe(say)


@cache
def _texts(name: str) -> Mapping[str, str]:
    try:
        document: Any = json.loads((_LOCALES / name / "main.json").read_text("utf-8"))
        texts = document["runninghub"]["texts"]
    except (OSError, ValueError, KeyError, TypeError):
        log.warning("the texts of %s cannot be read", name)
        return ENGLISH
    return {k: v for k, v in cast("dict[str, object]", texts).items() if isinstance(v, str)}
