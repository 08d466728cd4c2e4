"""Cost limits set by the user, and whether one more order stays within them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from .amounts import NOTHING, Sums

SCOPES = ("order", "prompt", "day")
VARIABLES = {scope: f"RUNNINGHUB_MAX_COST_{scope.upper()}" for scope in SCOPES}


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that an order, a prompt (or command) and a day may cost, by unit, in millionths.

    A missing unit is not limited. "" is the unit of a bare number: whatever the key's account
    pays in. `option`: of the command line, by which a command's limits are set.
    """

    order: Sums = field(default_factory=dict[str, int], hash=False)
    prompt: Sums = field(default_factory=dict[str, int], hash=False)
    day: Sums = field(default_factory=dict[str, int], hash=False)
    option: str = field(default="--max-cost", kw_only=True)

    def __bool__(self) -> bool:
        return bool(self.order or self.prompt or self.day)

    def __hash__(self) -> int:
        """Dicts are not hashable, but settings, which clients are keyed by, contain limits."""
        return hash(tuple(frozenset(sums.items()) for sums in (self.order, self.prompt, self.day)))

    @property
    def units(self) -> frozenset[str]:
        return frozenset((*self.order, *self.prompt, *self.day))

    def lowest(self, other: Limits) -> Limits:
        """Both combined: the minimum where both limit a unit."""
        return Limits(
            _lower(self.order, other.order),
            _lower(self.prompt, other.prompt),
            _lower(self.day, other.day),
        )

    def in_unit(self, unit: str) -> Limits:
        """A copy with bare numbers taken for `unit`; the lower where both exist."""

        def named(sums: Sums) -> Sums:
            bare = {unit: sums[""]} if "" in sums else {}
            return _lower({name: amount for name, amount in sums.items() if name}, bare)

        return Limits(named(self.order), named(self.prompt), named(self.day))


@dataclass(frozen=True, slots=True)
class Reached:
    """A limit that an order would exceed: `scope` order, prompt or day; amounts in millionths.

    `needed`: the order's bound, if billed by time its probable cost; `committed`: booked or held.
    """

    scope: str
    unit: str
    limit: int
    committed: int
    needed: int


def by_scope(limits: Limits, prompt: Sums, day: Sums) -> tuple[tuple[str, Sums, Sums], ...]:
    """Triples of scope, limit, and what is booked or held of it already."""
    return (
        ("order", limits.order, NOTHING),
        ("prompt", limits.prompt, prompt),
        ("day", limits.day, day),
    )


def reached(limits: Limits, needed: Sums, prompt: Sums, day: Sums) -> Reached | None:
    """The first limit that an order of at most `needed` would exceed; None if it exceeds none.

    `prompt`, `day`: what is booked or held of each already.
    """
    for scope, limit, spent in by_scope(limits, prompt, day):
        for unit, most in limit.items():
            if spent.get(unit, 0) + needed.get(unit, 0) > most:
                return Reached(scope, unit, most, spent.get(unit, 0), needed.get(unit, 0))
    return None


def left(limits: Limits, unit: str, prompt: Sums, day: Sums) -> int | None:
    """Millionths of a unit that one more order may cost at most; None if not limited."""
    rooms = [
        limit[unit] - spent.get(unit, 0)
        for _, limit, spent in by_scope(limits, prompt, day)
        if unit in limit
    ]
    return max(0, min(rooms)) if rooms else None


def midnight(now: float) -> float:
    """Start of the day of `now` in this machine's time zone; both in unix seconds."""
    day = datetime.fromtimestamp(now)  # naive: the UTC offset at midnight may differ
    return day.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()


def _lower(first: Mapping[str, int], second: Mapping[str, int]) -> dict[str, int]:
    units = (*first, *second)
    return {unit: min(sums[unit] for sums in (first, second) if unit in sums) for unit in units}
