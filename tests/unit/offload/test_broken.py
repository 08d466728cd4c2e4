"""Prompts with something broken in them: a plan that is whole, or a sentence."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from unit.offload.sketches import Sketch

from rh_api.errors import BadInput
from rh_api.graph.prompt import links, read_nodes
from rh_api.offload import Mark, Plan, core_class, cut

JUNK: list[Any] = [
    *(None, 5, 1.5, float("nan"), "x", [], {}, True, {"__value__": [1]}, [1, 2], 10**40),
    *(["1", 0], ["nope", 0], ["1", 99], ["1", -1], ["1", 0.5], ["1", True], ["a", "b"]),
]
CLASSES = ["Nope", "", None, 5, "RunningHubTask", "SaveLatent", "WebcamCapture"]


def broken(chance: random.Random) -> dict[str, Any]:
    prompt = Sketch(chance.randrange(2**32), chance.randint(2, 25)).prompt
    ids = list(prompt)
    for _ in range(chance.randint(1, 6)):
        node_id = chance.choice(ids)
        entry = prompt.get(node_id)
        inputs = entry.get("inputs") if isinstance(entry, dict) else None
        kind = chance.random()
        if kind < 0.2:
            prompt.pop(node_id, None)
        elif kind < 0.3:
            prompt[node_id] = chance.choice(JUNK)
        elif isinstance(entry, dict) and kind < 0.4:
            entry["class_type"] = chance.choice(CLASSES)
        elif isinstance(entry, dict) and kind < 0.45:
            entry["inputs"] = chance.choice(JUNK)
        elif isinstance(inputs, dict) and inputs:
            name = chance.choice(list(inputs))
            inputs[name] = chance.choice([*JUNK, *([node_id, 0] for node_id in ids)])
            if kind < 0.6:
                del inputs[name]
    return prompt


@given(st.integers(0, 2**32))
@settings(max_examples=400, deadline=None)
def test_a_broken_prompt_is_cut_or_refused_in_words(seed: int) -> None:
    chance = random.Random(seed)
    prompt = broken(chance)
    marks = [
        Mark(name, tuple(node_id for node_id in prompt if chance.random() < 0.3), only=only)
        for name, only in (("a", False), ("b", chance.random() < 0.3))
    ]
    targets = [key for key in prompt if chance.random() < 0.5] if chance.random() < 0.3 else None
    plan, sentence = Plan({}), ""
    try:
        plan = cut(prompt, marks, core_class, targets)
    except BadInput as error:
        sentence = str(error)
    assert "…" not in sentence
    for segment in plan.segments:
        nodes = read_nodes(segment.graph)
        assert all(link.source in nodes for link in links(segment.graph))
    for link in links(plan.prompt):
        # What led nowhere before still may: ComfyUI says so.
        assert link.source in plan.prompt or link.source not in prompt
