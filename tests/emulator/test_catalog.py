"""The built-in workflows compute: each field matters, and equal inputs give equal bytes."""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from rh_api.emulator import Emulator
from tests.support.jobs import painting_small

if TYPE_CHECKING:
    from conftest import Remote

WORKFLOWS = painting_small(Emulator(strict=True)).workflows

NAMES_ONLY = {
    "filename_prefix": "names the file; the picture in it is the same",
}
"""Fields that do not concern the content, with the reason: they must change the file's name."""


def picture(colour: str = "teal") -> bytes:
    data = io.BytesIO()
    image = Image.new("RGBA", (120, 88), colour)
    image.paste((250, 200, 20, 90), (30, 20, 90, 60))
    image.save(data, "PNG")
    return data.getvalue()


LORA = b"another LoRA"

OTHER_VALUES: dict[str, Any] = {
    "sampler_name": "ddim",
    "scheduler": "karras",
    "upscale_method": "bicubic",
    "blend_mode": "multiply",
    "crop": "center",
    "channel": "alpha",
    "ckpt_name": "second_model.safetensors",
    "lora_name": "watercolor_v2.safetensors",
    "file_name": f"api-lora-cn/{hashlib.md5(LORA).hexdigest()}.safetensors",
}


def other_value(name: str, stored: Any, uploaded: Any) -> Any:
    if name in ("image", "url"):
        return uploaded["fileName" if name == "image" else "download_url"]
    if name in ("width", "height"):
        return stored // 2
    if name in ("denoise", "scale_by", "blend_factor", "value") and not isinstance(stored, str):
        return stored * 0.5
    if isinstance(stored, bool):
        return not stored
    return OTHER_VALUES.get(name, f"{stored} and more" if isinstance(stored, str) else stored + 1)


def fields_of(workflow_id: str) -> dict[str, Any]:
    return {
        f"{node_id}.{name}": value
        for node_id, node in WORKFLOWS[workflow_id].graph.items()
        for name, value in node["inputs"].items()
        if not isinstance(value, list)
    }


PRODUCING = [workflow for workflow in WORKFLOWS.values() if workflow.title != "Preview only"]
CASES = [(workflow.id, place) for workflow in PRODUCING for place in fields_of(workflow.id)]


@pytest.fixture
async def uploaded(remote: Remote) -> Any:
    reply = await remote.upload(picture())
    store = remote.emulator.loras
    stored = next(iter(store.values()))
    name = OTHER_VALUES["file_name"]
    store[name] = type(stored)(name, len(LORA), hashlib.md5(LORA).hexdigest())
    return reply["data"]


def settings(workflow_id: str) -> dict[str, Any]:
    """The stored values, seeds among them: what is not listed is drawn anew.

    A scale of exactly one would look the same by every method.
    """
    values = fields_of(workflow_id)
    return {**values, "12.scale_by": 1.3} if "12.scale_by" in values else values


@pytest.mark.parametrize(("workflow_id", "place"), CASES)
async def test_changing_a_field_changes_the_result(
    remote: Remote, uploaded: Any, workflow_id: str, place: str
) -> None:
    before = settings(workflow_id)
    name = place.rpartition(".")[2]
    after = {**before, place: other_value(name, before[place], uploaded)}

    first = await remote.run(workflow_id, before)
    second = await remote.run(workflow_id, after)

    if name in NAMES_ONLY:
        assert {file.partition("_0000")[0] for file, _ in first} != {
            file.partition("_0000")[0] for file, _ in second
        }
        return
    assert content(first) != content(second)


@pytest.mark.parametrize("workflow_id", [workflow.id for workflow in PRODUCING])
async def test_equal_inputs_give_equal_bytes(remote: Remote, workflow_id: str) -> None:
    values = settings(workflow_id)

    first, second = [await remote.run(workflow_id, values) for _ in range(2)]

    assert [data for _, data in first] == [data for _, data in second]


def content(results: list[tuple[str, bytes]]) -> list[Any]:
    """Pixels of pictures, without the metadata that names the whole graph; bytes of the rest."""
    return [pixels(data) if data.startswith(b"\x89PNG") else data for _, data in results]


def pixels(data: bytes) -> tuple[str, tuple[int, int], bytes]:
    image = Image.open(io.BytesIO(data))
    return image.mode, image.size, image.tobytes()


async def test_a_workflow_that_only_previews_ends_well_without_results(remote: Remote) -> None:
    reply = await remote.finished(await remote.create("1900000000000000110"))

    assert (reply["status"], reply["results"]) == ("SUCCESS", None)


async def test_seeds_that_are_not_listed_are_drawn_anew(remote: Remote) -> None:
    first = await remote.run("1900000000000000101")
    second = await remote.run("1900000000000000101")

    assert content(first) != content(second)


async def test_metadata_is_written_only_when_asked_for(remote: Remote) -> None:
    has_metadata = {}
    for add in (True, False):
        reply = await remote.finished(await remote.create("1900000000000000108", addMetadata=add))
        _, data = await remote.get(reply["results"][0]["url"])
        has_metadata[add] = "prompt" in Image.open(io.BytesIO(data)).text

    assert has_metadata == {True: True, False: False}


async def test_a_picture_of_the_demo_has_its_size(remote: Remote) -> None:
    [(_, data)] = await remote.run("1900000000000000101")

    assert Image.open(io.BytesIO(data)).size == (512, 512)
