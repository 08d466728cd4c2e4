"""What a user installs loads no pickle, runs no text, starts no program and installs nothing."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Modules that turn bytes into behaviour, or start something.
MODULES = frozenset(
    {
        "code",
        "codeop",
        "commands",
        "ctypes",
        "dill",
        "ensurepip",
        "cloudpickle",
        "joblib",
        "marshal",
        "multiprocessing",
        "pickle",
        "pip",
        "pty",
        "runpy",
        "shelve",
        "subprocess",
        "venv",
        "xmlrpc",
    }
)
NAMES = frozenset({"__import__", "compile", "eval", "exec"})
METHODS = frozenset(
    {
        "exec_module",
        "extract",
        "extractall",
        "fork",
        "load_module",
        "popen",
        "posix_spawn",
        "startfile",
        "system",
        "unpack_archive",
    }
)
# module: methods of it; elsewhere the same names are harmless (json.load, os.path).
OF_MODULE = {
    "torch": frozenset({"load", "jit", "hub"}),
    "numpy": frozenset({"load", "fromfile"}),
    "np": frozenset({"load", "fromfile"}),
    "yaml": frozenset({"load", "unsafe_load"}),
}


def shipped() -> list[Path]:
    return [
        ROOT / "__init__.py",
        *(p for top in ("rh_api", "nodes") for p in (ROOT / top).rglob("*.py")),
    ]


def listed(tree: ast.AST) -> Iterator[str]:
    """Each thing in a module's code that is on one of the lists."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from {alias.name.partition(".")[0] for alias in node.names} & MODULES
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from {(node.module or "").partition(".")[0]} & MODULES
        elif isinstance(node, ast.Call):
            yield from _called(node.func)


def _called(function: ast.expr) -> Iterator[str]:
    if isinstance(function, ast.Name):
        yield from {function.id} & NAMES
    elif isinstance(function, ast.Attribute):
        yield from {function.attr} & METHODS
        owner = function.value
        if isinstance(owner, ast.Name) and function.attr in OF_MODULE.get(owner.id, ()):
            yield f"{owner.id}.{function.attr}"


@pytest.mark.parametrize("path", shipped(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_nothing_shipped_runs_what_it_is_given(path: Path) -> None:
    assert list(listed(ast.parse(path.read_text("utf-8")))) == []


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from subprocess import run",
        "eval('1')",
        "exec(x)",
        "__import__('os')",
        "os.system('x')",
        "torch.load(p)",
        "np.load(p)",
        "archive.extractall(p)",
        "import pip._internal",
    ],
)
def test_the_gate_sees_what_it_is_there_for(code: str) -> None:
    assert list(listed(ast.parse(code)))


def test_no_text_tells_anybody_to_install_by_itself() -> None:
    for path in shipped():
        source = path.read_text("utf-8")
        assert '"-m", "pip"' not in source
        assert "sys.executable" not in source, path
