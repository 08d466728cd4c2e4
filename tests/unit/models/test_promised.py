"""What is checked of a body while links are still to bring some of its values."""

from __future__ import annotations

from typing import Any

import pytest

from rh_api.errors import BadField
from rh_api.graph.check import Promised
from rh_api.models.body import compose
from rh_api.models.stored import read_model

MODEL = read_model(
    {
        "endpoint": "a/b",
        "parameters": [
            {"name": "prompt", "type": "STRING", "required": True},
            {"name": "images", "type": "IMAGE", "array": True, "required": True, "max_items": 2},
            {"name": "elements", "type": "JSON", "array": True},
            {"name": "shots", "type": "BOOLEAN"},
            {"name": "kind", "type": "COMBO", "options": ["one", "two"], "default": "one"},
            {"name": "more", "type": "STRING"},
        ],
        "rules": [
            {"op": "only", "names": ["more"], "other": "shots", "values": ["true"]},
            {"op": "needs", "names": ["more"], "other": "shots", "values": ["true"]},
        ],
    }
)
LINK = Promised()


def body(extra: object = None, **values: Any) -> dict[str, object]:
    assert MODEL is not None
    return compose(MODEL, values, extra).checked()


def test_what_a_link_will_bring_counts_as_given() -> None:
    sent = body(prompt=LINK, **{"images.2": LINK, "elements.1": LINK, "kind": LINK})
    assert sent == {"prompt": LINK, "images": [LINK], "elements": [LINK], "kind": LINK}
    with pytest.raises(BadField, match="images"):
        body(prompt=LINK)
    with pytest.raises(BadField, match="3 items"):
        body(prompt="x", **{f"images.{n}": LINK for n in (1, 2, 3)})


def test_a_condition_that_a_link_will_tell_is_left_open() -> None:
    assert body(prompt="x", images=LINK, shots=LINK, more="y")["more"] == "y"
    with pytest.raises(BadField, match="only with shots = true"):
        body(prompt="x", images=LINK, shots=False, more="y")
    assert body(prompt="x", images=LINK, shots=LINK)["shots"] is LINK


def test_a_batch_at_one_item_puts_its_items_there() -> None:
    assert MODEL is not None
    values = {"prompt": "x", "images": "https://a/1", "images.1": ["https://a/2", "https://a/3"]}
    composed = compose(MODEL, values)
    assert composed.body["images"] == ["https://a/1", "https://a/2", "https://a/3"]
    assert len(composed.doubts) == 1


def test_items_of_json_come_as_texts_from_sockets() -> None:
    sent = body(prompt="x", images=LINK, **{"elements.1": '{"id": 1}', "elements.2": "7"})
    assert sent["elements"] == [{"id": 1}, "7"]


def test_extra_gives_what_the_schema_requires_and_no_usual_value_stands_beside_it() -> None:
    sent = body({"prompt": "x", "kind": "three"}, images=LINK)
    assert sent == {"images": [LINK], "prompt": "x", "kind": "three"}
