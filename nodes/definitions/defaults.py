"""What a cloud node's own inputs may be, and what they are when nobody sets them."""

from __future__ import annotations

EACH, FIRST = "each", "first"
"""What becomes of a batch at a field that takes one item; EACH is the default."""

MAX_ORDERS = 16

RETAIN = (10, 180)
"""Seconds that a machine may be kept ready (`retainSeconds` of RunningHub's API); 0 is off."""
