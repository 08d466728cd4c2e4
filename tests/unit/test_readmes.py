"""Both READMEs tell the same in their languages, and what they tell of the code is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rh_api.errors import BY_CODE

ROOT = Path(__file__).parents[2]
NAMES = ("README.md", "README.zh-CN.md")
CODES = re.compile(r"^\| ([\d,、 ]+) \|", re.MULTILINE)


def text_of(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def codes(text: str) -> list[int]:
    return [int(code) for row in CODES.findall(text) for code in re.findall(r"\d+", row)]


@pytest.mark.parametrize("name", NAMES)
def test_its_codes_are_those_that_we_read(name: str) -> None:
    listed = codes(text_of(name))
    assert listed
    assert set(listed) <= BY_CODE.keys()


def test_both_tell_the_same_codes_variables_and_commands() -> None:
    english, chinese = map(text_of, NAMES)
    assert codes(english) == codes(chinese)
    for pattern in (r"^\| `(RUNNINGHUB_\w+)`", r"^python -m rh_api .+$"):
        matches = [re.findall(pattern, text, re.MULTILINE) for text in (english, chinese)]
        assert sorted(matches[0]) == sorted(matches[1]) != []


def test_the_animations_are_not_heavy() -> None:
    files = list((ROOT / "docs").glob("*.webp"))
    assert files
    assert sum(file.stat().st_size for file in files) <= 3_000_000
