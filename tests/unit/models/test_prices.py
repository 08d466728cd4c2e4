"""A price is told from lists with its day, or said to be unknown;
nothing of a person's goes out."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from unit.models.sampling import every_value, shipped

from rh_api import texts
from rh_api.graph.fields import FieldKind
from rh_api.models.prices import ListPrice, filler, list_price, preview_body
from rh_api.models.schema import Model, Parameter, PriceRule

DAY = "2026-09-01"


def of(endpoint: str, **body: Any) -> ListPrice | None:
    return list_price(shipped().models[endpoint], body)


def told(price: ListPrice | None) -> str:
    return price.told(texts.english) if price else ""


def priced(price: PriceRule, *parameters: Parameter) -> Model:
    return Model("a/b", "A", parameters=parameters, price=price)


def test_a_rate_by_the_second_times_the_seconds() -> None:
    found = of("kling-video-o3-std/image-to-video", sound=True, duration=5)
    assert found == ListPrice(
        "second", Decimal("0.69"), Decimal("3.45"), Decimal(5), is_from=False, as_of=DAY
    )
    assert told(found) == "about 0.69 CNY a second · 3.45 for 5 s (price list of 2026-09-01)"


def test_what_is_left_out_counts_with_its_usual_value() -> None:
    model = shipped().models["kling-video-o3-std/image-to-video"]
    assert_amount(model, {"duration": "10", "sound": False}, "5.2")
    assert_amount(model, {"duration": "10"}, "6.9")


def test_a_price_a_call() -> None:
    assert told(of("meshy6/text-to-3d")) == "about 5.04 CNY (price list of 2026-09-01)"


def test_a_text_is_priced_by_its_length() -> None:
    found = of("rhart-audio/text-to-audio/speech-2.8-hd", text="a" * 500)
    assert found is not None
    assert found.amount == Decimal("0.31")


def test_options_are_compared_whatever_their_case() -> None:
    price = PriceRule("run", DAY, keys=("size", "hd"), rows=(("1K|true", "0.5"), ("2k|*", "0.7")))
    model = priced(price)
    assert_amount(model, {"size": "1k", "hd": True}, "0.5")
    assert_amount(model, {"size": "2K"}, "0.7")
    assert list_price(model, {"size": "1k", "hd": False}) is None
    assert list_price(model, {}) is None


def test_an_empty_part_is_a_key_that_is_not_given() -> None:
    model = priced(
        PriceRule("run", DAY, keys=("n",), rows=(("", "0.28"),)),
        Parameter("n", FieldKind.INT, default=2),
    )
    assert_amount(model, {}, "0.28")
    assert list_price(model, {"n": 3}) is None


def assert_amount(model: Model, body: dict[str, object], amount: str) -> None:
    found = list_price(model, body)
    assert found is not None
    assert found.amount == Decimal(amount)


def test_pictures_are_counted() -> None:
    model = priced(PriceRule("image", DAY, amount="0.2"), Parameter("numImages", FieldKind.COMBO))
    assert_amount(model, {"numImages": "3"}, "0.6")
    assert_amount(model, {}, "0.2")


def test_a_length_that_nobody_knows_leaves_the_rate() -> None:
    found = of("rhart-video/sparkvideo-2.0-fast/text-to-video", resolution="720p", duration="-1")
    assert found is not None
    assert found.amount is None
    assert told(found) == "about 1 CNY a second (price list of 2026-09-01)"


@pytest.mark.parametrize(
    "endpoint",
    [
        "marble/upload-media-asset",  # 9999
        "kling-elements-advanced",  # 0
        "seedream-v5-pro/text-to-image",  # not readable
        "alibaba/happyhorse-1.0/text-to-video",  # two lists disagree
        "rhart-image-v1/text-to-image",
    ],
)
def test_placeholders_and_lists_that_disagree_tell_nothing(endpoint: str) -> None:
    assert shipped().models[endpoint].price is None
    assert of(endpoint, duration=5, resolution="720p") is None


def test_every_rule_of_the_catalogue_can_be_told() -> None:
    for model in shipped().models.values():
        body = {one.name: one.default for one in model.parameters if one.default is not None}
        found = list_price(model, body)
        if found is not None:
            assert found.rate > 0
            assert "…" not in told(found)


def test_a_preview_asks_with_nothing_of_the_person_s() -> None:
    secret = "the secret of the lighthouse keeper's daughter"
    for model in shipped().models.values():
        body = {name.removeprefix("p."): value for name, value in every_value(model).items()}
        body["extra"] = secret
        for one in model.parameters:
            if one.kind in (FieldKind.STRING, FieldKind.LORA, FieldKind.JSON):
                body[one.name] = secret
            elif one.is_media:
                link = f"https://private.example.com/{secret}"
                body[one.name] = [link, link] if one.is_array else link
            elif one.kind is FieldKind.COMBO and not one.is_array:
                body[one.name] = secret if one.options else one.default
        made = preview_body(model, body)
        assert secret not in json.dumps(made)
        assert "private" not in json.dumps(made)
        for one in model.parameters:
            if one.is_media:
                asked = made[one.name]
                assert len(asked) == 2 if isinstance(asked, list) else isinstance(asked, str)
            if one.kind is FieldKind.STRING and not one.is_array:
                assert len(str(made[one.name])) == len(secret)


@pytest.mark.parametrize("length", [0, 1, 2, 23, 24, 25, 5000])
def test_filler_has_the_length_and_does_not_end_in_a_space(length: int) -> None:
    assert len(filler(length)) == length
    assert not filler(length).endswith(" ")
