"""Response envelope: parses a response body to its data, or raises the error that it means."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import cast

from ..errors import (
    SUCCESS_CODES,
    BadReply,
    FileTooLarge,
    GraphRejected,
    KeyRefused,
    NotFound,
    RateLimited,
    Redirected,
    Refused,
    RunningHubError,
    ServiceFault,
    UnknownCode,
    error_for_code,
    quote_remote,
)
from ..texts import Words
from .call import Response
from .filetypes import looks_like_page

Json = Mapping[str, object]

# A parsed value takes some 80 bytes, however short its JSON. The largest graphs have some ten
# thousand nodes of ten values.
MAX_VALUES = 1_000_000

MAX_RETRY_AFTER = 150.0  # seconds; a longer Retry-After is not waited for

_BY_STATUS: dict[int, type[RunningHubError]] = {
    401: KeyRefused,
    403: KeyRefused,
    404: NotFound,
    405: NotFound,
    410: NotFound,
    407: Refused,
    413: FileTooLarge,
    415: Refused,
    421: Refused,
}

# With an HTML body these come from a captive portal, a proxy or a firewall.
_MIDDLEBOX_STATUSES = frozenset({200, 401, 403, 407})


def reply_of(response: Response) -> Json:
    """Parse a response as a JSON object.

    Raises Redirected, RateLimited, KeyRefused, NotFound, FileTooLarge, Refused, ServiceFault or
    BadReply for anything else. Business codes are not checked here.
    """
    status = response.status
    data = read_json(response.body)
    if not isinstance(data, dict) or 300 <= status < 400 or status == 429:
        check_size(response.body, status)
        raise _error_for_status(response)
    reply = cast("Json", data)
    if status >= 400 and "code" not in reply and "errorCode" not in reply:
        raise _error_for_status(response)
    return reply


def open_envelope(response: Response) -> object:
    """Return `data` of a `{code, msg, data}` envelope; raise the error of a non-success code.

    Success is `code` 0, or 200 as on the English upload page; `msg` does not matter.
    """
    reply = reply_of(response)
    code = read_int(reply.get("code"))
    if code is None:
        raise BadReply(status=response.status)
    if code not in SUCCESS_CODES:
        raise business_error(code, reply, response)
    return reply.get("data")


def business_error(code: int, reply: Json, response: Response) -> RunningHubError:
    """Return a business code's error, with the service's message and, for 1003, Retry-After."""
    error = error_for_code(code, remote_text(reply))
    if isinstance(error, RateLimited):
        return _paced(response, code=code, **error.params)
    if isinstance(error, GraphRejected):
        return _rejected(error, remote_text(reply))
    if isinstance(error, UnknownCode):
        kind = ServiceFault if response.status >= 500 else _BY_STATUS.get(response.status)
        return error if kind is None else kind(code=code, remote=error.params["remote"])
    return error


def _rejected(error: GraphRejected, text: str) -> GraphRejected:
    """Return the error of a rejected graph, with the node if `text` is ComfyUI's JSON report."""
    try:
        report = read_object(json.JSONDecoder().raw_decode(text[text.find("{") :])[0])
    except (ValueError, RecursionError):
        return error
    for node_id, text in read_node_errors(report).items():
        return GraphRejected(
            "error.node_rejected",
            code=error.code,
            node_id=node_id,
            node=node_id,
            title="",
            remote=text,
        )
    return error


def read_node_errors(report: Json) -> dict[str, str]:
    """Return ComfyUI's validation errors by node id; {} if none names a node.

    A missing class is reported for the whole graph, with the node's id in the details.
    """
    errors: dict[str, str] = {}
    for node_id, entry in read_object(report.get("node_errors")).items():
        about = read_object(entry)
        texts = [_error_text(error) for error in as_list(about.get("errors"))]
        words = (read_text(about.get("class_type")), "; ".join(filter(None, texts)))
        errors[node_id] = quote_remote(": ".join(filter(None, words)), 300)
    whole = read_object(report.get("error"))
    missing = re.search(r"Node ID '?#([0-9A-Za-z:_-]{1,100})", read_text(whole.get("details")))
    if missing and not errors:
        errors[missing[1]] = quote_remote(read_text(whole.get("message")), 300)
    return errors


def _error_text(error: object) -> str:
    about = read_object(error)
    parts = (read_text(about.get("message")), read_text(about.get("details")))
    text = " ".join(part for part in parts if part)
    return text or read_text(about.get("type")) or read_text(error)


def remote_text(reply: Json) -> str:
    """Return the service's message: the first non-blank of `msg`, `message`, `errorMessage`."""
    for name in ("msg", "message", "errorMessage"):
        text = reply.get(name)
        if isinstance(text, str) and text.strip():
            return text
    return ""


