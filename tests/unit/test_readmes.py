"""What both READMEs point at is there, and they tell the same in their languages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rh_api.errors import BY_CODE

ROOT = Path(__file__).parents[2]
NAMES = ("README.md", "README.zh-CN.md")
LINK = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)")
CODES = re.compile(r"^\| ([\d,、 ]+) \|", re.MULTILINE)


def told(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def headings(text: str) -> set[str]:
    """As GitHub names them in addresses."""
    lines = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in lines}


def codes(text: str) -> list[int]:
    return [int(code) for row in CODES.findall(text) for code in re.findall(r"\d+", row)]


@pytest.mark.parametrize("name", NAMES)
def test_each_picture_page_and_heading_that_is_linked_is_there(name: str) -> None:
    text = told(name)
    links = LINK.findall(text)
    assert links
    assert [path for path, _ in links if path and not (ROOT / path).is_file()] == []
    assert {part for path, part in links if part and not path} <= headings(text)


@pytest.mark.parametrize("name", NAMES)
def test_its_codes_are_those_that_we_read(name: str) -> None:
    found = codes(told(name))
    assert found
    assert set(found) <= BY_CODE.keys()


def test_both_tell_the_same_codes_variables_and_commands() -> None:
    english, chinese = map(told, NAMES)
    assert codes(english) == codes(chinese)
    for pattern in (r"^\| `(RUNNINGHUB_\w+)`", r"^python -m rh_api .+$"):
        found = [re.findall(pattern, text, re.MULTILINE) for text in (english, chinese)]
        assert sorted(found[0]) == sorted(found[1]) != []


def test_the_animations_are_not_heavy() -> None:
    files = list((ROOT / "docs").glob("*.webp"))
    assert files
    assert sum(file.stat().st_size for file in files) <= 3_000_000
