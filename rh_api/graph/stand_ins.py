"""The node classes that stand in for marked parts of a prompt, and how wide they are."""

from __future__ import annotations

SEGMENT_CLASS = "RunningHubSegment"
"""The class that stands for a segment in the local prompt."""
SAVED_CLASS = "RunningHubSaved"
"""The class that stands for a saver that runs in the cloud."""
OUTLETS = 32
"""How many outputs `out_1` … the segment's class has."""
INLETS = 64
"""How many inputs `in_0` … the segment's class has."""
