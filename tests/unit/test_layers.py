"""Imports point one way: each room of the pack reaches only what its row allows."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.structure.measures import module_of

ROOT = Path(__file__).parents[2]
TOP = ("rh_api", "nodes")

OUTSIDE_WORLD = frozenset(
    {
        "asyncio",
        "http",
        "os",
        "random",
        "secrets",
        "shutil",
        "socket",
        "sqlite3",
        "ssl",
        "subprocess",
        "tempfile",
        "threading",
        "time",
    }
)
CLOCK_AND_SOCKET = frozenset({"http", "socket", "sqlite3", "ssl", "subprocess", "time"})
# The others come with these two: urllib3 and yarl read their URLs, aiohappyeyeballs connects.
NETWORK = frozenset({"aiohappyeyeballs", "aiohttp", "requests", "urllib3", "yarl"})
HOST = frozenset(
    {
        "av",
        "comfy",
        "comfy_api",
        "comfy_execution",
        "comfy_extras",
        "comfyui_version",
        "folder_paths",
        "nodes",
        "numpy",
        "PIL",
        "server",
        "torch",
    }
)
VALUES = frozenset({"rh_api.errors", "rh_api.texts"})
SAID = VALUES | {
    "rh_api.wire",
    "rh_api.graph",
    "rh_api.offload",
    "rh_api.models",
    "rh_api.money",
}
OFFERED = SAID | {
    "rh_api.client",
    "rh_api.groups",
    "rh_api.journal",
    "rh_api.migration",
    "rh_api.models.live_catalogue",
    "rh_api.doctor",
    "rh_api.settings",
}


@dataclass(frozen=True)
class Room:
    ours: frozenset[str] = frozenset()
    """Other rooms that it may import."""
    packages: frozenset[str] = frozenset()
    """Packages from outside the standard library that it may import."""
    banned: frozenset[str] = frozenset()
    """Parts of the standard library that it may not import."""


ROOMS = {
    "": Room(ours=frozenset({"nodes"})),
    "rh_api": Room(ours=OFFERED),
    "rh_api.texts": Room(banned=OUTSIDE_WORLD),
    "rh_api.errors": Room(ours=VALUES, banned=OUTSIDE_WORLD),
    "rh_api.wire": Room(ours=VALUES, banned=OUTSIDE_WORLD),
    "rh_api.money": Room(ours=VALUES, banned=OUTSIDE_WORLD),
    "rh_api.graph": Room(ours=VALUES | {"rh_api.wire"}, banned=OUTSIDE_WORLD),
    "rh_api.models": Room(
        ours=VALUES | {"rh_api.wire", "rh_api.graph", "rh_api.money"},
        packages=frozenset({"yaml"}),
        banned=OUTSIDE_WORLD,
    ),
    # PyAV reads and writes files alone.
    "rh_api.media": Room(ours=VALUES, packages=frozenset({"av"}), banned=CLOCK_AND_SOCKET),
    "rh_api.migration": Room(
        ours=SAID | {"rh_api.media"},
        banned=OUTSIDE_WORLD,
    ),
    # The rows of the journal are values; the journal itself is handed in.
    "rh_api.run": Room(
        ours=SAID | {"rh_api.journal", "rh_api.run.ports"},
        banned=CLOCK_AND_SOCKET,
    ),
    "rh_api.run.ports": Room(ours=SAID, banned=CLOCK_AND_SOCKET),
    "rh_api.system": Room(ours=VALUES),
    "rh_api.settings": Room(
        ours=VALUES | {"rh_api.system", "rh_api.graph", "rh_api.money", "rh_api.wire"}
    ),
    "rh_api.journal": Room(ours=VALUES | {"rh_api.system", "rh_api.money", "rh_api.wire"}),
    "rh_api.net": Room(
        ours=VALUES | {"rh_api.system", "rh_api.settings", "rh_api.wire", "rh_api.run.ports"},
        packages=NETWORK,
    ),
    "rh_api.models.live_catalogue": Room(
        ours=SAID | {"rh_api.run", "rh_api.run.ports", "rh_api.settings", "rh_api.system"}
    ),
    # Of the journal its keys of programs.
    "rh_api.programs": Room(
        ours=SAID
        | {
            "rh_api.journal",
            "rh_api.models.live_catalogue",
            "rh_api.run",
            "rh_api.run.ports",
            "rh_api.settings",
        },
        banned=CLOCK_AND_SOCKET,
    ),
    "rh_api.groups": Room(
        ours=SAID
        | {
            "rh_api.journal",
            "rh_api.programs",
            "rh_api.run",
            "rh_api.run.ports",
            "rh_api.settings",
            "rh_api.system",
        },
        banned=CLOCK_AND_SOCKET,
    ),
    "rh_api.client": Room(
        ours=OFFERED
        | {
            "rh_api.net",
            "rh_api.programs",
            "rh_api.run",
            "rh_api.run.ports",
        }
    ),
    "rh_api.doctor": Room(
        ours=SAID | {"rh_api.net", "rh_api.run.ports", "rh_api.settings"},
    ),
    "rh_api.offload": Room(
        ours=VALUES | {"rh_api.wire", "rh_api.graph", "rh_api.money"}, banned=OUTSIDE_WORLD
    ),
    "rh_api.offload.driver": Room(ours=OFFERED),
    "rh_api.__main__": Room(ours=OFFERED | {"rh_api.cli"}),
    "rh_api.cli": Room(
        ours=OFFERED | {"rh_api.system", "rh_api.emulator", "rh_api.offload.driver"},
        packages=frozenset({"PIL", "av", "jsonschema", "mcp", "mcp_types", "uvicorn"}),
    ),
    "rh_api.emulator": Room(packages=frozenset({"aiohttp", "PIL"})),
    "nodes": Room(
        ours=OFFERED | {"nodes.definitions", "nodes.routes", "nodes.runtime"}, packages=HOST
    ),
    "nodes.language": Room(ours=VALUES),
    "nodes.values": Room(
        ours=OFFERED | {"nodes.language", "rh_api.system", "rh_api.media", "rh_api.offload.driver"},
        packages=HOST,
    ),
    "nodes.runtime": Room(
        ours=OFFERED
        | {
            "nodes.language",
            "nodes.values",
            "rh_api.system",
            "rh_api.emulator",
            "rh_api.offload.driver",
        },
        packages=HOST,
    ),
    "nodes.definitions": Room(
        ours=OFFERED | {"nodes.runtime", "nodes.values"},
        packages=HOST,
    ),
    "nodes.routes": Room(
        ours=OFFERED | {"nodes.language", "nodes.runtime"}, packages=HOST | {"aiohttp"}
    ),
}


@dataclass(frozen=True)
class Import:
    line: int
    name: str
    """Absolute: `rh_api.wire.tasks` also for `from ..wire import tasks`."""
    relative: bool
    lazy: bool


def sources() -> Iterator[Path]:
    yield ROOT / "__init__.py"
    for top in TOP:
        yield from sorted((ROOT / top).rglob("*.py"))


def imports(path: Path) -> Iterator[Import]:
    package = path.parent.relative_to(ROOT).parts

    def visit(node: ast.AST, lazy: bool) -> Iterator[Import]:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(node.lineno, alias.name, False, lazy)
        elif isinstance(node, ast.ImportFrom):
            if node.level > len(package) + 1:
                yield Import(node.lineno, "(above the pack)", False, lazy)
            base = list(package[: len(package) + 1 - node.level]) if node.level else []
            base += node.module.split(".") if node.module else []
            for alias in node.names:
                yield Import(node.lineno, ".".join([*base, alias.name]), node.level > 0, lazy)
        inside = lazy or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        for child in ast.iter_child_nodes(node):
            yield from visit(child, inside)

    return visit(ast.parse(path.read_bytes()), False)


def room_of(module: str) -> str | None:
    """The longest name of a room that the module's own begins with."""
    parts = module.split(".")
    if parts[0] not in ROOMS:
        return None
    rooms = (".".join(parts[:length]) for length in range(3, 1, -1))
    room = next((name for name in rooms if name in ROOMS), parts[0])
    # A module of rh_api without a row is an error; `from . import Client` asks the package itself.
    if room == "rh_api" and len(parts) > 1 and module_exists(".".join(parts[:2])):
        return ".".join(parts[:2])
    return room


