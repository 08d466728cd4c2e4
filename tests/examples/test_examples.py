"""The examples as a newcomer runs them: processes of their own, told by the environment."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from rh_api.emulator import Emulator, catalog
from tests.support.jobs import painting_small
from tests.support.pictures import plain_png

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
LONGEST = 60  # lines: more is no example

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def emulator() -> Emulator:
    return painting_small(Emulator(strict=True, run_seconds=0.3))


@pytest.fixture
def variables(emulator: Emulator, tmp_path: Path) -> Iterator[dict[str, str]]:
    """What a person who uses the emulator has exported."""
    with emulator.run_in_thread() as address:
        yield {
            "RUNNINGHUB_BASE_URL": address,
            "RUNNINGHUB_API_KEY": emulator.default_key,
            "RUNNINGHUB_STATE": str(tmp_path / "state"),
        }


@pytest.fixture
def run(variables: dict[str, str], tmp_path: Path) -> Run:
    """`run("01_…", "19…")`: what the example printed, and how it ended."""
    inherited = {n: v for n, v in os.environ.items() if not n.lower().endswith("_proxy")}
    ours = {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}

    def start(name: str, *argv: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(ROOT / "examples" / f"{name}.py"), *argv],
            cwd=tmp_path,
            env=inherited | variables | ours,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )

    return start


@pytest.fixture
def refusal(
    variables: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., str]:
    """`refusal("01_…", "19…")`: with which words the example ended, in this process: a start of
    Python costs half a second."""
    monkeypatch.chdir(tmp_path)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    def refuse(name: str, *argv: str) -> str:
        path = str(ROOT / "examples" / f"{name}.py")
        monkeypatch.setattr(sys, "argv", [path, *argv])
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(path, run_name="__main__")
        assert isinstance(ended.value.code, str)  # printed, with the exit code 1
        return ended.value.code

    return refuse


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    path.write_bytes(plain_png())
    return path


def colour(path: str | Path) -> object:
    with Image.open(path) as picture:
        return picture.convert("RGB").getpixel((0, 0))


def test_a_workflow_is_run_once_and_its_result_is_here(
    run: Run, emulator: Emulator, photo: Path
) -> None:
    first = run("01_run_a_workflow", catalog.INVERT, "10.image", str(photo))
    again = run("01_run_a_workflow", catalog.INVERT, "10.image", str(photo))

    assert first.returncode == 0, first.stderr
    task, result, cost = first.stdout.splitlines()
    assert task == f"task {next(iter(emulator.tasks))}"
    assert colour(result.removeprefix("node 13: ")) == (245, 235, 225)
    assert cost.startswith("cost ")
    assert again.stdout.splitlines() == [task, result, "nothing was paid now"]
    assert emulator.counters.orders == 1


def test_an_app_shows_its_form_and_runs_when_it_is_filled_in(
    run: Run, emulator: Emulator, photo: Path
) -> None:
    app = next(app.id for app in catalog.apps().values() if app.workflow_id == catalog.INVERT)
    link = f"https://www.runninghub.ai/ai-detail/{app}"
    form = run("02_run_an_ai_app", link)
    assert form.returncode == 0, form.stderr
    assert "  10.image  IMAGE  example.png  Upload image" in form.stdout.splitlines()
    assert emulator.counters.orders == 0

    ran = run("02_run_an_ai_app", link, f"10.image={photo}", "12.upscale_method=bilinear")
    assert ran.returncode == 0, ran.stderr
    assert colour(ran.stdout.splitlines()[-1].removeprefix("node 13: ")) == (245, 235, 225)
    assert emulator.counters.orders == 1


def test_progress_goes_up_and_ends_at_the_end(run: Run) -> None:
    ran = run("03_show_progress", catalog.TEXT_TO_IMAGE, "6.text=a cat")

    assert ran.returncode == 0, ran.stderr
    *lines, end = ran.stdout.splitlines()
    shares = [int(line.split("]")[1].split("%")[0]) for line in lines]
    assert shares == sorted(shares)
    assert shares[-1] == 100
    assert any("running" in line for line in lines)
    assert len(lines) == len(set(lines))
    assert end.startswith("task ")
    assert "1 results" in end


def test_the_full_way_tells_every_step_and_keeps_the_results(
    run: Run, emulator: Emulator, photo: Path, tmp_path: Path
) -> None:
    ran = run(
        "04_full_workflow",
        catalog.IMAGE_TO_IMAGE,
        str(tmp_path / "out"),
        *("3.text=ink", f"10.image=@{photo}"),
    )

    assert ran.returncode == 0, ran.stderr
    lines = ran.stdout.splitlines()
    assert lines[0] == "NORMAL account, 76600 coins, 3 tasks at once"
    (name,) = emulator.uploads
    assert f"10.image is {name}" in lines
    (result,) = (tmp_path / "out").iterdir()
    assert lines[-1] == str(result)
    assert result.read_bytes().startswith(b"\x89PNG")
    assert emulator.counters.orders == 1
    assert emulator.counters.under("/openapi/v2/media/upload") == 1


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_short_and_says_how_it_is_called(
    refusal: Callable[..., str], path: Path
) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= LONGEST
    assert f"python examples/{path.name}" in refusal(path.stem)


@pytest.mark.parametrize(
    ("name", "argv"),
    [
        ("01_run_a_workflow", ("10.image", "missing.png")),
        ("02_run_an_ai_app", ("6.text=x",)),
        ("03_show_progress", ("99.text=x",)),
        ("04_full_workflow", ("out", "99.text=x")),
        ("04_full_workflow", ("photo.png/out", "6.text=x")),
        ("04_full_workflow", ("/proc/self/fd", "6.text=x")),
    ],
)
def test_what_cannot_work_is_one_sentence_and_costs_nothing(
    refusal: Callable[..., str],
    capsys: pytest.CaptureFixture[str],
    emulator: Emulator,
    photo: Path,
    name: str,
    argv: tuple[str, ...],
) -> None:
    said = refusal(name, catalog.TEXT_TO_IMAGE, *argv)
    shown = capsys.readouterr()

    assert len((said + shown.err).splitlines()) == 1
    assert emulator.default_key not in said + shown.out + shown.err
    assert emulator.counters.orders == 0


def test_there_is_one_for_each_integration_example_of_the_documentation() -> None:
    assert len(EXAMPLES) == 4
