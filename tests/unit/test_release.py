"""A release says the same version everywhere, and its placeholders are filled by one command."""

from __future__ import annotations

import datetime
import re
from pathlib import Path

import pytest
from PIL import Image

from tests.release.__main__ import PUBLIC, closed, owned, versioned

ROOT = Path(__file__).parents[2]
DAY = datetime.date(2026, 12, 1)


def read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def test_the_page_and_the_package_have_one_version() -> None:
    (package,) = re.findall(r'(?m)^version = "(.+)"', read("pyproject.toml"))
    assert f'VERSION = "{package}"' in read("web/js/version.js")


@pytest.mark.parametrize("name", ["pyproject.toml", "web/js/version.js"])
def test_a_bump_changes_the_version_alone(name: str) -> None:
    before, after = read(name).splitlines(), versioned(read(name), "7.8.9").splitlines()
    changed = [new for old, new in zip(before, after, strict=True) if old != new]
    assert len(changed) == 1
    assert '"7.8.9"' in changed[0]


def test_a_file_without_a_version_is_no_release() -> None:
    with pytest.raises(ValueError, match="0 places"):
        versioned("name = 'x'", "7.8.9")


def test_a_bump_closes_what_was_open() -> None:
    text = "# Changelog\n\n## Unreleased\n\n- A thing.\n\n## 0.1.0\n"
    assert closed(text, "0.2.0", DAY) == (
        "# Changelog\n\n## Unreleased\n\n## 0.2.0 (2026-12-01)\n\n- A thing.\n\n## 0.1.0\n"
    )


@pytest.mark.parametrize("text", ["# Changelog\n", "## Unreleased\n\n\n## 0.1.0\n\n- Old.\n"])
def test_nothing_new_is_no_release(text: str) -> None:
    with pytest.raises(ValueError, match="nothing under"):
        closed(text, "0.2.0", DAY)


@pytest.mark.parametrize("name", PUBLIC)
def test_nothing_names_a_repository_before_there_is_one(name: str) -> None:
    text = read(name)
    assert "OWNER/" not in text
    assert "Manager" not in text or not name.startswith("README")
    public = owned(name, text, "someone/their-copy", "someone")
    assert "https://github.com/someone/their-copy" in public
    assert owned(name, public, "someone/their-copy", "someone") == public


def test_the_owner_adds_what_the_registry_and_a_newcomer_look_for() -> None:
    package = owned("pyproject.toml", read("pyproject.toml"), "a/b", "someone")
    for line in (
        'Repository = "https://github.com/a/b"',
        'PublisherId = "someone"',
        'Icon = "https://github.com/a/b/raw/main/docs/icon.png"',
    ):
        assert f"\n{line}\n" in package
    readme = owned("README.md", read("README.md"), "a/b", "someone")
    assert "git clone https://github.com/a/b ComfyUI/custom_nodes/runninghub-remote" in readme
    assert "With ComfyUI Manager: install" in readme
    with pytest.raises(ValueError, match="no line with"):
        owned("README.md", "# Another\n", "a/b", "someone")


def test_the_registry_can_show_icon_and_banner() -> None:
    with Image.open(ROOT / "docs/icon.png") as icon, Image.open(ROOT / "docs/banner.png") as banner:
        assert icon.width == icon.height <= 400
        assert banner.width * 9 == banner.height * 21
