"""One trial: a random prompt, random marks, the cut's run against the oracle."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any

from rh_api.errors import BadInput
from rh_api.offload import Plan, core_class, cut, read_marks
from tests.oracle.graphs import Prompt, random_marks, random_prompt
from tests.oracle.oracle import with_borders
from tests.oracle.runs import Sent, run_cut, run_in_memory, run_uncut


@dataclass
class Counts:
    """What random cuts came to. `idle`: nothing that is marked is needed, so no order."""

    graphs: int = 0
    fails_uncut: int = 0
    accepted: int = 0
    idle: int = 0
    pulled: int = 0
    split: int = 0
    orders: int = 0
    nodes: int = 0
    refused: Counter[str] = field(default_factory=Counter[str])
    classes: Counter[str] = field(default_factory=Counter[str])

    @property
    def tried(self) -> int:
        """Random cuts of prompts that run."""
        return self.graphs - self.fails_uncut

    def report(self) -> str:
        tried = max(1, self.tried)
        lines = [
            f"graphs            {self.graphs}, {self.nodes / max(1, self.graphs):.1f} nodes each, "
            f"{len(self.classes)} classes",
            f"fail uncut        {self.fails_uncut} (not counted below)",
            f"accepted          {self.accepted} of {self.tried} ({100 * self.accepted / tried:.0f} %)",
            f"  pull something  {self.pulled} ({100 * self.pulled / tried:.0f} %)",
            f"  not convex      {self.split} ({100 * self.split / tried:.0f} %)",
            f"  order nothing   {self.idle}",
            f"orders run        {self.orders}",
            f"refused           {self.refused.total()}",
            *(f"  {count:5}  {key}" for key, count in self.refused.most_common()),
        ]
        return "\n".join(lines)


def try_one(random: Random, counts: Counts, *, most: int = 22) -> None:
    """Raises AssertionError when the cut's outputs are not the oracle's."""
    prompt = random_prompt(random, most=most)
    marks = random_marks(random, prompt)
    check(prompt, marks, counts)


def check(prompt: Prompt, marks: list[dict[str, Any]], counts: Counts) -> None:
    counts.graphs += 1
    counts.nodes += len(prompt)
    counts.classes.update(node["class_type"] for node in prompt.values())
    try:
        uncut = run_uncut(prompt)
    except Exception:  # noqa: BLE001 - a graph that fails here as well proves nothing
        counts.fails_uncut += 1
        return
    try:
        plan = plan_of(prompt, marks)
        shown = run_cut(dict(plan.prompt), run_in_memory(Sent()))
    except BadInput as refused:
        counts.refused[refused.key] += 1
        return
    counts.accepted += 1
    counts.orders += len(plan.segments)
    counts.idle += not plan.segments
    counts.pulled += any(segment.pulled for segment in plan.segments)
    counts.split += plan.split > 0
    assert shown.keys() == uncut.keys(), (shown.keys(), uncut.keys())
    expected = run_uncut(with_borders(prompt, plan, list(uncut)))
    wrong = [node_id for node_id in uncut if shown[node_id] != expected[node_id]]
    assert not wrong, f"{wrong} differ"


def plan_of(prompt: Prompt, marks: list[dict[str, Any]]) -> Plan:
    return cut(prompt, read_marks({"runninghub": {"segments": marks}}, prompt), core_class)
