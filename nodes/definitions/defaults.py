"""Choices, limits and defaults of the inputs that cloud nodes share."""

from __future__ import annotations

EACH, FIRST = "each", "first"
"""How a field that takes one item gets a batch: an order each (default), or the first item only."""

MAX_ORDERS = 16

RETAIN = (10, 180)
"""Seconds that a machine may be kept ready (`retainSeconds` of RunningHub's API); 0 is off."""
