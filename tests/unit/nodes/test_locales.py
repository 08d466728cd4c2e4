"""Every word of the nodes has its translation, and every node its help."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]


def words(language: str) -> dict[str, Any]:
    return json.loads((ROOT / "locales" / language / "nodeDefs.json").read_text("utf-8"))


def keys(tree: dict[str, Any], path: str = "") -> Iterator[str]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from keys(value, f"{path}{name}/")
        else:
            yield f"{path}{name}"


def test_chinese_has_every_key_that_english_has() -> None:
    assert set(keys(words("en"))) == set(keys(words("zh")))


def test_every_node_has_its_help_in_both_languages() -> None:
    for node_id in words("en"):
        pages = [ROOT / "web/docs" / node_id / f"{language}.md" for language in ("en", "zh")]
        assert [page.name for page in pages if page.is_file()] == ["en.md", "zh.md"], node_id
