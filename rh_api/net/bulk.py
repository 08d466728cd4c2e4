"""Big bodies over requests: uploads with the key, presigned uploads and results without it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import requests
import urllib3.exceptions

from ..errors import BadInput, RunningHubError, UploadFailed
from ..run.ports import Fetched, Meter
from ..settings import Settings
from ..wire.call import Auth, Response
from ..wire.envelope import limited
from ..wire.uploads import OLD_UPLOAD_PATH
from .adapter import BLOCK, bind, open_session, proxies_for
from .bodies import Body, multipart
from .download import Download
from .outside import CONNECT_SECONDS, REPLY_LIMIT, USER_AGENT, trust, unpack
from .redact import guard_log, unreachable, withhold
from .safety import SafeUrl, check_url
from .worker import Line, Pace

T = TypeVar("T")

TRANSFERS = 8  # at once; four already fill a line with 100 ms of round trip
UPLOAD_PACE = Pace(floor=10_000, window=60.0, reply=120.0)
DOWNLOAD_PACE = Pace(floor=1_000, window=30.0, reply=30.0)
READ_SECONDS = 150.0  # above every pace, which decides

# Codes of the object store for an address whose time is over: a new one helps.
_EXPIRED = re.compile(
    rb"<Code>(SignatureExpired|AccessDenied|ExpiredToken|RequestTimeTooSkewed|"
    rb"SignatureDoesNotMatch)</Code>"
)


class RequestsBulk:
    """The protocol Bulk over one pool of connections; each transfer has a thread of its own.

    Cancelling a method's coroutine sets its meter's stop; setting the stop cancels the method.
    Either way it ends within half a second, whatever its thread is blocked in. Progress is told
    on the loop.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        upload_pace: Pace = UPLOAD_PACE,
        download_pace: Pace = DOWNLOAD_PACE,
    ) -> None:
        guard_log()
        self._settings = settings
        self._upload_pace = upload_pace
        self._download_pace = download_pace
        self._places = asyncio.Semaphore(TRANSFERS)
        self._opened: requests.Session | None = None

    async def upload(
        self,
        path: str,
        body: bytes | Path,
        name: str,
        mime: str,
        fields: Mapping[str, str],
        meter: Meter,
    ) -> Response:
        """POST a form with the file `name` to `path` of the own origin, with the key.

        Raises BadInput for a file that cannot be read or changes, and Unreachable.
        """
        key = self._settings.key.reveal()
        # The old endpoint reads the key from the form; the header alone is refused there.
        form = {**fields, Auth.BODY.value: key} if path == OLD_UPLOAD_PATH else fields
        kind, pieces = multipart(form, name, mime, body)
        url = check_url(self._settings.origin + path, self._settings)
        headers = {"Authorization": f"Bearer {key}", "Content-Type": kind}
        reply = await self._send("POST", url, headers, pieces, meter)
        return replace(reply, body=withhold(reply.body, key))

    async def put(self, url: str, file: Path, meter: Meter) -> None:
        """PUT `file` to a presigned address of the service's object store.

        Raises HostRefused, BadInput, Unreachable, RateLimited, and UploadFailed, whose key
        `error.put_expired` means that a new address is needed.
        """
        safe = check_url(url, self._settings)
        headers = {"Content-Type": "application/octet-stream"}
        response = await self._send("PUT", safe, headers, [file], meter)
        if 200 <= response.status < 300:
            return
        if response.status == 429:
            raise limited(response)
        if response.status in range(400, 500) and _EXPIRED.search(response.body):
            raise UploadFailed("error.put_expired", host=safe.host)
        raise UploadFailed(remote=f"HTTP {response.status}")

    async def download(self, url: str, into: Path, meter: Meter) -> Fetched:
        """Fetch a result to `into` plus the suffix that its first bytes prove.

        Raises HostRefused and ResultUnavailable, which asking again does not change, and
        Unreachable, ServiceFault, RateLimited, after which the next call resumes, DiskFull and
        BadInput for the folder.
        """
        safe = check_url(url, self._settings)
        line = Line(safe.host, meter, self._download_pace)
        session = await self._session()
        return await self._carry(line, Download(self._settings, session, safe, into).run)

    async def close(self) -> None:
        """Close idle connections. Transfers that still run are not waited for."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    async def _session(self) -> requests.Session:
        if self._opened is None:
            context = await asyncio.to_thread(trust)
            self._opened = self._opened or open_session(context, TRANSFERS)
        return self._opened

    async def _send(
        self,
        method: str,
        url: SafeUrl,
        headers: Mapping[str, str],
        pieces: list[bytes | Path],
        meter: Meter,
    ) -> Response:
        line = Line(url.host, meter, self._upload_pace)
        session = await self._session()
        return await self._carry(line, partial(_send, session, method, url, headers, pieces))

    async def _carry(self, line: Line, work: Callable[[Line], T]) -> T:
        async with self._places:
            return await line.carry(partial(_translated, work))


def _translated(work: Callable[[Line], T], line: Line) -> T:
    """`work` with the libraries' exceptions as ours, and without them in the chain."""
    bind(line)
    failure: RunningHubError
    try:
        return work(line)
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        failure = unreachable(error, line.host, sent=line.sent)
    raise failure


def _send(
    session: requests.Session,
    method: str,
    url: SafeUrl,
    headers: Mapping[str, str],
    pieces: list[bytes | Path],
    line: Line,
) -> Response:
    with Body(pieces, line) as body:
        if not len(body):
            raise BadInput("error.file_empty", name=_name(pieces))
        with session.request(
            method,
            url.text,
            data=body,
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity", **headers},
            proxies=proxies_for(url.scheme, url.host),
            timeout=(CONNECT_SECONDS, READ_SECONDS),
            allow_redirects=False,
            stream=True,
        ) as response:
            reply = _read_reply(response)
        body.check_unchanged()
        return reply


def _read_reply(response: requests.Response) -> Response:
    raw, complete = bytearray(), True
    try:
        while block := response.raw.read(BLOCK, decode_content=False):
            raw += block
            if len(raw) > REPLY_LIMIT:
                complete = False
                break
    except (urllib3.exceptions.HTTPError, OSError):
        complete = False
    headers = {name.lower(): value for name, value in response.headers.items()}
    # urllib3 before 2 does not look at it.
    complete = complete and headers.get("content-length", str(len(raw))) == str(len(raw))
    body, whole = unpack(bytes(raw), headers.get("content-encoding", ""))
    return Response(response.status_code, body, headers, complete=complete and whole)


def _name(pieces: list[bytes | Path]) -> str:
    return next((piece.name for piece in pieces if isinstance(piece, Path)), "")
