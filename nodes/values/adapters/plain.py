"""Plain values: STRING, INT, FLOAT, BOOLEAN, and results that are texts or files of no type."""

from __future__ import annotations

import json
import numbers
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from ....rh_api.client import Result
from ....rh_api.graph.check import JsonText, Unsupported
from ....rh_api.offload import plain_of
from ....rh_api.wire.filetypes import Kind as FileKind
from ..model_3d import MODEL_3D, is_3d, value_of
from .adapter import Reader

if TYPE_CHECKING:
    from ..result_files import TaskFiles

# The keys by which a dict is recognized as a LATENT.
_LATENT = frozenset({"samples"})


class PlainAdapter:
    """Values that are sent as JSON; results that are texts, or files that are not decoded."""

    outputs = ("text", "files")

    def encode(self, value: object) -> object:
        """The value as a JSON scalar; lists and objects as JsonText, all else Unsupported."""
        if isinstance(value, (str, bool)):
            return value
        if isinstance(value, numbers.Integral):
            return int(value)
        if isinstance(value, numbers.Real):
            return float(value)
        type_name = _type_name(value)
        if type_name is None:
            try:
                return JsonText(json.dumps(value, ensure_ascii=False))
            except (TypeError, ValueError, RecursionError):
                type_name = type(value).__name__
        return Unsupported(type_name)

    def encode_as(self, value: object, type_name: str) -> object:
        """Coerce a value to one of the four types, also a numpy scalar or a tensor without axes.
        Raises ValueError for another value."""
        if getattr(value, "shape", None) == ():
            value = cast("Any", value).item()
        return plain_of(value, type_name)

    def reader(self, by_order: Sequence[tuple[TaskFiles, Sequence[Result]]]) -> Reader:
        return Reader(self.read)

    def read(self, result: Result, task_files: TaskFiles) -> dict[str, Any]:
        """A text file gives its text first, then its name."""
        if result.path is None:
            return {} if result.text is None else {"text": result.text}
        is_text = result.type is not None and result.type.kind is FileKind.TEXT
        text = result.read_text() if is_text else None
        files: dict[str, Any] = {"files": task_files.put_in_output(result)}
        if is_3d(result):
            files[MODEL_3D] = value_of(result, task_files)
        return files if text is None else {"text": text, **files}


def _type_name(value: object) -> str | None:
    """ComfyUI's name for a value without a JSON form; None for a JSON list or object."""
    if isinstance(value, dict):
        keys = cast("dict[object, object]", value).keys()
        return "LATENT" if keys >= _LATENT else None
    if isinstance(value, (list, tuple)):
        return None
    return "nothing" if value is None else type(value).__name__
