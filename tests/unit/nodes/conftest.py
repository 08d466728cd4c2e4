"""The pack under a name of its own, as ComfyUI loads it; only what needs no ComfyUI is tested here."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[3]
PACK = "rh_pack"


def load_pack(name: str) -> ModuleType:
    """A module of the pack by its name below the root, such as `nodes.values`."""
    if PACK not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            PACK, ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
        )
        assert spec is not None
        assert spec.loader is not None
        sys.modules[PACK] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[PACK])
    return importlib.import_module(f"{PACK}.{name}")


@pytest.fixture
def pack() -> Callable[[str], ModuleType]:
    """Modules of the pack by their names below its root, such as `nodes.values`."""
    return load_pack
