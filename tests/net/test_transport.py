"""Control calls: where the key goes, how often a request leaves, and what each break means."""

from __future__ import annotations

import asyncio
import errno
import gzip
import json
import socket
import ssl
import sys
import threading
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import certifi
import pytest

from rh_api.emulator import Emulator, Fault
from rh_api.errors import (
    BadInput,
    BadReply,
    Fate,
    KeyRefused,
    Redirected,
    RunningHubError,
    Unreachable,
)
from rh_api.net.api import AiohttpTransport, SystemClock
from rh_api.net.files import RequestsBulk
from rh_api.net.tls_proxy import proxy_for
from rh_api.run.ports import Meter
from rh_api.wire.accounts import account_status, queue_status
from rh_api.wire.call import ANSWER_LIMIT, LARGE_ANSWER_LIMIT, Auth, Call, Request, Response
from rh_api.wire.envelope import read_json, read_object
from rh_api.wire.workflows import workflow_json

from .conftest import KEY, Scripted, Serve

Reach = Callable[..., AiohttpTransport]
Carry = Callable[..., RequestsBulk]

OK = b'HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n{"code":0,"data":{} }'
CREATE = "/task/openapi/create"
QUEUE = "/openapi/v2/queue/status"


def raw(
    auth: Auth = Auth.BODY, path: str = CREATE, seconds: float = 5.0, **body: object
) -> Call[Response]:
    """A call whose reader hands the answer on."""
    return Call(
        Request("POST", path, auth, body), lambda response: response, False, seconds=seconds
    )


