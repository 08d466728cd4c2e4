"""Equal orders have equal digests, on any machine and in any order of their fields."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rh_api.run.orders import Order, digest
from rh_api.run.progress import Progress, Stage
from rh_api.wire.orders import TaskOptions

VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters())
FIELDS = st.dictionaries(st.text(st.characters(), max_size=8), VALUES, max_size=5)


@settings(deadline=None)
@given(FIELDS)
def test_the_order_of_fields_does_not_matter(fields: dict[str, object]):
    turned = dict(reversed(fields.items()))
    assert Order("1", inputs=fields).inputs_hash == Order("1", inputs=turned).inputs_hash


@pytest.mark.parametrize(
    "other",
    [
        Order("1", inputs={"3.seed": 2}),
        Order("1", inputs={"3.seed": "1"}),
        Order("1", inputs={"3.seed": True}),
        Order("1", inputs={}),
        Order("1", inputs={"3.seed": 1}, graph="{}"),
        Order("1", inputs={"3.seed": 1}, options=TaskOptions(instance="plus")),
        Order("1", inputs={"3.seed": 1}, options=TaskOptions(add_metadata=False)),
        Order("1", inputs={"3.seed": 1}, options=TaskOptions(personal_queue=True)),
        Order("1", inputs={"3.seed": 1}, options=TaskOptions(retain_seconds=10)),
    ],
)
def test_what_changes_the_result_or_the_cost_is_another_order(other: Order):
    assert Order("1", inputs={"3.seed": 1}).inputs_hash != other.inputs_hash


def test_what_only_concerns_us_does_not():
    order = Order("1", inputs={"3.seed": 1})
    ours = replace(order, titles={"3": "Sampler"}, time_limit=30.0)
    assert order.inputs_hash == ours.inputs_hash


def test_a_digest_is_the_same_on_every_machine():
    assert digest({"b": 1, "a": ["é", "\ud800", 2**64]}) == (
        "3338c7aad5ff41b312ea0493c6dae163d91168279b70fda8924e901a43c2765e"
    )


@settings(deadline=None)
@given(st.sampled_from(Stage), st.none() | st.floats(0, 1))
def test_the_overall_share_stays_within_its_stage(stage: Stage, fraction: float | None):
    assert 0 <= Progress(stage, fraction).overall <= 1


def test_the_overall_share_rises_from_stage_to_stage():
    path = [Stage.UPLOADING, Stage.ORDERING, Stage.RUNNING, Stage.DOWNLOADING, Stage.DONE]
    shares = [Progress(stage, 1.0).overall for stage in path]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
