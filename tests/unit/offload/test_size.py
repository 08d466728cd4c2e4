"""Big prompts: the work grows with them, and not with their square."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from unit.offload.prompts import cut_at

from rh_api.graph.fields import takes_url
from rh_api.offload import CannotOffload
from tests.support.graphs import node


def calls(work: Callable[[], object]) -> int:
    """Functions that are called, those of the interpreter included."""
    count = 0

    def note(frame: FrameType, event: str, about: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def wide(size: int) -> dict[str, Any]:
    """Nodes that read one output of a cloud node, each a part of its own."""
    prompt = {"0": node("RunningHubRemoteWorkflow", workflow="1")}
    for number in range(1, size + 1):
        prompt[f"{number}"] = node("ImageInvert", image=["0", 0])
        prompt[f"{size + number}"] = node("SaveImage", images=[f"{number}", 0])
    return prompt


def chained(size: int) -> dict[str, Any]:
    """One part whose nodes read one output of a cloud node, and each the one before."""
    prompt = {"0": node("RunningHubRemoteWorkflow", workflow="1")}
    for number in range(1, size + 1):
        before = [f"{number - 1}", 0]
        prompt[f"{number}"] = node("ImageBatch", image1=before, image2=["0", 0])
    return {**prompt, f"{size + 1}": node("SaveImage", images=[f"{size}", 0])}


@pytest.mark.parametrize("make", [wide, chained])
def test_a_prompt_of_many_readers_of_a_cloud_node_is_cut_in_proportion(
    make: Callable[[int], dict[str, Any]],
) -> None:
    def cut(size: int) -> None:
        with contextlib.suppress(CannotOffload):  # of so many parts, in the end
            cut_at(make(size), *map(str, range(1, size + 1)))

    assert calls(lambda: cut(400)) < 2.5 * calls(lambda: cut(200))


def test_which_fields_take_an_address_is_told_of_one_node() -> None:
    load = node("LoadImageFromUrl", image="https://x")
    few, many = ({str(number): load for number in range(size)} for size in (10, 1_000))
    assert takes_url(many, "7.image")
    assert not takes_url(many, "7.mask")
    assert not takes_url(many, "2000.image")
    count = calls(lambda: takes_url(few, "7.image"))
    assert calls(lambda: takes_url(many, "7.image")) == count
