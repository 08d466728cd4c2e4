"""Which inputs of a model's node are parameters, and what of them goes together."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

Pack = Callable[[str], ModuleType]

SCHEMA = {
    "endpoint": "a/b",
    "parameters": [
        {"name": "prompt", "type": "STRING"},
        {"name": "model", "type": "STRING"},
        {"name": "imageUrls", "type": "IMAGE", "array": True},
    ],
}
OWN = {
    "form": [""],
    "model": ["a/b"],
    "extra": [""],
    "send_anyway": [False],
    "profile": [""],
    "again": [True],
    "link_3": ["x"],
    "seed control_after_generate": ["fixed"],
    "$$preview": [1],
}


def fields(pack: Pack, inputs: dict[str, Any], schema: object = None) -> set[str]:
    return set(pack("nodes.runtime.model_inputs").fields_of({**OWN, **inputs}, schema))


def test_the_nodes_own_inputs_are_no_parameters(pack: Pack) -> None:
    inputs = {"prompt": ["x"], "p.model": ["y"], "imageUrls.2": [1], "p.extra.1": ["z"]}
    assert fields(pack, inputs) == set(inputs)


def test_a_form_leaves_strangers_alone_and_no_mistyped_name(pack: Pack) -> None:
    stranger = {"speak_and_recognation": [True]}
    inputs = {"prompt": ["x"], "p.model": ["y"], "imageUrls.2": [1]}
    assert fields(pack, {**inputs, **stranger}, SCHEMA) == set(inputs)
    assert fields(pack, {"promt": ["x"], "imageUrl.1": [1]}, SCHEMA) == {"promt", "imageUrl.1"}
    assert fields(pack, stranger) == set(stranger)


@pytest.mark.parametrize(
    "form",
    ["", "{", "[]", "7", json.dumps({"model": "a/b"}), json.dumps({"v": 1}), "[" * 100_000],
)
def test_a_form_without_a_model_says_nothing(pack: Pack, form: str) -> None:
    assert pack("nodes.runtime.model_inputs").schema_of(form) is None


def test_a_form_keeps_its_model(pack: Pack) -> None:
    form = json.dumps({"v": 1, "kind": "model", "model": SCHEMA})
    asked = pack("nodes.runtime.node_inputs").read_node_request(
        {"form": [form], "model": ["a/b"], "extra": ['{"x": 1}'], "send_anyway": [True]}, "model"
    )
    job = asked.job({"prompt": "x"})
    assert (job.model, job.workflow, job.app) == ("a/b", "", "")
    assert (job.schema, job.extra, job.send_anyway) == (SCHEMA, '{"x": 1}', True)


def test_a_picture_is_made_to_fit_either_meaning_of_a_megabyte(pack: Pack) -> None:
    image = {"name": "imageUrls", "type": "IMAGE", "max_mb": 10, "formats": ["jpg"]}
    stored = pack("rh_api.models.stored").read_model({**SCHEMA, "parameters": [image]})
    program = pack("rh_api.programs.model").StandardModel(stored, catalogue=None)
    inputs = pack("nodes.runtime.model_inputs")
    limits = inputs.limits_of(program, ["imageUrls"], fit_pictures=True)
    assert limits["imageUrls"].bytes == 10_000_000
    assert inputs.limits_of(program, ["imageUrls"], fit_pictures=False) == {}


def test_a_list_is_one_value_where_all_go_together(pack: Pack) -> None:
    values = pack("nodes.values.field_values")
    inputs = {"tags": ["a", "b", "c"], "prompt": ["x", "y"], "one": ["z"]}
    orders = values.orders(inputs, (), {"tags", "one"}, first=False)
    assert orders == [
        {"tags": ["a", "b", "c"], "prompt": "x", "one": "z"},
        {"tags": ["a", "b", "c"], "prompt": "y", "one": "z"},
    ]
    (first,) = values.orders(inputs, (), {"tags"}, first=True)
    assert first["tags"] == ["a", "b", "c"]
