"""One order of one picture of 512 x 512 at the emulator, and which files of ours it runs through.

Run as a program: prints JSON, `files` and `pairs` (who calls whom, between different files).
"""

from __future__ import annotations

import asyncio
import io
import json
import sys
import tempfile
import threading
from pathlib import Path
from types import FrameType
from typing import Any

from PIL import Image

from rh_api.client import Client, Job, Source
from rh_api.emulator import Emulator, catalog
from rh_api.settings import Settings
from rh_api.wire.filetypes import Kind

ROOT = Path(__file__).parents[2]
OURS = str(ROOT / "rh_api")
EMULATOR = str(ROOT / "rh_api" / "emulator")

files: set[str] = set()
pairs: set[tuple[str, str]] = set()


def note_call(frame: FrameType, event: str, _: Any) -> None:
    """Every call of a function, and every time that a coroutine goes on."""
    if event != "call":
        return
    callee = frame.f_code.co_filename
    if not is_counted(callee):
        return
    files.add(callee)
    caller = frame.f_back.f_code.co_filename if frame.f_back else ""
    if caller != callee and is_counted(caller):
        pairs.add((caller, callee))


def is_counted(file: str) -> bool:
    return file.startswith(OURS) and not file.startswith(EMULATOR)


async def order(base_url: str, key: str, folder: Path) -> None:
    picture = io.BytesIO()
    Image.effect_noise((512, 512), 64).convert("RGB").save(picture, "PNG")
    source = Source(Kind.IMAGE, picture.getvalue(), ".png", "image/png")
    settings = Settings.from_mapping(
        {
            "RUNNINGHUB_API_KEY": key,
            "RUNNINGHUB_BASE_URL": base_url,
            "RUNNINGHUB_STATE": str(folder),
        }
    )
    async with Client(settings) as client:
        outcome = await client.run(Job(catalog.INVERT, {"10.image": source}))
        assert outcome.results[0].path is not None


def main() -> None:
    emulator = Emulator(run_seconds=0.3)
    with tempfile.TemporaryDirectory() as folder, emulator.run_in_thread() as base_url:
        threading.setprofile(note_call)
        sys.setprofile(note_call)
        try:
            asyncio.run(order(base_url, emulator.default_key, Path(folder)))
        finally:
            sys.setprofile(None)
            threading.setprofile(None)  # type: ignore[arg-type]
    short = {file: Path(file).relative_to(ROOT).as_posix() for file in files}
    print(  # noqa: T201
        json.dumps(
            {
                "files": sorted(short.values()),
                "pairs": sorted((short[caller], short[callee]) for caller, callee in pairs),
            }
        )
    )


if __name__ == "__main__":
    main()