def module_exists(module: str) -> bool:
    path = ROOT.joinpath(*module.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def complaint(home: str, room: Room, imported: Import) -> str | None:
    title = home or "the root"
    top = imported.name.split(".")[0]
    if home == "" and not imported.lazy and top != "__future__":
        return "is imported while ComfyUI starts: import it inside a function"
    if imported.relative:
        target = room_of(imported.name)
        allowed = target == home or target in room.ours
    elif top == "rh_api" or (top == "nodes" and not home.startswith("nodes")):
        return "must be relative: ComfyUI loads the pack under a path-made name"
    elif top in sys.stdlib_module_names:
        files = top == "pathlib" and not imported.name.startswith("pathlib.Pure")
        allowed = top not in room.banned and not (files and room.banned == OUTSIDE_WORLD)
    else:
        allowed = top in room.packages
    return None if allowed else f"is not open to {title}"


def test_each_room_imports_only_what_its_row_allows() -> None:
    wrong: list[str] = []
    for path in sources():
        home = room_of(module_of(path))
        if home not in ROOMS:
            wrong.append(f"{path.relative_to(ROOT)}: {home} has no row in ROOMS")
            continue
        for imported in imports(path):
            reason = complaint(home, ROOMS[home], imported)
            if reason:
                where = f"{path.relative_to(ROOT)}:{imported.line}"
                wrong.append(f"{where}: {imported.name} {reason}")
    assert not wrong, "\n" + "\n".join(wrong)


TYPES = {"IMAGE", "MASK", "VIDEO", "AUDIO"}
OF_FILES = {"routes/history.py"}
"""What a browser shows of a file as it is, whatever its values would be."""


def compares_types(path: Path) -> bool:
    """Whether something is compared with a type of ComfyUI's, or with a kind of media."""
    return any(
        (isinstance(side, ast.Constant) and side.value in TYPES)
        or (isinstance(side, ast.Attribute) and side.attr in TYPES)
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Compare)
        for side in ast.walk(node)
    )


def test_nothing_but_an_adapter_branches_on_a_type_of_comfyuis() -> None:
    nodes = ROOT / "nodes"
    asking = {
        path.relative_to(nodes).as_posix() for path in nodes.rglob("*.py") if compares_types(path)
    }
    own = {file for file in asking if file.startswith(("values/adapters/", "values/codecs/"))}
    assert asking - own == OF_FILES


def test_the_emulator_starts_without_pillow() -> None:
    code = "import sys, rh_api.emulator; sys.exit('PIL' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
