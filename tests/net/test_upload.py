"""Big bodies to the service: whole, in blocks, stopped at once, each break with its fate."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import logging
import os
import socket
import ssl
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from rh_api.emulator import Emulator, Fault
from rh_api.errors import BadInput, Fate, HostRefused, Redirected, Unreachable, UploadFailed
from rh_api.net.api import AiohttpTransport
from rh_api.net.files import RequestsBulk
from rh_api.net.stalls import StallPolicy
from rh_api.net.transfer_thread import TransferThread
from rh_api.run.ports import Meter
from rh_api.settings import Settings
from rh_api.wire.accounts import queue_status
from rh_api.wire.call import ANSWER_LIMIT
from rh_api.wire.uploads import OLD_UPLOAD_PATH, UPLOAD_PATH, lora_slot, read_upload

from .conftest import KEY, Scripted, Serve

Carry = Callable[..., RequestsBulk]
Reach = Callable[..., AiohttpTransport]

MIB = 2**20
DONE = b'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{"code":0}'


def content(size: int) -> bytes:
    return os.urandom(1024) * (size // 1024)


async def upload(
    transport: AiohttpTransport, body: bytes | Path, meter: Meter | None = None, **named: str
):
    path = named.get("path", UPLOAD_PATH)
    fields = {"fileType": "input"} if path == OLD_UPLOAD_PATH else {}
    name = named.get("name", "a.png")
    return await transport.upload(path, body, name, "image/png", fields, meter or Meter())


Doors = dict[str, Callable[..., Coroutine[Any, Any, object]]]


@pytest.fixture
def doors(reach: Reach, carry: Carry) -> Doors:
    """Both ways of a file: `send(origin, file, meter, **policies)`."""
    return {
        "service": lambda origin, file, meter, **policies: upload(
            reach(origin, **policies), file, meter
        ),
        "storage": lambda origin, file, meter, **policies: carry(origin, **policies).put(
            origin + "/x", file, meter
        ),
    }


# Forms


@pytest.mark.parametrize("path", [UPLOAD_PATH, OLD_UPLOAD_PATH])
@pytest.mark.parametrize("from_file", [True, False])
async def test_a_file_arrives_whole_with_its_length_and_the_key_where_it_is_read(
    emulator: Emulator, reach: Reach, tmp_path: Path, path: str, from_file: bool
) -> None:
    data = content(3 * MIB)
    file = tmp_path / "x"
    file.write_bytes(data)
    reply = await upload(reach(emulator.base_url), file if from_file else data, path=path)
    assert emulator.uploads[read_upload(reply).name].data == data
    entry = emulator.journal[-1]
    assert entry.length
    assert set(entry.headers) == {
        "Host", "User-Agent", "Accept", "Accept-Encoding", "Authorization", "Content-Type",
        "Content-Length"
    }  # fmt: skip
    assert ("body", path) in emulator.counters.keys_seen or path == UPLOAD_PATH
    assert not emulator.counters.keys_misplaced


async def test_a_name_travels_as_plain_ascii(emulator: Emulator, reach: Reach) -> None:
    reply = await upload(reach(emulator.base_url), b"x" * 100, name='猫"\r\n; x=".png')
    assert read_upload(reply).name.endswith(".png")


async def test_progress_is_told_on_the_loop_and_ends_with_the_whole(
    emulator: Emulator, reach: Reach
) -> None:
    moves: list[tuple[int, int | None]] = []
    loop = asyncio.get_running_loop()

    def moved(done: int, total: int | None) -> None:
        assert asyncio.get_running_loop() is loop
        moves.append((done, total))

    await upload(reach(emulator.base_url), content(MIB), Meter(moved))
    assert moves[-1][0] == moves[-1][1]
    assert moves[-1][0] > MIB
    assert moves == sorted(moves)


async def test_connections_are_kept(emulator: Emulator, reach: Reach) -> None:
    transport = reach(emulator.base_url)
    for _ in range(3):
        await upload(transport, b"x" * 100)
    assert emulator.counters.connections == 1


async def test_many_uploads_run_side_by_side(emulator: Emulator, reach: Reach) -> None:
    emulator.latency = 0.2
    transport = reach(emulator.base_url)
    bodies = [content(1024 * (number + 1)) for number in range(12)]
    replies = await asyncio.gather(*(upload(transport, body) for body in bodies))
    # One after the other they would share one connection.
    assert emulator.counters.connections > 2
    stored = [emulator.uploads[read_upload(reply).name].data for reply in replies]
    assert stored == bodies


@pytest.mark.parametrize("kind", ["reset", "lost_reply"])
async def test_a_break_is_told_and_the_next_try_sends_the_full_body_again(
    emulator: Emulator, reach: Reach, kind: str
) -> None:
    emulator.faults.append(Fault(UPLOAD_PATH, kind))  # type: ignore[arg-type]
    transport = reach(emulator.base_url)
    data = content(2 * MIB)
    with pytest.raises(Unreachable) as caught:
        await upload(transport, data)
    assert caught.value.fate is Fate.UNKNOWN
    assert emulator.uploads[read_upload(await upload(transport, data)).name].data == data


@pytest.mark.parametrize("origin", ["http://127.0.0.1:1", "http://no-such-host.invalid"])
async def test_nothing_left_where_no_connection_was_made(reach: Reach, origin: str) -> None:
    with pytest.raises(Unreachable) as caught:
        await upload(reach(origin), b"x")
    assert caught.value.fate is Fate.NOT_STARTED
    assert caught.value.__context__ is None


async def test_an_untrusted_certificate_is_told_as_that(
    reach: Reach, serve: Serve, server_side: ssl.SSLContext
) -> None:
    server = await serve(context=server_side)
    with pytest.raises(Unreachable) as caught:
        await upload(reach(server.origin), b"x")
    assert (caught.value.key, caught.value.fate) == ("error.tls", Fate.NOT_STARTED)
    assert server.heads == []


@pytest.mark.usefixtures("trusted")
async def test_uploads_work_over_verified_tls(reach: Reach, server_side: ssl.SSLContext) -> None:
    emulator = Emulator(strict=True)
    async with emulator.serve(ssl_context=server_side) as origin:
        data = content(2 * MIB)
        reply = await upload(reach(origin), data)
        assert emulator.uploads[read_upload(reply).name].data == data


async def test_a_redirect_is_not_followed(emulator: Emulator, reach: Reach, serve: Serve) -> None:
    other = await serve()
    emulator.faults.append(Fault(UPLOAD_PATH, "redirect", value=other.origin, status=307))
    reply = await upload(reach(emulator.base_url), b"x")
    with pytest.raises(Redirected):
        read_upload(reply)
    assert other.connections == 0


async def test_half_an_answer_is_marked_as_that(emulator: Emulator, reach: Reach) -> None:
    emulator.faults.append(Fault(UPLOAD_PATH, "truncated"))
    assert not (await upload(reach(emulator.base_url), b"x")).complete


async def test_an_answer_that_would_fill_memory_is_cut(reach: Reach, serve: Serve) -> None:
    server = await serve()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n")
        while True:
            writer.write(b" " * MIB)
            await writer.drain()

    server.talk = talk
    reply = await upload(reach(server.origin), b"x")
    assert not reply.complete
    assert ANSWER_LIMIT < len(reply.body) <= ANSWER_LIMIT + MIB


@pytest.mark.parametrize("path", ["/no/such/file", "."])
async def test_a_file_that_cannot_be_read_is_named(
    emulator: Emulator, reach: Reach, path: str
) -> None:
    with pytest.raises(BadInput) as caught:
        await upload(reach(emulator.base_url), Path(path))
    assert caught.value.key == "error.file_unreadable"
    assert emulator.counters.total == 0


async def test_the_proxy_of_the_platform_is_used(
    reach: Reach, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = await serve()
    proxy.talk = lambda reader, writer: answer_once(proxy, reader, writer)
    monkeypatch.setenv("http_proxy", proxy.origin)
    await upload(reach("http://service.test"), b"x")
    assert proxy.heads[0].startswith(f"POST http://service.test{UPLOAD_PATH} ")


async def test_behind_a_proxy_that_refuses_nothing_was_sent(
    reach: Reach, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = await serve()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await proxy.read_request(reader)
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")

    proxy.talk = talk
    monkeypatch.setenv("https_proxy", proxy.origin)
    with pytest.raises(Unreachable) as caught:
        await upload(reach("https://service.test"), b"x")
    assert caught.value.fate is Fate.NOT_STARTED
    assert KEY not in proxy.heads[0]


@pytest.mark.usefixtures("trusted")
async def test_tls_goes_through_a_proxy_and_is_verified_behind_it(
    reach: Reach,
    serve: Serve,
    server_side: ssl.SSLContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    emulator, proxy = Emulator(strict=True), await serve()
    async with emulator.serve(ssl_context=server_side) as there:
        port = there.rpartition(":")[2]

        async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await proxy.read_request(reader)
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", int(port))
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await asyncio.gather(pipe(reader, far_writer), pipe(far_reader, writer))

        proxy.talk = tunnel
        monkeypatch.setenv("https_proxy", proxy.origin)
        origin = f"https://service.test:{port}"
        reply = await upload(reach(origin), content(MIB))
        assert read_upload(reply).name in emulator.uploads
        transport = reach(origin)
        assert (await transport.send(queue_status())).limit
        await transport.close()
        assert [head.split()[:2] for head in proxy.heads] == [
            ["CONNECT", f"service.test:{port}"]
        ] * 2
        with pytest.raises(Unreachable) as caught:
            await upload(reach(f"https://other.test:{port}"), b"x")
    assert (caught.value.key, caught.value.fate) == ("error.tls", Fate.NOT_STARTED)
    assert KEY not in "".join(proxy.heads)


async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while block := await reader.read(65536):
            writer.write(block)
            await writer.drain()
    finally:
        writer.close()


async def answer_once(
    server: Scripted, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    await server.read_request(reader)
    writer.write(DONE)


# Presigned


def md5_of(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()


async def lora_url(transport: AiohttpTransport, file: Path) -> str:
    slot = await transport.send(lora_slot("a", md5_of(file)))
    assert slot.put_url
    return slot.put_url


@pytest.fixture
def lora(tmp_path: Path) -> Path:
    path = tmp_path / "style.safetensors"
    path.write_bytes(content(3 * MIB))
    return path


async def test_a_lora_is_put_with_its_length_and_without_the_key(
    emulator: Emulator, reach: Reach, carry: Carry, lora: Path
) -> None:
    url = await lora_url(reach(emulator.base_url), lora)
    moves: list[int] = []
    await carry(emulator.base_url).put(url, lora, Meter(lambda done, _: moves.append(done)))
    assert emulator.counters.put_bytes == 3 * MIB
    assert any(stored.is_whole and stored.size == 3 * MIB for stored in emulator.loras.values())
    entry = emulator.journal[-1]
    assert (entry.method, entry.length) == ("PUT", 3 * MIB)
    assert "Authorization" not in entry.headers
    assert entry.headers["Content-Type"] == "application/octet-stream"
    assert moves[-1] == 3 * MIB


async def test_an_address_whose_time_is_over_asks_for_a_new_one(
    emulator: Emulator, reach: Reach, carry: Carry, lora: Path
) -> None:
    emulator.sign_seconds = -5
    url = await lora_url(reach(emulator.base_url), lora)
    with pytest.raises(UploadFailed) as caught:
        await carry(emulator.base_url).put(url, lora, Meter())
    assert caught.value.key == "error.put_expired"


@pytest.mark.parametrize("status", [302, 400, 500])
async def test_a_put_that_is_not_taken_fails(
    emulator: Emulator, carry: Carry, lora: Path, serve: Serve, status: int
) -> None:
    other = await serve()
    emulator.faults.append(
        Fault("/api-lora-cn", "redirect", value=other.origin, status=status)
        if status == 302
        else Fault("/api-lora-cn", "body", value="<Error/>", status=status)
    )
    with pytest.raises(UploadFailed) as caught:
        await carry(emulator.base_url).put(emulator.base_url + "/api-lora-cn/a", lora, Meter())
    assert caught.value.key == "error.upload_failed"
    assert other.connections == 0


async def test_a_foreign_address_gets_no_byte(carry: Carry, lora: Path, serve: Serve) -> None:
    other = await serve()
    with pytest.raises(HostRefused):
        await carry("http://127.0.0.1:1").put(other.origin + "/x", lora, Meter())
    assert other.connections == 0


async def test_an_empty_file_is_refused(emulator: Emulator, carry: Carry, tmp_path: Path) -> None:
    (tmp_path / "empty.safetensors").touch()
    url = emulator.base_url + "/api-lora-cn/a"
    with pytest.raises(BadInput) as caught:
        await carry(emulator.base_url).put(url, tmp_path / "empty.safetensors", Meter())
    assert caught.value.key == "error.file_empty"
    assert emulator.counters.total == 0


def alter(file: Path, change: str) -> None:
    match change:
        case "longer":
            os.truncate(file, 25 * MIB)
        case "shorter":
            os.truncate(file, MIB)
        case "touched":
            os.utime(file, (1, 1))
        case _:
            file.unlink()


@pytest.mark.parametrize("change", ["longer", "shorter", "touched", "gone"])
@pytest.mark.parametrize("door", ["service", "storage"])
async def test_a_file_that_changes_while_it_is_read_is_told(
    doors: Doors, serve: Serve, lora: Path, change: str, door: str
) -> None:
    os.truncate(lora, 24 * MIB)
    server = await serve()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        alter(lora, change)
        await reader.readexactly(int(head.partition("content-length: ")[2].split("\r\n")[0]))
        writer.write(DONE)

    server.talk = talk
    with pytest.raises(BadInput) as caught:
        await doors[door](server.origin, lora, Meter())
    assert (caught.value.key, caught.value.params["name"]) == ("error.file_changed", lora.name)


async def test_debug_lines_of_the_library_show_no_signature(
    emulator: Emulator, reach: Reach, carry: Carry, lora: Path, caplog: pytest.LogCaptureFixture
) -> None:
    url = await lora_url(reach(emulator.base_url), lora)
    with caplog.at_level(logging.DEBUG):
        await carry(emulator.base_url).put(url, lora, Meter())
    assert "api-lora-cn" in caplog.text
    assert "q-signature" not in caplog.text


# Stop and pace


def reads_nothing(server: Scripted):
    async def talk(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        server.asked.set()
        await asyncio.Event().wait()

    return talk


def answers_nothing(server: Scripted):
    async def talk(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await server.read_request(reader)
        await asyncio.Event().wait()

    return talk


@pytest.mark.parametrize("blocked_in", [reads_nothing, answers_nothing])
@pytest.mark.parametrize("way", ["cancel", "stop"])
@pytest.mark.parametrize("size", [MIB, 64 * MIB])
@pytest.mark.parametrize("door", ["service", "storage"])
async def test_stop_ends_an_upload_within_half_a_second(
    doors: Doors, serve: Serve, tmp_path: Path, blocked_in: Callable, way: str, size: int, door: str
) -> None:
    server = await serve()
    server.talk = blocked_in(server)
    file = tmp_path / "big"
    with file.open("wb") as sparse:
        sparse.truncate(size)
    meter = Meter()
    sending = asyncio.ensure_future(doors[door](server.origin, file, meter))
    await server.asked.wait()
    loop = asyncio.get_running_loop()
    started = loop.time()
    if way == "cancel":
        sending.cancel()
    else:
        meter.stop.set()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert loop.time() - started < 0.5
    assert meter.stop.is_set()


async def test_stop_does_not_wait_for_a_line_that_cannot_be_opened(
    reach: Reach, serve: Serve
) -> None:
    server = await serve()

    async def mute(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        server.asked.set()
        await reader.read()

    server.talk = mute
    origin = server.origin.replace("http:", "https:")
    sending = asyncio.ensure_future(upload(reach(origin), b"x"))
    await server.asked.wait()
    loop = asyncio.get_running_loop()
    started = loop.time()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert loop.time() - started < 0.5


@pytest.mark.parametrize("blocked_in", [reads_nothing, answers_nothing])
@pytest.mark.parametrize("door", ["service", "storage"])
async def test_an_upload_that_stalls_is_given_up_and_may_be_tried_again(
    doors: Doors, serve: Serve, tmp_path: Path, blocked_in: Callable, door: str
) -> None:
    server = await serve()
    server.talk = blocked_in(server)
    file = tmp_path / "big"
    with file.open("wb") as sparse:
        sparse.truncate(32 * MIB if blocked_in is reads_nothing else 1000)
    meter, policy = Meter(), StallPolicy(floor=10_000, window=0.5, reply=0.5)
    with pytest.raises(Unreachable) as caught:
        await doors[door](server.origin, file, meter, upload_policy=policy)
    assert (caught.value.key, caught.value.fate) == ("error.too_slow", Fate.UNKNOWN)
    assert not meter.stop.is_set()


async def test_a_slow_upload_above_the_floor_is_waited_for(
    emulator: Emulator, reach: Reach
) -> None:
    emulator.faults.append(Fault(UPLOAD_PATH, "slow_read", value=8 * MIB))
    transport = reach(
        emulator.base_url, upload_policy=StallPolicy(floor=10_000, window=0.5, reply=5.0)
    )
    assert read_upload(await upload(transport, content(12 * MIB))).name


def reads_slowly(server: Scripted, rate: float, swallowed: int = 0):
    """A line of `rate` bytes a second for all connections together. Each takes `swallowed` bytes
    at once, as a proxy does that sends them on in its own time.

    The line moves while a busy machine lets nobody read: who is late finds more of it.
    """
    free = 0.0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal free
        loop = asyncio.get_running_loop()
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = int(head.partition("content-length: ")[2].split("\r\n")[0])
        await reader.readexactly(min(length, swallowed))
        for size in [min(32768, length - at) for at in range(0, length, 32768)]:
            if length > swallowed:
                await reader.readexactly(size)
            free = (free or loop.time()) + size / rate
            await asyncio.sleep(free - loop.time())
        writer.write(DONE)

    return talk


@pytest.mark.skipif(not hasattr(socket, "TCP_NOTSENT_LOWAT"), reason="keeps little back by itself")
async def test_what_the_system_only_keeps_is_not_told_as_sent(reach: Reach, serve: Serve) -> None:
    server = await serve()
    server.talk = reads_nothing(server)
    moves = [0]
    transport = reach(server.origin, upload_policy=StallPolicy(floor=1.0, window=0.5, reply=0.5))
    with pytest.raises(Unreachable, match="0 bytes in"):  # once all stands still
        await upload(transport, content(32 * MIB), Meter(lambda done, _: moves.append(done)))
    # The reader's own system takes up to two; what is kept back here would be three or more.
    assert 0 < moves[-1] < 2.75 * MIB


async def test_uploads_that_share_a_slow_line_are_waited_for_while_it_moves(
    reach: Reach, serve: Serve
) -> None:
    server = await serve()
    server.talk = reads_slowly(server, 4 * MIB)
    # Each gets 1 MiB a second of it, and less on a busy machine.
    policy = StallPolicy(floor=1.25 * MIB, window=1.0, reply=1.0, unseen=MIB)
    transport = reach(server.origin, upload_policy=policy)
    body = content(3 * MIB)
    await asyncio.gather(*(upload(transport, body) for _ in range(4)))
    assert server.connections == 4


async def test_what_a_proxy_has_taken_but_not_sent_is_waited_for(
    reach: Reach, serve: Serve
) -> None:
    server = await serve()
    server.talk = reads_slowly(server, MIB, swallowed=MIB + 1000)
    policy = StallPolicy(floor=0.75 * MIB, window=60.0, reply=0.5, unseen=MIB)
    transport = reach(server.origin, upload_policy=policy)
    body = content(MIB)
    await asyncio.gather(*(upload(transport, body) for _ in range(2)))


async def test_the_wait_for_a_reply_begins_behind_the_last_byte(reach: Reach, serve: Serve) -> None:
    server = await serve()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(1.0)
        await server.read_request(reader)
        await asyncio.sleep(1.0)
        writer.write(DONE)

    server.talk = talk
    policy = StallPolicy(floor=20 * MIB, window=60.0, reply=1.5)
    await upload(reach(server.origin, upload_policy=policy), content(16 * MIB))


async def test_a_transfer_that_fails_the_moment_it_is_stopped_ends_without_a_word() -> None:
    loop = asyncio.get_running_loop()
    heard: list[dict[str, object]] = []
    loop.set_exception_handler(lambda _, context: heard.append(context))

    def stop(worker: threading.Thread) -> None:
        worker.join()  # it has handed its failure over, and nobody has looked at it
        running[0].cancel()

    def work(_: TransferThread) -> None:
        loop.call_soon_threadsafe(stop, threading.current_thread())
        raise UploadFailed

    line = TransferThread("host", Meter(), StallPolicy(1.0, 60.0, 60.0))
    running = [asyncio.ensure_future(line.run_in_thread(work))]
    await asyncio.wait(running)
    assert running[0].cancelled()
    running.clear()
    gc.collect()
    assert heard == []


def test_a_thread_that_outlives_its_loop_ends_without_a_word(
    at: Callable[..., Settings], tmp_path: Path
) -> None:
    """It hangs in a handshake while the process goes on, or ends."""
    file = tmp_path / "a.safetensors"
    file.write_bytes(b"x")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        origin = f"https://127.0.0.1:{listener.getsockname()[1]}"

        async def leave() -> None:
            put = RequestsBulk(at(origin)).put(origin + "/x", file, Meter())
            sending = asyncio.ensure_future(put)
            line = await asyncio.to_thread(listener.accept)
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending
            lines.append(line[0])

        lines: list[socket.socket] = []
        asyncio.run(leave())
        lines[0].close()
    workers = [thread for thread in threading.enumerate() if thread.name == "runninghub-bytes"]
    for worker in workers:
        worker.join(5)
        assert worker.daemon
        assert not worker.is_alive()
