"""A client that breaks off in the middle of a request's body."""

from __future__ import annotations

import asyncio

from yarl import URL


async def break_off(url: str, **headers: str) -> None:
    """POST half a body, once the handler runs, and close. Returns when the server is done with
    it, which must run in this loop."""
    target, before = URL(url), asyncio.all_tasks()
    reader, writer = await asyncio.open_connection(target.host, target.port)
    told = {"Host": f"{target.host}:{target.port}", "Content-Type": "application/json"}
    told |= {"Content-Length": "1000", "Expect": "100-continue"}
    told |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"POST {target.path} HTTP/1.1", *(f"{n}: {value}" for n, value in told.items())]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    assert b" 100 " in await reader.readline()
    writer.write(b"--half\r\n")
    await writer.drain()
    serving = asyncio.all_tasks() - before
    writer.close()
    await writer.wait_closed()
    await asyncio.wait(serving)
