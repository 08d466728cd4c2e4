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


@pytest.mark.parametrize(
    "document", ["ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "docs/reliability.md"]
)
def test_each_file_that_a_document_names_is_there(document: str) -> None:
    names = NAMED.findall((ROOT / document).read_text("utf-8"))
    files = tree()
    assert names
    assert [name for name in names if not any(file.endswith(f"/{name}") for file in files)] == []
