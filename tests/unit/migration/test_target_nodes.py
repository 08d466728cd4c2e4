"""What a migration knows of our nodes is what our nodes are."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from rh_api.migration.target_nodes import MODEL, PROGRAMS, SHAPES, TYPED

ROOT = Path(__file__).parents[3]
WORDS = json.loads((ROOT / "locales" / "en" / "nodeDefs.json").read_text("utf-8"))
OURS = sorted(SHAPES.keys() & WORDS.keys())


def test_ours_are_among_them() -> None:
    assert {*PROGRAMS, MODEL, "RunningHubTask", "RHUploadImage"} <= set(OURS)


@pytest.mark.parametrize("name", OURS)
def test_the_inputs_of_our_nodes_are_known(name: str) -> None:
    documented = {field for field in WORDS[name]["inputs"] if not re.fullmatch(r"link_\d+", field)}
    shape = SHAPES[name]
    assert {*shape.widgets, *shape.sockets} - {"form"} == documented - {"form"}


def test_the_outputs_of_programs_are_the_pool() -> None:
    for name in (*PROGRAMS, MODEL, "RunningHubTask"):
        assert list(SHAPES[name].outputs)[: len(TYPED)] == list(TYPED)
    assert list(SHAPES[MODEL].outputs)[-2:] == ["model_3d", "urls"]
