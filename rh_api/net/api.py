"""The door that has the key: calls, uploads and the socket, over aiohttp.

No retries, the API key to its own origin only, a fate per error.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, ClassVar, NoReturn, TypeVar
from urllib.parse import quote
from weakref import WeakKeyDictionary

import aiohttp
from yarl import URL

from ..errors import BadInput, Fate, HostRefused, RunningHubError, Unreachable
from ..run.ports import Meter
from ..settings import Settings
from ..wire.call import ANSWER_LIMIT, Auth, Call, Request, Response
from ..wire.uploads import OLD_UPLOAD_PATH
from .bodies import Body, multipart
from .safety import SOCKETS, address_of, guard, trusted, unreachable, withhold, without_query
from .stalls import SEND_BLOCK, UNSENT, UPLOAD_POLICY, StallPolicy, Transfer, keep_little_unsent
from .tls_proxy import CONNECT_SECONDS, USER_AGENT, proxy_for, unpack

if TYPE_CHECKING:
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace

log = logging.getLogger("runninghub")

T = TypeVar("T")

IDLE_SECONDS = 60.0  # keep-alive timeout; servers commonly close after 75 s
# The age up to which a create takes an idle connection: if the server closed it just as the
# create is sent, its fate would be unknown. Long enough for a create behind its upload; with 2 s,
# a gateway that closes after 0.5 to 2 s made 20 to 50 of 1,000 creates uncertain.
ORDER_SECONDS = 0.25
EOF_TICKS = 2  # loop iterations in which asyncio processes an EOF that has already arrived
SOCKET_CONNECT_SECONDS = 8.0
SOCKET_HEARTBEAT_SECONDS = 15.0
SOCKET_CLOSE_SECONDS = 0.3  # for the closing handshake, which is optional
LONG_ANSWER = 64 * 1024  # bytes as received; decompressed they may be many more
LONG_BODY = 512 * 1024  # bytes of a request body
MAX_TEXT_FRAME = 1024 * 1024
MAX_FRAME = 8 * 1024 * 1024  # previews are below 1 MiB; a longer frame closes the WebSocket

_FAILURES = (aiohttp.ClientError, asyncio.TimeoutError, OSError)


@dataclass(slots=True)
class _SendState:
    """Trace context of a request: `sent` once it has a connection, so bytes may have left."""

    sent: bool = False


@dataclass(frozen=True, slots=True)
class _Sessions:
    """`orders`: for uploads and creates, so that a create has the connection of its upload.
    `sockets`: for progress, which would take the connection of the next poll. `others`: for all
    else."""

    orders: aiohttp.ClientSession
    others: aiohttp.ClientSession
    sockets: aiohttp.ClientSession


class AiohttpTransport:
    """Implements Transport for one origin and key. Bound to the event loop of its first call."""

    def __init__(self, settings: Settings, *, upload_policy: StallPolicy = UPLOAD_POLICY) -> None:
        guard(settings.key.reveal())
        self._settings = settings
        self._upload_policy = upload_policy
        self._opening: asyncio.Task[_Sessions] | None = None

    async def send(self, call: Call[T], *, fresh: bool = False) -> T:
        """Send `call` once. `fresh`: on a new connection, or one that was answered on within the
        last ORDER_SECONDS.

        Raises what the call's reader raises, and Unreachable.
        """
        sessions = await self._sessions()
        for _ in range(EOF_TICKS if fresh else 0):
            await asyncio.sleep(0)
        answer = await self._exchange(sessions.orders if fresh else sessions.others, call)
        read = partial(self._read, call, answer)
        try:
            # A long answer is parsed in a thread, since that would block the loop noticeably.
            return await asyncio.to_thread(read) if len(answer.body) > LONG_ANSWER else read()
        except RunningHubError as error:
            raise _without_password(error, call.request) from error.__cause__

    def _read(self, call: Call[T], answer: Response) -> T:
        return call.read(self._plain(answer, call.limit))

    def _plain(self, answer: Response, limit: int) -> Response:
        """Decompress the answer, and mask the key in it."""
        plain, whole = unpack(answer.body, answer.headers.get("content-encoding", ""), limit)
        plain = withhold(plain, self._settings.key.reveal())
        return replace(answer, body=plain, complete=answer.complete and whole)

    async def upload(
        self,
        path: str,
        body: bytes | Path,
        name: str,
        mime: str,
        fields: Mapping[str, str],
        meter: Meter,
    ) -> Response:
        """POST a multipart form with the file `name` to `path` of the own origin, with the API key.

        Streamed in constant memory. Cancelling this sets the meter's `stop`; setting `stop`
        cancels this. Raises BadInput if the file is unreadable or changes meanwhile, Unreachable.
        """
        settings, key = self._settings, self._settings.key.reveal()
        # The old endpoint reads the key from the form, and refuses the header alone.
        form = {**fields, Auth.BODY.value: key} if path == OLD_UPLOAD_PATH else fields
        kind, pieces = multipart(form, name, mime, body)
        headers = {"Content-Type": kind, "Authorization": f"Bearer {key}"}
        address = settings.origin + path
        session = (await self._sessions()).orders
        transfer = Transfer(settings.host, meter, self._upload_policy)
        with Body(pieces, transfer) as content:
            headers["Content-Length"] = str(len(content))
            asking = self._ask(
                session, "POST", address, headers, content, None, ANSWER_LIMIT, transfer
            )
            sending = asyncio.ensure_future(asking)
            try:
                await transfer.supervise(sending)
            finally:
                sending.cancel()
                await asyncio.wait((sending,))
            if sending.cancelled() or sending.exception() is not None:
                if transfer.is_stopped:
                    raise asyncio.CancelledError
                if reason := content.failure or transfer.stall:
                    raise reason
            answer = sending.result()
            content.check_unchanged()
        return self._plain(answer, ANSWER_LIMIT)

    @contextlib.asynccontextmanager
    async def socket(self, url: str) -> AsyncGenerator[AsyncIterator[str | bytes]]:
        """Connect a progress WebSocket; yield its frames. HostRefused, BadInput, Unreachable."""
        safe = address_of(url, self._settings, SOCKETS)
        session = (await self._sessions()).sockets
        failure: Unreachable
        connecting = asyncio.ensure_future(
            session.ws_connect(
                # Not normalized: a signature may depend on how the query is escaped.
                URL(safe.text, encoded=True),
                heartbeat=SOCKET_HEARTBEAT_SECONDS,
                max_msg_size=MAX_FRAME,
                proxy=proxy_for(safe.scheme, safe.host),
            )
        )
        try:
            # Not wait_for: before Python 3.12 it may swallow a cancel that races the result.
            await asyncio.wait((connecting,), timeout=SOCKET_CONNECT_SECONDS)
            if not connecting.done():
                raise asyncio.TimeoutError
            socket = connecting.result()
        except _FAILURES as error:
            failure = unreachable(error, safe.host, sent=False)
        else:
            yield _frames(socket)
            return
        finally:
            await _close_socket(connecting)
        raise failure from None

    async def close(self) -> None:
        """Close every connection; a later call opens new ones."""
        if self._opening is not None:
            opening, self._opening = self._opening, None
            with contextlib.suppress(RunningHubError):
                sessions = await opening
                for session in (sessions.orders, sessions.others, sessions.sockets):
                    await session.close()

    async def _sessions(self) -> _Sessions:
        opening = self._opening
        if opening is None or (opening.done() and (opening.cancelled() or opening.exception())):
            opening = asyncio.create_task(_open_sessions(self._settings.host))
            self._opening = opening  # a failed attempt is not cached
        return await asyncio.shield(opening)

    async def _exchange(self, session: aiohttp.ClientSession, call: Call[T]) -> Response:
        request = call.request
        path, headers, body = _with_key(request, self._settings.key.reveal())
        is_keyed = request.auth is Auth.PATH
        address = (
            address_of(path, self._settings).text if is_keyed else self._settings.origin + path
        )
        # As a file it is sent in chunks, between which the loop runs.
        data = io.BytesIO(body) if body and len(body) > LONG_BODY else body
        return await self._ask(
            session, request.method, address, headers, data, call.seconds, call.limit, _SendState()
        )

    async def _ask(
        self,
        session: aiohttp.ClientSession,
        method: str,
        address: str,
        headers: Mapping[str, str],
        data: bytes | io.BytesIO | Body | None,
        seconds: float | None,
        limit: int,
        send_state: _SendState | Transfer,
    ) -> Response:
        """Send one request, and return its answer of at most `limit` bytes, as received."""
        settings = self._settings
        received = bytearray()
        response: aiohttp.ClientResponse | None = None
        complete = False
        failure: Unreachable | None = None
        try:
            response = await session.request(
                method,
                URL(address, encoded=True),
                headers=headers,
                data=data,
                allow_redirects=False,
                proxy=proxy_for(settings.origin.partition(":")[0], settings.host),
                timeout=aiohttp.ClientTimeout(total=seconds, sock_connect=CONNECT_SECONDS),
                trace_request_ctx=send_state,
            )
            async for block in response.content.iter_any():
                received += block
                if len(received) > limit:
                    break
            else:
                complete = True
        except _FAILURES as error:
            failure = unreachable(error, settings.host, sent=send_state.sent)
        finally:
            if response is not None and not complete:
                response.close()
        # A truncated answer may contain a task id: the reader decides.
        if response is None or (failure and not received):
            raise (failure or Unreachable(host=settings.host)) from None
        plain_headers = {name.lower(): value for name, value in response.headers.items()}
        return Response(response.status, bytes(received), plain_headers, complete=complete)


def _without_password(error: RunningHubError, request: Request) -> RunningHubError:
    """Mask the access password in an error that quotes the service. Not in the whole answer, where
    a short password may be part of any word."""
    password = (request.body or {}).get("accessPassword")
    if not isinstance(password, str) or not password:
        return error
    texts = {name: value for name, value in error.params.items() if isinstance(value, str)}
    params = {name: text.replace(password, "…") for name, text in texts.items()}
    return error.with_context(params=params)


def _with_key(request: Request, key: str) -> tuple[str, dict[str, str], bytes | None]:
    """Return path, headers and body, with the key as Auth says. BadInput for lone surrogates."""
    path, headers = request.path, dict(request.headers)
    if request.auth not in (Auth.NONE, Auth.PATH):
        headers["Authorization"] = f"Bearer {key}"
    if request.auth is Auth.QUERY:
        path += f"{'&' if '?' in path else '?'}{Auth.BODY.value}={quote(key, safe='')}"
    if request.body is None:
        return path, headers, None
    body = dict(request.body)
    if request.auth in (Auth.BODY, Auth.LOWER_BODY):
        body[request.auth.value] = key
    headers["Content-Type"] = "application/json"
    try:
        return path, headers, json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError as error:
        text = ascii(error.object[max(0, error.start - 20) : error.end])
        raise BadInput("error.not_unicode", text=text) from None


async def _close_socket(connecting: asyncio.Future[aiohttp.ClientWebSocketResponse[bool]]) -> None:
    """Close the WebSocket within SOCKET_CLOSE_SECONDS, or cancel connecting."""
    connecting.cancel()
    await asyncio.wait((connecting,))
    if connecting.cancelled() or connecting.exception() is not None:
        return
    closing = asyncio.ensure_future(connecting.result().close())
    try:
        await asyncio.wait((closing,), timeout=SOCKET_CLOSE_SECONDS)
    finally:
        closing.cancel()


async def _open_sessions(host: str) -> _Sessions:
    context = await asyncio.to_thread(trusted, host)
    # No connection limit: the engine bounds concurrency, and a cancel call must not queue here.
    orders = _OrderConnector(ssl=context, limit=0, keepalive_timeout=IDLE_SECONDS)
    others = aiohttp.TCPConnector(ssl=context, limit=0, keepalive_timeout=IDLE_SECONDS)
    sockets = aiohttp.TCPConnector(ssl=context, limit=0, force_close=True)
    return _Sessions(_open_session(orders), _open_session(others), _open_session(sockets))


class _OrderConnector(aiohttp.TCPConnector):
    """Gives a create no connection that was last answered on more than ORDER_SECONDS ago: an upload
    may be repeated, a create may not. Takes none over which something came unasked. Bounds what is
    buffered of a body before it is sent, since that counts as moved."""

    _released: ClassVar[WeakKeyDictionary[asyncio.Protocol, float]] = WeakKeyDictionary()
    """When each connection was last answered on, monotonic."""

    def _is_usable(self, connection: Connection, req: aiohttp.ClientRequest) -> bool:
        protocol = connection.protocol
        if protocol is None or protocol not in self._released:
            return True  # a new one
        age = time.monotonic() - self._released[protocol]
        is_upload = req.headers.get("Content-Type", "").startswith("multipart/")
        return not protocol.should_close and (is_upload or age <= ORDER_SECONDS)

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> Connection:
        """See the base class."""
        connection = await super().connect(req, traces, timeout)
        while not self._is_usable(connection, req):
            connection.close()
            connection = await super().connect(req, traces, timeout)
        if (protocol := connection.protocol) is not None:
            connection.add_callback(lambda: self._note_release(protocol))
        if isinstance(transport := connection.transport, asyncio.WriteTransport):
            # aiohttp waits for the buffer at every second block.
            keep_little_unsent(transport.get_extra_info("socket"), UNSENT - 2 * SEND_BLOCK)
            # Of nothing at all, aiohttp 3.11 stalls in TLS behind a proxy.
            transport.set_write_buffer_limits(SEND_BLOCK)
        return connection

    def _note_release(self, protocol: asyncio.Protocol) -> None:
        self._released[protocol] = time.monotonic()


def _open_session(connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": USER_AGENT, "Accept-Encoding": "gzip"},
        # Decompressed by `unpack`, with a limit, which aiohttp lacks.
        auto_decompress=False,
        trust_env=False,
        trace_configs=[_trace()],
    )


def _trace() -> aiohttp.TraceConfig:
    trace = aiohttp.TraceConfig()
    trace.on_connection_create_start.append(_note_unsent)
    trace.on_connection_create_end.append(_note_sent)
    trace.on_connection_reuseconn.append(_note_sent)
    trace.on_request_redirect.append(_refuse_redirect)
    return trace


async def _note_sent(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
    send_state = context.trace_request_ctx
    if isinstance(send_state, (_SendState, Transfer)):
        send_state.sent = True


async def _note_unsent(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
    # A connection of the pool may have been taken before, and given up for its age.
    send_state = context.trace_request_ctx
    if isinstance(send_state, (_SendState, Transfer)):
        send_state.sent = False


async def _refuse_redirect(
    _: aiohttp.ClientSession, __: object, redirect: aiohttp.TraceRequestRedirectParams
) -> NoReturn:
    # Only WebSockets come here: ws_connect cannot disable redirects.
    target = redirect.response.headers.get("Location", "")
    raise HostRefused(fate=Fate.UNKNOWN, host=redirect.url.host or "?", url=without_query(target))


async def _frames(
    socket: aiohttp.ClientWebSocketResponse[bool],
) -> AsyncIterator[str | bytes]:
    """Yield text and binary frames until the WebSocket closes or exceeds the rate limit."""
    flood = Flood(time.monotonic())
    async for message in socket:
        data: object = message.data
        size = len(data) if isinstance(data, (str, bytes)) else 0
        if flood.rises(size, time.monotonic()):
            log.info("the progress socket sends more than anybody can read: it is closed")
            return
        if message.type is aiohttp.WSMsgType.BINARY:
            yield bytes(message.data)
        elif message.type is aiohttp.WSMsgType.TEXT and len(message.data) <= MAX_TEXT_FRAME:
            yield str(message.data)


BURST = 3000.0  # bucket size, frames: all nodes of a large graph served from the remote cache
PER_SECOND = 300.0  # refill, frames per second; samplers send some ten, with previews
FRAME_BYTES = 32 * 1024  # bytes that count as one more frame


@dataclass(slots=True)
class Flood:
    """Token bucket that limits incoming frames. Times are monotonic seconds."""

    _at: float
    _left: float = BURST

    def rises(self, size: int, now: float) -> bool:
        """Take tokens for a frame of `size` bytes; return whether the limit is exceeded."""
        self._left = min(BURST, self._left + (now - self._at) * PER_SECOND)
        self._at = now
        self._left -= 1 + size / FRAME_BYTES
        return self._left < 0


class SystemClock:
    """The system's monotonic clock, unaffected by changes of the wall clock."""

    def now(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
