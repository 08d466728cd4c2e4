"""Maps the results of a segment's order to the values of its outlets."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from ...client import Outcome, Result, Source
from ...errors import BadInput, Fate, RunningHubError
from ...graph.outputs import group
from ...wire.filetypes import FLAC, HEAD, PNG, WAV, sniff
from .. import Inlet, Item, Outlet, Segment
from ..boundary_types import PLAIN_TYPES, plain_of
from .inputs import InletValue, title_of

_COLOR_TYPE = slice(25, 26)  # byte of a PNG's header
_WITH_ALPHA = b"\x06"
_FLAC_CHANNELS = slice(20, 21)  # channels - 1, in bits 1 to 3 of that byte
_TENSOR = re.compile(r"tensor\((-?\d+\.?|True|False)(?:, .*)?\)")


class NothingCame(RunningHubError):
    """The task succeeded, but a result that a local node reads is missing."""

    default_key = "segment.nothing_came"
    default_fate = Fate.OVER


def results_of(outlet: Outlet, results: Sequence[Result]) -> list[Result]:
    """The results of the outlet's saver, in its order; matched by node id, else by file name."""
    own = [
        result
        for result in results
        if (result.node_id == outlet.saver)
        or (not result.node_id and outlet.prefix and result.name.startswith(_stem(outlet.prefix)))
    ]
    groups = group(own, (outlet.saver,), lambda result: result.name)
    return [result for of_node in groups.values() for result in of_node]


def _stem(prefix: str) -> str:
    return PurePosixPath(prefix).name + "_"


def wanted_results(segment: Segment, outlet: Outlet, outcome: Outcome) -> list[Result]:
    """The outlet's results. Raises NothingCame where there are none."""
    results = results_of(outlet, outcome.results)
    if not results:
        node = title_of(segment, outlet.source[0])
        raise NothingCame(task_id=outcome.task_id, node=node)
    return results


def require_results(segment: Segment, outcome: Outcome) -> None:
    """Raises NothingCame where no outlet has results."""
    if not any(results_of(outlet, outcome.results) for outlet in segment.outlets):
        wanted_results(segment, segment.outlets[0], outcome)


def text_of(result: Result) -> str:
    """The text of a result, inline or from its file. Raises BadInput where there is none."""
    text = result.read_text()
    if text is None:
        raise BadInput("segment.no_text", name=result.name)
    return text


def value_of(outlet: Outlet, text: str) -> object:
    """Parse a text that PreviewAny wrote as a value of the outlet's type. Raises BadInput."""
    try:
        value = text if outlet.type == "STRING" else _number(text.strip())
        return plain_of(value, outlet.type)
    except ValueError:
        raise BadInput("segment.bad_text", type=outlet.type, value=text[:80]) from None


def _number(text: str) -> float:
    """Parse a bool or number, or a tensor of a whole one, printed in full. Raises ValueError."""
    whole = _TENSOR.fullmatch(text)
    word = whole[1] if whole else text
    if word.lower() in ("true", "false"):
        return word.lower() == "true"
    try:
        return int(word)
    except ValueError:
        return float(word)


def inlet_value_from(inlet: Inlet, outlet: Outlet, results: Sequence[Result]) -> InletValue:
    """An earlier segment's outlet as the value of a later one's inlet."""
    if inlet.type in PLAIN_TYPES:
        return InletValue(inlet, [Item(value=value_of(outlet, text_of(results[0])))])
    paths = [result.path for result in results if result.path]
    count = sound_channels if inlet.type == "AUDIO" else _channels
    items = [Item(count(path)) for path in paths]
    return InletValue(inlet, items, [Source.of_file(path) for path in paths])


def sound_channels(path: Path) -> int:
    """Channels of a WAV or FLAC file, from its header; 0, unknown, for another format."""
    head = _head(path)
    if sniff(head) is FLAC:
        return int.from_bytes(head[_FLAC_CHANNELS], "big") // 2 % 8 + 1
    at = head.find(b"fmt ") if sniff(head) is WAV else -1
    return int.from_bytes(head[at + 10 : at + 12], "little") if at > 0 else 0


def _channels(path: Path) -> int:
    """Channels of an image that a segment made: 4 with alpha, else 3."""
    head = _head(path)
    return 4 if sniff(head) is PNG and head[_COLOR_TYPE] == _WITH_ALPHA else 3


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD)
