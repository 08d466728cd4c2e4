"""What holds for every test."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says how busy the machine is, and nothing of ours.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")

# What is imported and collected stays: to look for garbage in it took a quarter of the collection.
gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Workers for ``-n auto``: two a core, since many tests wait for the emulator's clock."""
    return min(16, 2 * (os.cpu_count() or 1))


@pytest.fixture(scope="module", autouse=True)
def _left_open() -> Iterator[None]:
    """What a module's tests left open is told beside them, not where the collector next runs."""
    yield
    gc.collect()
    gc.freeze()  # what is alive is not looked at again, module after module
