"""A client of the emulator, as nodes and command line have one."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest
from PIL import Image

from rh_api.client import Client, Job, Source
from rh_api.emulator import Emulator, catalog
from rh_api.settings import Settings
from rh_api.wire.filetypes import Kind

MakeClient = Callable[..., Client]


class QuickClock:
    """A clock that runs `pace` times as fast, so that pauses of seconds need not be sat out."""

    def __init__(self, pace: float) -> None:
        self._pace = pace

    def now(self) -> float:
        return time.monotonic() * self._pace

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._pace)


@pytest.fixture
def emulator() -> Emulator:
    return Emulator(run_seconds=0.05)


@pytest.fixture
async def base_url(emulator: Emulator) -> AsyncIterator[str]:
    async with emulator.serve() as url:
        yield url


@pytest.fixture
async def make_client(
    emulator: Emulator, base_url: str, tmp_path: Path
) -> AsyncIterator[MakeClient]:
    """A client by the environment's variables; clients on one `state` share an order book."""
    opened: list[Client] = []

    def make(state: str = "state", *, pace: float = 8.0, **variables: str) -> Client:
        values = {
            "RUNNINGHUB_API_KEY": emulator.default_key,
            "RUNNINGHUB_BASE_URL": base_url,
            "RUNNINGHUB_STATE": str(tmp_path / state),
        }
        client = Client(Settings.from_mapping(values | variables), clock=QuickClock(pace))
        opened.append(client)
        return client

    yield make
    for client in opened:
        await client.close()


@pytest.fixture
def client(make_client: MakeClient) -> Client:
    return make_client()


def picture(red: int = 10, size: tuple[int, int] = (16, 8)) -> Source:
    """A one-coloured picture; another `red` is another content."""
    file = io.BytesIO()
    Image.new("RGB", size, (red, 20, 30)).save(file, "PNG")
    return Source(Kind.IMAGE, file.getvalue(), ".png", "image/png")


def invert(red: int = 10, **fields: object) -> Job:
    """The emulator's picture-in, picture-out workflow."""
    return Job(catalog.INVERT, {"10.image": picture(red), **named(fields)})


def paint(text: str = "a cat", **options: object) -> Job:
    """The emulator's text-to-image workflow."""
    fields = {"6.text": text, "3.seed": 7, "5.width": 64, "5.height": 64}
    return Job(catalog.TEXT_TO_IMAGE, fields, **options)  # type: ignore[arg-type]


def with_lora(name: str) -> Job:
    """The emulator's workflow with a LoRA, which is uploaded already."""
    return Job(catalog.LORA_TEXT_TO_IMAGE, {"20.file_name": name})


def named(fields: Mapping[str, object]) -> dict[str, object]:
    return {name.replace("__", "."): value for name, value in fields.items()}
