"""`demo`: image to image against the built-in emulator, without key or network."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import tempfile
import webbrowser
from argparse import Namespace
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path

from ..client import Job, Source
from ..emulator import Emulator
from ..emulator.catalog import IMAGE_TO_IMAGE
from ..errors import BadInput
from ..settings import Settings
from ..texts import english
from ..wire.filetypes import PNG
from .files import out_folder
from .run import connected, order
from .terminal import Terminal

SECONDS = 1.0  # running time of the task: long enough to show progress
SIZE = (768, 512)
PREFIX = "runninghub_demo"  # of the results' names
PROMPT = "mountains at sunrise, watercolour"


async def demo(arguments: Namespace, terminal: Terminal, environ: Mapping[str, str]) -> None:
    """Upload, order, follow and download a picture into the folder.

    Uses an account and journal of its own, whatever the environment says.
    """
    del environ
    need_pillow()
    folder = out_folder(arguments.out)
    picture = draw_picture()
    terminal.note(english("cli.demo_begins", {}))
    async with emulated(picture) as (settings, job), connected(settings, terminal) as service:
        saved = await order(service, job, terminal, folder, prefix=PREFIX)
    terminal.note(english("cli.demo_ends", {}))
    if arguments.open:
        _open(saved[0].path, terminal)


@contextlib.asynccontextmanager
async def emulated(picture: bytes) -> AsyncGenerator[tuple[Settings, Job]]:
    """Serve an emulator; yields the settings of its account, with a journal of its own, and the
    demonstration's job."""
    emulator = Emulator(run_seconds=SECONDS, is_free=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as state:
        async with emulator.serve() as address:
            settings = Settings.from_mapping(
                {
                    "RUNNINGHUB_BASE_URL": address,
                    "RUNNINGHUB_API_KEY": emulator.default_key,
                    "RUNNINGHUB_STATE": state,
                }
            )
            source = Source(PNG.kind, picture, PNG.suffix, PNG.mime)
            fields = {"10.image": source, "3.text": PROMPT, "12.denoise": 0.92}
            yield settings, Job(IMAGE_TO_IMAGE, fields)


def draw_picture() -> bytes:
    """Draw a small landscape as PNG, the input picture."""
    from ..emulator.procedural import paint

    drawn = paint(SIZE, prompt="a pencil sketch", seed=3, detail=b"demo", contrast=0.0)
    file = io.BytesIO()
    drawn.convert("L").convert("RGB").save(file, "PNG")
    return file.getvalue()


def need_pillow() -> None:
    """Raise BadInput without Pillow, which only the emulator needs."""
    if importlib.util.find_spec("PIL") is None:
        raise BadInput("cli.no_pillow")


def _open(picture: Path, terminal: Terminal) -> None:
    if not webbrowser.open(picture.resolve().as_uri()):
        terminal.note(english("cli.no_viewer", {"path": str(picture)}))
