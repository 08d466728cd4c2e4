"""Counters: requests received, and where they carried keys."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .codes import Family, family_of

JOURNAL_LENGTH = 2000


class Entry(NamedTuple):
    """One request as received, unredacted: for tests only."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    json: Any
    length: int | None


@dataclass
class Counters:
    """Plain counters; also readable as ``counters["orders"]``."""

    requests: Counter[str] = field(default_factory=Counter[str])
    """Requests by path."""
    orders: int = 0
    """Tasks created."""
    cancels: int = 0
    upload_bytes: int = 0
    put_bytes: int = 0
    download_bytes: int = 0
    connections: int = 0
    """TCP connections accepted."""
    sockets: int = 0
    keys_seen: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    """(place, path) of every key seen; place: header, body, query or url."""
    keys_misplaced: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    """Those in a place that the documentation does not allow."""

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)

    @property
    def total(self) -> int:
        return self.requests.total()

    def under(self, prefix: str) -> int:
        """Count requests whose path begins with ``prefix``."""
        return sum(count for path, count in self.requests.items() if path.startswith(prefix))

    def fold(self, path: str) -> None:
        """Count requests to a file that is gone under its folder."""
        if count := self.requests.pop(path, 0):
            self.requests[path.rpartition("/")[0] + "/"] += count

    def look_for_keys(
        self, keys: Collection[str], place: str, path: str, texts: Iterable[str]
    ) -> None:
        """Record if a key occurs in ``texts``, which are ``place`` of a request to ``path``."""
        if any(key in text for text in texts for key in keys):
            self.keys_seen.add((place, path))
            if not _belongs(place, path):
                self.keys_misplaced.add((place, path))

    def plain(self) -> dict[str, Any]:
        """Return the counters as JSON values."""
        values: dict[str, Any] = {name: getattr(self, name) for name in self.__dataclass_fields__}
        values["requests"] = dict(self.requests)
        values["keys_seen"] = sorted(self.keys_seen)
        values["keys_misplaced"] = sorted(self.keys_misplaced)
        return values


def _belongs(place: str, path: str) -> bool:
    """Whether the documentation puts a key there; older paths also allow a header."""
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
