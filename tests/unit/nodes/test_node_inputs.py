"""A cloud node's own inputs: defaults, limits, and what a link may bring instead."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

Pack = Callable[[str], ModuleType]


@pytest.fixture
def order(pack: Pack) -> ModuleType:
    return pack("nodes.runtime.node_inputs")


def test_a_left_out_input_and_its_default_are_one_order(order: ModuleType) -> None:
    defaults: dict[str, Any] = {
        "instance": "default",
        "outputs": "",
        "batch": "each",
        "max_orders": 16,
        "timeout": 0,
        "reroll_seeds": False,
        "add_metadata": True,
        "use_personal_queue": False,
        "retain_seconds": 0,
        "profile": "",
    }
    listed = {name: [value] for name, value in defaults.items()}
    short, full = {"workflow": ["1"]}, {"workflow": ["1"], **listed}
    assert order.read_node_request(short) == order.read_node_request(full)
    # Not known yet: a link will bring it.
    assert order.read_node_request(
        {"workflow": ["1"], "timeout": (None,)}
    ) == order.read_node_request(short)


def test_inputs_become_options(order: ModuleType) -> None:
    asked = order.read_node_request(
        {
            "workflow": ["1"],
            "instance": ["ultra"],
            "retain_seconds": [10],
            "use_personal_queue": [True],
            "add_metadata": [False],
            "timeout": [90],
            "batch": ["first"],
            "reroll_seeds": [True],
        }
    )
    job = asked.job({"6.text": "a"})
    assert (job.options.instance, job.options.retain_seconds) == ("ultra", 10)
    assert (job.options.personal_queue, job.options.add_metadata) == (True, False)
    assert (job.time_limit, job.reroll_seeds, asked.first) == (90.0, True, True)
    assert job.fields == {"6.text": "a"}


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("instance", "huge", "default, plus, ultra"),
        ("instance", 5, '"instance" cannot be "5"'),
        ("batch", "all", "each, first"),
        ("timeout", -1, "at least 0"),
        ("timeout", True, '"timeout" cannot be "True"'),
        ("max_orders", 0, "at least 1"),
        ("retain_seconds", 9, "10 to 180"),
        ("retain_seconds", 181, "10 to 180"),
        ("profile", 7, '"profile" cannot be "7"'),
        ("workflow", 12, '"workflow" cannot be "12"'),
    ],
)
def test_what_no_order_can_have_is_refused(
    order: ModuleType, name: str, value: object, words: str
) -> None:
    with pytest.raises(Exception, match=re.escape(words)) as refused:
        order.read_node_request({name: [value]})
    assert type(refused.value).__name__ == "BadInput"


def test_only_names_of_fields_count(order: ModuleType) -> None:
    inputs = {"workflow": ["1"], "link_0": ["x"], "refresh": [1], "format.codec": ["h264"]}
    asked = order.read_node_request(inputs)
    assert order.fields_of({**inputs, "6.text": ["a"]}, asked) == {"6.text": ["a"]}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("3_seed", '"3_seed" names no field'),
        (" 3.seed", '" 3.seed" names no field'),
        ("3 .seed", "write <nodeId>.<fieldName>"),
        ("3.", "names no field"),
        ("max_order", "Nearest: max_orders."),
        ("rerollSeeds", "Nearest: reroll_seeds."),
        ("Timeout", "Nearest: timeout."),
    ],
)
def test_a_slip_in_a_name_is_no_order(order: ModuleType, name: str, words: str) -> None:
    inputs = {"workflow": ["1"], name: [1]}
    with pytest.raises(Exception, match=re.escape(words)) as refused:
        order.fields_of(inputs, order.read_node_request(inputs))
    assert type(refused.value).__name__ == "BadField"


@pytest.mark.parametrize(
    "name",
    ["upload", "format.codec", "$$canvas-image-preview", "control_after_generate", "choose file"],
)
def test_what_a_browser_or_another_pack_adds_stays(order: ModuleType, name: str) -> None:
    inputs = {"workflow": ["1"], "form": [""], "again": [True], "link_3": ["x"], name: [1]}
    assert order.fields_of(inputs, order.read_node_request(inputs)) == {}


def test_an_app_is_named_in_place_of_a_workflow(order: ModuleType) -> None:
    job = order.read_node_request({"app": ["7"]}, "app").job({})
    assert (job.app, job.workflow) == ("7", "")


def test_a_blank_app_is_refused_unless_a_link_will_bring_it(order: ModuleType) -> None:
    with pytest.raises(Exception, match="Which AI app"):
        order.read_node_request({"app": [" "]}, "app")
    order.read_node_request({"app": (None,)}, "app")
