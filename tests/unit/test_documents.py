"""What documents for developers say of the tree is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"`([\w./-]+\.(?:py|js|mjs|json|toml))`")


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
    "document", ["ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "docs/reliability.md"]
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
