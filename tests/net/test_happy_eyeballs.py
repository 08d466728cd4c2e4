"""Hosts of several addresses, of which some lead nowhere."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rh_api.emulator import Emulator
from rh_api.net.files import RequestsBulk
from rh_api.net.happy_eyeballs import NEXT_SECONDS, Place, connect_first
from rh_api.run.ports import Meter

from .downloads import PICTURE, put

NOWHERE = "127.0.0.7"
pytestmark = [
    pytest.mark.allow_hosts(["127.0.0.1", NOWHERE]),
    pytest.mark.skipif(
        sys.platform != "linux",
        reason="elsewhere a full queue refuses, and loopback is one address",
    ),
]


@contextlib.contextmanager
def mute(port: int = 0) -> Iterator[int]:
    """A port of `NOWHERE` that answers nobody: its queue is full."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind((NOWHERE, port))
        listener.listen(0)
        port = listener.getsockname()[1]
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex((NOWHERE, port))
        yield port


def place(host: str, port: int) -> Place:
    return socket.AF_INET, socket.SOCK_STREAM, 0, "", (host, port)


def closed_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


async def test_an_address_that_leads_nowhere_holds_up_no_download(
    emulator: Emulator,
    carry: Callable[..., RequestsBulk],
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
) -> None:
    url = put(emulator, PICTURE).removeprefix(emulator.base_url)
    port = int(emulator.base_url.rpartition(":")[2])
    ask = socket.getaddrinfo

    def addresses(host: str, *more: Any, **named: Any) -> list[Any]:
        if host != "service.test":
            return ask(host, *more, **named)
        return [entry for place in (NOWHERE, "127.0.0.1") for entry in ask(place, *more, **named)]

    monkeypatch.setattr(socket, "getaddrinfo", addresses)
    with mute(port):
        bulk = carry(f"http://service.test:{port}")
        fetching = bulk.download(f"http://service.test:{port}{url}", folder / "r", Meter())
        assert (await asyncio.wait_for(fetching, 5.0)).size == len(PICTURE)


def test_addresses_that_refuse_give_way_at_once() -> None:
    refusing = [place("127.0.0.1", closed_port())] * 40
    with socket.create_server(("127.0.0.1", 0)) as server:
        there = server.getsockname()
        # Too little for a pause behind each of them.
        with connect_first([*refusing, place(*there)], NEXT_SECONDS * len(refusing) / 2) as sock:
            assert sock.getpeername() == there


def test_why_all_refused_is_told() -> None:
    with pytest.raises(ConnectionRefusedError):
        connect_first([place("127.0.0.1", closed_port())] * 2, 5.0)


def test_where_nobody_answers_the_wait_ends_once_for_all() -> None:
    with mute() as port:
        before = time.monotonic()
        with pytest.raises(asyncio.TimeoutError):
            connect_first([place(NOWHERE, port)] * 3, 0.6)
    assert time.monotonic() - before < 1.5
