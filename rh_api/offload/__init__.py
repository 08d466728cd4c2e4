"""The offload compiler, pure: from a local prompt and its marks to a plan of RunningHub orders."""

from __future__ import annotations

from .boundary_types import FILES, Crossing, crossing_of, plain_of
from .canvas_marks import with_classes
from .class_info import class_info, from_object_info
from .compiler import cut
from .core_classes import core_class
from .emit import order_again
from .inlet_nodes import Item, with_file, with_inlet, with_lora
from .marks import marks_of, read_marks
from .plan import (
    ORDERS,
    CannotOffload,
    Classes,
    ClassInfo,
    Inlet,
    InputInfo,
    Link,
    LocalFile,
    LocalLora,
    Mark,
    ModelName,
    Note,
    Ordering,
    Outlet,
    Plan,
    PulledNode,
    Saved,
    Segment,
)
from .segment_json import dump, load
from .special_classes import edits_video

__all__ = [
    "FILES",
    "ORDERS",
    "CannotOffload",
    "ClassInfo",
    "Classes",
    "Crossing",
    "Inlet",
    "InputInfo",
    "Item",
    "Link",
    "LocalFile",
    "LocalLora",
    "Mark",
    "ModelName",
    "Note",
    "Ordering",
    "Outlet",
    "Plan",
    "PulledNode",
    "Saved",
    "Segment",
    "class_info",
    "core_class",
    "crossing_of",
    "cut",
    "dump",
    "edits_video",
    "from_object_info",
    "load",
    "marks_of",
    "order_again",
    "plain_of",
    "read_marks",
    "with_classes",
    "with_file",
    "with_inlet",
    "with_lora",
]
