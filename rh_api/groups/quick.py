"""Style libraries of Quick Create modules."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import BadInput
from ..run.retry import Sender
from ..wire.quick import Style, is_webapp_id, model_params

STYLES = 2
"""The `type` in the vendor's example; other values are undocumented."""


@dataclass(frozen=True, slots=True)
class QuickLibrary:
    """Queries about modules; a module itself is defined only by its call example."""

    sender: Sender

    async def params(self, webapp_id: str, kind: int = STYLES) -> tuple[Style, ...]:
        """Return the styles of a module's library, () if none. BadInput for a malformed id."""
        if not is_webapp_id(webapp_id.strip()):
            raise BadInput("error.quick_incomplete", name="webappId")
        return await self.sender.send(model_params(webapp_id.strip(), kind))
