"""Faults: what goes wrong on the way, by path, count and kind."""

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
"""Bytes a second at which a fault wants the present request's body read."""

SERVED_PART: ContextVar[float] = ContextVar("SERVED_PART", default=1.0)
"""The part of a file that the present download takes for the whole."""


@dataclass
class Fault:
    """One fault. It strikes the requests whose path begins with ``path``.

    The first ``after`` of them are spared, the next ``count`` are struck (None: all of them).

    ======================  ==================================================================
    kind                    effect; what ``value`` means
    ======================  ==================================================================
    code                    business code ``value`` in the envelope of that path
    status                  HTTP status ``value`` (500) with the body of code 500
    html                    HTTP status ``value`` (502) with a page
    half_json               the answer cut after ``value`` (0.5) of its length, told honestly
    truncated               the same, but the length is that of the whole; then closed
    wrong_types             numbers as strings and the other way round, an unknown status
    null_data               ``data`` (or every field of a V2 task) is null
    reset                   connection reset before the request is processed
    lost_reply              processed and booked, then reset without an answer
    hang                    no answer until the client leaves; "before" or "after" processing
    drip                    the answer at ``value`` bytes a second
    slow_read               the request's body is read at ``value`` bytes a second
    redirect                ``status`` (302) to the address ``value``
    retry_after             429 with ``Retry-After: value``
    delay                   ``value`` seconds before processing
    empty                   nothing as body
    body                    ``value`` (bytes or text) as body
    cut                     a download cut after ``value`` (0.5) of its length, which is told as its
                            whole length: with ranges, ETag and type as if nothing were missing
    chunked                 the answer without its length, in chunks
    endless                 the same over and over, until the client leaves
    other_etag              the answer with an ETag that is not its own
    objects                 JSON whose ``data`` holds ``value`` (8,000,000) empty objects
    nested                  JSON of ``value`` (1,000,000) nested lists
    gzip_bomb               ``value`` (64) MiB of spaces, sent as gzip of a thousandth of that
    gzip                    the answer packed, as some stores keep what they serve
    unmeasured              the answer without its length: it ends where the connection does
    quoted                  the answer as a JSON text of itself
    doubled                 the answer with its fields a second time, as null
    echo_key                refused with a text that repeats the key. ``value`` is how: plain, json
                            (escapes), percent, base64 (of the header's value), utf16 (the whole
                            body), or location (an address to be redirected to)
    ======================  ==================================================================

    ``processed`` says whether the request is carried out all the same; half_json, truncated,
    wrong_types, null_data, lost_reply, drip, slow_read, delay, cut, chunked, gzip, unmeasured,
    quoted, doubled, endless and other_etag always carry it out. ``status`` is the HTTP status of
    body, empty and redirect.

    None of them is a claim that the service does so: caches, proxies and broken machines between
    it and a client have done each of them to somebody.
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
    """The message beside a code; empty: the usual one."""
    struck: int = field(default=0, compare=False)
    """How often it struck."""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown kind of fault: {self.kind!r}")

    def matches(self, method: str, path: str) -> bool:
        return path.startswith(self.path) and self.method in (None, method)

    def strikes(self) -> bool:
        """Count one matching request; True when this one is struck."""
        if self.after > 0:
            self.after -= 1
            return False
        if self.count is not None and self.struck >= self.count:
            return False
        self.struck += 1
        return True


def pick(faults: list[Fault], method: str, path: str) -> Fault | None:
    """The first fault that strikes this request; spent ones stay in the list, for counting."""
    for fault in faults:
        if fault.matches(method, path) and fault.strikes():
            return fault
    return None


def wrong_types(value: Any, *, name: str = "") -> Any:
    """Digits as numbers, numbers as strings, an unknown status; ``code`` stays what it is."""
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
    """The answer without what it should say."""
    if not isinstance(value, dict):
        return None
    items = cast("dict[str, Any]", value)
    if "code" in items:
        return {**items, "data": None}
    return dict.fromkeys(items)
