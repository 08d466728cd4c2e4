"""READMEs and pages tell the same in both languages, and what they tell of the code is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rh_api.cli.exit_codes import MEANINGS
from rh_api.errors import BY_CODE

ROOT = Path(__file__).parents[2]
READMES = ("README.md", "README.zh-CN.md")
ERRORS = ("docs/errors.md", "docs/errors.zh-CN.md")
ONE_LANGUAGE = {"coverage", "models", "reliability"}
MOST_LINES = {"README": 150, "ARCHITECTURE": 200}
MOST_WORDS = 1_800
CODES = re.compile(r"^\| ([\d,、 ]+) \|", re.MULTILINE)


def text_of(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def codes(text: str) -> list[int]:
    return [int(code) for row in CODES.findall(text) for code in re.findall(r"\d+", row)]


@pytest.mark.parametrize("name", ERRORS)
def test_its_codes_are_those_that_we_read(name: str) -> None:
    listed = codes(text_of(name))
    assert listed
    assert set(listed) <= BY_CODE.keys()


def test_both_tell_the_same_codes() -> None:
    english, chinese = map(text_of, ERRORS)
    assert codes(english) == codes(chinese)


@pytest.mark.parametrize(
    ("page", "pattern"),
    [
        ("README", r"^python3? -m .+$"),
        ("docs/settings", r"^\| `(RUNNINGHUB_\w+)`"),
        ("docs/cli", r"^python -m rh_api .+$"),
        ("docs/cli", r"^\| (\d+) \|"),
        ("docs/canvas", r"^\| `(\w+)` \|"),
        ("docs/segments", r"^\| `(\w+)` \|"),
        ("docs/install", r"^\| `([\w.-]+)` \|"),
        ("docs/unknowns", r"^\| `([\w-]+)` \|"),
    ],
)
def test_both_languages_tell_the_same(page: str, pattern: str) -> None:
    texts = (text_of(f"{page}.md"), text_of(f"{page}.zh-CN.md"))
    matches = [re.findall(pattern, text, re.MULTILINE) for text in texts]
    assert sorted(matches[0]) == sorted(matches[1]) != []


def test_the_exit_codes_are_those_of_the_commands() -> None:
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", text_of("docs/cli.md"), re.MULTILINE)
    assert rows == [(str(int(code)), text) for code, text in MEANINGS.items()]


def test_each_page_for_users_is_in_both_languages() -> None:
    pages = {path.name for path in (ROOT / "docs").glob("*.md")}
    english = {name.removesuffix(".md") for name in pages if ".zh-CN." not in name}
    assert {name for name in english if f"{name}.zh-CN.md" not in pages} == ONE_LANGUAGE


@pytest.mark.parametrize(
    "path",
    [*(ROOT / "docs").glob("*.md"), *map(ROOT.joinpath, (*READMES, "ARCHITECTURE.md"))],
    ids=lambda path: path.name,
)
def test_a_page_is_short(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= MOST_LINES.get(path.name.partition(".")[0], 200)
    assert len(text.split()) <= MOST_WORDS or path.name not in READMES


def test_the_animations_are_not_heavy() -> None:
    files = list((ROOT / "docs").glob("*.webp"))
    assert files
    assert sum(file.stat().st_size for file in files) <= 3_000_000
