"""Download of a result to a file: resumable by range requests, and complete or not at all."""

from __future__ import annotations

import errno
import itertools
import os
import re
import shutil
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

import requests
import urllib3.exceptions

from ..errors import (
    BadInput,
    CutOff,
    DiskFull,
    Fate,
    ResultUnavailable,
    RunningHubError,
    ServiceFault,
)
from ..run.ports import Fetched
from ..settings import Settings
from ..wire.call import Response
from ..wire.envelope import limited
from ..wire.filetypes import (
    HEAD,
    USDZ,
    ZIP,
    FileType,
    Kind,
    by_suffix,
    looks_like_page,
    sniff,
)
from ..wire.integrity import Verdict, judge
from .partial_download import Part
from .safety import MAX_REDIRECTS, SafeUrl, check_redirect, unreachable
from .stalls import BLOCK, Stopped
from .tls_proxy import CONNECT_SECONDS, CONTENT_CODINGS, USER_AGENT
from .transfer_thread import TransferThread, proxies_for

READ_SECONDS = 60.0  # socket timeout, a last resort: StallPolicy watches the throughput
SMALL_BLOCK = 16 * 1024
RESERVE = 256 * 2**20  # bytes of disk left free, or a tenth of the free space if that is less
LARGEST, LARGEST_PICTURE = 20 * 10**9, 10**9  # bytes of a body of unknown length
SPACE_CHECK_BYTES = 16 * 2**20  # of a body of unknown length between two checks of free space
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
_NO_RANGE = re.compile(r"bytes \*/(\d+)")
_PAGES = frozenset({".html", ".htm", ".xml", ".xhtml"})
_TEXTS = frozenset({".txt", ".md"})
_NO_CODINGS = frozenset({"", "identity", "none", "utf-8", "aws-chunked"})
"""Content-Encodings of an uncompressed body; object stores send misplaced upload metadata."""
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Download:
    """One attempt to download `url` to `into` plus a suffix. Blocking; runs in a transfer thread.

    Received bytes go to a `Part`: deleted on stop, kept for resuming when the connection breaks.
    """

    def __init__(
        self, settings: Settings, session: requests.Session, url: SafeUrl, into: Path, name: str
    ) -> None:
        """`name`: remote file name, whose suffix gives the type if magic bytes do not."""
        self._settings = settings
        self._session = session
        self._url = url
        self._name = name
        self._folder = into.parent
        self._part = Part(into)
        self._type = ""  # Content-Type
        self._ends_at_close = False  # delimited by connection close: truncation goes unnoticed

    def run(self, transfer: TransferThread) -> Fetched:
        with self._part.alone():
            return self._run(transfer)

    def _run(self, transfer: TransferThread) -> Fetched:
        try:
            have, tag = self._part.resume_point()
            transfer.done = have  # progress is reported before the answer comes
            with self._ask(transfer, have, tag) as response:
                size = self._receive(transfer, response, have)
            return self._finish(transfer, size)
        except BaseException as error:
            given_up = isinstance(error, RunningHubError) and error.fate is Fate.OVER
            if given_up or transfer.is_stopped or not self._part.resume_point()[0]:
                self._part.drop()
            raise

    def _ask(self, transfer: TransferThread, have: int, tag: str) -> requests.Response:
        headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
        if have:
            headers |= {"Range": f"bytes={have}-", "If-Range": tag}
        url = self._url
        for _ in range(MAX_REDIRECTS + 1):
            transfer.host = url.host
            # Prepared without the session, which has no headers, cookies or proxies to merge.
            request = requests.Request("GET", url.text, headers=headers).prepare()
            response = self._session.send(
                request,
                proxies=proxies_for(url.scheme, url.host),
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                allow_redirects=False,
                stream=True,
            )
            if response.status_code not in (301, 302, 303, 307, 308):
                return response
            response.close()
            url = check_redirect(url, response.headers.get("Location", ""), self._settings)
        raise ResultUnavailable("error.too_many_redirects", host=url.host)

    def _receive(self, transfer: TransferThread, response: requests.Response, have: int) -> int:
        """Append the body to the `have` bytes of the part; return the size of the whole file."""
        if response.status_code == 416 and have:
            # The part may be complete: a process died between the last byte and the rename.
            match = _NO_RANGE.fullmatch(response.headers.get("Content-Range", ""))
            if match is None or int(match[1]) != have:
                self._part.drop()
                raise _broken(transfer, "HTTP 416")
            return have
        _check_status(response)
        start, total = self._offset_and_size(transfer, response, have)
        self._type = response.headers.get("Content-Type", "").lower()
        return self._write(transfer, response, start, total)

    def _offset_and_size(
        self, transfer: TransferThread, response: requests.Response, have: int
    ) -> tuple[int, int | None]:
        """Return the body's offset in the file, and the total size (None if not announced)."""
        headers, is_compressed = response.headers, _coding(response) != ""
        if response.status_code == 206:
            match = _RANGE.fullmatch(headers.get("Content-Range", ""))
            if (
                is_compressed
                or match is None
                or int(match[1]) != have
                or int(match[2]) >= int(match[3])
            ):
                self._part.drop()
                raise _broken(transfer, "Content-Range")
            self._check_content(transfer, headers)
            return have, int(match[3])
        # 200, the whole file: a first attempt, no range support, or If-Range did not match.
        if is_compressed or "chunked" in headers.get("Transfer-Encoding", "").lower():
            return 0, None
        length = headers.get("Content-Length", "")
        self._ends_at_close = not length.isdecimal()
        return 0, None if self._ends_at_close else int(length)

    def _check_content(self, transfer: TransferThread, headers: Mapping[str, str]) -> None:
        """Raise CutOff if a 206's validator differs from the part's: If-Range may be ignored."""
        now, (_, before) = _validator(headers), self._part.resume_point()
        if now and now != before:
            self._part.drop()
            raise _broken(transfer, "another content")

    def _write(
        self, transfer: TransferThread, response: requests.Response, start: int, total: int | None
    ) -> int:
        transfer.done, transfer.total = start, total
        blocks, mark = _blocks(transfer, response), _validator(response.headers)
        if coding := _coding(response):
            # Not resumable: ranges count compressed bytes, and the part holds plain ones.
            blocks, mark = _decoded(transfer, blocks, coding), ""
        size, most = start, most_bytes(self._name, self._type, self._settings.most_result_bytes)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            quota = _DiskQuota(self._folder)
            if total is not None:
                quota.take(total - start)
            with self._part.growing(start, mark) as part:
                try:
                    for block in blocks:
                        size += len(block)
                        if total is None:
                            quota.take(len(block))
                            if size > most:
                                raise self._endless(most)
                        part.write(block)
                    if total is not None and transfer.done != total:
                        raise _broken(transfer, f"{transfer.done} of {total} bytes")
                except (RunningHubError, Stopped):
                    if not transfer.is_stopped:
                        part.keep()
                    raise
        except OSError as error:
            raise self._disk_error(error) from None
        return size

    def _finish(self, transfer: TransferThread, size: int) -> Fetched:
        try:
            with self._part.path.open("rb") as file:
                head = file.read(HEAD)
                verdict = judge(file, size)
            if self._ends_at_close and verdict is not Verdict.WHOLE:
                if verdict is Verdict.CUT:
                    raise _broken(transfer, "no Content-Length")
                verdict = Verdict.CUT  # completeness is unproved: downloaded once more
            suffix, kind = _name_type(head, self._name, self._url.host, self._type)
            if not head and (kind is None or kind.kind is not Kind.TEXT):
                raise ResultUnavailable("error.result_empty", host=self._url.host)
            path = self._part.named(suffix)
        except OSError as error:
            raise self._disk_error(error) from None
        return Fetched(path, size, kind, verdict)

    def _endless(self, most: int) -> ResultUnavailable:
        size = f"{most / 10**9:g}"
        return ResultUnavailable("error.result_endless", host=self._url.host, size=size)

    def _disk_error(self, error: OSError) -> RunningHubError:
        folder = self._folder.name
        if error.errno in _FULL:
            return DiskFull(folder=folder)
        reason = os.strerror(error.errno) if error.errno else type(error).__name__
        return BadInput("error.folder_not_writable", fate=Fate.OVER, folder=folder, reason=reason)


