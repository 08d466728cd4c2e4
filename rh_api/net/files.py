"""The door without the key: results and presigned uploads, over requests in worker threads."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TypeVar

import requests
import urllib3.exceptions

from ..errors import BadInput, ResultUnavailable, RunningHubError, UploadFailed
from ..run.ports import Fetched, Meter
from ..settings import Settings
from ..wire.call import ANSWER_LIMIT, Response
from ..wire.envelope import limited
from ..wire.tasks import file_name
from .bodies import Body
from .download import Download
from .partial_download import Part
from .safety import SafeUrl, address_of, check_url, guard, trusted, unreachable
from .stalls import BLOCK, UPLOAD_POLICY, StallPolicy
from .tls_proxy import CONNECT_SECONDS, USER_AGENT, unpack
from .transfer_thread import TransferThread, bind, open_session, proxies_for

T = TypeVar("T")

TRANSFERS = 8  # concurrent; four already saturate a link with 100 ms round trip
DOWNLOAD_POLICY = StallPolicy(floor=1_000, window=30.0, reply=30.0)
READ_SECONDS = 600.0  # socket timeout, longer than any StallPolicy, which decides

# Error codes of the object store for an expired presigned URL: a new one helps.
_EXPIRED = re.compile(
    rb"<Code>(SignatureExpired|AccessDenied|ExpiredToken|RequestTimeTooSkewed|"
    rb"SignatureDoesNotMatch)</Code>"
)


class RequestsBulk:
    """Implements Bulk over one connection pool; each transfer runs in its own thread.

    Cancelling a method's coroutine sets its meter's `stop`; setting `stop` cancels the method.
    Either way it ends within half a second, whatever its thread blocks on. Progress is reported
    in the event loop.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        upload_policy: StallPolicy = UPLOAD_POLICY,
        download_policy: StallPolicy = DOWNLOAD_POLICY,
    ) -> None:
        guard(settings.key.reveal())
        self._settings = settings
        self._upload_policy = upload_policy
        self._download_policy = download_policy
        self._places = asyncio.Semaphore(TRANSFERS)
        self._opened: requests.Session | None = None

    async def put(self, url: str, file: Path, meter: Meter) -> None:
        """PUT `file` to a presigned URL of the service's object store.

        Raises HostRefused, BadInput, Unreachable, RateLimited, and UploadFailed, with key
        `error.put_expired` if the URL has expired.
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
        """Download a result to `into` plus the suffix of its type (magic bytes decide).

        Permanent: HostRefused, ResultUnavailable. Transient, the next call resumes: Unreachable,
        ServiceFault, RateLimited. Local: DiskFull, and BadInput if the folder is not writable.
        """
        settings = self._settings
        safe = address_of(url, settings)
        transfer = TransferThread(safe.host, meter, self._download_policy)
        session = await self._session()
        return await self._carry(
            transfer, Download(settings, session, safe, into, file_name(url)).run
        )

    async def download_small(self, url: str, into: Path, most: int) -> Fetched:
        """`download` of at most `most` bytes; raises ResultUnavailable for a larger file."""
        meter, is_long = Meter(), False

        def moved(done: int, total: int | None) -> None:
            nonlocal is_long
            is_long = is_long or max(done, total or 0) > most
            if is_long:
                meter.stop.set()

        meter.moved, fetched = moved, None
        try:
            fetched = await self.download(url, into, meter)
        except asyncio.CancelledError:
            if not is_long:
                raise
        if fetched is not None and fetched.size <= most:
            return fetched
        if fetched is not None:
            await asyncio.to_thread(fetched.path.unlink, missing_ok=True)
        raise ResultUnavailable(reason=f"more than {most:,} bytes")

    async def forget(self, into: Path) -> None:
        """See the protocol."""
        await asyncio.to_thread(Part(into).drop_unheld)

    async def close(self) -> None:
        """Close idle connections. Transfers that still run are not waited for."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    async def _session(self) -> requests.Session:
        if self._opened is None:
            context = await asyncio.to_thread(trusted, self._settings.host)
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
        transfer = TransferThread(url.host, meter, self._upload_policy)
        session = await self._session()
        return await self._carry(transfer, partial(_send, session, method, url, headers, pieces))

    async def _carry(self, transfer: TransferThread, work: Callable[[TransferThread], T]) -> T:
        async with self._places:
            return await transfer.run_in_thread(partial(_translated, work))


def _translated(work: Callable[[TransferThread], T], transfer: TransferThread) -> T:
    """Run `work`; translate the libraries' exceptions to Unreachable, without chaining them."""
    bind(transfer)
    failure: RunningHubError
    try:
        return work(transfer)
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        failure = unreachable(error, transfer.host, sent=transfer.sent)
    raise failure


def _send(
    session: requests.Session,
    method: str,
    url: SafeUrl,
    headers: Mapping[str, str],
    pieces: list[bytes | Path],
    transfer: TransferThread,
) -> Response:
    with Body(pieces, transfer) as body:
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
            if len(raw) > ANSWER_LIMIT:
                complete = False
                break
    except (urllib3.exceptions.HTTPError, OSError):
        complete = False
    headers = {name.lower(): value for name, value in response.headers.items()}
    # urllib3 before 2 does not check it.
    complete = complete and headers.get("content-length", str(len(raw))) == str(len(raw))
    body, whole = unpack(bytes(raw), headers.get("content-encoding", ""), ANSWER_LIMIT)
    return Response(response.status_code, body, headers, complete=complete and whole)


def _name(pieces: list[bytes | Path]) -> str:
    return next((piece.name for piece in pieces if isinstance(piece, Path)), "")
