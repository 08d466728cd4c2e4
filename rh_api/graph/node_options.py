"""Options of how an order is placed, as inputs of every node that places one.

From these are made: schemas, names that no parameter may have, switches given as text, the nodes of
a migration, options of the command line and parameters of an agent's tools.
"""

from __future__ import annotations

from dataclasses import dataclass

from .constants import INSTANCES

EACH, FIRST = "each", "first"
"""How a field that takes one item gets a batch: an order each (default), or the first item only."""

MAX_ORDERS = 16

RETAIN = (10, 180)
"""Seconds that a machine may be kept ready (`retainSeconds` of RunningHub's API); 0 is off."""


@dataclass(frozen=True, slots=True)
class NodeOption:
    """`low`, `high`: range of a number. `choices`: of a text that is one of several. `is_json`: it
    is a text of several lines."""

    name: str
    default: bool | int | str
    tooltip: str
    low: int = 0
    high: int = 0
    choices: tuple[str, ...] = ()
    is_json: bool = False

    @property
    def type(self) -> str:
        """ComfyUI's name of its type."""
        if self.choices:
            return "COMBO"
        return {bool: "BOOLEAN", int: "INT", str: "STRING"}[type(self.default)]


INSTANCE = NodeOption(
    "instance",
    INSTANCES[0],
    "Size of the cloud machine: default 24 GB, plus 48 GB, ultra 84 GB.",
    choices=INSTANCES,
)
OUTPUTS = NodeOption(
    "outputs",
    "",
    "Remote output nodes that out_1, out_2 … carry, by id, separated by commas. "
    "Empty: all, in the order of their ids.",
)
_SHARED = (
    NodeOption(
        "batch",
        EACH,
        "How a batch or a list is sent to a field that takes one item. each: one order "
        "per item. first: only the first item.",
        choices=(EACH, FIRST),
    ),
    NodeOption(
        "max_orders",
        MAX_ORDERS,
        "The most orders that one run may place. Each one costs money.",
        low=1,
        high=1000,
    ),
    NodeOption(
        "timeout",
        0,
        "Seconds of running time after which the task is cancelled; 0: never. Waiting "
        "in the queue does not count.",
        high=7 * 24 * 3600,
    ),
)
MACHINE = (
    NodeOption("add_metadata", True, "Whether result pictures carry the workflow that made them."),
    NodeOption(
        "use_personal_queue",
        False,
        "For keys with dedicated machines: wait in their queue instead of being "
        "refused when all are busy.",
    ),
    NodeOption(
        "retain_seconds",
        0,
        "For shared enterprise keys: seconds that the machine is kept ready for the "
        "next run, 10 to 180; they are billed. 0: not kept.",
        high=RETAIN[1],
    ),
)
PROFILE = NodeOption("profile", "", "Name of a stored key and site. Empty: the default one.")
_REROLL_SEEDS = NodeOption(
    "reroll_seeds",
    False,
    "On: every run is a new order, and seeds that you did not set get new random "
    "values. Off: they stay as they were saved.",
)
QUICK = (OUTPUTS, *_SHARED, _REROLL_SEEDS, PROFILE)
"""Of a module of Quick Create, whose orders choose no machine."""
PROGRAM = (INSTANCE, OUTPUTS, *_SHARED, _REROLL_SEEDS, *MACHINE, PROFILE)
MODEL = (
    NodeOption(
        "extra", "", "A JSON object of parameters that the catalogue does not know.", is_json=True
    ),
    *_SHARED,
    NodeOption(
        _REROLL_SEEDS.name,
        False,
        "On: every run is a new order, which costs again. Off: an identical run returns "
        "the results that are already here.",
    ),
    NodeOption(
        "send_anyway",
        False,
        "Also send values that only the catalogue contradicts: it may be older than the service.",
    ),
    PROFILE,
)
BY_NAME = {option.name: option for option in (*MODEL, *PROGRAM)}
"""All of them; of one that models explain otherwise, as the others do."""
