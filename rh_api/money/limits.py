"""What a person lets orders cost, and whether one more stays within it."""

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

    A unit that is not named is not limited. "" is the unit of a bare number: of what the key's
    account pays in.
    """

    order: Sums = field(default_factory=dict[str, int], hash=False)
    prompt: Sums = field(default_factory=dict[str, int], hash=False)
    day: Sums = field(default_factory=dict[str, int], hash=False)

    def __bool__(self) -> bool:
        return bool(self.order or self.prompt or self.day)

    def __hash__(self) -> int:
        """Settings have them, and clients go by their settings."""
        return hash(tuple(frozenset(sums.items()) for sums in (self.order, self.prompt, self.day)))

    @property
    def units(self) -> frozenset[str]:
        return frozenset((*self.order, *self.prompt, *self.day))

    def lowest(self, other: Limits) -> Limits:
        """The limits of both: of two for one unit the lower."""
        return Limits(
            _lower(self.order, other.order),
            _lower(self.prompt, other.prompt),
            _lower(self.day, other.day),
        )

    def in_unit(self, unit: str) -> Limits:
        """With bare numbers taken for that unit."""

        def named(sums: Sums) -> Sums:
            bare = {unit: sums[""]} if "" in sums else {}
            return _lower({name: amount for name, amount in sums.items() if name}, bare)

        return Limits(named(self.order), named(self.prompt), named(self.day))


@dataclass(frozen=True, slots=True)
class Reached:
    """A limit that an order would pass: `scope` order, prompt or day; sums in millionths.

    `needed` is the order's bound, `spent` what is booked and held already.
    """

    scope: str
    unit: str
    limit: int
    spent: int
    needed: int


def by_scope(limits: Limits, prompt: Sums, day: Sums) -> tuple[tuple[str, Sums, Sums], ...]:
    """What each limit is of, the limit, and what is booked or held of it already."""
    return (
        ("order", limits.order, NOTHING),
        ("prompt", limits.prompt, prompt),
        ("day", limits.day, day),
    )


def reached(limits: Limits, needed: Sums, prompt: Sums, day: Sums) -> Reached | None:
    """The first limit that an order of at most `needed` would pass; None where it stays within.

    `prompt`, `day`: what is booked or held of each already.
    """
    for scope, limit, spent in by_scope(limits, prompt, day):
        for unit, most in limit.items():
            if spent.get(unit, 0) + needed.get(unit, 0) > most:
                return Reached(scope, unit, most, spent.get(unit, 0), needed.get(unit, 0))
    return None


def left(limits: Limits, unit: str, prompt: Sums, day: Sums) -> int | None:
    """What one more order may cost at most in a unit; None where nothing limits it."""
    rooms = [
        limit[unit] - spent.get(unit, 0)
        for _, limit, spent in by_scope(limits, prompt, day)
        if unit in limit
    ]
    return max(0, min(rooms)) if rooms else None


def midnight(now: float) -> float:
    """When the day of a moment began, by this machine's time zone; both in unix seconds."""
    day = datetime.fromtimestamp(now)  # without an offset, which may have been another by then
    return day.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()


def _lower(first: Mapping[str, int], second: Mapping[str, int]) -> dict[str, int]:
    units = (*first, *second)
    return {unit: min(sums[unit] for sums in (first, second) if unit in sums) for unit in units}
