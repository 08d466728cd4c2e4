"""Control calls over aiohttp: no retries, the API key to its own origin only, a fate per error."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, replace
from functools import partial
from types import SimpleNamespace
from typing import NoReturn, TypeVar
from urllib.parse import quote

import aiohttp
from yarl import URL

from ..errors import BadInput, Fate, HostRefused, RunningHubError, Unreachable
from ..settings import Settings
from ..wire.call import Auth, Call, Request, Response
from .preconnect import ORDER_SECONDS, OneRequestConnector
from .safety import SOCKETS, address_of, guard, trusted, unreachable, withhold, without_query
from .tls_proxy import CONNECT_SECONDS, USER_AGENT, proxy_for, unpack

log = logging.getLogger("runninghub")

T = TypeVar("T")

IDLE_SECONDS = 60.0  # keep-alive timeout; servers commonly close after 75 s
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
    """`steady` pools connections, `fresh` does not: if the server closed an idle connection just
    as a create is sent, its fate would be unknown. The handshake of a new one is hidden by
    preconnecting (`ahead`)."""

    steady: aiohttp.ClientSession
    fresh: aiohttp.ClientSession
    ahead: OneRequestConnector


class AiohttpTransport:
    """Implements Transport for one origin and key. Bound to the event loop of its first call."""

    def __init__(self, settings: Settings, *, unused: float = ORDER_SECONDS) -> None:
        """`unused`: maximum idle age (s) of a preconnected connection for a fresh call."""
        guard(settings.key.reveal())
        self._settings = settings
        self._unused = unused
        self._opening: asyncio.Task[_Sessions] | None = None
        self._preconnecting: set[asyncio.Task[None]] = set()

    def expect(self, count: int) -> None:
        """Preconnect for `count` fresh calls within `unused` seconds. Returns at once; failures are
        left to the calls."""
        expecting = asyncio.create_task(self._expect(count))
        self._preconnecting.add(expecting)
        expecting.add_done_callback(self._preconnecting.discard)

    async def _expect(self, count: int) -> None:
        with contextlib.suppress(RunningHubError):
            origin, host = self._settings.origin, self._settings.host
            if proxy_for(origin.partition(":")[0], host) is None:
                (await self._sessions()).ahead.expect(origin, count)

    async def send(self, call: Call[T], *, fresh: bool = False) -> T:
        """Send `call` once. `fresh`: on an unused connection.

        Raises what the call's reader raises, and Unreachable.
        """
        sessions = await self._sessions()
        session = sessions.fresh if fresh else sessions.steady
        answer = await self._exchange(session, call)
        read = partial(self._read, call, answer)
        try:
            # A long answer is parsed in a thread, since that would block the loop noticeably.
            return await asyncio.to_thread(read) if len(answer.body) > LONG_ANSWER else read()
        except RunningHubError as error:
            raise _without_password(error, call.request) from error.__cause__

    def _read(self, call: Call[T], answer: Response) -> T:
        """Decompress the answer, mask the key in it, and run the call's reader on it."""
        plain, whole = unpack(answer.body, answer.headers.get("content-encoding", ""), call.limit)
        plain = withhold(plain, self._settings.key.reveal())
        return call.read(replace(answer, body=plain, complete=answer.complete and whole))

    @contextlib.asynccontextmanager
    async def socket(self, url: str) -> AsyncGenerator[AsyncIterator[str | bytes]]:
        """Connect a progress WebSocket; yield its frames. HostRefused, BadInput, Unreachable."""
        safe = address_of(url, self._settings, SOCKETS)
        session = (await self._sessions()).fresh
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
        for expecting in self._preconnecting:
            expecting.cancel()
        if self._opening is not None:
            opening, self._opening = self._opening, None
            with contextlib.suppress(RunningHubError):
                sessions = await opening
                sessions.ahead.expect_nothing()
                for session in (sessions.steady, sessions.fresh):
                    await session.close()

    async def _sessions(self) -> _Sessions:
        opening = self._opening
        if opening is None or (opening.done() and (opening.cancelled() or opening.exception())):
            opening = asyncio.create_task(_open_sessions(self._settings.host, self._unused))
            self._opening = opening  # a failed attempt is not cached
        return await asyncio.shield(opening)

    async def _exchange(self, session: aiohttp.ClientSession, call: Call[T]) -> Response:
        request = call.request
        send_state = _SendState()
        settings = self._settings
        path, headers, body = _with_key(request, settings.key.reveal())
        is_keyed = request.auth is Auth.PATH
        address = address_of(path, settings).text if is_keyed else settings.origin + path
        received = bytearray()
        response: aiohttp.ClientResponse | None = None
        complete = True
        failure: Unreachable | None = None
        try:
            response = await session.request(
                request.method,
                URL(address, encoded=True),
                headers=headers,
                # As a file it is sent in chunks, between which the loop runs.
                data=io.BytesIO(body) if body and len(body) > LONG_BODY else body,
                allow_redirects=False,
                proxy=proxy_for(settings.origin.partition(":")[0], settings.host),
                timeout=aiohttp.ClientTimeout(total=call.seconds, sock_connect=CONNECT_SECONDS),
                trace_request_ctx=send_state,
            )
            async for block in response.content.iter_any():
                received += block
                if len(received) > call.limit:
                    complete = False
                    break
        except _FAILURES as error:
            complete = False
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


async def _open_sessions(host: str, unused: float) -> _Sessions:
    context = await asyncio.to_thread(trusted, host)
    # No connection limit: the engine bounds concurrency, and a cancel call must not queue here.
    steady = aiohttp.TCPConnector(ssl=context, limit=0, keepalive_timeout=IDLE_SECONDS)
    single = OneRequestConnector(context, unused)
    return _Sessions(_open_session(steady), _open_session(single), single)


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
    trace.on_connection_create_end.append(_note_sent)
    trace.on_connection_reuseconn.append(_note_sent)
    trace.on_request_redirect.append(_refuse_redirect)
    return trace


async def _note_sent(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
    send_state = context.trace_request_ctx
    if isinstance(send_state, _SendState):
        send_state.sent = True


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
