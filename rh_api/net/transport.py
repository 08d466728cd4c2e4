"""Control calls over aiohttp: one try each, the key only to its own origin, every end a fate."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import NoReturn, TypeVar
from urllib.parse import quote

import aiohttp
from yarl import URL

from ..errors import BadInput, Fate, HostRefused, RunningHubError, Unreachable
from ..settings import Settings
from ..wire.call import Auth, Call, Request, Response
from .outside import CONNECT_SECONDS, REPLY_LIMIT, USER_AGENT, proxy_for, trust, unpack
from .redact import guard_log, unreachable, withhold
from .safety import SOCKETS, check_url, without_query

T = TypeVar("T")

IDLE_SECONDS = 60.0  # servers commonly close after 75: longer would meet dead connections
SOCKET_CONNECT_SECONDS = 8.0
SOCKET_HEARTBEAT_SECONDS = 15.0
SOCKET_CLOSE_SECONDS = 0.3  # for a farewell that nobody needs
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

    would make that order's fate unknown, however short the pause was. Two round trips are
    little beside a task, and orders are seldom so close together that they could share.
    """

    steady: aiohttp.ClientSession
    fresh: aiohttp.ClientSession


class AiohttpTransport:
    """The protocol Transport for one origin and key. It belongs to the loop of its first call."""

    def __init__(self, settings: Settings) -> None:
        guard_log()
        self._settings = settings
        self._opening: asyncio.Task[_Sessions] | None = None

    async def send(self, call: Call[T], *, fresh: bool = False) -> T:
        """One try of `call`; `fresh`: on a connection of its own.

        Raises what the call's reader raises, and Unreachable.
        """
        sessions = await self._sessions()
        session = sessions.fresh if fresh else sessions.steady
        response = await self._exchange(session, call.request, call.seconds)
        try:
            return call.read(response)
        except RunningHubError as error:
            _forget_password(error, call.request)
            raise

    @contextlib.asynccontextmanager
    async def socket(self, url: str) -> AsyncGenerator[AsyncIterator[str | bytes]]:
        """Frames of a progress socket, without the key. Raises HostRefused and Unreachable."""
        safe = check_url(url, self._settings, SOCKETS)
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
        if self._opening is not None:
            opening, self._opening = self._opening, None
            with contextlib.suppress(BadInput):
                sessions = await opening
                for session in (sessions.steady, sessions.fresh):
                    await session.close()

    async def _sessions(self) -> _Sessions:
        if self._opening is None:
            self._opening = asyncio.create_task(_open_sessions())
        return await asyncio.shield(self._opening)

    async def _exchange(
        self, session: aiohttp.ClientSession, request: Request, seconds: float
    ) -> Response:
        trip = _Trip()
        settings = self._settings
        path, headers, body = _with_key(request, settings.key.reveal())
        received = bytearray()
        response: aiohttp.ClientResponse | None = None
        complete = True
        failure: Unreachable | None = None
        try:
            response = await session.request(
                request.method,
                URL(settings.origin + path, encoded=True),
                headers=headers,
                data=body,
                allow_redirects=False,
                proxy=proxy_for(settings.origin.partition(":")[0], settings.host),
                timeout=aiohttp.ClientTimeout(total=seconds, sock_connect=CONNECT_SECONDS),
                trace_request_ctx=trip,
            )
            async for block in response.content.iter_any():
                received += block
                if len(received) > REPLY_LIMIT:
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
        plain, whole = unpack(bytes(received), plain_headers.get("content-encoding", ""))
        plain = withhold(plain, settings.key.reveal())
        return Response(response.status, plain, plain_headers, complete=complete and whole)


def _forget_password(error: RunningHubError, request: Request) -> None:
    """What a service quotes is quoted further. In the answer itself a short password may be part
    of any word, so it is cut out of the error's words alone."""
    password = (request.body or {}).get("accessPassword")
    if isinstance(password, str) and password:
        for name, value in error.params.items():
            if isinstance(value, str):
                error.params[name] = value.replace(password, "…")


def _with_key(request: Request, key: str) -> tuple[str, dict[str, str], bytes | None]:
    """Path, headers and body with the key where this family of endpoints reads it."""
    path, headers = request.path, {"Authorization": f"Bearer {key}"}
    if request.auth is Auth.QUERY:
        path += f"{'&' if '?' in path else '?'}{Auth.BODY.value}={quote(key, safe='')}"
    if request.body is None:
        return path, headers, None
    body = dict(request.body)
    if request.auth in (Auth.BODY, Auth.LOWER_BODY):
        body[request.auth.value] = key
    headers["Content-Type"] = "application/json"
    return path, headers, json.dumps(body, ensure_ascii=False, allow_nan=False).encode()


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


async def _open_sessions() -> _Sessions:
    context = await asyncio.to_thread(trust)
    # No limits: the engine decides how much runs at once, and a cancel must not queue here.
    steady = aiohttp.TCPConnector(ssl=context, limit=0, keepalive_timeout=IDLE_SECONDS)
    single = aiohttp.TCPConnector(ssl=context, limit=0, force_close=True)
    return _Sessions(_open_session(steady), _open_session(single))


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
    _: aiohttp.ClientSession, __: object, told: aiohttp.TraceRequestRedirectParams
) -> NoReturn:
    # Only sockets come here: ws_connect cannot be told not to follow.
    target = told.response.headers.get("Location", "")
    raise HostRefused(fate=Fate.UNKNOWN, host=told.url.host or "?", url=without_query(target))


async def _frames(
    socket: aiohttp.ClientWebSocketResponse[bool],
) -> AsyncIterator[str | bytes]:
    """Text and pictures until the other side ends, in whatever way it does."""
    async for message in socket:
        if message.type is aiohttp.WSMsgType.BINARY:
            yield bytes(message.data)
        elif message.type is aiohttp.WSMsgType.TEXT and len(message.data) <= MAX_TEXT_FRAME:
            yield str(message.data)
