"""What a node shows, as plain values."""

from __future__ import annotations

from typing import Any


class SavedResult(dict[str, str]):
    def __init__(self, filename: str, subfolder: str, type: Any) -> None:
        super().__init__(filename=filename, subfolder=subfolder, type=getattr(type, "value", type))
