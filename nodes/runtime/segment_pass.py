"""The pass that cuts marked parts out of a prompt, and what they ask of the cloud."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from typing import Any, cast

from ...rh_api.errors import BadInput, NoKey
from ...rh_api.graph.extra_data import ExtraData
from ...rh_api.graph.prompt import Graph
from ...rh_api.offload import CannotOffload, Mark, Plan, cut, order_again
from ...rh_api.offload.driver import Models
from . import config, local_classes, local_files

_models: list[Models] = []


def models() -> Models:
    """What was learnt of the cloud's models since ComfyUI started."""
    if not _models:
        _models.append(Models(time.monotonic))
    return _models[0]


def offloaded(
    data: dict[str, Any], prompt: Graph, marks: tuple[Mark, ...], extra: ExtraData
) -> dict[str, Any]:
    """POST /prompt's body with `prompt` and its marked parts cut out; of a partial run only what
    its targets need. Raises what `planned` and `require_key` raise."""
    require_key(marks)
    wanted = data.get("partial_execution_targets")
    targets = list(map(str, cast("list[object]", wanted))) if isinstance(wanted, list) else None
    plan = planned(prompt, marks, extra, targets)
    cut_out = {**data, "prompt": dict(plan.prompt)}
    if targets is not None:
        cut_out["partial_execution_targets"] = [one for one in targets if one in plan.prompt]
    return cut_out


def planned(
    prompt: Graph,
    marks: tuple[Mark, ...],
    extra: ExtraData,
    targets: Collection[str] | None = None,
) -> Plan:
    """The prompt with its marked parts cut out. Raises CannotOffload, BadInput, NoKey.

    Everything that can be known without the network is refused here, on the node concerned.
    """
    plan = cut(prompt, marks, local_classes.info, targets)
    for segment in plan.segments:
        local_files.check(segment)
    return order_again(plan, extra.again)


def require_key(marks: Iterable[Mark]) -> None:
    """Refuse marks whose account is not on this machine, on a marked node: a shared workflow may
    come with them."""
    for mark in marks:
        try:
            config.settings(mark.ordering.profile)
        except BadInput as error:
            first = next(iter(mark.nodes), "")
            if isinstance(error, NoKey):
                raise CannotOffload("segment.no_key", local_id=first, hint="no_key") from None
            refused = CannotOffload(error.key, local_id=first)
            raise refused.with_context(params=error.params) from None
