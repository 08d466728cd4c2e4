"""A service that means harm, in a real ComfyUI: names, contents, and the key."""

from __future__ import annotations

import pickle
import struct
import zlib
from pathlib import Path

import pytest

from rh_api.emulator import Emulator, Fault, catalog
from tests.comfy.client import ComfyClient
from tests.comfy.graphs import mark, node, pixels, png, remote
from tests.comfy.server import Server

pytestmark = pytest.mark.comfy

NAMES = (
    "../../../custom_nodes/x.py",
    "..\\..\\x.py",
    "C:\\x.png",
    "CON.png",
    "x.png\0.py",
    "x" * 300 + ".png",
    ".png/.bat",
    "\N{RIGHT-TO-LEFT OVERRIDE}gnp.exe",
)


class Explodes:
    """What a pickle can do to who loads it."""

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (Path("exploded"),)


def huge_png(side: int = 30_000) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        body = name + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    data = chunk(b"IDAT", zlib.compress(bytes(2**20), 9))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + data + chunk(b"IEND", b"")


def places(base: Path) -> set[str]:
    """The folders that hold files; ComfyUI's own log and caches left out."""
    files = (path.relative_to(base) for path in base.rglob("*") if path.is_file())
    return {path.parent.as_posix() for path in files if "__pycache__" not in path.parts}


def served(emulator: Emulator, body: bytes) -> None:
    fault = Fault("/results/", "body", count=None, value=body, content_type="image/png")
    emulator.faults.append(fault)


def a_picture() -> dict[str, object]:
    return remote(catalog.TEXT_TO_IMAGE, {"3.seed": 0, "6.text": f"a {mark()}"})


async def test_no_name_of_the_cloud_leads_out_of_the_packs_folders(
    comfyui: ComfyClient, emulator: Emulator, server: Server
) -> None:
    before = places(server.base)
    served(emulator, png(pixels()))
    for name in NAMES:
        emulator.result_name = name
        result = await comfyui.queue({"1": a_picture()})
        assert result.outcome == "success"
        (file,) = result.outputs["1"]["images"]
        assert file["subfolder"] == "runninghub"
        assert file["filename"].endswith("_0000.png")
    new = places(server.base) - before
    assert all("runninghub" in folder for folder in new), new


@pytest.mark.parametrize(
    ("body", "suffix"),
    [(pickle.dumps(Explodes()), ".bin"), (huge_png(), ".png")],
    ids=["pickle", "huge picture"],
)
async def test_what_is_no_picture_for_us_is_kept_as_a_file_and_not_opened(
    comfyui: ComfyClient, emulator: Emulator, server: Server, body: bytes, suffix: str
) -> None:
    served(emulator, body)
    await comfyui.queue({"1": a_picture()})
    kept = list((server.base / "output" / "runninghub").glob(f"*{suffix}"))
    assert any(path.read_bytes() == body for path in kept)
    assert not list(server.base.rglob("exploded"))
    # The server is alive and well.
    emulator.faults.clear()
    assert (await comfyui.queue({"1": a_picture()})).outcome == "success"


async def test_a_key_that_the_service_repeats_is_shown_nowhere(
    comfyui: ComfyClient, emulator: Emulator, server: Server
) -> None:
    key = emulator.default_key
    echo = f'{{"code": 999, "msg": "no such key {key}", "data": null}}'
    emulator.faults.append(Fault("/task/openapi/create", "body", value=echo, status=200))
    result = await comfyui.queue({"1": a_picture(), "2": node("TestLooks", value=["1", 0])})
    assert result.outcome == "error"
    assert "no such key" in str(result)
    assert key not in str(result)
    assert key not in str(await comfyui.get("/history"))
    assert key not in server.said()
