"""A marked part is cut as it was when it was paid for: the same graph goes out, and is known."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.frozen.cuts import Case, cut_case, ordered
from tests.frozen.jobs import FROZEN

CUTS: dict[str, Case] = json.loads((FROZEN / "cuts.json").read_text("utf-8"))
ORDERS: dict[str, Case] = json.loads((FROZEN / "segment_orders.json").read_text("utf-8"))


@pytest.mark.parametrize("name", CUTS)
def test_a_cut_is_what_it_was(name: str) -> None:
    assert cut_case(CUTS[name]["said"]) == CUTS[name]["made"]


@pytest.mark.parametrize("name", ORDERS)
def test_an_order_of_a_segment_is_what_it_was(tmp_path: Path, name: str) -> None:
    assert ordered(tmp_path / "case", ORDERS[name]["said"]) == ORDERS[name]["made"]


def test_the_recorded_cuts_have_a_little_of_everything() -> None:
    """Stages, batches, masks, savers, files, LoRAs, lists of values, and refusals."""
    cuts = [case["made"] for case in CUTS.values()]
    whole = [result for result in cuts if "prompt" in result]
    text = json.dumps(whole)
    assert len(whole) > 20
    assert sum("refused" in result for result in cuts) > 2
    assert any(plan["split"] for plan in whole)
    assert max(len(plan["sent"]) for plan in whole) > 2
    for word in ("RunningHubSaved", "ImageBatch", "LoadImageMask", "RHLoraLoader", "SaveAudio"):
        assert word in text
