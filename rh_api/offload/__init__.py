"""A part of a local graph, cut out to run on RunningHub: pure, from a prompt to a plan."""

from __future__ import annotations

from .class_info import class_info, from_object_info
from .core_classes import core_class
from .crossing import FILES, Route, route
from .cut import cut
from .inflow import Item, with_file, with_inlet, with_lora
from .marks import read_marks
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
    Outlet,
    Plan,
    Pulled,
    Saved,
    Segment,
)
from .written import dump, load

__all__ = [
    "FILES",
    "ORDERS",
    "CannotOffload",
    "ClassInfo",
    "Classes",
    "Inlet",
    "InputInfo",
    "Item",
    "Link",
    "LocalFile",
    "LocalLora",
    "Mark",
    "ModelName",
    "Note",
    "Outlet",
    "Plan",
    "Pulled",
    "Route",
    "Saved",
    "Segment",
    "class_info",
    "core_class",
    "cut",
    "dump",
    "from_object_info",
    "load",
    "read_marks",
    "route",
    "with_file",
    "with_inlet",
    "with_lora",
]
