"""What is needed is written in several files, for several readers, and each says the same."""

from __future__ import annotations

import re
from pathlib import Path

from tests.browser import frontends

ROOT = Path(__file__).parents[2]
PYPROJECT = (ROOT / "pyproject.toml").read_text("utf-8")


def lines(name: str) -> list[str]:
    return [line for line in (ROOT / name).read_text("utf-8").splitlines() if line[:1] != "#"]


def listed(name: str) -> list[str]:
    """A list of requirements in pyproject.toml; Python 3.10 has no reader of TOML."""
    (found,) = re.findall(rf"^{name} = \[(.*?)\]$", PYPROJECT, re.MULTILINE | re.DOTALL)
    return re.findall(r'"([^"]+)"', found)


def test_comfyui_manager_installs_what_pip_would() -> None:
    assert lines("requirements.txt") == listed("dependencies")


def test_the_lowest_versions_are_those_that_are_allowed() -> None:
    allowed = {re.sub(r",.*", "", one) for one in listed("dependencies") + listed("test")}
    lowest = {re.sub(r"(\.0)?;.*|(\.0)+$", "", one) for one in lines("tests/lowest.txt")}
    assert lowest == {re.sub(r"(\.0)+$", "", one.replace(">=", "==")) for one in allowed}


def test_the_newest_front_end_is_a_development_dependency() -> None:
    assert f"{frontends.PACKAGE}=={frontends.NEWEST}" in listed("dev")
