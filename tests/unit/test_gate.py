"""The gate, `.ci/run`, with stand-ins for all that it starts: what is run, and by which Python."""

from __future__ import annotations

import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GATE = (ROOT / ".ci/run").read_text("utf-8")
README = (ROOT / "README.md").read_text("utf-8")

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="the gate is run by a bash of Linux"
)

PYTHON = """#!/bin/sh
venv=
case "$1 $2" in
"-m venv")
    mkdir -p "$3/bin"
    sed "s|^venv=.*|venv=$(basename "$3")|" "$0" > "$3/bin/python"
    chmod +x "$3/bin/python" ;;
"-c "*)
    exec {real} -c '
import collections, ensurepip, sys, venv, platform
sys.version_info = collections.namedtuple("V", "major minor")(3, {minor})
sys.implementation.name, sys.executable = "{kind}", sys.argv[1]
platform.python_version = lambda: "3.{minor}.0"
exec(sys.argv[2])' "$0" "$2" ;;
*)
    [ "$2" != pytest ] || echo "$PYTEST_ADDOPTS" >> {log}.options
    echo "3.{minor} $venv: python $*" >> {log} ;;
esac
"""
"""A Python of any version, which notes what it is started with, and the options of each pytest."""

TOOL = """#!/bin/sh
echo "{name} $*" >> {log}
"""


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the gate starts on a machine with CPython 3.10 and 3.12, PyPy, shims without a Python,
    and of Debian's 3.9 and 3.13; each line of a Python with its version and environment."""
    tmp_path = tmp_path_factory.mktemp("gate")
    stubs, system, log = tmp_path / "bin", tmp_path / "usr/bin", tmp_path / "log"
    for name in (".ci", "tests/web", "bin", "usr/bin"):
        (tmp_path / name).mkdir(parents=True)

    def put(path: Path, text: str) -> None:
        path.write_text(text, "utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def python(path: Path, minor: int, kind: str = "cpython") -> None:
        put(path, PYTHON.format(real=sys.executable, minor=minor, kind=kind, log=log))

    for minor in range(9, 20):  # before those that this machine has
        put(stubs / f"python3.{minor}", "#!/bin/sh\nexit 1\n")
    python(stubs / "python3", 12)
    python(stubs / "python3.10", 10)
    python(stubs / "python3.11", 11, "pypy")
    python(stubs / "python3.12", 12)
    python(system / "python3", 9)
    python(system / "python3.13", 13)
    for name in ("ruff", "pyright", "bandit", "node", "npm", "chromium-headless-shell"):
        put(stubs / name, TOOL.format(name=name, log=log))
    shutil.copyfile(ROOT / "README.md", tmp_path / "README.md")
    shutil.copyfile(ROOT / "pyproject.toml", tmp_path / "pyproject.toml")
    (tmp_path / ".ci/run").write_text(GATE.replace("/usr/bin/python3", f"{system}/python3"))

    bash = shutil.which("bash")
    assert bash is not None
    done = subprocess.run(
        [bash, ".ci/run"],
        cwd=tmp_path,
        env={"PATH": f"{stubs}:/usr/bin:/bin", "HOME": str(tmp_path), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return log


@pytest.fixture
def ran(log: Path) -> list[str]:
    return log.read_text("utf-8").splitlines()


def commands_of(start: str) -> list[str]:
    """The commands of the README's line that begins with `start`."""
    (line,) = re.findall(rf"^{re.escape(start)}.*$", README, re.MULTILINE)
    return [re.sub(r'"', "", command) for command in line.split(" && ")]


def test_each_python_runs_the_readme_s_tests_in_an_environment_of_its_own(ran: list[str]) -> None:
    install, tests = commands_of('python -m pip install -e ".[test]"')
    for minor in (10, 12, 13):
        own = [line for line in ran if line.startswith(f"3.{minor} test-3.{minor}.0: ")]
        commands = [line.partition(": ")[2] for line in own]
        # Nothing is held back: pip takes the newest.
        assert [command for command in commands if "cov" not in command] == [install, tests]
    assert {line[:5] for line in ran if line.startswith("3.")} == {"3.10 ", "3.12 ", "3.13 "}


def test_unit_and_network_tests_run_once_more_with_the_lowest_versions(ran: list[str]) -> None:
    assert [line for line in ran if " lowest: " in line] == [
        "3.10 lowest: python -m pip install --constraint tests/lowest.txt -e .[test]",
        "3.10 lowest: python -m pytest -n auto tests/unit tests/net",
    ]


def test_every_run_shuffles_the_tests_in_one_order(ran: list[str], log: Path) -> None:
    options = log.with_suffix(".options").read_text("utf-8").splitlines()
    assert len(options) == sum(": python -m pytest" in line for line in ran)
    seeds = {option for line in options for option in line.split() if "randomly-seed" in option}
    assert seeds == {"--randomly-seed=0"}  # a folder that git does not know


def test_the_readme_s_demo_is_run(ran: list[str]) -> None:
    commands = commands_of('python -m pip install -e ".[demo]"')
    assert [line.partition(": ")[2] for line in ran if " demo: " in line] == commands


def test_nothing_is_left_out(ran: list[str]) -> None:
    begun = {line.partition(": ")[2] or line for line in ran}
    for command in ("ruff format --check .", "ruff check .", "npm run check", "npm test"):
        assert command in begun
    assert any(line.startswith("python -m pytest -n") and "tests/browser" in line for line in begun)
    assert {"pyright", "bandit"} <= {line.split()[0] for line in ran}
