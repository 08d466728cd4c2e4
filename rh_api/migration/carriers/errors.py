"""What a file cannot take."""

from __future__ import annotations


class DoesNotFit(Exception):
    """The new text is longer than the place that the old one had. `missing`: by how many bytes."""

    def __init__(self, missing: int) -> None:
        super().__init__(missing)
        self.missing = missing
