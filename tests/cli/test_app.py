"""`app`: the id alone lists the form; with any option of a run the app is run."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from rh_api.emulator import Emulator, Fault, catalog

from .conftest import Call

PAINT, INVERT, REDRAW = catalog.apps()
RUN_APP = "/task/openapi/ai-app/run"


def sent(emulator: Emulator) -> Any:
    return next(entry.json for entry in emulator.journal if entry.path == RUN_APP)


@pytest.mark.parametrize("named", [INVERT, f"https://www.runninghub.ai/ai-detail/{INVERT}"])
def test_the_id_alone_lists_the_form_and_runs_nothing(
    call: Call, emulator: Emulator, named: str
) -> None:
    emulator.apps[INVERT].published["description"] = "<p>Light &amp; dark,<br>swapped.</p>"
    ran = call("app", named, "--json")

    assert ran.code == 0, ran.err
    document = ran.document
    fields = {field.pop("name"): field for field in document.pop("fields")}
    assert document == {
        "app_id": INVERT,
        "name": "Invert a picture",
        "description": "Light & dark, swapped.",
        "encrypted": False,
    }
    assert fields["10.image"] == {
        "type": "IMAGE",
        "value": "example.png",
        "title": "Upload image",
        "class": "LoadImage",
        "choices": None,
    }
    assert fields["12.upscale_method"]["type"] == "COMBO"
    assert "nearest-exact" in fields["12.upscale_method"]["choices"]
    assert emulator.counters.orders == 0


def test_a_form_is_readable_for_people(call: Call, emulator: Emulator) -> None:
    emulator.apps[REDRAW].password = "open sesame"
    lines = [line.split() for line in call("app", REDRAW).out.splitlines()]

    assert ["Redraw", "a", "picture"] in lines
    assert ["12.steps", "INT", "20", "Steps", "[KSampler]"] in lines
    assert "RUNNINGHUB_ACCESS_PASSWORD." in lines[-1]


def test_choices_stand_beside_their_field(call: Call) -> None:
    line = next(line for line in call("app", PAINT).out.splitlines() if "sampler_name" in line)

    assert line.endswith("  euler | ddim")


def test_every_listed_value_and_choice_can_be_set(
    call: Call, emulator: Emulator, tmp_path: Path
) -> None:
    listed = call("app", REDRAW, "--json").document["fields"]
    options = [part for field in listed for part in ("--set", f"{field['name']}={field['value']}")]
    assert call("app", REDRAW, *options, "--out", str(tmp_path)).code == 0

    choices = call("app", INVERT, "--json").document["fields"][1]["choices"]
    assert len(choices) > 2
    for choice in choices:
        ran = call(*("app", INVERT, "--out", str(tmp_path)), "--set", f"12.upscale_method={choice}")
        assert ran.code == 0, ran.err


def test_an_app_runs_with_a_picture_and_its_results_land_in_the_folder(
    call: Call, emulator: Emulator, photo: Path, tmp_path: Path
) -> None:
    ran = call(
        *("app", INVERT, "--set", f"10.image=@{photo}", "--out", str(tmp_path / "out"), "--json")
    )

    assert ran.code == 0, ran.err
    path = tmp_path / "out" / f"{INVERT}_13_1.png"
    with Image.open(path) as picture:
        assert picture.convert("RGB").getpixel((0, 0)) == (245, 235, 225)
    assert ran.document["app_id"] == INVERT
    assert [result["path"] for result in ran.document["results"]] == [str(path)]
    assert f"task {next(iter(emulator.tasks))}" in ran.err


@pytest.mark.parametrize(
    "options",
    [
        ("--run",),
        ("--set", "6.text=a dog"),
        ("--out", "."),
        ("--outputs", "9"),
        ("--instance", "default"),
        ("--timeout", "0"),
        ("--personal-queue",),
        ("--webhook", "https://example.com/hook"),
        ("--again",),
        ("--reroll-seeds",),
    ],
    ids=lambda options: options[0],
)
def test_any_option_of_a_run_runs_it(
    call: Call,
    emulator: Emulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = call("app", PAINT, *options)

    assert ran.code == 0, ran.err
    assert emulator.counters.orders == 1
    assert [path.name for path in tmp_path.glob("*.png")] == [f"{PAINT}_9_1.png"]


def test_options_and_password_reach_the_service(
    call: Call, emulator: Emulator, tmp_path: Path
) -> None:
    emulator.account.kind = "SHARED"
    emulator.account.money = Decimal(5)
    emulator.apps[PAINT].password = "open sesame"
    ran = call(
        *("app", PAINT, "--out", str(tmp_path), "--instance", "ultra", "--personal-queue"),
        *("--retain", "180", "--webhook", "https://example.com/hook"),
        RUNNINGHUB_ACCESS_PASSWORD="open sesame",
    )

    assert ran.code == 0, ran.err
    body = sent(emulator)
    assert body["webappId"] == int(PAINT)
    assert body["instanceType"] == "ultra"
    assert body["usePersonalQueue"] is True
    assert body["retainSeconds"] == 180
    assert body["webhookUrl"] == "https://example.com/hook"
    assert body["accessPassword"] == "open sesame"


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("app",), "APP"),
        (("app", " "), "Which"),
        (("app", catalog.INVERT), "is a workflow"),
        (("workflow", INVERT), "is an AI app"),
        (("run", INVERT), "is an AI app"),
        (("app", f"https://www.runninghub.ai/workflow/{catalog.INVERT}"), "link of a workflow"),
        (("app", PAINT, "--set", "3.sampler_name=fast"), "euler"),
        (("app", PAINT, "--set", "99.text=x"), "has no such field"),
        (("app", REDRAW, "--set", "12.steps=many"), "INT"),
        (("app", INVERT, "--set", "10.image=@missing.png"), "missing.png"),
        (("app", PAINT, "--retain", "9"), "from 10 to 180"),
        (("app", PAINT, "--no-metadata"), "--no-metadata"),
    ],
)
def test_bad_input_costs_nothing(
    call: Call,
    emulator: Emulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    argv: tuple[str, ...],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = call(*argv)

    assert ran.code == 2
    assert words in ran.err
    assert emulator.counters.orders == 0
    assert not emulator.uploads


def test_a_lost_reply_is_asked_about_and_not_sent_again(
    call: Call, emulator: Emulator, tmp_path: Path
) -> None:
    emulator.faults.append(Fault(RUN_APP, "lost_reply"))

    assert call("app", PAINT, "--out", str(tmp_path)).code == 3
    assert call("app", PAINT, "--out", str(tmp_path)).code == 3
    assert emulator.counters.orders == 1


def test_the_help_says_when_it_runs(call: Call) -> None:
    assert "The id alone lists" in " ".join(call("app", "--help").out.split())
