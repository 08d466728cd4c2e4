"""The library of Quick Create's modules: styles, from which values are taken."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import BadInput
from .run.retry import Sender
from .wire.quick import Style, is_webapp_id, model_params

STYLES = 2
"""The `type` of the vendor's own example; the others are told nowhere."""


@dataclass(frozen=True, slots=True)
class QuickLibrary:
    """What can be asked about modules; a module itself is known by its call example alone."""

    sender: Sender

    async def params(self, webapp_id: str, kind: int = STYLES) -> tuple[Style, ...]:
        """The styles of a module's library; () for a module without any. BadInput for no id."""
        if not is_webapp_id(webapp_id.strip()):
            raise BadInput("error.quick_incomplete", name="webappId")
        return await self.sender.send(model_params(webapp_id.strip(), kind))
