"""Maps indexes of a file's texts to indexes within one part of the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def own_texts(texts: Mapping[int, str], first: int, count: int) -> dict[int, str]:
    """New texts of the part that holds `count` texts from index `first` on, by index in it."""
    return {place: texts[first + place] for place in range(count) if first + place in texts}


def changed_texts(
    texts: Mapping[int, str], first: int, old: Sequence[tuple[str, str]]
) -> dict[int, str]:
    """As `own_texts`, without those that equal the old text. `old`: the part's (name, text)."""
    own = own_texts(texts, first, len(old))
    return {place: text for place, text in own.items() if text != old[place][1]}
