"""Interpret refusals by the service in terms of the program that was ordered."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ..errors import Fate, FileTooLarge, RunningHubError, WorkflowNeverRun, WorkflowNotFound
from ..graph.fields import split_name
from ..run.transfers import Source
from .library import InlineGraph, Program


def doubtful(sources: Mapping[str, str], node_id: str | None) -> list[str]:
    """SHA-256 of uploads that a refusal may be about: of its node, if it names one, else all."""
    if not node_id:
        return [*sources.values()]
    return [sha256 for name, sha256 in sources.items() if split_name(name)[0] == node_id]


def input_too_large(
    program: Program, name: str, source: Source, error: FileTooLarge
) -> FileTooLarge:
    if program.is_model:
        return error
    node_id, field_name = split_name(name)
    return FileTooLarge(
        "error.input_too_large",
        code=error.code,
        node_id=node_id,
        node=node_id,
        title=program.titles.get(node_id, ""),
        field=field_name,
        size=f"{source.size / 1e6:.1f}",
        remote=error.params.get("remote", ""),
    )


def lost_files(
    program: Program, error: RunningHubError, sent: Collection[str], assumed: Collection[str]
) -> frozenset[str]:
    """Hashes of the files whose URLs are not to be used again, since a standard model was refused,
    or its task failed, because the service could not fetch an input (codes 1001 and 1013).

    Of a refusal, which costs nothing, only of those `assumed` to be there; else all that were
    `sent`: the next order may be paid for like this one.
    """
    if not program.is_model or error.code not in (1001, 1013):
        return frozenset()
    return frozenset(assumed if error.fate is Fate.NOT_STARTED else sent)


def is_of_module(program: Program, error: RunningHubError) -> bool:
    """Whether a Quick Create module was refused as such, before anything was started."""
    is_refusal = program.is_module and error.fate is Fate.NOT_STARTED
    return is_refusal and error.code in (301, 901)


def is_about_its_id(error: RunningHubError) -> bool:
    """Whether a graph was refused for the workflow id that it was sent under.

    Code 301 is for any wrong parameter; its text names the parameter. A failed task is paid for.
    """
    is_named = error.code == 301 and "workflowid" in str(error).lower()
    about = is_named or isinstance(error, (WorkflowNotFound, WorkflowNeverRun))
    return about and error.fate is Fate.NOT_STARTED


def id_refused(program: InlineGraph, error: RunningHubError) -> WorkflowNotFound:
    return WorkflowNotFound(
        "error.placeholder_refused",
        code=error.code,
        sent=program.sent_id,
        remote=error.params.get("remote"),
    )
