"""Jobs whose identities are recorded,
each made anew from nothing but this file and programs.json."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from rh_api.client import Job, LazySource, LoraFile, Source
from rh_api.wire.filetypes import Kind
from rh_api.wire.orders import TaskOptions
from tests.support.graphs import node
from tests.support.pictures import png_file

FROZEN = Path(__file__).parent
_RECORDED = json.loads((FROZEN / "programs.json").read_text("utf-8"))
PROGRAMS: dict[str, dict[str, Any]] = _RECORDED["workflows"]
APP: dict[str, Any] = _RECORDED["app"]
APP_ID = "1900000000000000801"
PLAIN, MEDIA, LORA = (f"190000000000000070{number}" for number in (1, 2, 3))


def picture(red: int = 10) -> Source:
    """A picture of 2 x 1, with bytes that no library has a say in."""
    row = b"\x00" + bytes((red, 20, 30)) * 2
    # Stored, not deflated: what a compressor makes of it is its own business.
    packed = b"\x78\x01\x01" + struct.pack("<HH", len(row), 0xFFFF - len(row)) + row
    packed += struct.pack(">I", zlib.adler32(row))
    head = struct.pack(">IIBBBBB", 2, 1, 8, 2, 0, 0, 0)
    return Source(Kind.IMAGE, png_file(head, packed), ".png", "image/png")


def sound() -> Source:
    """Four samples of silence."""
    samples = bytes(8)
    form = struct.pack("<HHIIHH", 1, 1, 8000, 16000, 2, 16)
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form
    body += b"data" + struct.pack("<I", len(samples)) + samples
    return Source(Kind.AUDIO, b"RIFF" + struct.pack("<I", len(body)) + body, ".wav", "audio/wav")


def film() -> Source:
    """No film: only the first bytes of one, which is all that an upload looks at."""
    return Source(
        Kind.VIDEO, b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom", ".mp4", "video/mp4"
    )


def archive() -> Source:
    """An archive with nothing in it."""
    return Source(Kind.FILE, b"PK\x05\x06" + bytes(18), ".zip", "application/zip")


def plain(
    text: str = "a lighthouse, 灯塔 \U0001f5fc",
    fields_too: Mapping[str, object] = MappingProxyType({}),
    **more: Any,
) -> Job:
    """A saved workflow with a field of each plain type."""
    fields = {
        "4.value": text,
        "5.value": 7,
        "6.value": 0.5,
        "7.value": True,
        "20.sampler_name": "ddim",
        "20.seed": 2**63 + 1,
        **fields_too,
    }
    return Job(PLAIN, fields, **more)


def graph() -> dict[str, Any]:
    """A graph in API format that goes out whole."""
    return {
        "1": node("LoadImage", "My LoadImage", image="here.png"),
        "7:2": node("ImageInvert", "My ImageInvert", image=["1", 0]),
        "3": node("SaveImage", "My SaveImage", images=["7:2", 0], filename_prefix="out"),
        "4": node("PrimitiveFloat", "My PrimitiveFloat", value=1e-7),
        "5": node("PreviewAny", "My PreviewAny", source=["4", 0]),
    }


def whole(red: int = 1, **more: Any) -> Job:
    return Job(graph=graph(), fields={"1.image": picture(red)}, **more)


async def _drawn() -> Source:
    return picture(3)


def _lora(folder: Path) -> Job:
    path = folder / "style.safetensors"
    path.write_bytes(b"\x02\x00\x00\x00\x00\x00\x00\x00{}")
    return Job(LORA, {"20.file_name": LoraFile(path), "20.strength_model": 0.25})


FROZEN_JOBS: dict[str, Callable[[Path], Job]] = {
    "saved workflow as it is": lambda _: Job(PLAIN),
    "fields of all plain types": lambda _: plain(),
    "a whole number at a FLOAT": lambda _: Job(PLAIN, {"6.value": 2}),
    "a text at an INT": lambda _: Job(PLAIN, {"5.value": "12"}),
    "a text at a BOOLEAN": lambda _: Job(PLAIN, {"7.value": "false"}),
    "an empty text": lambda _: Job(PLAIN, {"4.value": ""}),
    "instance": lambda _: plain(options=TaskOptions(instance="plus")),
    "without metadata": lambda _: plain(options=TaskOptions(add_metadata=False)),
    "personal queue": lambda _: plain(options=TaskOptions(personal_queue=True)),
    "a webhook, which is no part of it": lambda _: plain(
        options=TaskOptions(webhook_url="https://example.com/hook")
    ),
    "a time limit, which is no part of it": lambda _: plain(time_limit=60.0),
    "a link in place of an id": lambda _: Job(
        f"https://www.runninghub.ai/post/{PLAIN}", plain().fields
    ),
    "seeds of its own": lambda _: Job(PLAIN, reroll_seeds=True),
    "a picture": lambda _: Job(PLAIN, {"1.image": picture()}),
    "a mask": lambda _: Job(PLAIN, {"12.image": picture(2)}),
    "a remote name": lambda _: Job(PLAIN, {"1.image": "example_small.png"}),
    "a picture that is made late": lambda _: Job(
        PLAIN, {"1.image": LazySource(Kind.IMAGE, _drawn)}
    ),
    "sound, film, archive, address": lambda _: Job(
        MEDIA,
        {"1.audio": sound(), "3.file": film(), "5.upload": archive(), "7.url": picture()},
    ),
    "a LoRA": _lora,
    "first of a batch": lambda _: Job(PLAIN, {"1.image": picture(101), "4.value": "each"}),
    "second of a batch": lambda _: Job(PLAIN, {"1.image": picture(102), "4.value": "each"}),
    "an app as it is": lambda _: Job(app=APP_ID),
    "an app's fields": lambda _: Job(
        app=APP_ID,
        fields={"4.value": "other", "20.sampler_name": "ddim", "1.image": picture()},
    ),
    "an app with seeds of its own": lambda _: Job(app=APP_ID, reroll_seeds=True),
    "an app on a machine": lambda _: Job(app=APP_ID, options=TaskOptions(instance="ultra")),
    "a graph": lambda _: whole(),
    "a graph under a workflow": lambda _: whole(workflow=PLAIN),
    "a graph with a value set": lambda _: Job(
        graph=graph(), fields={"1.image": "example.png", "4.value": 1}
    ),
}


def retained(_: Path) -> Job:
    """What only an enterprise account may ask for."""
    return plain(options=TaskOptions(retain_seconds=60))