def limited(response: Response) -> RateLimited:
    """Return the error of HTTP 429, with its Retry-After."""
    return _paced(response, remote=f"HTTP {response.status}")


def _paced(response: Response, **params: object) -> RateLimited:
    """Return RateLimited with Retry-After; above MAX_RETRY_AFTER its text states the pause."""
    seconds = retry_after(response)
    if seconds is None or seconds <= MAX_RETRY_AFTER:
        return RateLimited(retry_after=seconds, **params)
    pause = _pause(seconds)
    return RateLimited("error.rate_limited_until", retry_after=seconds, pause=pause, **params)


def _pause(seconds: float) -> Words:
    """Return a duration as text, rounded up to minutes, hours or days."""
    key, size = "error.pause_days", 24 * 3600
    if seconds <= 2 * 3600:
        key, size = "error.pause_minutes", 60
    elif seconds <= 48 * 3600:
        key, size = "error.pause_hours", 3600
    return Words.of(lambda say: say(key, {"count": math.ceil(seconds / size)}))


def retry_after(response: Response) -> float | None:
    """Parse Retry-After, in seconds or as an HTTP date; None if absent or invalid."""
    text = response.headers.get("retry-after", "").strip()
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        return _seconds_until(text, response.headers.get("date"))
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _seconds_until(date: str, server_now: str | None) -> float | None:
    # Relative to the server's own Date header, since the clocks may differ.
    try:
        then = parsedate_to_datetime(date)
        now = parsedate_to_datetime(server_now) if server_now else datetime.now(timezone.utc)
        return max(0.0, (then - now).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None


def check_size(text: str | bytes, status: int) -> None:
    """Raise BadReply for a JSON text that is too large for `read_json`."""
    if _has_too_many_values(text):
        raise BadReply("error.too_many_values", status=status, limit=f"{MAX_VALUES:,}")


def read_json(text: str | bytes) -> object:
    """Parse JSON, lone surrogates as U+FFFD; None if invalid, too deeply nested or too large."""
    if _has_too_many_values(text):
        return None
    try:
        if not _may_have_surrogates(text):
            return json.loads(text)
        # Lone surrogates, which cannot be encoded for files, database or URLs.
        whole = json.dumps(json.loads(text), ensure_ascii=False)
        return json.loads(whole.encode("utf-8", "surrogatepass").decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None


def _may_have_surrogates(text: str | bytes) -> bool:
    """Return whether a JSON text may contain a surrogate escape, paired or not."""
    if isinstance(text, bytes):
        return b"\\ud" in text or b"\\uD" in text
    return "\\ud" in text or "\\uD" in text


def _has_too_many_values(text: str | bytes) -> bool:
    """Return whether a JSON text may have more than MAX_VALUES values, without parsing it."""
    signs = 0
    for start in range(0, len(text), MAX_VALUES):
        end = start + MAX_VALUES
        if isinstance(text, str):
            signs += sum(text.count(sign, start, end) for sign in "{[,")
        else:
            signs += sum(text.count(sign, start, end) for sign in (b"{", b"[", b","))
        if signs > MAX_VALUES:
            return True
    return False


def read_int(value: object) -> int | None:
    """Return an integer, also from a decimal string; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, str) and value.strip().lstrip("-").isascii():
        text = value.strip()
        return int(text) if text.removeprefix("-").isdigit() and len(text) < 40 else None
    return None


def read_text(value: object) -> str:
    """Return a string, a number as one, or "" for anything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    return ""


def read_id(value: object) -> str:
    """Return an id as a string (19 digits exceed 2^53); "" for none.

    Schemas say int64, real answers mostly have strings; 0 and null mean none, floats are ignored.
    """
    text = "" if isinstance(value, float) else read_text(value).strip()
    return "" if text in ("0", "null", "None") else text


def read_object(value: object) -> Json:
    """Return an object, also parsed from its JSON text; {} for anything else."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        value = read_json(value)
    return cast("Json", value) if isinstance(value, dict) else {}


def as_number(value: object) -> float | None:
    """Return a JSON number; None for anything else, bool included."""
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def as_list(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []


def _error_for_status(response: Response) -> RunningHubError:
    status = response.status
    if 300 <= status < 400:
        return Redirected(status=status)
    if status == 429:
        return limited(response)
    if status in _MIDDLEBOX_STATUSES and looks_like_page(response.body[:512]):
        return BadReply("error.page", status=status)
    kind = ServiceFault if status >= 500 else _BY_STATUS.get(status)
    return BadReply(status=status) if kind is None else kind(remote=f"HTTP {status}", status=status)
