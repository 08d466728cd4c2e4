"""A journal in a folder of its own, dated by a clock that is set."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from rh_api.journal import Store
from tests.support.clocks import SetClock


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def store(tmp_path: Path, clock: SetClock) -> Iterator[Store]:
    with closing(Store.open(tmp_path, clock=clock, patience=2.0)) as opened:
        yield opened
