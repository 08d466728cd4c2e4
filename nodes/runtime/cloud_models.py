"""The cache of the cloud's models that all segments and routes share."""

from __future__ import annotations

import time
from functools import cache

from ...rh_api.client import Client, ResourceKind
from ...rh_api.offload import Note, Segment
from ...rh_api.offload.driver import LocalFiles, Models
from . import demo_server


class _AnyModel(Models):
    """The sandbox's: it draws, whatever a loader names."""

    async def unlisted(self, client: Client, segment: Segment, files: LocalFiles) -> list[Note]:
        return []

    async def is_unlisted(self, client: Client, kind: ResourceKind, name: str) -> bool:
        return False


@cache
def shared_models() -> Models:
    """Return the process-wide cache."""
    return Models(time.monotonic)


def models_of(profile: str) -> Models:
    """Return the models of the account that a segment names."""
    return _AnyModel(time.monotonic) if profile == demo_server.PROFILE else shared_models()
