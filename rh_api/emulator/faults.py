"""Fault injection by path, count and kind."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Literal, cast, get_args

Kind = Literal[
    "code",
    "status",
    "html",
    "half_json",
    "truncated",
    "wrong_types",
    "null_data",
    "reset",
    "lost_reply",
    "hang",
    "drip",
    "slow_read",
    "redirect",
    "retry_after",
    "delay",
    "empty",
    "body",
    "cut",
    "chunked",
    "endless",
    "other_etag",
    "objects",
    "nested",
    "gzip_bomb",
    "gzip",
    "unmeasured",
    "quoted",
    "doubled",
    "echo_key",
]

KINDS: tuple[str, ...] = get_args(Kind)

READ_RATE: ContextVar[float | None] = ContextVar("READ_RATE", default=None)
"""Rate in bytes per second at which the current request's body is read, set by a fault."""

SERVED_PART: ContextVar[float] = ContextVar("SERVED_PART", default=1.0)
"""Fraction of a file that the current download serves as the whole."""


@dataclass
class Fault:
    """A fault, applied to requests whose path begins with ``path``.

    Skips the first ``after`` of them and applies to the next ``count`` (None: all).

    ======================  ==================================================================
    kind                    effect; what ``value`` means
    ======================  ==================================================================
    code                    business code ``value`` in the envelope of that path
    status                  HTTP status ``value`` (500) with the body of code 500
    html                    HTTP status ``value`` (502) with a page
    half_json               response cut to ``value`` (0.5) of its length, its length header matches
    truncated               the same with the whole's Content-Length; then closed
    wrong_types             numbers as strings and vice versa, an unknown status
    null_data               ``data`` (or every field of a V2 task) is null
    reset                   connection reset before the request is processed
    lost_reply              connection reset after the request is processed, without a response
    hang                    no response until the client disconnects; ``value``: "before" or "after"
                            processing
    drip                    response sent at ``value`` bytes per second
    slow_read               request body read at ``value`` bytes per second
    redirect                ``status`` (302) with Location ``value``
    retry_after             429 with ``Retry-After: value``
    delay                   ``value`` seconds before processing
    empty                   empty body
    body                    ``value`` (bytes or text) as body
    cut                     a download cut to ``value`` (0.5) of its length, served as if it were
                            the whole: length, ranges, ETag and type match
    chunked                 response with chunked encoding, without Content-Length
    endless                 response repeated in chunks until the client disconnects
    other_etag              response with a wrong ETag
    objects                 JSON whose ``data`` holds ``value`` (8,000,000) empty objects
    nested                  JSON of ``value`` (1,000,000) nested lists
    gzip_bomb               ``value`` (64) MiB of spaces, gzipped to about a thousandth
    gzip                    response gzipped, as some object stores serve
    unmeasured              response without Content-Length, ended by closing the connection
    quoted                  response JSON encoded once more, as a JSON string
    doubled                 response with its keys (but code, msg) duplicated, as null
    echo_key                refusal whose text repeats the key; ``value``: plain, json
                            (escapes), percent, base64 (of the header's value), utf16 (the whole
                            body), or location (in a redirect)
    ======================  ==================================================================

    ``processed``: whether the request is still processed; half_json, truncated, wrong_types,
    null_data, lost_reply, drip, slow_read, delay, cut, chunked, gzip, unmeasured, quoted, doubled,
    endless and other_etag always are. ``status``: HTTP status of body, empty and redirect.

    Not claims about the service itself: caches, proxies and broken machines on the way have
    caused each of them.
    """

    path: str
    kind: Kind
    count: int | None = 1
    value: Any = None
    after: int = 0
    method: str | None = None
    status: int | None = None
    processed: bool = False
    content_type: str = "application/json"
    text: str = ""
    """The message beside a code; "": the default one."""
    struck: int = field(default=0, compare=False)
    """How often it was applied."""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown kind of fault: {self.kind!r}")

    def matches(self, method: str, path: str) -> bool:
        return path.startswith(self.path) and self.method in (None, method)

    def strikes(self) -> bool:
        """Count one matching request; returns whether the fault applies to it."""
        if self.after > 0:
            self.after -= 1
            return False
        if self.count is not None and self.struck >= self.count:
            return False
        self.struck += 1
        return True


def pick(faults: list[Fault], method: str, path: str) -> Fault | None:
    """Return the first fault that applies; exhausted ones stay listed, for counting."""
    for fault in faults:
        if fault.matches(method, path) and fault.strikes():
            return fault
    return None


def wrong_types(value: Any, *, name: str = "") -> Any:
    """Turn digits into numbers, numbers into strings, the status unknown; ``code`` is kept."""
    if isinstance(value, dict):
        items = cast("dict[str, Any]", value)
        return {key: wrong_types(item, name=key) for key, item in items.items()}
    if isinstance(value, list):
        return [wrong_types(item) for item in cast("list[Any]", value)]
    if name in ("status", "taskStatus") and value:
        return "PREPARING"
    if isinstance(value, str):
        return int(value) if value.isdigit() else value
    keep = name == "code" or value is None
    return value if keep else str(value).lower()


def null_data(value: Any) -> Any:
    """Return the response without its data."""
    if not isinstance(value, dict):
        return None
    items = cast("dict[str, Any]", value)
    if "code" in items:
        return {**items, "data": None}
    return dict.fromkeys(items)
