"""Errors as ComfyUI shows them: one sentence, and no traceback that could leak anything."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ...rh_api.errors import KeyRefused, NoKey, RunningHubError
from .. import language
from .codecs.errors import MediaError


class NodeFailure(Exception):
    """A node's error, in a sentence for the user. `error`: the RunningHubError it was made from."""

    def __init__(self, sentence: str, error: RunningHubError | None = None) -> None:
        super().__init__(sentence)
        self.error = error


class DoubtfulValue(NodeFailure):
    """A refusal that the user may override: the canvas offers it when it reads this class name."""


class KeyFailure(NodeFailure):
    """A failure that another key fixes: the canvas offers one when it reads this class name."""


class MarksRefused(NodeFailure):
    """A refusal of marked parts: it goes with the mark when the canvas reads this class name."""


class MarksWithoutKey(MarksRefused):
    """One for want of a key: the canvas says what to do when it reads this class name."""


@contextmanager
def as_node_failures() -> Iterator[None]:
    """Re-raise our own errors as NodeFailure, without their cause and context.

    ComfyUI sends an error's text and traceback to the browser.
    """
    try:
        yield
    except RunningHubError as error:
        kind = DoubtfulValue if error.hint == "send_anyway" else NodeFailure
        if isinstance(error, (KeyRefused, NoKey)):
            kind = KeyFailure
        raise kind(language.describe(error), error) from None
    except MediaError as error:
        raise NodeFailure(language.say(error.key, error.params)) from None
