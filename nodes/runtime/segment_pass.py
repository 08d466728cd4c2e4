"""The pass that cuts marked parts out of a prompt."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any, cast

import folder_paths

from ...rh_api.errors import BadInput, NoKey
from ...rh_api.graph.extra_data import ExtraData
from ...rh_api.graph.prompt import Graph, read_nodes
from ...rh_api.offload import CannotOffload, Mark, Plan, Saved, Segment, cut, order_again
from ...rh_api.offload.savers import PREFIX_INPUT
from . import config, demo_server, local_classes, local_files

_FORBIDDEN = re.compile(r'[<>:"|?*\0-\x1f]' if os.name == "nt" else "\0")
_MAX_NAME_LENGTH = 200  # bytes; file systems allow 255, including the saver's counter and suffix


def offloaded(
    data: dict[str, Any], prompt: Graph, marks: tuple[Mark, ...], extra: ExtraData
) -> dict[str, Any]:
    """Return POST /prompt's body with `prompt` after the cut; for a partial run only what its
    targets need. Raises what `cut_prompt` and `require_key` raise."""
    require_key(marks)
    ids = data.get("partial_execution_targets")
    targets = list(map(str, cast("list[object]", ids))) if isinstance(ids, list) else None
    plan = cut_prompt(prompt, marks, extra, targets)
    cut_out = {**data, "prompt": dict(plan.prompt)}
    if targets is not None:
        cut_out["partial_execution_targets"] = [node for node in targets if node in plan.prompt]
    return cut_out


def cut_prompt(
    prompt: Graph,
    marks: tuple[Mark, ...],
    extra: ExtraData,
    targets: Collection[str] | None = None,
) -> Plan:
    """Cut the marked parts out of the prompt. Raises CannotOffload, BadInput, NoKey.

    Makes every check that needs no network; errors name the node concerned.
    """
    plan = cut(prompt, marks, local_classes.info, targets)
    for segment in plan.segments:
        local_files.check(segment)
        _check_sandbox(segment)
        for saved in segment.saved:
            _check_prefix(saved)
    return order_again(plan, extra.again)


def _check_sandbox(segment: Segment) -> None:
    """Raise CannotOffload for a class that the sandbox cannot draw, if the segment goes there."""
    if segment.ordering.profile != demo_server.PROFILE:
        return
    drawn = demo_server.known_classes()
    for node in read_nodes(segment.graph).values():
        if node.class_type not in drawn:
            raise CannotOffload(
                "segment.sandbox_class",
                local_id=node.id,
                node=node.id,
                name=node.class_type,
                known=", ".join(sorted(drawn)),
            )


def _check_prefix(saved: Saved) -> None:
    """Raise CannotOffload for a literal prefix under which paid results could not be saved."""
    prefix = saved.inputs.get(PREFIX_INPUT)
    if not isinstance(prefix, str):
        return
    root = Path(folder_paths.get_output_directory())
    path = Path(os.path.normpath(prefix))
    # normpath, as in ComfyUI's own check: symlinks within the folder may lead anywhere.
    inside = Path(os.path.normpath(root / path.parent)).is_relative_to(os.path.normpath(root))
    names = [part for part in path.parts if part != path.anchor]
    longest = max((len(name.encode("utf-8", "replace")) for name in names), default=0)
    if not inside or longest > _MAX_NAME_LENGTH or any(map(_FORBIDDEN.search, names)):
        node = f"{saved.node_id} ({saved.class_type})"
        value = prefix[:80]
        refused = {"node": node, "input": PREFIX_INPUT, "value": value}
        raise CannotOffload("segment.bad_prefix", local_id=saved.node_id, **refused)


def require_key(marks: Iterable[Mark]) -> None:
    """Raise CannotOffload, on a marked node, for marks whose profile does not exist or has no key
    here, as in a shared workflow."""
    for mark in marks:
        try:
            config.settings(mark.ordering.profile)
        except BadInput as error:
            first = next(iter(mark.nodes), "")
            if error.key == NoKey.default_key:
                raise CannotOffload("segment.no_key", local_id=first, hint="no_key") from None
            refused = CannotOffload(error.key, local_id=first)
            raise refused.with_context(params=error.params) from None
