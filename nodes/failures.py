"""Our failures as ComfyUI shows them: one sentence, and nothing else that could leak."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..rh_api.errors import RunningHubError
from ..rh_api.texts import english
from .media.errors import MediaError


class NodeFailure(Exception):
    """What a person reads when a node cannot go on."""


@contextmanager
def told_plainly() -> Iterator[None]:
    """Raise our own errors as NodeFailure, cut off from the calls that led there.

    ComfyUI sends an error's text and traceback to the browser.
    """
    try:
        yield
    except RunningHubError as error:
        raise NodeFailure(str(error)) from None
    except MediaError as error:
        raise NodeFailure(english(error.key, error.params)) from None
