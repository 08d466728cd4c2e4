"""Numbers and class names shared by the passes over a prompt and the node definitions."""

from __future__ import annotations

INSTANCES = ("default", "plus", "ultra")
"""Instance types, with 24, 48 and 84 GB; the first is the default."""

POOL = 12
"""How many remote nodes can have an output of their own: `out_1` …"""

TYPED_OUTPUTS = 7
"""How many outputs come before those: images, masks, video, audio, text, files, task_id."""

PROGRAM_OUTPUTS = TYPED_OUTPUTS + POOL + 1
"""How many outputs the nodes of programs have: all of these, and urls as the last."""

MODEL_OUTPUTS = TYPED_OUTPUTS + 2
"""How many outputs the nodes of standard models have: the typed ones, model_3d and urls."""

MIRRORS = 32
"""How many inputs `link_0` … the nodes declare."""

REFUSAL_CLASS = "RunningHubRefusal"
"""The class of the one node that replaces a refused prompt."""

SEGMENT_CLASS = "RunningHubSegment"
"""The class that replaces a segment in the local prompt."""
SAVED_CLASS = "RunningHubSaved"
"""The class that replaces a saver that runs in the cloud."""
OUTLETS = 32
"""How many outputs `out_1` … the segment's class has."""
INLETS = 64
"""How many inputs `in_0` … the segment's class has."""

TASK_CLASSES = (
    "RHTextToImage",
    "RHImageToImage",
    "RHUpscaleImage",
    "RHTextToVideo",
    "RHImageToVideo",
    "RHReferenceToVideo",
    "RHEditVideo",
    "RHUpscaleVideo",
    "RHSpeech",
    "RHMusic",
    "RH3D",
    "RHTextAndVision",
)
"""The classes that run a standard model and offer those of some tasks (`models.tasks.GROUPS`)."""
MODEL_CLASSES = ("RunningHubModel", *TASK_CLASSES)
"""All classes that run a standard model."""

NAME_SECONDS = 6 * 3600
"""Longest stay of an Upload node's names in ComfyUI's cache: the service drops uploads after a day,
and a name that is passed on as plain text is not recognized as an upload."""
