"""The threads that encode, decode and scale media."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

# Two: more do not speed up images of usual size, and would take cores from a local sampler.
_THREADS = ThreadPoolExecutor(2, thread_name_prefix="runninghub-media")


async def in_media_thread(work: Callable[..., T], *args: object) -> T:
    """Run CPU-bound `work` in the pool and return its result."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, work, *args)
