"""A result on its way to a file: resumed where the server allows, whole or not at all."""

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
from ..wire.wholeness import Verdict, judge
from .part import Part
from .safety import MAX_REDIRECTS, SafeUrl, check_redirect, unreachable
from .tls_proxy import CONNECT_SECONDS, CONTENT_CODINGS, USER_AGENT
from .transfer_thread import BLOCK, Stopped, TransferThread, proxies_for

READ_SECONDS = 60.0  # a last resort: the pace is watched from outside
SMALL_BLOCK = 16 * 1024
RESERVE = 256 * 2**20  # bytes, or a tenth of what is free
LOOK_BYTES = 16 * 2**20  # of a body of unknown length between two looks at the disk
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
_NO_RANGE = re.compile(r"bytes \*/(\d+)")
_PAGES = frozenset({".html", ".htm", ".xml", ".xhtml"})
_TEXTS = frozenset({".txt", ".md"})
_NO_CODINGS = frozenset({"", "identity", "none", "utf-8", "aws-chunked"})
"""What stores say of a body that is not packed: the rest is metadata of an upload gone astray."""
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Download:
    """One try to fetch `url` into `into` plus a suffix.

    What has come is kept in a `Part`. Stop removes it; a broken line leaves it for the next try.
    """

    def __init__(
        self, settings: Settings, session: requests.Session, url: SafeUrl, into: Path, name: str
    ) -> None:
        """`name`: of the file in the cloud, which says what it is where its bytes prove nothing."""
        self._settings = settings
        self._session = session
        self._url = url
        self._name = name
        self._folder = into.parent
        self._part = Part(into)
        self._type = ""  # as the server calls it
        self._is_open = False  # its end is that of the connection, and half of it looks the same

    def run(self, transfer: TransferThread) -> Fetched:
        with self._part.alone():
            return self._run(transfer)

    def _run(self, transfer: TransferThread) -> Fetched:
        try:
            have, tag = self._part.left_over()
            with self._ask(transfer, have, tag) as response:
                size = self._receive(transfer, response, have)
            return self._finish(transfer, size)
        except BaseException as error:
            given_up = isinstance(error, RunningHubError) and error.fate is Fate.OVER
            if given_up or transfer.is_stopped or not self._part.left_over()[0]:
                self._part.drop()
            raise

    def _ask(self, transfer: TransferThread, have: int, tag: str) -> requests.Response:
        headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
        if have:
            headers |= {"Range": f"bytes={have}-", "If-Range": tag}
        url = self._url
        for _ in range(MAX_REDIRECTS + 1):
            transfer.host = url.host
            # Not by way of the session: it has no headers, cookies and proxies to add.
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
        """Write the body behind what is there. Returns the size that the whole must have."""
        if response.status_code == 416 and have:
            # The part may be the whole: a process that ended between the last byte and its name.
            match = _NO_RANGE.fullmatch(response.headers.get("Content-Range", ""))
            if match is None or int(match[1]) != have:
                self._part.drop()
                raise _broken(transfer, "HTTP 416")
            return have
        _check_status(response)
        start, total = self._extent(transfer, response, have)
        self._type = response.headers.get("Content-Type", "").lower()
        return self._write(transfer, response, start, total)

    def _extent(
        self, transfer: TransferThread, response: requests.Response, have: int
    ) -> tuple[int, int | None]:
        """Where the body begins in the file, and the whole size; None where it is not announced."""
        headers, is_packed = response.headers, _coding(response) != ""
        if response.status_code == 206:
            match = _RANGE.fullmatch(headers.get("Content-Range", ""))
            if (
                is_packed
                or match is None
                or int(match[1]) != have
                or int(match[2]) >= int(match[3])
            ):
                self._part.drop()
                raise _broken(transfer, "Content-Range")
            self._check_content(transfer, headers)
            return have, int(match[3])
        # The whole: the first try, a server without ranges, or another content by now.
        if is_packed or "chunked" in headers.get("Transfer-Encoding", "").lower():
            return 0, None
        length = headers.get("Content-Length", "")
        self._is_open = not length.isdecimal()
        return 0, None if self._is_open else int(length)

    def _check_content(self, transfer: TransferThread, headers: Mapping[str, str]) -> None:
        """The rest must be of the content that the first half is of, whatever If-Range did."""
        now, (_, before) = _content_mark(headers), self._part.left_over()
        if now and now != before:
            self._part.drop()
            raise _broken(transfer, "another content")

    def _write(
        self, transfer: TransferThread, response: requests.Response, start: int, total: int | None
    ) -> int:
        transfer.done, transfer.total = start, total
        blocks, mark = _blocks(transfer, response), _content_mark(response.headers)
        if coding := _coding(response):
            # A range would be one of what is packed.
            blocks, mark = _unpacked(transfer, blocks, coding), ""
        size = start
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            room = _Room(self._folder)
            if total is not None:
                room.take(total - start)
            with self._part.growing(start, mark) as part:
                try:
                    for block in blocks:
                        if total is None:
                            room.take(len(block))
                        part.write(block)
                        size += len(block)
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
            if self._is_open and verdict is not Verdict.WHOLE:
                if verdict is Verdict.CUT:
                    raise _broken(transfer, "no Content-Length")
                verdict = Verdict.CUT  # nothing proves its end: it is fetched once more
            suffix, kind = _name_type(head, self._name, self._url.host, self._type)
            if not head and (kind is None or kind.kind is not Kind.TEXT):
                raise ResultUnavailable("error.result_empty", host=self._url.host)
            path = self._part.named(suffix)
        except OSError as error:
            raise self._disk_error(error) from None
        return Fetched(path, size, kind, verdict)

    def _disk_error(self, error: OSError) -> RunningHubError:
        folder = self._folder.name
        if error.errno in _FULL:
            return DiskFull(folder=folder)
        reason = os.strerror(error.errno) if error.errno else type(error).__name__
        return BadInput("error.folder_not_writable", fate=Fate.OVER, folder=folder, reason=reason)


