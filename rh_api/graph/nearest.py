"""The names that a person may have meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_LONGEST = 200  # comparing is quadratic, and a prompt may stand where a short name belongs


def nearest(word: str, candidates: Iterable[str], limit: int = 3) -> list[str]:
    """The candidates most like `word`, best first; case does not count."""
    folded: dict[str, str] = {}
    for candidate in candidates:
        folded.setdefault(candidate[:_LONGEST].lower(), candidate)
    matches = difflib.get_close_matches(word[:_LONGEST].lower(), folded, n=limit, cutoff=0.0)
    return [folded[name] for name in matches]


def listed(names: Iterable[str]) -> str:
    """Names as they stand in a sentence; a dash for none."""
    return ", ".join(names) or "-"
