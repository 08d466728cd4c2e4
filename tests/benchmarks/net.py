"""The line: a 2 GiB file over TLS against plain requests, polls against `requests.post`.

The server is a process of its own; its certificate comes from a throw-away authority that both
sides are told of by the platform's variable.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from pathlib import Path

import requests
import trustme

from benchmarks.rows import Row
from rh_api.emulator import Emulator
from rh_api.net.api import AiohttpTransport
from rh_api.net.files import RequestsBulk
from rh_api.run.ports import Meter
from rh_api.settings import Secret, Settings
from rh_api.wire.accounts import queue_status
from rh_api.wire.call import Auth, Call, Request
from rh_api.wire.uploads import UPLOAD_PATH

GIB = 2**30
MIB = 2**20
SIZE = 2 * GIB
ROUNDS = 3
POLLS = 200


@contextlib.contextmanager
def sink(folder: Path) -> Generator[str]:
    """The origin of a running sink that this process trusts."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(
        folder / "server.pem"
    )
    command = [sys.executable, str(Path(__file__).with_name("sink.py")), str(folder / "server.pem")]
    before = os.environ.get("SSL_CERT_FILE")
    os.environ["SSL_CERT_FILE"] = str(folder / "ca.pem")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        try:
            yield f"https://127.0.0.1:{server.stdout.readline().strip()}"
        finally:
            server.terminate()
            del os.environ["SSL_CERT_FILE"]
            if before is not None:
                os.environ["SSL_CERT_FILE"] = before


def settings(origin: str, folder: Path) -> Settings:
    return Settings(origin, Secret(Emulator.default_key), folder / "state")


def peak_reset(process: int | str = "self") -> None:
    Path(f"/proc/{process}/clear_refs").write_text("5")


def resident(field: str, process: int | str = "self") -> int:
    """Bytes: VmRSS now, VmHWM the peak since the last reset."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise LookupError(field)


def put_plainly(session: requests.Session, url: str, file: Path) -> float:
    headers = {"Content-Type": "application/octet-stream"}
    start = time.perf_counter()
    with file.open("rb") as body:
        session.put(url, data=body, headers=headers, verify=os.environ["SSL_CERT_FILE"])
    return time.perf_counter() - start


async def big_file(origin: str, folder: Path) -> list[Row]:
    file = folder / "big.safetensors"
    with file.open("wb") as sparse:
        sparse.truncate(SIZE)
    url = f"{origin}/api-lora-cn/big.safetensors"
    bulk = RequestsBulk(settings(origin, folder))
    session = requests.Session()
    small = folder / "small.safetensors"
    small.write_bytes(bytes(MIB))
    await bulk.put(url, small, Meter())  # both have their connection
    await asyncio.to_thread(put_plainly, session, url, small)
    ours: list[float] = []
    theirs: list[float] = []
    growth: list[int] = []
    for _ in range(ROUNDS):
        theirs.append(await asyncio.to_thread(put_plainly, session, url, file))
        before = resident("VmRSS")
        peak_reset()
        start = time.perf_counter()
        await bulk.put(url, file, Meter())
        ours.append(time.perf_counter() - start)
        growth.append(resident("VmHWM") - before)
    stopping = await stop_seconds(bulk, url, file)
    await bulk.close()
    session.close()
    rate, plain = SIZE / statistics.median(ours) / 1e6, SIZE / statistics.median(theirs) / 1e6
    return [
        Row(
            "2 GiB LoRA over TLS: memory",
            f"+{max(growth) / MIB:.1f} MiB",
            "8 MiB",
            max(growth) / (8 * MIB),
            1.0,
            "highest of the rounds",
        ),
        Row(
            "2 GiB LoRA over TLS: time",
            f"{rate:.0f} MB/s",
            f"requests, data=file: {plain:.0f} MB/s",
            plain / rate,
            1.0,
            f"median of {ROUNDS}",
        ),
        Row(
            "2 GiB LoRA over TLS: Stop",
            f"{max(stopping):.2f} s",
            "0.5 s",
            max(stopping) / 0.5,
            1.0,
            "slowest of 3",
        ),
    ]


async def stop_seconds(bulk: RequestsBulk, url: str, file: Path) -> list[float]:
    seconds: list[float] = []
    for _ in range(3):
        under_way = asyncio.Event()
        meter = Meter(lambda done, _, event=under_way: event.set() if done > 16 * MIB else None)
        sending = asyncio.ensure_future(bulk.put(url, file, meter))
        await under_way.wait()
        start = time.perf_counter()
        sending.cancel()
        await asyncio.wait((sending,))
        seconds.append(time.perf_counter() - start)
    return seconds


async def polls(origin: str, folder: Path) -> Row:
    body = {"taskId": "1904136902449209346"}
    headers = {"Authorization": f"Bearer {Emulator.default_key}"}
    url, ca = origin + "/openapi/v2/query", str(folder / "ca.pem")
    transport = AiohttpTransport(settings(origin, folder))
    request = Request("POST", "/openapi/v2/query", Auth.BEARER, body)
    call = Call(request, lambda response: response.status, repeatable=True)
    await transport.send(call)
    requests.post(url, json=body, headers=headers, verify=ca, timeout=10)  # noqa: ASYNC210
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(5):
        start = time.process_time()
        for _ in range(POLLS // 5):
            await transport.send(call)
        ours.append(time.process_time() - start)
        start = time.process_time()
        for _ in range(POLLS // 5):
            requests.post(url, json=body, headers=headers, verify=ca, timeout=10)  # noqa: ASYNC210
        theirs.append(time.process_time() - start)
    await transport.close()
    mine, rival = (1000 * statistics.median(times) / (POLLS // 5) for times in (ours, theirs))
    return Row(
        "CPU a poll over TLS",
        f"{mine:.2f} ms",
        f"requests.post: {rival:.2f} ms",
        mine / rival,
        0.35,
        "median of 5 times 40",
    )


async def second_run(folder: Path) -> Row:
    """New connections of a second run, the create's own left out."""
    emulator = Emulator(strict=True)
    async with emulator.serve() as origin:
        transport = AiohttpTransport(settings(origin, folder))
        bulk = RequestsBulk(settings(origin, folder))
        result = emulator.store.put_result("a.png", b"\x89PNG\r\n\x1a\n", user="u", ttl=60).path

        async def run() -> None:
            await transport.send(queue_status())
            await transport.upload(UPLOAD_PATH, b"x", "a.png", "image/png", {}, Meter())
            create = Request("POST", "/task/openapi/create", Auth.BODY, {"workflowId": "1"})
            await transport.send(Call(create, lambda response: response, False), fresh=True)
            await transport.send(queue_status())
            await bulk.download(origin + result, folder / "r", Meter())

        await run()
        first = emulator.counters.connections
        await run()
        again = emulator.counters.connections - first - 1
        await transport.close()
        await bulk.close()
    return Row(
        "new connections of a second run",
        str(again),
        f"first run: {first}",
        float(again),
        0.0,
        "the create's own left out",
    )


async def measure() -> list[Row]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with sink(folder) as origin:
            rows = await big_file(origin, folder)
            rows.append(await polls(origin, folder))
        rows.append(await second_run(folder))
    return rows


def rows() -> list[Row]:
    return asyncio.run(measure())


if __name__ == "__main__":
    for row in rows():
        print(row, row.ok)