async def answer_each(server: Scripted, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
    while True:
        await server.read_request(reader)
        writer.write(OK)


async def fate_of(transport: AiohttpTransport, call: Call[Response] | None = None) -> Unreachable:
    with pytest.raises(Unreachable) as caught:
        await transport.send(call or raw())
    return caught.value


# Where the key goes


@pytest.mark.parametrize(
    ("auth", "body"),
    [
        (Auth.BODY, {"a": 1, "apiKey": KEY}),
        (Auth.LOWER_BODY, {"a": 1, "apikey": KEY}),
        (Auth.BEARER, {"a": 1}),
    ],
)
async def test_the_key_stands_where_the_endpoint_reads_it(
    emulator: Emulator, reach: Reach, auth: Auth, body: dict[str, object]
) -> None:
    await reach(emulator.base_url).send(raw(auth, a=1))
    entry = emulator.journal[-1]
    assert entry.json == body
    assert entry.headers["Authorization"] == f"Bearer {KEY}"
    assert set(entry.headers) == {
        "Host", "Authorization", "Content-Type", "Content-Length", "Accept", "Accept-Encoding",
        "User-Agent",
    }  # fmt: skip
    assert entry.headers["User-Agent"] == "runninghub-remote"


async def test_a_call_without_a_body_sends_none(emulator: Emulator, reach: Reach) -> None:
    status = await reach(emulator.base_url).send(queue_status())
    assert status.limit == emulator.account.limit
    assert emulator.journal[-1].length is None


async def test_numbers_beyond_a_double_arrive_exactly(emulator: Emulator, reach: Reach) -> None:
    await reach(emulator.base_url).send(raw(seed=2**64 - 1, text="猫"))
    assert emulator.journal[-1].json["seed"] == 2**64 - 1
    assert emulator.journal[-1].json["text"] == "猫"


async def test_a_redirect_is_not_followed_and_the_key_stays(
    emulator: Emulator, reach: Reach, serve: Serve
) -> None:
    other = await serve()
    other.talk = lambda reader, writer: answer_each(other, reader, writer)
    emulator.faults.append(Fault(QUEUE, "redirect", value=other.origin + "/take", status=307))
    with pytest.raises(Redirected):
        await reach(emulator.base_url).send(queue_status())
    assert other.connections == 0


async def test_a_netrc_for_the_host_changes_nothing(
    emulator: Emulator, reach: Reach, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    await reach(emulator.base_url).send(queue_status())
    assert emulator.journal[-1].headers["Authorization"] == f"Bearer {KEY}"


async def test_cookies_of_the_service_are_not_sent_back(reach: Reach, serve: Serve) -> None:
    server = await serve()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await server.read_request(reader)
            writer.write(OK.replace(b"\r\n\r\n", b"\r\nSet-Cookie: who=me; Path=/\r\n\r\n"))

    server.talk = talk
    transport = reach(server.origin)
    for _ in range(2):
        await transport.send(raw())
    assert "cookie" not in server.heads[1].lower()


async def test_the_platforms_proxy_is_used_and_its_exceptions_are_kept(
    reach: Reach, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = await serve()
    proxy.talk = lambda reader, writer: answer_each(proxy, reader, writer)
    monkeypatch.setenv("http_proxy", proxy.origin.removeprefix("http://"))
    await reach("http://service.test").send(raw())
    assert proxy.heads[0].startswith(f"POST http://service.test{CREATE} ")
    monkeypatch.setenv("no_proxy", "service.test")
    assert (await fate_of(reach("http://service.test"))).fate is Fate.NOT_STARTED
    assert len(proxy.heads) == 1


async def test_a_proxy_that_cannot_be_used_is_named(
    reach: Reach, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "socks5://127.0.0.1:1080")
    error = await fate_of(reach("http://service.test"))
    assert (error.key, error.params["kind"]) == ("error.proxy_kind", "socks5")
    assert error.fate is Fate.NOT_STARTED


async def test_the_proxy_for_all_is_used_where_none_is_for_this_kind(
    reach: Reach, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = await serve()
    proxy.talk = lambda reader, writer: answer_each(proxy, reader, writer)
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1080")
    assert (await fate_of(reach("http://service.test"))).key == "error.proxy_kind"
    monkeypatch.setenv("all_proxy", proxy.origin)
    await reach("http://service.test").send(raw())
    assert proxy.heads[0].startswith(f"POST http://service.test{CREATE} ")


@pytest.mark.parametrize(
    "address",
    [
        "http://us:secret/pw@127.0.0.1:8080",
        "http://us:secret#pw@127.0.0.1:8080",
        "http://us:12?secret@127.0.0.1:8080",
        "http://us:猫secret@127.0.0.1:8080",
        "http://us:%E7%8C%ABsecret@127.0.0.1:8080",
        "http://us:secret@127.0.0.1:70000",
        "http://us:secret@[::1:8080",
        "http://",
    ],
)
async def test_a_proxy_s_address_that_cannot_be_read_is_told_without_it(
    reach: Reach, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("http_proxy", address)
    error = await fate_of(reach("http://service.test"))
    assert (error.key, error.fate) == ("error.proxy_address", Fate.NOT_STARTED)
    assert error.params == {"host": "service.test"}


@pytest.mark.skipif(sys.platform != "win32", reason="elsewhere no rule of a proxy asks the DNS")
def test_whether_a_proxy_is_gone_around_asks_no_dns(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> NoReturn:
        raise AssertionError("the loop would wait for this")

    for name in ("gethostbyname", "getfqdn", "gethostbyaddr"):
        monkeypatch.setattr(socket, name, refuse)
    proxy_for("https", "service.test")


async def test_loopback_needs_no_exception_from_the_proxy(
    emulator: Emulator, reach: Reach, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    await reach(emulator.base_url).send(queue_status())


# What a break means


@pytest.mark.parametrize("origin", ["http://127.0.0.1:1", "http://no-such-host.invalid"])
async def test_nothing_was_started_where_no_connection_was_made(reach: Reach, origin: str) -> None:
    error = await fate_of(reach(origin))
    assert error.fate is Fate.NOT_STARTED
    assert error.params["host"] in origin


async def test_a_line_that_never_finishes_connecting_started_nothing(
    reach: Reach, serve: Serve
) -> None:
    async def mute(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    server = await serve(mute)
    transport = reach(server.origin.replace("http:", "https:"))
    assert (await fate_of(transport, raw(seconds=0.3))).fate is Fate.NOT_STARTED
    assert server.connections == 1


async def test_an_untrusted_certificate_is_told_as_that(
    reach: Reach, serve: Serve, server_side: ssl.SSLContext
) -> None:
    server = await serve(context=server_side)
    server.talk = lambda reader, writer: answer_each(server, reader, writer)
    error = await fate_of(reach(server.origin))
    assert (error.key, error.fate) == ("error.tls", Fate.NOT_STARTED)
    assert str(error.params["reason"]).endswith("certificate")  # to its end, where the cause stands
    assert server.heads == []


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
async def test_the_platforms_variables_add_trust(
    reach: Reach,
    serve: Serve,
    server_side: ssl.SSLContext,
    trusted: Path,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    monkeypatch.setenv(variable, str(trusted))
    server = await serve(context=server_side)
    server.talk = lambda reader, writer: answer_each(server, reader, writer)
    assert (await reach(server.origin).send(raw())).status == 200


@pytest.mark.parametrize("is_trusted", [True, False])
async def test_where_another_pack_asks_the_platform_for_its_authorities_we_do_too(
    reach: Reach,
    serve: Serve,
    server_side: ssl.SSLContext,
    trusted: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_trusted: bool,
) -> None:
    truststore = pytest.importorskip("truststore")
    if not is_trusted:
        monkeypatch.delenv("SSL_CERT_FILE")
    server = await serve(context=server_side)
    server.talk = lambda reader, writer: answer_each(server, reader, writer)
    truststore.inject_into_ssl()
    try:
        transport = reach(server.origin)
        if is_trusted:
            assert (await transport.send(raw())).status == 200
        else:
            assert (await fate_of(transport)).key == "error.tls"
    finally:
        truststore.extract_from_ssl()


async def test_a_folder_of_authorities_is_read(
    reach: Reach,
    serve: Serve,
    server_side: ssl.SSLContext,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path))  # there is none in it
    server = await serve(context=server_side)
    assert (await fate_of(reach(server.origin))).key == "error.tls"


async def test_a_bundle_that_cannot_be_read_is_named(
    emulator: Emulator, reach: Reach, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no/such/bundle.pem")
    with pytest.raises(BadInput) as caught:
        await reach(emulator.base_url).send(queue_status())
    assert caught.value.params["file"] == "/no/such/bundle.pem"


@pytest.mark.parametrize("kind", ["reset", "lost_reply"])
async def test_after_the_request_left_its_fate_is_unknown(
    emulator: Emulator, reach: Reach, kind: str
) -> None:
    emulator.faults.append(Fault(CREATE, kind))  # type: ignore[arg-type]
    assert (await fate_of(reach(emulator.base_url))).fate is Fate.UNKNOWN
    assert emulator.counters.requests[CREATE] == 1


async def test_time_bounds_the_whole_call(emulator: Emulator, reach: Reach) -> None:
    emulator.faults.append(Fault(CREATE, "hang"))
    assert (await fate_of(reach(emulator.base_url), raw(seconds=0.2))).fate is Fate.UNKNOWN


async def test_the_beginning_of_an_answer_is_handed_on(reach: Reach, serve: Serve) -> None:
    server = await serve()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.read_request(reader)
        writer.write(OK[:-5])

    server.talk = talk
    response = await reach(server.origin).send(raw())
    assert (response.complete, response.body) == (False, b'{"code":0,"data"')


async def test_what_dripped_in_before_the_time_was_over_is_handed_on(
    reach: Reach, serve: Serve
) -> None:
    server = await serve()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.read_request(reader)
        writer.write(OK[:-5])
        await reader.read()

    server.talk = talk
    response = await reach(server.origin).send(raw(seconds=0.3))
    assert (response.complete, response.body) == (False, b'{"code":0,"data"')


async def test_an_answer_that_is_no_http_says_nothing(reach: Reach, serve: Serve) -> None:
    server = await serve()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.read_request(reader)
        writer.write(b"SSH-2.0-OpenSSH\r\n\r\n")

    server.talk = talk
    assert (await fate_of(reach(server.origin))).fate is Fate.UNKNOWN


async def test_a_compressed_answer_is_unpacked(reach: Reach, serve: Serve) -> None:
    server = await serve()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.read_request(reader)
        body = gzip.compress(b'{"code":0}')
        head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)

    server.talk = talk
    assert (await reach(server.origin).send(raw())).body == b'{"code":0}'


@pytest.mark.parametrize("packed", [True, False])
async def test_an_answer_that_would_fill_memory_is_cut(
    reach: Reach, serve: Serve, packed: bool
) -> None:
    server = await serve()
    limit = ANSWER_LIMIT

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n")
        if packed:
            bomb = gzip.compress(b" " * (limit + 1000), 1)
            head = f"Content-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n"
            writer.write(head.encode() + bomb)
            return
        writer.write(f"Content-Length: {2 * limit}\r\n\r\n".encode())
        while True:
            writer.write(b" " * 2**20)
            await writer.drain()

    server.talk = talk
    response = await reach(server.origin).send(raw(seconds=20))
    assert not response.complete
    assert limit <= len(response.body) < limit + 2**20


def answer_all(server: Scripted, body: bytes) -> None:
    """Every request gets this body."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.read_request(reader)
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)

    server.talk = talk


async def test_a_workflow_may_be_larger_than_other_answers(reach: Reach, serve: Serve) -> None:
    graph = {"1": {"class_type": "Note", "inputs": {"text": "x" * 5 * 2**20}}}
    body = json.dumps({"code": 0, "data": {"prompt": json.dumps(graph)}}).encode()
    assert 2**20 == ANSWER_LIMIT < len(body) < LARGE_ANSWER_LIMIT
    server = await serve()
    answer_all(server, body)
    assert await reach(server.origin).send(workflow_json("1")) == graph
    with pytest.raises(BadReply):
        await reach(server.origin).send(account_status())


async def test_a_long_answer_does_not_hold_up_the_loop(reach: Reach, serve: Serve) -> None:
    body = b'{"code":0,"data":{"prompt":{'
    body += b",".join(b'"%d":{"a":[1,2]}' % number for number in range(150_000)) + b"}}}"
    server = await serve()
    answer_all(server, body)
    threads: list[str] = []

    def read(answer: Response) -> object:
        threads.append(threading.current_thread().name)
        return read_object(answer)

    call = Call(Request("GET", "/x", Auth.BEARER), read, repeatable=True, limit=LARGE_ANSWER_LIMIT)
    await reach(server.origin).send(call)
    assert threads != [threading.main_thread().name]


@pytest.mark.parametrize(
    "body", [b"[" + b"{}," * 3_000_000 + b"{}]", b"[" + b"1," * 6_000_000 + b"1]"], ids=len
)
def test_an_answer_of_countless_values_is_not_read(body: bytes) -> None:
    tracemalloc.start()
    try:
        assert read_json(body) is None
        assert read_json(body.decode()) is None
        assert tracemalloc.get_traced_memory()[1] < 2 * len(body)
    finally:
        tracemalloc.stop()


async def test_a_pretended_encoding_is_left_for_the_reader(reach: Reach, serve: Serve) -> None:
    server = await serve()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.read_request(reader)
        writer.write(OK.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n"))

    server.talk = talk
    response = await reach(server.origin).send(raw())
    assert (response.complete, response.body) == (False, b'{"code":0,"data":{} }')


async def test_readers_errors_come_through(emulator: Emulator, reach: Reach) -> None:
    emulator.accounts.clear()
    with pytest.raises(KeyRefused):
        await reach(emulator.base_url).send(account_status())
    assert emulator.counters.total == 1


async def test_cancelling_a_call_ends_it_at_once(emulator: Emulator, reach: Reach) -> None:
    emulator.faults.append(Fault(CREATE, "hang"))
    sending = asyncio.ensure_future(reach(emulator.base_url).send(raw(seconds=20)))
    await asyncio.wait((sending,), timeout=0.3)
    sending.cancel()
    done, _ = await asyncio.wait((sending,), timeout=0.5)
    assert done


# Connections


async def test_a_second_run_makes_no_new_connection(emulator: Emulator, reach: Reach) -> None:
    transport = reach(emulator.base_url)
    for _ in range(5):
        await transport.send(queue_status())
        await transport.send(account_status())
    assert emulator.counters.connections == 1


async def test_a_request_that_died_with_its_connection_is_not_sent_again(
    reach: Reach, serve: Serve
) -> None:
    server = await serve()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.read_request(reader)
        writer.write(OK)
        await server.read_request(reader)

    server.talk = talk
    transport = reach(server.origin)
    await transport.send(raw())
    assert (await fate_of(transport)).fate is Fate.UNKNOWN
    assert (server.connections, len(server.heads)) == (1, 2)


async def test_creates_after_idle_pauses_are_all_certain(emulator: Emulator, reach: Reach) -> None:
    """The service closes what idles, in both ways, before, after and just when an order leaves."""
    emulator.idle_timeout = 0.4
    transport = reach(emulator.base_url)
    for number in range(12):
        emulator.idle_close = "rst" if number % 2 else "fin"
        await transport.send(raw(), fresh=True)
        await asyncio.sleep(0.38 + 0.004 * number)  # what is tested is the pause
    assert emulator.counters.requests[CREATE] == 12


async def test_a_closed_transport_opens_anew(emulator: Emulator, reach: Reach) -> None:
    transport = reach(emulator.base_url)
    await transport.close()
    await transport.send(queue_status())
    await transport.close()
    await transport.send(queue_status())
    assert emulator.counters.connections == 2


async def test_a_failed_opening_is_no_reason_for_the_next_to_fail(
    emulator: Emulator, reach: Reach, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = tmp_path / "ca.pem"
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    transport = reach(emulator.base_url)
    with pytest.raises(BadInput, match=r"ca\.pem"):
        await transport.send(queue_status())
    bundle.write_bytes(Path(certifi.where()).read_bytes())
    await transport.send(queue_status())


async def test_no_more_files_is_told_and_started_nothing(
    emulator: Emulator, reach: Reach, carry: Carry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full() -> ssl.SSLContext:
        raise OSError(errno.EMFILE, "Too many open files")

    transport, bulk = reach(emulator.base_url), carry(emulator.base_url)
    with monkeypatch.context() as patch:
        patch.setattr(ssl, "create_default_context", full)
        for work in (
            transport.send(queue_status()),
            bulk.download(emulator.base_url + "/results/u/output/a.png", tmp_path / "r", Meter()),
        ):
            with pytest.raises(Unreachable, match="Too many open files") as caught:
                await work
            assert caught.value.fate is Fate.NOT_STARTED
    await transport.send(queue_status())


async def test_no_error_keeps_the_address_it_came_from(reach: Reach) -> None:
    error: RunningHubError = await fate_of(reach("http://127.0.0.1:1"))
    assert error.__cause__ is None
    # Python 3.10 keeps what the loop threw into the task: that names an address at most.
    assert error.__suppress_context__
    assert KEY not in f"{error} {error.params} {error.__context__!r}"


async def test_the_clock_is_monotonic_and_waits() -> None:
    clock = SystemClock()
    before = clock.now()
    await clock.sleep(0.01)
    assert clock.now() - before >= 0.009
