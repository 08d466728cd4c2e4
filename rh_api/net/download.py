"""A result on its way to a file: resumed where the server allows, whole or not at all."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

import requests
import urllib3.exceptions

from ..errors import (
    BadInput,
    DiskFull,
    Fate,
    ResultUnavailable,
    RunningHubError,
    ServiceFault,
    Unreachable,
)
from ..run.ports import Fetched
from ..settings import Settings
from ..wire.call import Response
from ..wire.envelope import limited
from ..wire.filetypes import HEAD, FileType, Kind, by_suffix, looks_like_page, sniff
from .adapter import BLOCK, proxies_for
from .outside import CONNECT_SECONDS, USER_AGENT
from .part import Part
from .redact import unreachable
from .safety import MAX_REDIRECTS, SafeUrl, check_redirect
from .worker import Line, Stopped

READ_SECONDS = 60.0  # a last resort: the pace is watched from outside
SMALL_BLOCK = 16 * 1024
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
_NO_RANGE = re.compile(r"bytes \*/(\d+)")
_PAGES = frozenset({".html", ".htm", ".xml", ".xhtml"})
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Download:
    """One try to fetch `url` into `into` plus a suffix.

    What has come is kept in a `Part`. Stop removes it; a broken line leaves it for the next try.
    """

    def __init__(
        self, settings: Settings, session: requests.Session, url: SafeUrl, into: Path
    ) -> None:
        self._settings = settings
        self._session = session
        self._url = url
        self._folder = into.parent
        self._part = Part(into)

    def run(self, line: Line) -> Fetched:
        with self._part.alone():
            return self._run(line)

    def _run(self, line: Line) -> Fetched:
        try:
            have, tag = self._part.left_over()
            with self._ask(line, have, tag) as response:
                size = self._receive(line, response, have)
            return self._finish(size)
        except BaseException as error:
            given_up = isinstance(error, RunningHubError) and error.fate is Fate.OVER
            if given_up or line.is_stopped or not self._part.left_over()[0]:
                self._part.drop()
            raise

    def _ask(self, line: Line, have: int, tag: str) -> requests.Response:
        headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
        if have:
            headers |= {"Range": f"bytes={have}-", "If-Range": tag}
        url = self._url
        for _ in range(MAX_REDIRECTS + 1):
            line.host = url.host
            response = self._session.get(
                url.text,
                headers=headers,
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

    def _receive(self, line: Line, response: requests.Response, have: int) -> int:
        """Write the body behind what is there. Returns the size that the whole must have."""
        if response.status_code == 416 and have:
            # The part may be the whole: a process that ended between the last byte and its name.
            match = _NO_RANGE.fullmatch(response.headers.get("Content-Range", ""))
            if match is None or int(match[1]) != have:
                self._part.drop()
                raise _broken(line, "HTTP 416")
            return have
        _check_status(response)
        start, total = self._extent(line, response, have)
        self._write(line, response, start, total)
        return line.done if total is None else total

    def _extent(self, line: Line, response: requests.Response, have: int) -> tuple[int, int | None]:
        """Where the body begins in the file, and the whole size; None for a chunked body."""
        headers = response.headers
        if headers.get("Content-Encoding", "identity").lower() != "identity":
            raise ResultUnavailable(reason=f"Content-Encoding {headers['Content-Encoding'][:40]}")
        if response.status_code == 206:
            match = _RANGE.fullmatch(headers.get("Content-Range", ""))
            if match is None or int(match[1]) != have or int(match[2]) >= int(match[3]):
                self._part.drop()
                raise _broken(line, "Content-Range")
            return have, int(match[3])
        # The whole: the first try, a server without ranges, or another content by now.
        if "chunked" in headers.get("Transfer-Encoding", "").lower():
            return 0, None
        length = headers.get("Content-Length", "")
        if not length.isdecimal():
            # Its end would be the end of the connection, and half of it looked the same.
            raise _broken(line, "no Content-Length")
        return 0, int(length)

    def _write(
        self, line: Line, response: requests.Response, start: int, total: int | None
    ) -> None:
        line.done, line.total = start, total
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if total and shutil.disk_usage(self._folder).free < total - start:
                raise OSError(errno.ENOSPC, "known before the first byte")
            with self._part.growing(start, _content_mark(response.headers)) as part:
                try:
                    while block := _next_block(line, response):
                        part.write(block)
                        line.moved(len(block))
                    if total is not None and line.done != total:
                        raise _broken(line, f"{line.done} of {total} bytes")
                except (RunningHubError, Stopped):
                    if not line.is_stopped:
                        part.keep()
                    raise
        except OSError as error:
            raise self._disk_error(error) from None

    def _finish(self, size: int) -> Fetched:
        try:
            with self._part.path.open("rb") as file:
                head = file.read(HEAD)
            suffix, kind = _name_type(head, self._url.text)
            if not head and (kind is None or kind.kind is not Kind.TEXT):
                raise ResultUnavailable("error.result_empty", host=self._url.host)
            path = self._part.named(suffix)
        except OSError as error:
            raise self._disk_error(error) from None
        return Fetched(path, size, kind)

    def _disk_error(self, error: OSError) -> RunningHubError:
        folder = self._folder.name
        if error.errno in _FULL:
            return DiskFull(folder=folder)
        reason = os.strerror(error.errno) if error.errno else type(error).__name__
        return BadInput("error.folder_not_writable", fate=Fate.OVER, folder=folder, reason=reason)


def _next_block(line: Line, response: requests.Response) -> bytes:
    """Up to a block; what the line does wrong is told from what the disk does wrong."""
    raw = response.raw
    try:
        if hasattr(raw, "read1"):
            return raw.read1(BLOCK, decode_content=False)
        # urllib3 before 2 waits for all that is asked for: little, for the sake of slow lines.
        return raw.read(SMALL_BLOCK, decode_content=False)
    except (urllib3.exceptions.HTTPError, OSError) as error:
        failure = unreachable(error, line.host, sent=True)
    line.go_on()  # when it was us who cut the line, that is the reason
    raise failure


def _check_status(response: requests.Response) -> None:
    status = response.status_code
    if status in (200, 206):
        return
    if status == 429:
        headers = {name.lower(): value for name, value in response.headers.items()}
        raise limited(Response(status, b"", headers))
    if status >= 500:
        raise ServiceFault(remote=f"HTTP {status}")
    refused = ResultUnavailable(reason=f"HTTP {status}")
    refused.status = status
    raise refused


def _broken(line: Line, reason: str) -> Unreachable:
    return Unreachable(host=line.host, reason=reason)


def _content_mark(headers: Mapping[str, str]) -> str:
    """What If-Range takes: a strong ETag, else the date, else nothing that could be resumed."""
    etag = headers.get("ETag", "")
    return etag if etag.startswith('"') else headers.get("Last-Modified", "")


def _name_type(head: bytes, url: str) -> tuple[str, FileType | None]:
    """Suffix and proven type. Bytes decide; a name is believed only where bytes prove nothing."""
    claimed = PurePosixPath(unquote(urlsplit(url).path)).suffix.lower()
    if looks_like_page(head) and claimed not in _PAGES:
        raise ResultUnavailable("error.result_is_page", host=urlsplit(url).hostname or "")
    proven = sniff(head)
    if proven is not None:
        return proven.suffix, proven
    declared = by_suffix(claimed) if claimed else None
    if declared is None or declared.kind is Kind.IMAGE:
        return ".bin", None  # what no loader of pictures knows must not look like one
    if declared.kind is Kind.TEXT:
        return (declared.suffix, declared) if b"\0" not in head else (".bin", None)
    return declared.suffix, None
