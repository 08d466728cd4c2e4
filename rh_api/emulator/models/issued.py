"""Ids issued by a model for other models of the same account."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .catalogue import Parameter


@dataclass(frozen=True, slots=True)
class IssuedId:
    """An id's owner, issuing model, purpose and expiry in unix seconds."""

    key: str
    endpoint: str
    purpose: str
    expires: float

    def fits(self, parameter: Parameter, key: str) -> bool:
        """Whether the account of ``key`` may use it for ``parameter`` now."""
        return (
            self.key == key
            and self.endpoint in parameter.made_by
            and self.expires > time.time()
            and (not parameter.purpose or self.purpose in ("", parameter.purpose))
        )
