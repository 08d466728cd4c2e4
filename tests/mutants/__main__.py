"""`python -m tests.mutants [WORDS]`: each mutant in a copy of the tree, where its test must fail.

Without the mutants the same tests must pass. WORDS: only the mutants with one of these in their
file or test.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.mutants.table import MUTANTS, ROOT, Mutant

FAILED = 1  # what pytest says of tests that failed; other numbers are mistakes of the table


def main() -> int:
    words = sys.argv[1:]
    chosen = [
        mutant
        for mutant in MUTANTS
        if not words or any(word in f"{mutant.file} {mutant.test}" for word in words)
    ]
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        copy = copied(Path(folder) / "copy")
        ran = tested(copy, sorted({mutant.test for mutant in chosen}))
        if ran.returncode:
            print(f"without a mutant:\n{ran.stdout}")  # noqa: T201
            return 1
        for number, mutant in enumerate(chosen, 1):
            with_mutant(copy / mutant.file, mutant, number)
            ran = tested(copy, [mutant.test])
            shutil.copy2(ROOT / mutant.file, copy / mutant.file)
            is_caught = ran.returncode == FAILED
            bad += not is_caught
            verdict = "caught" if is_caught else f"NOT CAUGHT ({ran.returncode})"
            print(f"{verdict}: {mutant.file}: {mutant.test}", flush=True)  # noqa: T201
            if ran.returncode not in (0, FAILED):
                print(ran.stdout)  # noqa: T201
    print(f"{len(chosen) - bad} of {len(chosen)} caught")  # noqa: T201
    return int(bad > 0)


def copied(target: Path) -> Path:
    """A copy of what git knows, as it stands here."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    return target


def with_mutant(file: Path, mutant: Mutant, number: int) -> None:
    """Changes the file, whose time tells Python that what it compiled is another."""
    at = file.stat().st_mtime + number
    file.write_text(file.read_text("utf-8").replace(mutant.text, mutant.instead), "utf-8")
    os.utime(file, (at, at))


def tested(copy: Path, tests: Sequence[str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:randomly", *tests]
    command += ["-p", "no:cacheprovider", "--tb=short"]
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTEST_ADDOPTS": ""}
    return subprocess.run(
        command, cwd=copy, env=environment, capture_output=True, text=True, check=False
    )


if __name__ == "__main__":
    sys.exit(main())
