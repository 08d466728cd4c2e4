"""Maps indexes of a file's texts to indexes within one part of the file."""

from __future__ import annotations

from collections.abc import Mapping


def own_texts(texts: Mapping[int, str], first: int, count: int) -> dict[int, str]:
    """New texts of the part that holds `count` texts from index `first` on, by index in it."""
    return {place: texts[first + place] for place in range(count) if first + place in texts}
