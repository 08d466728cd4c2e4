"""What the doctor found: a verdict for each question, in words of `texts`."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..errors import RunningHubError, Say

PAID_ONLY, NEVER_ASKED = "doctor.seen_paid", "doctor.seen_never"


class Verdict(enum.Enum):
    """Whether the service answers as the code assumes. NOT_TOLD: not asked, or no usable answer."""

    AS_ASSUMED = "as_assumed"
    OTHER = "other"
    NOT_TOLD = "not_told"


@dataclass(frozen=True, slots=True)
class Finding:
    """The answer to one question. `id`: a row of `docs/unknowns.md`, or one of `BASICS`.

    `seen`: what was seen, as the key of a sentence with `params`, or as the error that came.
    """

    id: str
    verdict: Verdict
    seen: str | RunningHubError
    params: Mapping[str, object] = field(default_factory=dict[str, object])

    @property
    def name(self) -> str:
        """The id as in keys of sentences."""
        return self.id.replace("-", "_")

    @property
    def is_asked(self) -> bool:
        """Whether it could be asked; else its sentence says what that needs."""
        return self.seen not in (PAID_ONLY, NEVER_ASKED)

    def text(self, say: Say) -> str:
        """What was seen, as a sentence."""
        seen = self.seen
        return say(seen, self.params) if isinstance(seen, str) else seen.describe(say)

    def document(self, say: Say) -> dict[str, object]:
        """Return it as a JSON object, with its sentences."""
        is_other = self.verdict is Verdict.OTHER
        return {
            "id": self.id,
            "question": say(f"doctor.question_{self.name}", {}),
            "verdict": self.verdict.value,
            "seen": self.text(say),
            "advice": say(f"doctor.advice_{self.name}", {}) if is_other else "",
        }


BASICS = (
    "key",
    "queue",
    "clock",
    "upload",
    "older-upload",
    "fetch",
    "price",
    "native-queue",
    "native-list",
    "workflow",
    "app",
)
"""Questions about what works at all, which are no rows of the list."""

PAID = ("prompt-tips", "result-node", "cancelled-status")
"""Rows that only an order can tell."""

ORDERED = ("prompt-tips", "result-node", "lists", "ends", "socket", "cancelled-status", "stop")
"""What two orders tell: those rows, and how the polls, the socket and a cancel work."""

NEVER = (
    "placeholder-id",
    "inline-seeds",
    "invalid-graph",
    "full-account",
    "failed-code",
    "model-cancel",
    "native-id",
    "native-refusal",
    "native-failure",
    "native-batch",
)
"""Rows that are not asked: they need an order of a whole graph, a task that fails, a full
account, or an unknown cost."""


def unasked() -> list[Finding]:
    """Return the rows that the free part cannot ask, each with its reason."""
    paid = [Finding(row, Verdict.NOT_TOLD, PAID_ONLY) for row in PAID]
    return [*paid, *(Finding(row, Verdict.NOT_TOLD, NEVER_ASKED) for row in NEVER)]
