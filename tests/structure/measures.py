"""What the source says of its own structure, counted: imports, errors, lambdas, names."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
EMULATOR = ROOT / "rh_api" / "emulator"
VAGUE_NAMES = frozenset({"one", "known", "each", "found", "made"})
JOURNAL_WORDS = ("do", "note", "record")
JOURNAL_NAMES = ("s", "store", "journal")


@dataclass(frozen=True)
class Place:
    """A line of a file below the root."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


def sources(*tops: str) -> Iterator[Path]:
    for top in tops:
        paths = sorted((ROOT / top).rglob("*.py"))
        yield from (path for path in paths if "node_modules" not in path.parts)


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_bytes())


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def is_emulator(path: Path) -> bool:
    return path.is_relative_to(EMULATOR)


# Imports


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def import_graph(top: str) -> dict[str, set[str]]:
    """Module to the modules of ours that it imports, at any place in it.

    An import that only a type checker reads counts as well: it is a dependency all the same.
    """
    modules = {module_of(path): path for path in sources(top)}
    return {module: _imported(module, path, modules) for module, path in modules.items()}


def _imported(module: str, path: Path, modules: Mapping[str, Path]) -> set[str]:
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    names: set[str] = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else []
            base = [*base, *(node.module.split(".") if node.module else [])]
            for alias in node.names:
                inner = ".".join([*base, alias.name])
                names.add(inner if inner in modules else ".".join(base))
    return {name for name in names if name in modules and name != module}


def circles(*tops: str) -> list[str]:
    """Groups of modules that import one another, however far round."""
    return sorted(circle for top in tops for circle in circles_of(import_graph(top)))


def circles_of(graph: Mapping[str, set[str]]) -> list[str]:
    """The groups of a graph, each as how many it has and their names."""
    reach = {module: _reached(graph, module) for module in graph}
    groups = {
        frozenset(peer for peer in reach[module] if module in reach[peer])
        for module in graph
        if module in reach[module]
    }
    return sorted(f"{len(group)}: " + " ".join(sorted(group)) for group in groups)


def _reached(graph: Mapping[str, set[str]], start: str) -> set[str]:
    waiting, seen = list(graph[start]), set[str]()
    while waiting:
        module = waiting.pop()
        if module not in seen:
            seen.add(module)
            waiting += graph[module]
    return seen


def local_imports(top: str = "nodes") -> list[Place]:
    """Import statements inside functions."""
    return [
        Place(named(path), node.lineno)
        for path in sources(top)
        for function in _functions(tree_of(path))
        for node in ast.walk(function)
        if isinstance(node, (ast.Import, ast.ImportFrom))
    ]


# Functions


def _functions(tree: ast.AST) -> Iterator[ast.AST]:
    """Outermost functions: what stands in an inner one is counted once."""
    return (function for function, _ in methods(tree))


def methods(tree: ast.AST, owner: str = "") -> Iterator[tuple[ast.AST, str]]:
    """Outermost functions, each with the class that it stands in."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield child, owner
        else:
            yield from methods(child, child.name if isinstance(child, ast.ClassDef) else owner)


# Errors


@cache
def error_classes() -> frozenset[str]:
    """Classes of ours that are exceptions, by their bases' names."""
    bases = {
        node.name: {_last_name(base) for base in node.bases}
        for path in sources("rh_api", "nodes")
        if not is_emulator(path)
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ClassDef)
    }
    errors = {"Exception", "BaseException", "RunningHubError"}
    while True:
        more = {name for name, parents in bases.items() if parents & errors} - errors
        if not more:
            return frozenset(errors)
        errors |= more


def changed_errors() -> list[Place]:
    """Where an error that was caught, made or handed over gets another attribute or parameter."""
    return [
        Place(named(path), line)
        for path in sources("rh_api", "nodes")
        if not is_emulator(path)
        for function, owner in methods(tree_of(path))
        for line in changes(function, owner)
    ]


def changes(function: ast.AST, owner: str) -> Iterator[int]:
    errors = _error_names(function, "cls" if owner in error_classes() else "")
    for node in ast.walk(function):
        if isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(_is_of(target, errors) for target in targets):
                yield node.lineno


def _error_names(function: ast.AST, own: str) -> set[str]:
    """Names that hold an error: caught, made here (also by `own`), or an argument that says so."""
    names: set[str] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.ExceptHandler) and node.name:
            names.add(node.name)
        elif isinstance(node, ast.arg) and node.annotation is not None:
            if _words(node.annotation) & error_classes():
                names.add(node.arg)
        elif isinstance(node, ast.Assign) and _makes_error(node.value, own):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return names


def _makes_error(value: ast.AST, own: str) -> bool:
    if isinstance(value, ast.IfExp):
        return _makes_error(value.body, own) or _makes_error(value.orelse, own)
    if not isinstance(value, ast.Call):
        return False
    maker = _last_name(value.func)
    return maker in error_classes() or maker == "error_for_code" or (own != "" and maker == own)


def _is_of(target: ast.AST, errors: set[str]) -> bool:
    """Whether a target is `error.x`, `error.params["x"]` or the same of some `thing.error`."""
    if not isinstance(target, (ast.Attribute, ast.Subscript)):
        return False
    holder: ast.AST = target.value
    if isinstance(target, ast.Subscript):
        if not (isinstance(holder, ast.Attribute) and holder.attr == "params"):
            return False
        holder = holder.value
    if isinstance(holder, ast.Name):
        return holder.id in errors
    return isinstance(holder, ast.Attribute) and holder.attr == "error"


def _words(node: ast.AST) -> set[str]:
    return {_last_name(inner) for inner in ast.walk(node)}


def _last_name(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


# The journal


def journal_lambdas() -> list[Place]:
    """Lambdas over the journal: by what they call it, or by what they are handed to."""
    lambdas = {
        Place(named(path), node.lineno)
        for path in sources("rh_api", "nodes")
        if not is_emulator(path)
        for outer in ast.walk(tree_of(path))
        for node in ast.iter_child_nodes(outer)
        if isinstance(node, ast.Lambda)
        and (
            any(argument.arg in JOURNAL_NAMES for argument in node.args.args)
            or (isinstance(outer, ast.Call) and _last_name(outer.func) in JOURNAL_WORDS)
        )
    }
    return sorted(lambdas, key=str)


# Names


def vague_names() -> list[Place]:
    """Variables, parameters and functions whose names say nothing of what they hold or do."""
    return [
        Place(named(path), line)
        for path in sources("rh_api", "nodes", "tests")
        for line in vague_lines(tree_of(path))
    ]


def vague_lines(tree: ast.AST) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            name = node.id
        elif isinstance(node, ast.arg):
            name = node.arg
        elif isinstance(node, (ast.ExceptHandler, ast.FunctionDef, ast.AsyncFunctionDef)):
            name = node.name
        else:
            continue
        if name in VAGUE_NAMES:
            yield node.lineno
