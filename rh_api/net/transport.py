"""Control calls over aiohttp: one try each, the key only to its own origin, every end a fate."""

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
from .ahead import ORDER_SECONDS, OneRequestConnector
from .safety import SOCKETS, address_of, guard, trusted, unreachable, withhold, without_query
from .tls_proxy import CONNECT_SECONDS, USER_AGENT, proxy_for, unpack

log = logging.getLogger("runninghub")

T = TypeVar("T")

IDLE_SECONDS = 60.0  # servers commonly close after 75: longer would meet dead connections
SOCKET_CONNECT_SECONDS = 8.0
SOCKET_HEARTBEAT_SECONDS = 15.0
SOCKET_CLOSE_SECONDS = 0.3  # for a farewell that nobody needs
LONG_ANSWER = 64 * 1024  # bytes on the line; packed they may be many more
LONG_BODY = 512 * 1024  # bytes of a request
MAX_TEXT_FRAME = 1024 * 1024
MAX_FRAME = 8 * 1024 * 1024  # previews are below 1 MiB; a longer frame ends the socket

_FAILURES = (aiohttp.ClientError, asyncio.TimeoutError, OSError)


@dataclass(slots=True)
class _Trip:
    """How far a request came: once it has a connection, bytes of it may have left."""

    sent: bool = False


@dataclass(frozen=True, slots=True)
class _Sessions:
    """`fresh` keeps no connection: a server that closes an idle one just when an order leaves

    would make that order's fate unknown, however short the pause was. What it takes to open a
    new one passes beside the upload, with `ahead`.
    """

    steady: aiohttp.ClientSession
    fresh: aiohttp.ClientSession
    ahead: OneRequestConnector


class AiohttpTransport:
    """The protocol Transport for one origin and key. It belongs to the loop of its first call."""

    def __init__(self, settings: Settings, *, unused: float = ORDER_SECONDS) -> None:
        """`unused`: seconds that a connection opened ahead is good for a fresh call."""
        guard(settings.key.reveal())
        self._settings = settings
        self._unused = unused
        self._opening: asyncio.Task[_Sessions] | None = None
        self._expecting: set[asyncio.Task[None]] = set()

    def expect(self, count: int) -> None:
        """See that `count` fresh calls find a connection that is open and has carried nothing,
        if they come in time. Returns at once, and where none can be opened, they will tell."""
        expecting = asyncio.create_task(self._expect(count))
        self._expecting.add(expecting)
        expecting.add_done_callback(self._expecting.discard)

    async def _expect(self, count: int) -> None:
        with contextlib.suppress(RunningHubError):
            origin, host = self._settings.origin, self._settings.host
            if proxy_for(origin.partition(":")[0], host) is None:
                (await self._sessions()).ahead.expect(origin, count)

    async def send(self, call: Call[T], *, fresh: bool = False) -> T:
        """One try of `call`; `fresh`: on a connection of its own.

        Raises what the call's reader raises, and Unreachable.
        """
        sessions = await self._sessions()
        session = sessions.fresh if fresh else sessions.steady
        answer = await self._exchange(session, call)
        read = partial(self._read, call, answer)
        try:
            # Long enough to be felt, it is read beside the loop.
            return await asyncio.to_thread(read) if len(answer.body) > LONG_ANSWER else read()
        except RunningHubError as error:
            raise _without_password(error, call.request) from error.__cause__

    def _read(self, call: Call[T], answer: Response) -> T:
        """`answer` as it came, unpacked and without the key, through the call's reader."""
        plain, whole = unpack(answer.body, answer.headers.get("content-encoding", ""), call.limit)
        plain = withhold(plain, self._settings.key.reveal())
        return call.read(replace(answer, body=plain, complete=answer.complete and whole))

    @contextlib.asynccontextmanager
    async def socket(self, url: str) -> AsyncGenerator[AsyncIterator[str | bytes]]:
        """Frames of a progress socket, without the key. Raises HostRefused and Unreachable."""
        safe = address_of(url, self._settings, SOCKETS)
        session = (await self._sessions()).fresh
        failure: Unreachable
        connecting = asyncio.ensure_future(
            session.ws_connect(
                # As it was given: a signature may depend on how the query is escaped.
                URL(safe.text, encoded=True),
                heartbeat=SOCKET_HEARTBEAT_SECONDS,
                max_msg_size=MAX_FRAME,
                proxy=proxy_for(safe.scheme, safe.host),
            )
        )
        try:
            # Not wait_for: before Python 3.12 it loses a cancel that comes with the result.
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
            await _leave(connecting)
        raise failure from None

    async def close(self) -> None:
        """Close every connection; a later call opens new ones."""
        for expecting in self._expecting:
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
            self._opening = opening  # one that failed is no reason for the next to fail
        return await asyncio.shield(opening)

    async def _exchange(self, session: aiohttp.ClientSession, call: Call[T]) -> Response:
        request = call.request
        trip = _Trip()
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
                # As a file it goes out in pieces, between which the loop is free.
                data=io.BytesIO(body) if body and len(body) > LONG_BODY else body,
                allow_redirects=False,
                proxy=proxy_for(settings.origin.partition(":")[0], settings.host),
                timeout=aiohttp.ClientTimeout(total=call.seconds, sock_connect=CONNECT_SECONDS),
                trace_request_ctx=trip,
            )
            async for block in response.content.iter_any():
                received += block
                if len(received) > call.limit:
                    complete = False
                    break
        except _FAILURES as error:
            complete = False
            failure = unreachable(error, settings.host, sent=trip.sent)
        finally:
            if response is not None and not complete:
                response.close()
        # The beginning of an answer can hold a task id: its reader decides what it is worth.
        if response is None or (failure and not received):
            raise (failure or Unreachable(host=settings.host)) from None
        plain_headers = {name.lower(): value for name, value in response.headers.items()}
        return Response(response.status, bytes(received), plain_headers, complete=complete)


