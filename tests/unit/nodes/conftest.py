"""The pack under a name of its own, as ComfyUI loads it;
only what needs no ComfyUI is tested here."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from rh_api.emulator import Emulator

if TYPE_CHECKING:
    from tests.unit.nodes.host import Host

ROOT = Path(__file__).parents[3]
PACK = "rh_pack"
HOST = ROOT / "tests" / "browser" / "stage" / "host"


def stand_in(name: str) -> None:
    """Import a module of ComfyUI's as the browser stage stands in for it, unless one is there.

    By its file: the stage's folder has a `nodes.py` that would hide ours on the path.
    """
    if name in sys.modules:
        return
    folder = HOST / name
    file = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    inner = [str(folder)] if folder.is_dir() else None
    spec = importlib.util.spec_from_file_location(name, file, submodule_search_locations=inner)
    assert spec is not None
    assert spec.loader is not None
    sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[name])


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
    for host in ("torch", "comfy_api"):
        stand_in(host)
    _drop_those_of_another_host()
    return importlib.import_module(f"{PACK}.{name}")


def _drop_those_of_another_host() -> None:
    """A test that had a ComfyUI of its own leaves modules behind which know that one's folders."""
    host = sys.modules.get("folder_paths")
    loaded = {name: sys.modules[name] for name in sys.modules if name.startswith(f"{PACK}.nodes")}
    if any(getattr(module, "folder_paths", host) is not host for module in loaded.values()):
        for name in loaded:
            del sys.modules[name]
        delattr(sys.modules[PACK], "nodes")


@pytest.fixture(autouse=True)
def _in_english() -> Iterator[None]:
    """The language of the page that was last here is the process's: the next test has its own."""
    yield
    if language := sys.modules.get(f"{PACK}.nodes.language"):
        language.speak("en")


@pytest.fixture
def pack() -> Callable[[str], ModuleType]:
    """Modules of the pack by their names below its root, such as `nodes.values`."""
    return load_pack


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    """The site of the environment's key."""
    emulator = Emulator(strict=True, run_seconds=0)
    async with emulator.serve():
        yield emulator


@pytest.fixture
async def host(
    emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Host]:
    """Our routes, for a person who has set a key in the environment."""
    from tests.unit.nodes.host import hosted  # which needs this module

    async with hosted(tmp_path, monkeypatch, emulator=emulator) as host:
        yield host
