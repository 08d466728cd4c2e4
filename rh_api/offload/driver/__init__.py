"""Drives the orders of a plan. ComfyUI and the command line are its two hosts.

A host brings the values of inlets and knows where files lie; what becomes of them is decided
here, so that both order the same.
"""

from __future__ import annotations

from .cloud_models import Models, is_same_model
from .facts import find_facts
from .inputs import Given, LocalFiles, check_media, title_of
from .order_run import run_order
from .orders import check_early, job_of, run_in_order
from .results import (
    NothingCame,
    given_from,
    require_results,
    results_of,
    sound_channels,
    text_of,
    value_of,
    wanted_results,
)

__all__ = [
    "Given",
    "LocalFiles",
    "Models",
    "NothingCame",
    "check_early",
    "check_media",
    "find_facts",
    "given_from",
    "is_same_model",
    "job_of",
    "require_results",
    "results_of",
    "run_in_order",
    "run_order",
    "sound_channels",
    "text_of",
    "title_of",
    "value_of",
    "wanted_results",
]
