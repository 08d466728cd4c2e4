"""`python -m tests.core_classes OBJECT_INFO.json`: the table of ComfyUI's core classes.

The file is the answer of a ComfyUI's `/object_info`; classes of other packs and of paid services
are left out. Without a second argument the table goes to where it is shipped from.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rh_api.offload import ClassInfo, class_info
from rh_api.offload.class_info import MATCHED
from rh_api.offload.core_classes import TABLE, UPLOADS

SHIPPED = Path(__file__).parents[2] / "rh_api" / "offload" / TABLE
_CORE = ("nodes", "comfy_extras")
_MARKS = {kind: letter for letter, kind in UPLOADS.items()}


def table_of(object_info: Mapping[str, Any]) -> str:
    """The text of the table, its lines in the order of the names."""
    return "".join(f"{line}\n" for line in _lines(object_info))


def _lines(object_info: Mapping[str, Any]) -> Iterator[str]:
    for name, about in sorted(object_info.items()):
        if str(about.get("python_module")).partition(".")[0] in _CORE:
            yield line_of(name, class_info(about))


def line_of(name: str, info: ClassInfo) -> str:
    """A class as the table writes it, without what is empty at the end."""
    inputs: list[str] = []
    for field, about in info.inputs.items():
        parent = info.inputs.get(field.partition(".")[0])
        if "." in field and parent and parent.grows:
            continue  # what it brings: core has no files, paths and lazy ones among it
        kind = "" if about.type == "COMBO" else _plain(about.type)
        optional = "" if about.required else "?"
        lazy = "~" if about.lazy else ""
        upload = f"^{_MARKS[about.upload]}" if about.upload else ""
        inputs.append(f"{field}:{kind}{optional}{lazy}{upload}")
    padded = (*info.output_is_list, *(False,) * len(info.outputs))
    kinds = map(_plain, info.outputs)
    outputs = [kind + "*" * is_list for kind, is_list in zip(kinds, padded, strict=False)]
    flags = "o" * info.is_output + "l" * info.input_is_list
    return "|".join((name, ";".join(inputs), ";".join(outputs), flags)).rstrip("|")


def _plain(kind: str) -> str:
    """Without the template of a matched type: no class of core has several."""
    return MATCHED if kind.startswith(MATCHED) else kind


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.core_classes", description=__doc__)
    parser.add_argument("object_info", type=Path)
    parser.add_argument("table", type=Path, nargs="?", default=SHIPPED)
    arguments = parser.parse_args()
    object_info = json.loads(arguments.object_info.read_text("utf-8"))
    arguments.table.write_text(table_of(object_info), "utf-8")


if __name__ == "__main__":
    main()