class _Room:
    """What a result may take of a disk: all but what others live on, and the journal."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        free = shutil.disk_usage(folder).free
        self._reserve = min(RESERVE, free // 10)
        self._left = min(LOOK_BYTES, free - self._reserve)

    def take(self, count: int) -> None:
        """Raise OSError where `count` more bytes would reach into the reserve."""
        if self._left < count:
            free = shutil.disk_usage(self._folder).free - self._reserve
            if free < count:
                raise OSError(errno.ENOSPC, "no room for a result")
            self._left = min(LOOK_BYTES, free)
        self._left -= count


def _coding(response: requests.Response) -> str:
    """How it comes packed, as some stores keep it, "" for not; ResultUnavailable for an unknown
    way."""
    header = response.headers.get("Content-Encoding", "").lower()
    codings = [coding for part in header.split(",") if (coding := part.strip()) not in _NO_CODINGS]
    if len(codings) > 1 or not set(codings).issubset(CONTENT_CODINGS):
        raise ResultUnavailable(reason=f"Content-Encoding {header[:40]}")
    return "".join(codings)


def _blocks(transfer: TransferThread, response: requests.Response) -> Iterator[bytes]:
    while block := _next_block(transfer, response):
        yield block
        transfer.moved(len(block))


def _unpacked(transfer: TransferThread, blocks: Iterator[bytes], coding: str) -> Iterator[bytes]:
    """What packed blocks hold, in pieces: a megabyte of them can hold gigabytes."""
    head = next(blocks, b"")
    while len(head) < 2 and (more := next(blocks, b"")):
        head += more
    # By deflate many servers mean a bare stream, without zlib's header, which is a multiple of 31.
    is_headed = int.from_bytes(head[:2], "big") % 31 == 0 or head.startswith(b"\x1f\x8b")
    bits = -zlib.MAX_WBITS if coding == "deflate" and not is_headed else zlib.MAX_WBITS | 32
    unpacker = zlib.decompressobj(bits)
    try:
        for block in itertools.chain((head,), blocks):
            while block:
                if unpacker.eof:  # several, one behind the other, or what fills up the last one
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
    """Up to a block; what the line does wrong is told from what the disk does wrong."""
    raw = response.raw
    try:
        if hasattr(raw, "read1"):
            return raw.read1(BLOCK, decode_content=False)
        # urllib3 before 2 waits for all that is asked for: little, for the sake of slow lines.
        return raw.read(SMALL_BLOCK, decode_content=False)
    except (urllib3.exceptions.HTTPError, OSError) as error:
        failure = unreachable(error, transfer.host, sent=True)
    transfer.go_on()  # when it was us who cut the line, that is the reason
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


def _content_mark(headers: Mapping[str, str]) -> str:
    """What If-Range takes: a strong ETag, else the date, else nothing that could be resumed."""
    etag = headers.get("ETag", "")
    return etag if etag.startswith('"') else headers.get("Last-Modified", "")


def _name_type(head: bytes, name: str, host: str, mime: str = "") -> tuple[str, FileType | None]:
    """Suffix and proven type. Bytes decide; a name is believed only where bytes prove nothing.

    `mime`: the server's word, by which a text that is written like a page is told from a page.
    """
    claimed = PurePosixPath(name).suffix.lower()
    is_text = claimed in _TEXTS and "html" not in mime and "xml" not in mime
    if looks_like_page(head) and claimed not in _PAGES and not is_text:
        raise ResultUnavailable("error.result_is_page", host=host)
    proven = sniff(head)
    if proven is ZIP and claimed == USDZ.suffix:
        return USDZ.suffix, USDZ
    if proven is not None:
        return proven.suffix, proven
    declared = by_suffix(claimed) if claimed else None
    if declared is None or declared.kind is Kind.IMAGE:
        return ".bin", None  # what no loader of pictures knows must not look like one
    if declared.kind is Kind.TEXT:
        return (declared.suffix, declared) if b"\0" not in head else (".bin", None)
    return declared.suffix, None