class _DiskQuota:
    """Disk quota of a download: free space minus a reserve for the journal and other programs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        free = shutil.disk_usage(folder).free
        self._reserve = min(RESERVE, free // 10)
        self._left = min(SPACE_CHECK_BYTES, free - self._reserve)

    def take(self, count: int) -> None:
        """Raise OSError (ENOSPC) if `count` more bytes would eat into the reserve."""
        if self._left < count:
            free = shutil.disk_usage(self._folder).free - self._reserve
            if free < count:
                raise OSError(errno.ENOSPC, "no room for a result")
            self._left = min(SPACE_CHECK_BYTES, free)
        self._left -= count


def most_bytes(name: str, mime: str, own: int) -> int:
    """How many bytes a body of unknown length may have. `name`, `mime`: of the file; `own`: what
    the user set, 0 for nothing."""
    named = by_suffix(PurePosixPath(name).suffix)
    is_picture = mime.startswith("image/") or (named is not None and named.kind is Kind.IMAGE)
    return own or (LARGEST_PICTURE if is_picture else LARGEST)


def _coding(response: requests.Response) -> str:
    """Return the Content-Encoding, with which some stores keep files; "" for none. Raises
    ResultUnavailable for an unsupported one."""
    header = response.headers.get("Content-Encoding", "").lower()
    codings = [coding for part in header.split(",") if (coding := part.strip()) not in _NO_CODINGS]
    if len(codings) > 1 or not set(codings).issubset(CONTENT_CODINGS):
        raise ResultUnavailable(reason=f"Content-Encoding {header[:40]}")
    return "".join(codings)


def _blocks(transfer: TransferThread, response: requests.Response) -> Iterator[bytes]:
    while block := _next_block(transfer, response):
        yield block
        transfer.moved(len(block))


def _decoded(transfer: TransferThread, blocks: Iterator[bytes], coding: str) -> Iterator[bytes]:
    """Decompress in steps of at most BLOCK bytes. ResultUnavailable: invalid; CutOff: truncated."""
    head = next(blocks, b"")
    while len(head) < 2 and (more := next(blocks, b"")):
        head += more
    # By "deflate" many servers mean raw deflate; a zlib header is a multiple of 31.
    is_headed = int.from_bytes(head[:2], "big") % 31 == 0 or head.startswith(b"\x1f\x8b")
    bits = -zlib.MAX_WBITS if coding == "deflate" and not is_headed else zlib.MAX_WBITS | 32
    unpacker = zlib.decompressobj(bits)
    try:
        for block in itertools.chain((head,), blocks):
            while block:
                if unpacker.eof:  # concatenated members, or zero padding
                    block = block.lstrip(b"\0")
                    if not block:
                        break
                    unpacker = zlib.decompressobj(bits)
                yield unpacker.decompress(block, BLOCK)
                block = unpacker.unconsumed_tail or unpacker.unused_data
        yield unpacker.flush()
    except zlib.error:
        raise ResultUnavailable(reason="Content-Encoding") from None
    if not unpacker.eof:
        raise _broken(transfer, "Content-Encoding")


def _next_block(transfer: TransferThread, response: requests.Response) -> bytes:
    """Return the next block, b"" at the end; network errors become CutOff, unlike disk errors."""
    raw = response.raw
    try:
        if hasattr(raw, "read1"):
            return raw.read1(BLOCK, decode_content=False)
        # urllib3 before 2 blocks until all of it has come: read little, for slow connections.
        return raw.read(SMALL_BLOCK, decode_content=False)
    except (urllib3.exceptions.HTTPError, OSError) as error:
        failure = unreachable(error, transfer.host, sent=True)
    transfer.go_on()  # raises Stopped if our side shut the socket down
    raise CutOff(failure.key, fate=failure.fate).with_context(params=failure.params)


def _check_status(response: requests.Response) -> None:
    status = response.status_code
    if status in (200, 206):
        return
    if status == 429:
        headers = {name.lower(): value for name, value in response.headers.items()}
        raise limited(Response(status, b"", headers))
    if status >= 500:
        raise ServiceFault(remote=f"HTTP {status}")
    raise ResultUnavailable(reason=f"HTTP {status}", status=status)


def _broken(transfer: TransferThread, reason: str) -> CutOff:
    return CutOff(host=transfer.host, reason=reason)


def _validator(headers: Mapping[str, str]) -> str:
    """Return the validator for If-Range: a strong ETag, else Last-Modified; "": not resumable."""
    etag = headers.get("ETag", "")
    return etag if etag.startswith('"') else headers.get("Last-Modified", "")


def _name_type(head: bytes, name: str, host: str, mime: str = "") -> tuple[str, FileType | None]:
    """Return suffix and type: of a text by its name, if it holds no NUL; else by magic bytes; else
    the name's suffix, with type None.

    `mime`: Content-Type, which tells a text that looks like a web page from an error page. Raises
    ResultUnavailable for the latter."""
    claimed = PurePosixPath(name).suffix.lower()
    is_text = claimed in _TEXTS and "html" not in mime and "xml" not in mime
    if looks_like_page(head) and claimed not in _PAGES and not is_text:
        raise ResultUnavailable("error.result_is_page", host=host)
    declared = by_suffix(claimed) if claimed else None
    # Before the magic bytes: some are letters, with which a caption may begin (`BMW on a road`).
    if declared is not None and declared.kind is Kind.TEXT and b"\0" not in head:
        return declared.suffix, declared
    proven = sniff(head)
    if proven is ZIP and claimed == USDZ.suffix:
        return USDZ.suffix, USDZ
    if proven is not None:
        return proven.suffix, proven
    if declared is None or declared.kind in (Kind.IMAGE, Kind.TEXT):
        return ".bin", None  # must not look like an image to loaders that cannot decode it
    return declared.suffix, None
