"""The last failure of each node as a text for bug reports, with private texts redacted."""

from __future__ import annotations

import platform
import re
import sys
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...rh_api.errors import BadInput, BatchFailed, RunningHubError, Uncertain
from ...rh_api.models.names import is_field
from ...rh_api.wire.model_refs import is_endpoint
from ..values.failures import NodeFailure
from . import comfyui, config, demo_server

if TYPE_CHECKING:
    from ..values.field_values import Inputs
    from .node_outcomes import Place

KEPT = 100  # reports in memory, oldest evicted first
SHORTEST = 3  # characters; shorter private texts are not redacted
CUT = "[cut]"
_PRIVATE_PARAMS = ("value", "given", "name", "file", "folder", "near", "lengths")


@dataclass(frozen=True, slots=True)
class Subject:
    """What a node was running. `program`: an id or a link, "" for none; of a marked part, whose
    name is `segment`, the workflow of its own that it is sent under."""

    class_type: str
    program: str = ""
    profile: str = ""
    instance: str = ""
    segment: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """`plain`: private texts redacted; `full`: with those that the error message quotes.

    `link`: the task's page on the site; "" if there is no task. `question`: number of the order
    whose fate the user has to settle, 0 for none. `graph`: workflow id, "" if the prompt has none.
    `order_keys`: of orders that a cost limit refused. `segment`: name of a marked part.
    `refused_id`: which setting has the refused workflow to send graphs under: a stored profile's
    name, "" for the part itself; None if that was not the error.
    """

    plain: str
    full: str
    task_id: str
    link: str
    question: int
    graph: str
    profile: str = ""
    order_keys: tuple[str, ...] = ()
    segment: str = ""
    refused_id: str | None = None


_last: OrderedDict[tuple[str, str], Report] = OrderedDict()
"""By (prompt id, node id): another workflow may have a node of the same id."""


def last(prompt: str, node_id: str) -> Report:
    """Return the report of a node's failure in a run. Raises BadInput if there is none."""
    report = _last.get((prompt, node_id))
    if report is None:
        raise BadInput("node.no_report")
    return report


@contextmanager
def noted(place: Place, subject: Subject, inputs: Inputs) -> Iterator[None]:
    """Store a report of a NodeFailure raised in the block, and re-raise it."""
    try:
        yield
    except NodeFailure as failure:
        # Strings only: the error would keep the run's tensors alive.
        if failure.error is not None and place.node:
            report = _report_of(failure.error, place, subject, inputs)
            _last[place.prompt, place.node] = report
            while len(_last) > KEPT:
                _last.popitem(last=False)
        raise


def _report_of(error: RunningHubError, place: Place, subject: Subject, inputs: Inputs) -> Report:
    texts = _private_texts(error, inputs)

    def written(message: str) -> str:
        return "\n".join(f"{name}: {text}" for name, text in lines(message) if text)

    def lines(message: str) -> Iterator[tuple[str, str]]:
        yield "RunningHub Remote", comfyui.our_version()
        yield "ComfyUI", comfyui.version()
        yield "Python", f"{platform.python_version()} on {sys.platform}"
        yield "Node", f"{subject.class_type} ({place.node})"
        yield "Program", _public_id(subject.program)
        yield "Site", _site(subject.profile)
        yield "Instance", subject.instance
        yield "Fields", ", ".join(sorted(name for name in inputs if "." in name or is_field(name)))
        yield "Task", error.task_id or ""
        yield (
            "Remote node",
            " ".join(str(part) for part in (error.node_id, error.params.get("node_class")) if part),
        )
        yield "Exception", str(error.params.get("exception") or "")
        yield "Error", error.key
        yield "Code", "" if error.code is None else str(error.code)
        yield "Fate", error.fate.value
        yield "Message", message
        yield "Please add", "what `python -m rh_api doctor --report doctor.json` writes; it is free"

    return Report(
        written(_redacted(str(error), texts)),
        written(str(error)),
        error.task_id or "",
        _link(subject.profile, error.task_id),
        (error.order or 0) if isinstance(error, Uncertain) else 0,
        place.graph,
        subject.profile,
        _order_keys(error),
        subject.segment,
        _refused_id(error, subject),
    )


def _refused_id(error: RunningHubError, subject: Subject) -> str | None:
    if error.key != "error.placeholder_refused":
        return None
    return "" if subject.program else config.stored_name(subject.profile)


def _order_keys(error: RunningHubError) -> tuple[str, ...]:
    causes = error.errors.values() if isinstance(error, BatchFailed) else [error]
    keys = [cause.params.get("order_key") for cause in causes]
    return tuple(key for key in keys if isinstance(key, str))


def _public_id(program: str) -> str:
    """Return a link's id alone: the rest may identify the user. An endpoint is public as it is."""
    if "/" in program and is_endpoint(program):
        return program
    module = re.search(r"webappId\W{1,9}(\d{1,19})", program)
    if module:
        return module[1]  # the rest of a call example is private
    numbers = re.findall(r"\d{6,19}", program)
    return numbers[-1] if numbers else ""


def _link(profile: str, task_id: str | None) -> str:
    try:
        settings = config.settings(profile)
    except RunningHubError:
        return ""
    page = f"/call-api/call-record-detail/{task_id}"
    return config.site_page(settings, page) if task_id else ""


def _site(profile: str) -> str:
    try:
        settings = config.settings(profile)
    except RunningHubError:
        return ""
    if profile == demo_server.PROFILE:
        return "built-in emulator"
    return settings.host if settings.is_official else "another origin"


def _private_texts(error: RunningHubError, inputs: Inputs) -> list[str]:
    """Return what the plain report must not contain: input texts, names and values that the error
    quotes, and the home folder; longest first."""
    texts = [value for values in inputs.values() for value in values if isinstance(value, str)]
    texts += [line for text in texts for line in text.splitlines()]
    params: Mapping[str, object] = error.params
    texts += [str(params[name]) for name in _PRIVATE_PARAMS if name in params]
    with suppress(RuntimeError):  # a user without one, as in a container
        texts.append(str(Path.home()))
    return sorted({text.strip() for text in texts}, key=len, reverse=True)


def _redacted(message: str, texts: Sequence[str]) -> str:
    for text in texts:
        if len(text) >= SHORTEST and not text.isdigit():
            message = message.replace(" ".join(text.split()), CUT)
    return message
