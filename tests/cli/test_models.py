"""`models` and `model` from a terminal."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rh_api.emulator import Emulator
from rh_api.emulator.accounts import example_key
from rh_api.texts import english
from tests.cli.conftest import Call

PAINTER = "rhart-image-n-pro/text-to-image"
EDITOR = "rhart-image-n-pro/edit"


def test_models_are_found_by_words_without_a_key(call: Call) -> None:
    ran = call("models", "可灵3.0", "pro", "--task", "text-to-video", RUNNINGHUB_API_KEY="")
    assert ran.code == 0
    assert ran.out.split()[0] == "kling-v3.0-pro/text-to-video"
    assert "Models: 1," in ran.err
    listed = call("models", "nano", "banana", "--json", RUNNINGHUB_API_KEY="").document
    assert {model["output"] for model in listed["models"]} == {"image"}


def test_the_command_reads_what_is_new(call: Call, emulator: Emulator) -> None:
    painter = emulator.models[PAINTER]
    for endpoint in list(emulator.models):
        emulator.remove_model(endpoint)
    emulator.models["new/painter"] = replace(painter, endpoint="new/painter", name_cn="新画家")
    ran = call("models", "新画家", "--refresh")
    assert ran.out.split()[0] == "new/painter"
    assert "Models: 1 added, 0 changed" in ran.err
    assert call("models", "新画家").out.split()[0] == "new/painter"


def test_a_refresh_needs_no_key(call: Call, emulator: Emulator) -> None:
    emulator.add_model("acme/boats/text-to-image", name="boats", parameters=[{"name": "prompt"}])
    emulator.site_list_fresh = False
    ran = call("models", "boats", "--refresh", RUNNINGHUB_API_KEY="")
    assert ran.code == 0
    assert ran.out.split()[0] == "acme/boats/text-to-image"


def test_an_endpoint_that_nobody_listed_is_told_as_that(call: Call) -> None:
    ran = call("model", "NO/SUCH", RUNNINGHUB_API_KEY="")
    assert (ran.code, ran.out) == (2, "")
    assert "does not know NO/SUCH" in ran.err
    assert "--extra" in ran.err
    unlisted = call("model", "NO/SUCH", "--json", RUNNINGHUB_API_KEY="")
    assert unlisted.document["error"]["key"] == "cli.model_unlisted"


def test_the_form_of_a_model_and_its_price(call: Call, emulator: Emulator) -> None:
    ran = call("model", "topazlabs/video-astra", RUNNINGHUB_API_KEY="")
    assert ran.code == 0
    assert "p.model*" in ran.out
    assert "The price is not known beforehand." in ran.out
    form = call("model", "meshy6/text-to-3d", "--json").document
    assert form["price"] == "about 5.04 CNY (price list of 2026-09-01)"
    assert form["parameters"][0]["name"]
    assert emulator.counters.orders == 0


def test_a_model_is_run_with_a_list_of_files(
    call: Call, emulator: Emulator, photo: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    ran = call(
        "model",
        EDITOR,
        "--set",
        "prompt=as a watercolour",
        "--set",
        f"imageUrls=@{photo}",
        "--set",
        f"imageUrls=@{photo}",
        "--set",
        "resolution=2k",
        "--out",
        str(out),
        "--json",
        RUNNINGHUB_API_KEY=example_key("shared"),
    )
    assert ran.code == 0, ran.err
    assert ran.document["model"] == EDITOR
    (body,) = [e.json for e in emulator.journal if e.path == f"/openapi/v2/{EDITOR}"]
    assert len(body["imageUrls"]) == 2
    assert body["resolution"] == "2k"
    (file,) = out.iterdir()
    assert file.name.startswith("rhart-image-n-pro-edit")
    assert file.suffix == ".png"


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["model", "no such thing"], "No model is called"),
        (["models", "--task", "text-to-imgae"], "Nearest: text-to-image"),
        (["model", "cinematic-video-generator"], "no successor is known"),
        (["model", PAINTER, "--run"], '"prompt" of'),
        (["model", PAINTER, "--set", "prompt=x", "--set", "aspectRatio=7:1"], "send anyway"),
        (["model", PAINTER, "--set", "prompt=x", "--extra", "{"], "JSON object"),
        (["model", "../../task/openapi/create", "--run"], "No model is called"),
    ],
)
def test_what_cannot_be_meant_costs_nothing(
    call: Call, emulator: Emulator, argv: list[str], words: str
) -> None:
    ran = call(*argv, RUNNINGHUB_API_KEY=example_key("shared"))
    assert (ran.code, emulator.counters.orders) == (2, 0)
    assert words in ran.err


def test_a_value_that_does_not_count_is_refused_and_sent_if_meant(
    call: Call, emulator: Emulator, tmp_path: Path
) -> None:
    model = "seedream-v4.5/text-to-image"
    argv = ["model", model, "--set", "prompt=x", "--set", "maxImages=4", "--out", str(tmp_path)]
    key = example_key("shared")
    refused = call(*argv, RUNNINGHUB_API_KEY=key)
    assert (refused.code, emulator.counters.orders) == (2, 0)
    assert "(sequentialImageGeneration) = auto" in refused.err
    assert "maxImages is only for" in call(*argv, "--send-anyway", RUNNINGHUB_API_KEY=key).err
    (body,) = [e.json for e in emulator.journal if e.path == f"/openapi/v2/{model}"]
    assert body["maxImages"] == 4


def test_extra_alone_runs_what_the_catalogue_does_not_know(
    call: Call, emulator: Emulator, tmp_path: Path
) -> None:
    painter = emulator.models[PAINTER]
    emulator.models["new/painter"] = replace(painter, endpoint="new/painter")
    extra = '{"prompt": "a cat", "resolution": "1k"}'
    key = example_key("shared")
    ran = call(
        "model", "new/painter", "--extra", extra, "--out", str(tmp_path), RUNNINGHUB_API_KEY=key
    )
    assert ran.code == 0, ran.err


def test_a_form_that_is_known_in_part_says_so(call: Call) -> None:
    ran = call("model", "marble-1.1/multi-image-to-world")

    assert ran.code == 0, ran.err
    assert "textPrompt" in ran.out
    assert english("cli.model_incomplete", {}) in ran.out
