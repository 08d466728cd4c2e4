"""What is needed is written in several files, for several readers, and each says the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rh_api.texts import english
from tests.browser import frontends

ROOT = Path(__file__).parents[2]
READMES = ("README.md", "README.zh-CN.md")
INSTALLS = ("docs/install.md", "docs/install.zh-CN.md")
PYPROJECT = (ROOT / "pyproject.toml").read_text("utf-8")


def lines(name: str) -> list[str]:
    return [line for line in (ROOT / name).read_text("utf-8").splitlines() if line[:1] != "#"]


def listed(name: str) -> list[str]:
    """A list of requirements in pyproject.toml; Python 3.10 has no reader of TOML."""
    (block,) = re.findall(rf"^{name} = \[(.*?)\]$", PYPROJECT, re.MULTILINE | re.DOTALL)
    return re.findall(r'"([^"]+)"', block)


def test_comfyui_manager_installs_what_pip_would() -> None:
    assert lines("requirements.txt") == listed("dependencies")


def test_the_lowest_versions_are_those_that_are_allowed() -> None:
    allowed = {re.sub(r",.*", "", entry) for entry in listed("dependencies") + listed("test")}
    lowest = {re.sub(r"(\.0)?;.*|(\.0)+$", "", line) for line in lines("tests/lowest.txt")}
    assert lowest == {re.sub(r"(\.0)+$", "", entry.replace(">=", "==")) for entry in allowed}


def test_the_newest_front_end_is_a_development_dependency() -> None:
    assert f"{frontends.PACKAGE}=={frontends.NEWEST}" in listed("dev")


def test_the_oldest_comfyui_is_one_that_the_tests_ran_on() -> None:
    (oldest,) = re.findall(r'^requires-comfyui = ">=(.+)"$', PYPROJECT, re.MULTILINE)
    (seen,) = re.findall(r"last seen on ([\d.]+\d)", (ROOT / "CONTRIBUTING.md").read_text("utf-8"))
    short = oldest.removesuffix(".0")
    assert f"{seen}.".startswith(f"{short}.")
    assert f"ComfyUI {short} or newer" in english("node.comfyui_too_old", {})
    for name in READMES:
        readme = (ROOT / name).read_text("utf-8")
        assert f"badge/ComfyUI-{short}%2B" in readme
        assert len(re.findall(rf"ComfyUI {re.escape(short)}\b(?!\.\d)", readme)) == 2


@pytest.mark.parametrize("name", INSTALLS)
def test_a_person_is_told_the_lowest_versions(name: str) -> None:
    readme = (ROOT / name).read_text("utf-8")
    for need in [*listed("dependencies"), *(need for need in listed("test") if need[:3] == "av>")]:
        package, _, lowest = need.partition(">=")
        called = {"av": "PyAV"}.get(package, package)
        assert re.search(rf"{called}\D*\b{re.escape(lowest)}(?![.\d])", readme), need
