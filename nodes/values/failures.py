"""Our failures as ComfyUI shows them: one sentence, and nothing else that could leak."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ...rh_api.errors import KeyRefused, NoKey, RunningHubError
from .. import language
from .codecs.errors import MediaError


class NodeFailure(Exception):
    """What a person reads when a node cannot go on. `error`: ours that it was made from."""

    def __init__(self, sentence: str, error: RunningHubError | None = None) -> None:
        super().__init__(sentence)
        self.error = error


class DoubtfulValue(NodeFailure):
    """A refusal that a person may overrule: the canvas offers it where it reads this name."""


class KeyFailure(NodeFailure):
    """A failure that another key mends: the canvas offers one where it reads this name."""


@contextmanager
def told_plainly() -> Iterator[None]:
    """Raise our own errors as NodeFailure, cut off from the calls that led there.

    ComfyUI sends an error's text and traceback to the browser.
    """
    try:
        yield
    except RunningHubError as error:
        kind = DoubtfulValue if error.hint == "send_anyway" else NodeFailure
        if isinstance(error, (KeyRefused, NoKey)):
            kind = KeyFailure
        raise kind(language.told(error), error) from None
    except MediaError as error:
        raise NodeFailure(language.say(error.key, error.params)) from None
