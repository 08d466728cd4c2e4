"""Runs a plan's orders, for two hosts: ComfyUI and the command line.

A host supplies the values of inlets and the paths of local files; all decisions are made here, so
that both place equal orders.
"""

from __future__ import annotations

from .cloud_models import Models, is_same_model
from .dry_run import find_dry_run_facts
from .inputs import InletValue, LocalFiles, check_media, title_of
from .orders import check_early, job_of, run_in_order, run_order
from .results import (
    NothingCame,
    inlet_value_from,
    require_results,
    results_of,
    sound_channels,
    text_of,
    value_of,
    wanted_results,
)

__all__ = [
    "InletValue",
    "LocalFiles",
    "Models",
    "NothingCame",
    "check_early",
    "check_media",
    "find_dry_run_facts",
    "inlet_value_from",
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
