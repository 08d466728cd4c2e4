"""An order that was paid for is found again by what it asked for,
whatever has been rewritten since."""

from __future__ import annotations

import json
from pathlib import Path

from tests.frozen.identities import identities
from tests.frozen.jobs import FROZEN

RECORDED = json.loads((FROZEN / "identities.json").read_text("utf-8"))


async def test_the_same_job_is_the_same_order(tmp_path: Path) -> None:
    now = await identities(tmp_path)
    assert now.keys() == RECORDED.keys()
    changed = {name: order for name, order in now.items() if order != RECORDED[name]}
    assert changed == {}


def test_the_jobs_are_told_apart() -> None:
    """What is no part of an identity is the same order; all else is another."""
    by_digest: dict[str, set[str]] = {}
    for name, order in RECORDED.items():
        by_digest.setdefault(order["identity_digest"], set()).add(name)
    shared = [names for names in by_digest.values() if len(names) > 1]
    assert sorted(shared, key=len) == [
        {"a graph", "a graph under a workflow"},
        {
            "fields of all plain types",
            "a webhook, which is no part of it",
            "a time limit, which is no part of it",
            "a link in place of an id",
        },
    ]
