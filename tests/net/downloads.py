"""What tests of downloads have in common: a result, and servers that say what they are told."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from pathlib import Path

from rh_api.emulator import Emulator
from rh_api.net.files import RequestsBulk

from .conftest import Scripted

Carry = Callable[..., RequestsBulk]


# The same in each process: what is in a test's name is.
PICTURE = b"\x89PNG\r\n\x1a\n" + random.Random(5).randbytes(300_000)


# The beginning of an answer that then breaks off; between its lines is room for one more.
HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n%s\r\n\x89PNG\r\n\x1a\n12"


def put(emulator: Emulator, data: bytes, name: str = "a.png") -> str:
    return emulator.base_url + emulator.store.put_result(name, data, user="u", ttl=3600).path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def says(server: Scripted, *answers: bytes):
    """Each connection gets the next answer, then it is closed."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.read_request(reader)
        writer.write(answers[min(server.connections, len(answers)) - 1])

    server.talk = talk
