"""Maps names of a model's parameters to inputs of a node and fields of a job, and back."""

from __future__ import annotations

import re

from ..graph.node_options import BY_NAME

RESERVED = frozenset(
    {
        *BY_NAME,
        *("again", "app", "fit_pictures", "form", "model", "module", "workflow"),
        "p",  # else `p.1` could be its first item, or a parameter called `1`
    }
)
"""Inputs of our nodes: a parameter of such a name is escaped as `p.<name>`."""

ESCAPE = "p."
_OURS = re.compile(r"link_[0-9]+")
_PARAMETER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
_NUMBERED = re.compile(r"(?P<name>.+)\.(?P<item>[1-9][0-9]{0,2})")


def is_parameter_name(text: str) -> bool:
    """Whether a text may be a key of a body. Never an API key or a webhook's URL: a third party's
    graph could set its own."""
    return _PARAMETER.fullmatch(text) is not None and text.lower() not in _NEVER


_NEVER = frozenset({"apikey", "authorization", "__proto__", "webhookurl"})


def input_name(parameter: str) -> str:
    """The input's name of a parameter: its own, escaped if it collides with an input of ours."""
    is_ours = parameter in RESERVED or _OURS.fullmatch(parameter)
    return f"{ESCAPE}{parameter}" if is_ours else parameter


def is_field(name: str) -> bool:
    """Whether an undeclared input is meant as a parameter, or as an item of one."""
    if name in RESERVED or _OURS.fullmatch(name):
        return False
    return is_parameter_name(parameter_name(name)[0])


def parameter_name(name: str) -> tuple[str, int | None]:
    """Parse an input's name: the parameter, and the number of a list item (from 1) or None.

    `prompt`, `p.model`, `imageUrls.3`.
    """
    name = name.removeprefix(ESCAPE)
    numbered = _NUMBERED.fullmatch(name)
    return (numbered["name"], int(numbered["item"])) if numbered else (name, None)
