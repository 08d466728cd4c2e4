"""Suggestions for misspelt names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_LONGEST = 200  # characters; comparing is quadratic, and a whole prompt may be given


def nearest(word: str, candidates: Iterable[str], limit: int = 3) -> list[str]:
    """At most `limit` candidates most similar to `word`, best first, ignoring case."""
    folded: dict[str, str] = {}
    for candidate in candidates:
        folded.setdefault(candidate[:_LONGEST].lower(), candidate)
    matches = difflib.get_close_matches(word[:_LONGEST].lower(), folded, n=limit, cutoff=0.0)
    return [folded[name] for name in matches]


def listed(names: Iterable[str]) -> str:
    """Names joined by commas for a sentence; a dash for none."""
    return ", ".join(names) or "-"
