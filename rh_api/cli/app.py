"""`app`: the form of an AI app, or a run of it."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping

from .inspect import app_form
from .run import run
from .terminal import Terminal

_NO_OPTIONS = frozenset({"command", "app", "json"})


async def app(arguments: Namespace, terminal: Terminal, environ: Mapping[str, str]) -> None:
    """The id alone lists the form: a look costs nothing. Any option of a run runs the app."""
    given = {
        name for name, value in vars(arguments).items() if value is not None and value is not False
    }
    act = run if given - _NO_OPTIONS else app_form
    await act(arguments, terminal, environ)
