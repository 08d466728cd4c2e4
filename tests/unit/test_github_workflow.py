"""The workflow on GitHub: what of its steps can be looked at and run on any machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.release.__main__ import owned

ROOT = Path(__file__).parents[2]
WORKFLOW = (ROOT / ".github/workflows/ci.yml").read_text("utf-8")
PYPROJECT = (ROOT / "pyproject.toml").read_text("utf-8")
README = (ROOT / "README.md").read_text("utf-8")
STEPS = re.findall(r"- run: (.+)", WORKFLOW)
ELSEWHERE = ("pip-audit", 'python -m pip install "pip-audit')
"""Steps that ask a service of the internet, and nothing of ours."""
LOWEST = " tests/unit tests/net"
"""What runs with the lowest versions."""


def ours() -> list[str]:
    return [step for step in STEPS if not step.startswith(ELSEWHERE)]


def test_there_are_steps() -> None:
    assert "bash .ci/run" in STEPS
    assert any(step.startswith("python -m pytest") for step in STEPS)


@pytest.mark.parametrize("step", STEPS)
def test_what_a_step_names_is_there(step: str) -> None:
    for path in re.findall(r"(?:^|\s)((?:\.ci|tests)/[\w./]+|requirements\.txt)", step):
        assert (ROOT / path).exists(), path
    for extra in re.findall(r"\.\[(\w+)\]", step):
        assert re.search(rf"^{extra} = \[", PYPROJECT, re.MULTILINE), extra


@pytest.mark.parametrize("step", [step for step in ours() if "constraint" not in step])
def test_a_step_is_what_the_documents_tell_people_to_do(step: str) -> None:
    documents = README + (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    assert step.removeprefix("bash ").removesuffix(LOWEST) in documents


@pytest.mark.parametrize("step", [step for step in ours() if step.startswith("bash ")])
def test_a_script_is_one_that_bash_can_read(step: str) -> None:
    bash = shutil.which("bash")
    if bash is None or sys.platform == "win32":
        pytest.skip("no bash that knows these paths")
    done = subprocess.run([bash, "-n", *step.split()[1:]], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("step", [step for step in ours() if step.startswith("python -m pytest")])
def test_a_run_of_the_tests_finds_its_settings_and_its_plugins(step: str) -> None:
    """The step itself, with a single test in place of all."""
    options = step.removesuffix(LOWEST).replace("-n auto", "-n 0").split()[1:]
    command = [sys.executable, *options, "-p", "no:cacheprovider", "-q"]
    # Whoever counts what the outer run reaches does not mean this one.
    done = subprocess.run(
        [*command, "tests/unit/test_requirements.py"],
        cwd=ROOT,
        env={**os.environ, "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_lowest_versions_are_tried_as_the_gate_tries_them() -> None:
    gate = (ROOT / ".ci/run").read_text("utf-8").splitlines()
    (at,) = (number for number, step in enumerate(STEPS) if "tests/lowest.txt" in step)
    assert STEPS[at + 1] == f"python -m pytest -n auto{LOWEST}"
    assert set(STEPS[at : at + 2]) <= set(gate)


def test_what_others_release_is_met_each_week_and_no_cache_hides_it() -> None:
    (day,) = re.findall(
        r'^  schedule:\n    - cron: "\d+ \d+ \* \* ([0-6])"\n', WORKFLOW, re.MULTILINE
    )
    assert day
    words = re.sub(r"#.*", "", WORKFLOW)
    assert "cache" not in words.lower()
    newest = [step for step in STEPS if step.startswith("python -m pip install -e")]
    assert newest == ['python -m pip install -e ".[test]"']


def test_the_lowest_python_is_tried() -> None:
    (lowest,) = re.findall(r'^requires-python = ">=(.+)"$', PYPROJECT, re.MULTILINE)
    (matrix,) = re.findall(r"python: \[(.+)\]", WORKFLOW)
    versions = re.findall(r'"([\d.]+)"', matrix)
    assert versions[0] == lowest
    assert {"3.10", "3.12", "3.14"} <= set(versions)
    minors = [int(version.partition(".")[2]) for version in versions]
    assert minors == list(range(minors[0], minors[-1] + 1))


def test_others_code_runs_by_its_content_and_can_write_nothing() -> None:
    used = re.findall(r"uses: (\S+)", WORKFLOW)
    assert used
    assert all(re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40}", action) for action in used)
    assert re.search(r"^permissions:\n  contents: read\n\n", WORKFLOW, re.MULTILINE)
    assert WORKFLOW.count("permissions:") == 1
    assert "secrets." not in WORKFLOW


def scripts(workflow: str) -> dict[str, str]:
    """The steps of several lines, by their names."""
    steps = re.findall(r"- name: (.+)\n        run: \|\n((?: {10}.*\n)+)", workflow)
    return {name: re.sub(r"(?m)^ {10}", "", script) for name, script in steps}


@pytest.mark.parametrize(
    ("tag", "owner", "complaint"),
    [
        ("v0.0.7", True, "is not the version in pyproject.toml"),
        ("", False, "python -m tests.release owner OWNER/NAME PUBLISHER"),
        ("", True, ""),
    ],
    ids=["another version", "nobody's", "ours"],
)
def test_only_a_tag_of_this_version_with_its_owner_is_published(
    tmp_path: Path, tag: str, owner: bool, complaint: str
) -> None:
    bash = shutil.which("bash")
    if bash is None or sys.platform == "win32":
        pytest.skip("no bash that knows these paths")
    (version,) = re.findall(r'^version = "(.+)"$', PYPROJECT, re.MULTILINE)
    for name in ("pyproject.toml", "README.md", "README.zh-CN.md", "SECURITY.md"):
        text = (ROOT / name).read_text("utf-8")
        public = owned(name, text, "someone/copy", "someone") if owner else text
        (tmp_path / name).write_text(public)
    publish = (ROOT / ".github/workflows/publish.yml").read_text("utf-8")
    script = scripts(publish)["The tag is the version, and the owner is filled in"]
    # As GitHub runs it.
    done = subprocess.run(
        [bash, "-e", "-c", script],
        cwd=tmp_path,
        env={**os.environ, "GITHUB_REF_NAME": tag or f"v{version}"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == (1 if complaint else 0), done.stdout + done.stderr
    assert complaint in done.stdout
