"""Which of a file's texts a part of it holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def own_texts(texts: Mapping[int, str], first: int, count: int) -> dict[int, str]:
    """Those of the part whose texts are `count` from the place `first` on, by their places in
    it."""
    return {place: texts[first + place] for place in range(count) if first + place in texts}


def changed_texts(
    texts: Mapping[int, str], first: int, old: Sequence[tuple[str, str]]
) -> dict[int, str]:
    """A part's own texts but for those that it has already, by their places in it."""
    own = own_texts(texts, first, len(old))
    return {place: text for place, text in own.items() if text != old[place][1]}