def _without_password(error: RunningHubError, request: Request) -> RunningHubError:
    """What a service quotes is quoted further. In the answer itself a short password may be part
    of any word, so it is cut out of the error's words alone."""
    password = (request.body or {}).get("accessPassword")
    if not isinstance(password, str) or not password:
        return error
    texts = {name: value for name, value in error.params.items() if isinstance(value, str)}
    params = {name: text.replace(password, "…") for name, text in texts.items()}
    return error.with_context(params=params)


def _with_key(request: Request, key: str) -> tuple[str, dict[str, str], bytes | None]:
    """Path, headers and body with the key where this family of endpoints reads it."""
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


async def _leave(connecting: asyncio.Future[aiohttp.ClientWebSocketResponse[bool]]) -> None:
    """Close the socket, or give up connecting it."""
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
    # No limits: the engine decides how much runs at once, and a cancel must not queue here.
    steady = aiohttp.TCPConnector(ssl=context, limit=0, keepalive_timeout=IDLE_SECONDS)
    single = OneRequestConnector(context, unused)
    return _Sessions(_open_session(steady), _open_session(single), single)


def _open_session(connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": USER_AGENT, "Accept-Encoding": "gzip"},
        # Unpacked here, with a bound: aiohttp has none.
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
    trip = context.trace_request_ctx
    if isinstance(trip, _Trip):
        trip.sent = True


async def _refuse_redirect(
    _: aiohttp.ClientSession, __: object, redirect: aiohttp.TraceRequestRedirectParams
) -> NoReturn:
    # Only sockets come here: ws_connect cannot be told not to follow.
    target = redirect.response.headers.get("Location", "")
    raise HostRefused(fate=Fate.UNKNOWN, host=redirect.url.host or "?", url=without_query(target))


async def _frames(
    socket: aiohttp.ClientWebSocketResponse[bool],
) -> AsyncIterator[str | bytes]:
    """Text and pictures until the other side ends, in whatever way it does, or floods us."""
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


BURST = 3000.0  # frames at once: all nodes of a large graph, served from the remote cache
PER_SECOND = 300.0  # frames that a second brings back; samplers send some ten, with previews
FRAME_BYTES = 32 * 1024  # so many of a long frame count as one more


@dataclass(slots=True)
class Flood:
    """A bucket that frames empty and time fills. Times are monotonic seconds."""

    _at: float
    _left: float = BURST

    def rises(self, size: int, now: float) -> bool:
        """Whether a frame of `size` bytes is one too many."""
        self._left = min(BURST, self._left + (now - self._at) * PER_SECOND)
        self._at = now
        self._left -= 1 + size / FRAME_BYTES
        return self._left < 0


class SystemClock:
    """Monotonic seconds: a clock that somebody sets does not move a deadline."""

    def now(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
