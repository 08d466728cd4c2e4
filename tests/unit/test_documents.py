"""What documents name is there: files, pages, variables, and what the command line has for them."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

from rh_api.cli import help_texts
from rh_api.texts import ENGLISH

ROOT = Path(__file__).parents[2]
PAGES = ("*.md", "docs/*.md", "tests/*.md", "web/docs/*/*.md")
DOCUMENTS = sorted(path for pattern in PAGES for path in ROOT.glob(pattern))
NAMED = re.compile(r"`([\w./-]+\.(?:py|js|mjs|json|toml))`")
OF_FILE = re.compile(r"`([\w/]+\.py)`: ((?:`\w+`(?:, )?)+)")
IN_FILE = re.compile(r"(`\w+`) (?:in|of) `([\w/]+\.py)`")
METHOD = re.compile(r"`([A-Z][a-z]\w*)\.(\w+)\b")
LINK = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)")
VARIABLE = re.compile(r"\b(RUNNINGHUB_[A-Z_]*[A-Z])\b")
COMMAND = re.compile(r"(RunningHub(?:: |\uff1a)[^*”.,]+?)(?=[*”])")
INSTALLED = re.compile(r"pip install[^`\n]*[\"' ]runninghub-remote(?![/\\])")

HOST_ALONE = {"RUNNINGHUB_HOSTS", "RUNNINGHUB_RENEW_MODELS"}
"""What ComfyUI's side alone reads."""


def tree() -> list[str]:
    rooms = ("rh_api", "nodes", "web", "tests", "locales", "docs", "example_workflows")
    files = [path for room in rooms for path in (ROOT / room).rglob("*")]
    return [f"/{path.relative_to(ROOT)}" for path in (*files, *ROOT.glob("*"))]


# What the service's own pages and public clients call their files.
THEIRS = {"app/client.py", "runninghub_app.py"}


def missing(text: str, files: list[str]) -> list[str]:
    names = set(NAMED.findall(text)) - THEIRS
    return sorted(name for name in names if not any(file.endswith(f"/{name}") for file in files))


@pytest.mark.parametrize(
    "document",
    [
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "docs/reliability.md",
        "tests/README.md",
    ],
)
def test_each_file_that_a_document_names_is_there(document: str) -> None:
    text = (ROOT / document).read_text("utf-8")
    assert NAMED.findall(text)
    assert missing(text, tree()) == []


def test_each_file_that_a_source_names_is_there() -> None:
    files = tree()
    sources = [file for file in files if file.endswith((".py", ".js", ".mjs"))]
    texts = {
        file: (ROOT / file[1:]).read_text("utf-8")
        for file in sources
        if "/node_modules/" not in file
    }
    assert {file: gone for file, text in texts.items() if (gone := missing(text, files))} == {}


def defined(path: Path) -> dict[str, set[str]]:
    """What a file of ours defines: "" its own names, and by class those of each class."""
    by_class: dict[str, set[str]] = {"": set()}
    tree = ast.parse(path.read_bytes())
    for holder in (tree, *(node for node in tree.body if isinstance(node, ast.ClassDef))):
        names = by_class.setdefault("" if isinstance(holder, ast.Module) else holder.name, set())
        for node in ast.walk(holder):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                names.add(node.name)
            elif isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Store):
                names.add(node.id if isinstance(node, ast.Name) else node.attr)
    return by_class


def test_what_a_document_says_to_stand_in_a_file_stands_there() -> None:
    text = "".join(
        (ROOT / name).read_text("utf-8") for name in ("ARCHITECTURE.md", "CONTRIBUTING.md")
    )
    of_files = OF_FILE.findall(text) + [(file, name) for name, file in IN_FILE.findall(text)]
    named = [(file, name) for file, names in of_files for name in re.findall(r"`(\w+)`", names)]
    assert named
    by_file = {file: defined(ROOT / file[1:])[""] for file in tree() if file.endswith(".py")}
    assert [
        (file, name)
        for file, name in named
        if not any(path.endswith(f"/{file}") and name in by_file[path] for path in by_file)
    ] == []


def test_each_method_that_a_document_names_is_there() -> None:
    classes: dict[str, set[str]] = {}
    for file in tree():
        if file.endswith(".py") and not file.startswith("/tests"):
            for name, names in defined(ROOT / file[1:]).items():
                classes.setdefault(name, set()).update(names)
    methods = {
        (owner, name)
        for document in ("ARCHITECTURE.md", "CONTRIBUTING.md", "docs/reliability.md")
        for owner, name in METHOD.findall((ROOT / document).read_text("utf-8"))
    }
    assert len(methods) > 5
    assert sorted(method for method in methods if method[1] not in classes.get(method[0], ())) == []


def headings(path: Path) -> set[str]:
    """As GitHub names them in addresses."""
    lines = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in lines}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_page_and_heading_that_a_document_links_is_there(document: Path) -> None:
    for name, part in LINK.findall(document.read_text("utf-8")):
        page = document.parent / name if name else document
        assert page.is_file(), name
        assert not part or part in headings(page), part


def variables() -> set[str]:
    """The environment that shipped code reads: names that stand alone in a text of it."""
    sources = [path for top in ("rh_api", "nodes") for path in (ROOT / top).rglob("*.py")]
    quoted = re.compile(rf'"{VARIABLE.pattern}"')
    return {name for path in sources for name in quoted.findall(path.read_text("utf-8"))} - {
        "RUNNINGHUB_PROFILE"  # the type of a socket
    }


def test_each_variable_that_is_read_is_told_and_the_other_way_round() -> None:
    documented = {
        name: set(VARIABLE.findall((ROOT / name).read_text("utf-8")))
        for name in ("docs/settings.md", "docs/settings.zh-CN.md")
    }
    assert {name: sorted(variables() - names) for name, names in documented.items()} == {
        "docs/settings.md": [],
        "docs/settings.zh-CN.md": [],
    }
    helped = set(VARIABLE.findall(help_texts.ENVIRONMENT))
    assert documented["docs/settings.md"] - helped == HOST_ALONE
    assert helped <= documented["docs/settings.md"]


@pytest.mark.parametrize(
    ("page", "language"), [("docs/canvas.md", "en"), ("docs/canvas.zh-CN.md", "zh")]
)
def test_each_option_of_an_order_is_told(page: str, language: str) -> None:
    nodes = json.loads((ROOT / f"locales/{language}/nodeDefs.json").read_text("utf-8"))
    text = (ROOT / page).read_text("utf-8")
    assert [
        name for name in nodes["RunningHubRemoteWorkflow"]["inputs"] if f"`{name}`" not in text
    ] == ["workflow"]


def test_each_command_of_the_canvas_that_a_document_names_is_there() -> None:
    labels = {
        command["label"]
        for path in ROOT.glob("locales/*/commands.json")
        for command in json.loads(path.read_text("utf-8")).values()
    }
    named = {
        (str(document.relative_to(ROOT)), name)
        for document in DOCUMENTS
        for name in COMMAND.findall(" ".join(document.read_text("utf-8").split()))
    }
    assert len(named) > 5
    assert sorted(pair for pair in named if pair[1] not in labels) == []


def test_nothing_has_this_pack_installed_by_its_name() -> None:
    """No index has it: whoever takes the name there would be installed in its place."""
    texts = [
        *(path.read_text("utf-8") for path in DOCUMENTS),
        *(text for text in vars(help_texts).values() if isinstance(text, str)),
        *ENGLISH.values(),
    ]
    assert INSTALLED.findall("pip install -U runninghub-remote")
    assert [command for text in texts for command in INSTALLED.findall(text)] == []
