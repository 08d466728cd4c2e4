"""Counters: what the emulator was asked, and where keys were seen."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .codes import Family, family_of

JOURNAL_LENGTH = 2000


class Entry(NamedTuple):
    """One request as it came, keys and all: this is a test's tool."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    json: Any
    length: int | None


@dataclass
class Counters:
    """Plain numbers; also readable as ``counters["orders"]``."""

    requests: Counter[str] = field(default_factory=Counter[str])
    """Requests by path."""
    orders: int = 0
    """Booked tasks."""
    cancels: int = 0
    upload_bytes: int = 0
    put_bytes: int = 0
    download_bytes: int = 0
    connections: int = 0
    """TCP connections accepted."""
    sockets: int = 0
    keys_seen: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    """(place, path) of every key: header, body, query or url."""
    keys_misplaced: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    """Those of them that do not belong there."""

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)

    @property
    def total(self) -> int:
        return self.requests.total()

    def under(self, prefix: str) -> int:
        """Requests whose path begins with ``prefix``."""
        return sum(count for path, count in self.requests.items() if path.startswith(prefix))

    def look_for_keys(
        self, keys: Collection[str], place: str, path: str, texts: Iterable[str]
    ) -> None:
        """Note that a key stands in one of ``texts``, which a request to ``path`` had there."""
        if any(key in text for text in texts for key in keys):
            self.keys_seen.add((place, path))
            if not _belongs(place, path):
                self.keys_misplaced.add((place, path))

    def plain(self) -> dict[str, Any]:
        """The counters as JSON."""
        values: dict[str, Any] = {name: getattr(self, name) for name in self.__dataclass_fields__}
        values["requests"] = dict(self.requests)
        values["keys_seen"] = sorted(self.keys_seen)
        values["keys_misplaced"] = sorted(self.keys_misplaced)
        return values


def _belongs(place: str, path: str) -> bool:
    """Where the documentation wants a key; the older paths take a header beside the body."""
    match family_of(path):
        case Family.V1 if path == "/api/webapp/apiCallDemo":
            return place in ("query", "header")
        case Family.V1:
            return place in ("body", "header")
        case Family.NATIVE:
            return place == "url"
        case Family.UPLOAD | Family.TASK | Family.MANAGEMENT:
            return place == "header"
        case _:
            return False


def new_journal() -> deque[Entry]:
    return deque(maxlen=JOURNAL_LENGTH)
