"""Suggestions for misspelt names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_NEAR = 0.6  # ratio of equal characters from which a name may be a misspelling of another
_LONGEST = 200  # characters; comparing is quadratic, and a whole prompt may be given


def nearest(
    word: str, candidates: Iterable[str], limit: int = 3, *, cutoff: float = _NEAR
) -> list[str]:
    """At most `limit` candidates most similar to `word`, best first, ignoring case. `cutoff`: 0 for
    the choices of a value, of which each may be what is looked for."""
    folded: dict[str, str] = {}
    for candidate in candidates:
        folded.setdefault(candidate[:_LONGEST].lower(), candidate)
    matches = difflib.get_close_matches(word[:_LONGEST].lower(), folded, n=limit, cutoff=cutoff)
    return [folded[name] for name in matches]


def listed(names: Iterable[str]) -> str:
    """Names joined by commas; without any, the sentence that would name them is left out."""
    return ", ".join(names)
