"""An emulator behind a slow line, in a process of its own: `line.py BITS_A_SECOND ROUND_TRIP RUN`.

Prints its address. Bytes of all connections share the line, each way for itself, and arrive half
a round trip after they left; BITS_A_SECOND 0 is the emulator without a line. RUN is the seconds
that a task takes. Each result is a file of RESULT bytes.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rh_api.emulator import Emulator, Fault

RESULT = 1_000_000
PIECE = 16 * 1024
AHEAD = 0.05  # seconds of traffic that wait before the line, as in a small router


class Way:
    """One direction of the line."""

    def __init__(self, rate: float, delay: float) -> None:
        self.rate = rate or float("inf")
        self._delay = delay
        self._free = 0.0

    async def carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, opened: float = 0.0
    ) -> None:
        """All that comes from `reader`; none of it leaves before the connection is `opened`."""
        loop = asyncio.get_running_loop()
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        arriving = asyncio.create_task(self._arrive(under_way, writer))
        try:
            while data := await reader.read(PIECE):
                self._free = max(self._free, loop.time()) + len(data) / self.rate
                under_way.put_nowait((max(self._free, opened) + self._delay, data))
                await asyncio.sleep(self._free - loop.time() - AHEAD)
        except ConnectionError:
            pass
        under_way.put_nowait((0.0, b""))
        await arriving

    async def _arrive(
        self, under_way: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter
    ) -> None:
        loop = asyncio.get_running_loop()
        try:
            while True:
                due, data = await under_way.get()
                if not data:
                    break
                await asyncio.sleep(due - loop.time())
                writer.write(data)
                await writer.drain()
            writer.close()
        except ConnectionError:
            pass


class Line:
    """A line to one place, both ways; `connecting`: seconds that opening a connection takes."""

    def __init__(self, bits: float, round_trip: float, connecting: float = 0.0) -> None:
        self._there, self._back = (Way(bits / 8, round_trip / 2) for _ in range(2))
        self._connecting = connecting
        self.connections = 0

    def set_bits(self, bits: float) -> None:
        """Bits a second from now on, 0 without a bound."""
        self._there.rate = self._back.rate = bits / 8 or float("inf")

    async def listen(self, port: int) -> int:
        """The port of loopback whose connections go over the line to `port`."""

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.connections += 1
            opened = asyncio.get_running_loop().time() + self._connecting
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
            there = self._there.carry(reader, far_writer, opened)
            await asyncio.gather(
                there, self._back.carry(far_reader, writer), return_exceptions=True
            )

        self._server = await asyncio.start_server(connected, "127.0.0.1")
        return int(self._server.sockets[0].getsockname()[1])


async def main(bits: float, round_trip: float, run: float) -> None:
    emulator = Emulator(strict=True, run_seconds=run)
    body = b"\x89PNG\r\n\x1a\n" + bytes(RESULT - 8)
    emulator.faults.append(Fault("/results/", "body", count=None, value=body))
    async with emulator.serve() as origin:
        if not bits:
            print(origin, flush=True)
            await asyncio.Event().wait()
        port = await Line(bits, round_trip).listen(int(origin.rpartition(":")[2]))
        own = f"http://127.0.0.1:{port}"
        emulator.result_base = own
        print(own, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    if hasattr(os, "nice"):
        os.nice(10)  # the far side of a real line takes nothing of this machine
    asyncio.run(main(*map(float, sys.argv[1:4])))
