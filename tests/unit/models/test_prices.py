"""A price is told from lists with its day, or said to be unknown;
nothing of a person's goes out."""

from __future__ import annotations

import json
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import pytest
from unit.models.sampling import every_value, shipped

from rh_api import texts
from rh_api.graph.fields import FieldKind
from rh_api.models.prices import ListPrice, filler, list_price, preview_body, price_ratio
from rh_api.models.schema import Model, Parameter, PriceRule

DAY = "2026-09-01"


def of(endpoint: str, **body: Any) -> ListPrice | None:
    return list_price(shipped().models[endpoint], body)


def sentence(price: ListPrice | None) -> str:
    return price.describe(texts.english) if price else ""


def priced(price: PriceRule, *parameters: Parameter) -> Model:
    return Model("a/b", "A", parameters=parameters, price=price)


def test_a_rate_by_the_second_times_the_seconds() -> None:
    price = of("kling-video-o3-std/image-to-video", sound=True, duration=5)
    assert price == ListPrice(
        "second", Decimal("0.69"), Decimal("3.45"), Decimal(5), is_from=False, as_of=DAY
    )
    assert sentence(price) == "about 0.69 CNY a second · 3.45 for 5 s (price list of 2026-09-01)"


def test_a_price_is_exact_whatever_other_code_rounds() -> None:
    with localcontext() as context:
        context.prec = 1
        price = of("kling-video-o3-std/image-to-video", sound=True, duration=5)
        assert "0.69 CNY a second · 3.45 for 5 s" in sentence(price)


def test_what_is_left_out_counts_with_its_usual_value() -> None:
    model = shipped().models["kling-video-o3-std/image-to-video"]
    assert_amount(model, {"duration": "10", "sound": False}, "5.2")
    assert_amount(model, {"duration": "10"}, "6.9")


def test_a_price_a_call() -> None:
    assert sentence(of("meshy6/text-to-3d")) == "about 5.04 CNY (price list of 2026-09-01)"


def test_a_text_is_priced_by_its_length() -> None:
    price = of("rhart-audio/text-to-audio/speech-2.8-hd", text="a" * 500)
    assert price is not None
    assert price.amount == Decimal("0.31")


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
    price = list_price(model, body)
    assert price is not None
    assert price.amount == Decimal(amount)


def test_pictures_are_counted() -> None:
    model = priced(PriceRule("image", DAY, amount="0.2"), Parameter("numImages", FieldKind.COMBO))
    assert_amount(model, {"numImages": "3"}, "0.6")
    assert_amount(model, {}, "0.2")


def test_a_length_that_nobody_knows_leaves_the_rate() -> None:
    price = of("rhart-video/sparkvideo-2.0-fast/text-to-video", resolution="720p", duration="-1")
    assert price is not None
    assert price.amount is None
    assert sentence(price) == "about 1 CNY a second (price list of 2026-09-01)"


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
        params = [param for param in model.parameters if param.default is not None]
        price = list_price(model, {param.name: param.default for param in params})
        if price is not None:
            assert price.rate > 0
            assert "…" not in sentence(price)


def test_a_preview_asks_with_nothing_of_the_person_s() -> None:
    secret = "the secret of the lighthouse keeper's daughter"
    for model in shipped().models.values():
        body = {name.removeprefix("p."): value for name, value in every_value(model).items()}
        body["extra"] = secret
        for param in model.parameters:
            if param.kind in (FieldKind.STRING, FieldKind.LORA, FieldKind.JSON):
                body[param.name] = secret
            elif param.is_media:
                link = f"https://private.example.com/{secret}"
                body[param.name] = [link, link] if param.is_array else link
            elif param.kind is FieldKind.COMBO and not param.is_array:
                body[param.name] = secret if param.options else param.default
        preview = preview_body(model, body)
        assert secret not in json.dumps(preview)
        assert "private" not in json.dumps(preview)
        for param in model.parameters:
            if param.is_media:
                links = preview[param.name]
                assert len(links) == 2 if isinstance(links, list) else isinstance(links, str)
            if param.kind is FieldKind.STRING and not param.is_array:
                assert len(str(preview[param.name])) == len(secret)


@pytest.mark.parametrize("length", [0, 1, 2, 23, 24, 25, 5000])
def test_filler_has_the_length_and_does_not_end_in_a_space(length: int) -> None:
    assert len(filler(length)) == length
    assert not filler(length).endswith(" ")


QUALITY = PriceRule("run", DAY, keys=("quality",), rows=(("low", "0.06"), ("high", "0.84")))
CHOICE = Parameter("quality", FieldKind.COMBO, default="high")
SEED = Parameter("seed", FieldKind.INT)
TEXT = Parameter("prompt", FieldKind.STRING)
PICTURE = Parameter("image", FieldKind.IMAGE)


@pytest.mark.parametrize(
    ("now", "past", "ratio"),
    [
        ({"quality": "high"}, {"quality": "low"}, 14),
        ({"quality": "low"}, {}, Fraction(1, 14)),
        ({"quality": "low", "seed": 1}, {"quality": "low", "seed": 2, "prompt": "x"}, 1),
        # A choice that is not in the list has no price, but the same price twice.
        ({"quality": "ultra"}, {"quality": "low"}, None),
        ({"quality": "ultra"}, {"quality": "ultra", "image": {"sha256": "0"}}, 1),
    ],
)
def test_a_list_tells_how_many_times_one_order_costs_another(
    now: dict[str, object], past: dict[str, object], ratio: Fraction | None
) -> None:
    model = priced(QUALITY, CHOICE, SEED, TEXT, PICTURE)
    assert price_ratio(model, now, past) == ratio


@pytest.mark.parametrize("price", [None, PriceRule("run", DAY, amount="0.2", is_from=True)])
def test_without_an_exact_price_only_equal_options_cost_the_same(price: PriceRule | None) -> None:
    model = Model("a/b", "A", parameters=(CHOICE, SEED, TEXT, PICTURE), price=price)
    assert price_ratio(model, {"quality": "high", "prompt": "a"}, {"seed": 7}) == 1
    assert price_ratio(model, {"quality": "low"}, {"seed": 7}) is None
    # So do numbers however they are written, and what only `extra` has.
    assert price_ratio(model, {"n": 2, "x": {"y": [1]}}, {"n": "2.0", "x": {"y": [1]}}) is None
    assert price_ratio(model, {"n": 2, "x": {"y": [1]}}, {"n": 2.0, "x": {"y": [1]}}) == 1


def test_a_length_that_nobody_knows_cannot_be_converted() -> None:
    model = shipped().models["rhart-video/sparkvideo-2.0-fast/text-to-video"]
    short, open_end = ({"resolution": "720p", "duration": end} for end in ("5", "-1"))
    assert price_ratio(model, open_end, short) is None
    assert price_ratio(model, open_end, open_end) == 1
    assert price_ratio(model, {**short, "duration": "10"}, short) == 2
