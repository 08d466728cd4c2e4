"""A result is what its bytes are: at first, when it is kept, and where they begin like others."""

from __future__ import annotations

import base64
import io

import pytest
from PIL import Image

from rh_api.client import Client, Job, Result
from rh_api.emulator import Emulator
from rh_api.wire.filetypes import Kind
from tests.support.graphs import node


def gives(emulator: Emulator, extension: str, data: bytes) -> Job:
    """A workflow with one result: `data`, under a name with that extension."""
    content = base64.b64encode(data).decode()
    saver = node("EmulatorFile", extension=extension, content=content, filename_prefix="made")
    return Job(emulator.add_workflow({"1": saver}))


def seen(result: Result) -> tuple[Kind | None, str]:
    """What it is taken for, and how its file is called."""
    assert result.path is not None
    return result.type and result.type.kind, result.path.suffix


@pytest.mark.parametrize("extension", ["AVIF", "PNG", "GIF", "BMP", "TIFF", "WEBP"])
async def test_a_kept_picture_is_still_a_picture(
    client: Client, emulator: Emulator, extension: str
) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (16, 8), (10, 20, 30)).save(picture, extension)
    job = gives(emulator, extension.lower(), picture.getvalue())
    (came,) = (await client.run(job)).results
    again = await client.run(job)

    assert again.kept
    assert [seen(result) for result in again.results] == [seen(came)]
    assert seen(came) == (Kind.IMAGE, f".{extension.lower()}")


@pytest.mark.parametrize(
    "text", ["BMW on a wet road", "FORMULA ONE car, 漢字", "ID3 tags, retro", "GIF89a, glitch art"]
)
async def test_a_caption_that_begins_like_a_file_is_a_text(
    client: Client, emulator: Emulator, text: str
) -> None:
    (result,) = (await client.run(gives(emulator, "txt", text.encode()))).results

    assert seen(result) == (Kind.TEXT, ".txt")
    assert result.read_text() == text


async def test_a_picture_by_the_name_of_a_text_is_a_picture(
    client: Client, emulator: Emulator
) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (16, 8), (10, 20, 30)).save(picture, "BMP")
    (result,) = (await client.run(gives(emulator, "txt", picture.getvalue()))).results

    assert seen(result) == (Kind.IMAGE, ".bmp")


@pytest.mark.parametrize("extension", ["mp4", "mov", "mp3", "glb"])
async def test_a_kept_file_is_no_more_than_it_was(
    client: Client, emulator: Emulator, extension: str
) -> None:
    """Its name alone says what it is: it is handed out as a file, and so it stays."""
    job = gives(emulator, extension, b"\1\0such as no program writes")
    (came,) = (await client.run(job)).results
    again = await client.run(job)

    assert again.kept
    assert [seen(result) for result in (came, *again.results)] == [(None, f".{extension}")] * 2
