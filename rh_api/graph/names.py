"""Numbers and names that a prompt and the classes of its nodes have to agree on."""

from __future__ import annotations

POOL = 12
"""How many remote nodes can have an output of their own: `out_1` …"""

TYPED_OUTPUTS = 7
"""How many outputs come before those: images, masks, video, audio, text, files, task_id."""

MIRRORS = 32
"""How many inputs `link_0` … the nodes declare."""

REFUSAL_CLASS = "RunningHubRefusal"
"""The class of the node that stands in for a refused prompt."""
