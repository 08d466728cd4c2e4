"""What a segment's order made, as the outputs of its node: values, or files for a saver."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..rh_api.client import Outcome, Result
from ..rh_api.errors import Fate, RunningHubError
from ..rh_api.graph.segments import FILES, Outlet, Segment
from ..rh_api.graph.stand_ins import OUTLETS
from ..rh_api.offload import plain, results_of, text_of, title_of
from .media.codec import Kind
from .media.errors import MediaError
from .shelves import Shelf, Unreadable


class NothingCame(RunningHubError):
    """The task ended well, and what a local node waits for is not among its results."""

    default_key = "segment.nothing_came"
    default_fate = Fate.OVER


def values(segment: Segment, outcome: Outcome) -> list[Any]:
    """All outputs of the segment's node; None where it has no outlet.

    Reads and writes files: to be called in a worker thread.
    """
    shelf = Shelf(outcome.task_id)
    made: list[Any] = [None] * OUTLETS
    for outlet in segment.outlets:
        results = results_of(outlet, outcome.results)
        if not results:
            source = title_of(segment, outlet.source[0])
            raise NothingCame(task_id=outcome.task_id, node=source)
        made[outlet.number - 1] = _value(outlet, results, shelf)
    return made


def _value(outlet: Outlet, results: Sequence[Result], shelf: Shelf) -> Any:
    if outlet.type == FILES:
        return [_file(result, shelf) for result in results]
    if outlet.type in (Kind.IMAGE, Kind.MASK):
        return _pictures(outlet, results, shelf)
    if outlet.type == Kind.AUDIO:
        return _sound([shelf.audio(result) for result in results])
    if outlet.type == Kind.VIDEO:
        return shelf.video(results[0])
    try:
        return plain(outlet, text_of(results[0]))
    except RunningHubError as error:
        error.fate, error.task_id = Fate.OVER, shelf.task_id
        raise


def _file(result: Result, shelf: Shelf) -> dict[str, Any]:
    """For RunningHubSaved: a file that lies as long as ComfyUI's cache does, or a text."""
    if result.path is None:
        return {"text": result.text or ""}
    kind = result.type.kind.value if result.type else "file"
    return {"path": str(shelf.lay(result)), "kind": kind}


def _pictures(outlet: Outlet, results: Sequence[Result], shelf: Shelf) -> Any:
    """IMAGE with its alpha, if it has one, or the MASK that the colours hold."""
    from .media import levels
    from .media.tensors import from_array

    paths = [result.path for result in results if result.path]
    try:
        pictures = levels.read(paths)
    except MediaError as error:
        kept = [shelf.keep(result) for result in results if result.path]
        raise Unreadable(shelf.task_id, kept, error) from None
    return from_array(pictures if outlet.type == Kind.IMAGE else pictures[..., 0].copy())


def _sound(sounds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One AUDIO of the files that a saver made of a batch."""
    if len(sounds) == 1:
        return sounds[0]
    import torch

    if len({(one["sample_rate"], one["waveform"].shape) for one in sounds}) > 1:
        raise RunningHubError("segment.sounds_differ", fate=Fate.OVER)
    return {**sounds[0], "waveform": torch.cat([one["waveform"] for one in sounds])}
