"""The modules that run our nodes, by the names that definitions use; imports the client."""

from __future__ import annotations

from . import local_saver_run, lora_run, program_run, segment_run, task_run, upload_run

__all__ = [
    "local_saver_run",
    "lora_run",
    "program_run",
    "segment_run",
    "task_run",
    "upload_run",
]
