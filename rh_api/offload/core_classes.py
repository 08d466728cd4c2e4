"""A table of ComfyUI's core classes, for hosts without a ComfyUI.

`core_classes.txt` has the classes of ComfyUI 0.33's `/object_info`, one a line;
`python -m tests.core_classes` makes it. A line is `name|inputs|outputs|flags`. An input is
`name:type` (no type: COMBO) with suffixes: `?` optional, `~` lazy, `^I` `^V` `^A` `^F` the name of
an image, video, audio or other file. An output ends in `*` when it is a list. Flags: `o` an output
node, `l` takes whole lists.
"""

from __future__ import annotations

import pkgutil
from functools import cache

from .class_info import is_growing
from .plan import ClassInfo, InputInfo

TABLE = "core_classes.txt"
UPLOADS = {"I": "IMAGE", "V": "VIDEO", "A": "AUDIO", "F": "FILE"}


def core_class(name: str) -> ClassInfo | None:
    """The class of that name, None for one that is not in core."""
    line = core_lines().get(name)
    return None if line is None else _read(line)


@cache
def core_lines() -> dict[str, str]:
    """The table's lines by class. Loaded lazily: a host with a ComfyUI never needs them."""
    table = pkgutil.get_data(__package__ or "", TABLE) or b""
    return {line.partition("|")[0]: line for line in table.decode().splitlines()}


@cache
def _read(line: str) -> ClassInfo:
    _, inputs, outputs, flags = (line + "|||").split("|")[:4]
    kinds = outputs.split(";") if outputs else []
    return ClassInfo(
        inputs=dict(map(_input, inputs.split(";"))) if inputs else {},
        outputs=tuple(kind.removesuffix("*") if len(kind) > 1 else kind for kind in kinds),
        output_is_list=tuple(len(kind) > 1 and kind.endswith("*") for kind in kinds),
        input_is_list="l" in flags,
        is_output="o" in flags,
    )


def _input(text: str) -> tuple[str, InputInfo]:
    name, _, about = text.partition(":")
    about, _, upload = about.partition("^")
    kind = about.rstrip("?~") or "COMBO"
    return name, InputInfo(
        kind,
        required="?" not in about,
        lazy="~" in about,
        upload=UPLOADS.get(upload, ""),
        grows=is_growing(kind),
    )
