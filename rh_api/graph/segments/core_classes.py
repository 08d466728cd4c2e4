"""What is known of ComfyUI's core classes where no ComfyUI is at hand to ask."""

from __future__ import annotations

from functools import cache

from .plan import ClassInfo, InputInfo

_UPLOADS = {"I": "IMAGE", "V": "VIDEO", "A": "AUDIO", "F": "FILE"}
_GROWING = ("COMFY_DYNAMIC", "COMFY_AUTOGROW")


def core_class(name: str) -> ClassInfo | None:
    """The class of that name, None for one that is not in core."""
    line = _lines().get(name)
    return None if line is None else _read(line)


@cache
def _lines() -> dict[str, str]:
    # Imported here: ComfyUI knows its classes itself and never reads the table.
    from .core_table import TABLE

    return {line.partition("|")[0]: line for line in TABLE.split("\n") if line}


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
        upload=_UPLOADS.get(upload, ""),
        grows=kind.startswith(_GROWING),
    )
