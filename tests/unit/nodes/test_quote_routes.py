"""What a graph's orders cost together, over our route: programs, models and marked parts."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from rh_api.client import Client, Job
from rh_api.emulator import Emulator, catalog
from rh_api.settings import Settings
from tests.unit.nodes.host import Host


def program(**more: object) -> dict[str, Any]:
    return {"kind": "workflow", "id": catalog.TEXT_OUT, "instance": "default", **more}


def model(**more: object) -> dict[str, Any]:
    return {"kind": "model", "id": "rhart-image-n-pro/text-to-image", "title": "A picture", **more}


async def test_a_graph_without_orders_costs_nothing(host: Host) -> None:
    nothing = {"text": "", "orders": []}
    assert await host.post("quote") == nothing
    assert await host.post("quote", programs=[]) == nothing
    assert await host.post("quote", programs="x") == nothing


async def test_programs_are_summed_by_what_their_runs_cost(host: Host, emulator: Emulator) -> None:
    quote = await host.post("quote", programs=[program(title="One")])
    assert quote["text"] == "1 order, cost not known"
    assert quote["orders"][0]["title"] == "One"
    assert "a second on default" in quote["orders"][0]["quote"]
    values = {
        "RUNNINGHUB_API_KEY": emulator.default_key,
        "RUNNINGHUB_BASE_URL": emulator.base_url,
        "RUNNINGHUB_STATE": str(host.state),
    }
    async with Client(Settings.from_mapping(values)) as client:
        await client.run(Job(catalog.TEXT_OUT, {"21.value": "another"}))
    assert (await host.post("quote", programs=[program()]))["text"] == "about 1 coin, 1 order"
    several = [program(), program(), program(instance="plus")]
    quote = await host.post("quote", programs=several)
    assert quote["text"] == "about 2 coins plus an unknown amount, 3 orders"


async def test_of_more_nodes_than_are_asked_about_the_sum_is_no_whole_one(host: Host) -> None:
    quote = await host.post("quote", programs=[program()] * 201)
    assert quote["text"] == "at least 200 orders, cost not known"


async def test_a_batch_is_as_many_orders_as_the_page_tells(host: Host) -> None:
    batch = program(title="Four", orders=4)
    quote = await host.post("quote", programs=[batch, program()])
    assert quote["text"] == "5 orders, cost not known"
    several, alone = (order["quote"] for order in quote["orders"])
    assert several == f"4 orders, each: {alone}"
    quote = await host.post("quote", programs=[batch, program(least=True)])
    assert quote["text"] == "at least 5 orders, cost not known"
    assert quote["orders"][1]["quote"] == f"at least 1 order, each: {alone}"
    priced = model(values={"prompt": "a fox"}, orders=3)
    (single,) = (await host.post("quote", programs=[{**priced, "orders": 1}]))["orders"]
    quote = await host.post("quote", programs=[{**priced, "least": True}])
    assert quote["text"].startswith("about ")
    assert quote["text"].endswith("or more, at least 3 orders")
    assert quote["orders"][0]["quote"] == f"at least 3 orders, each: {single['quote']}"
    for count in (0, -3, True, "7", 2.5, None):
        quote = await host.post("quote", programs=[program(orders=count)])
        assert quote["text"] == "1 order, cost not known"
    quote = await host.post("quote", programs=[program(orders=10**12)])
    assert quote["text"] == "10000 orders, cost not known"


async def test_a_program_that_cannot_be_told_counts_as_unknown(host: Host) -> None:
    wrong = [program(id="x"), program(kind="planet"), program(profile="nobody"), model(id=7)]
    quote = await host.post("quote", programs=wrong)
    assert quote["text"] == "4 orders, cost not known"


async def test_a_model_is_told_by_a_list_and_the_service_is_not_asked(
    host: Host, emulator: Emulator
) -> None:
    before = dict(emulator.counters.requests)
    quote = await host.post("quote", programs=[model(values={"prompt": "a fox"})])
    assert dict(emulator.counters.requests) == before
    assert quote["text"].startswith("about ")
    assert quote["text"].endswith("CNY, 1 order")


async def test_what_the_service_answered_counts_more_than_a_list_in_another_currency(
    host: Host, emulator: Emulator
) -> None:
    emulator.preview_placeholders = "accepted"
    account = emulator.account
    account.kind, account.money, account.currency = "SHARED", Decimal(9), "USD"
    priced = model(values={"prompt": "a fox"})
    preview = await host.post("models/preview", model=priced["id"], values=priced["values"])
    assert preview["currency"] == "USD"
    quote = await host.post("quote", programs=[priced])
    assert quote["text"] == f"about {preview['amount']} USD, 1 order"
    # Of an order that nobody asked about the list says nothing once the account tells its money.
    await host.post("spend", days=30)
    unasked = model(values={"prompt": "a fox", "resolution": "4k"})
    why = "cost not known (the price lists are in CNY, for runninghub.cn)"
    assert (await host.post("quote", programs=[unasked]))["text"] == f"1 order, {why}"
    price = await host.post("models/price", model=priced["id"], values=unasked["values"])
    assert (price["text"], price["amount"]) == (why, None)
    price = await host.post("models/price", model=priced["id"], values=priced["values"])
    assert (price["amount"], price["currency"]) == (preview["amount"], "USD")


async def test_the_list_the_node_and_the_sum_tell_a_price_a_second_alike(host: Host) -> None:
    endpoint = "kling-v3.0-std/motion-control"  # whose film's length is not among the values
    for language, words in (("en", "about 0.81 CNY a second"), ("zh", "0.81 元")):
        await host.speak(language)
        (row,) = (await host.post("models", only=[endpoint]))["models"]
        price = await host.post("models/price", model=endpoint, values={})
        quote = await host.post("quote", programs=[model(id=endpoint, values={})])
        assert words in row["price"]
        assert price["text"] == row["price"]
        assert quote["orders"][0]["quote"] == row["price"]
        assert row["price"] in quote["text"]
    await host.speak("en")
    two = [model(id=endpoint, values={}), program()]
    assert (await host.post("quote", programs=two))["text"] == "2 orders, cost not known"


async def test_where_the_lists_do_not_hold_the_choice_the_node_and_the_sum_say_why(
    host: Host, emulator: Emulator
) -> None:
    endpoint = "rhart-image-n-pro/text-to-image"
    assert (await host.post("models", only=[endpoint]))["note"] == ""
    account = emulator.account
    account.kind, account.money, account.currency = "SHARED", Decimal(9), "USD"
    await host.post("spend", days=30)
    listing = await host.post("models", only=[endpoint])
    assert (listing["note"], listing["models"][0]["price"]) == (
        "cost not known (the price lists are in CNY, for runninghub.cn)",
        "",
    )
    for language in ("en", "zh"):
        await host.speak(language)
        why = (await host.post("models", only=[endpoint]))["note"]
        price = await host.post("models/price", model=endpoint, values={"prompt": "a fox"})
        quote = await host.post("quote", programs=[model(values={"prompt": "a fox"})])
        assert price["text"] == quote["orders"][0]["quote"] == why
        assert why in quote["text"]


async def test_in_dollars_the_node_and_the_bar_tell_runs_by_the_price_of_their_options(
    host: Host, emulator: Emulator
) -> None:
    account = emulator.account
    account.kind, account.money, account.currency = "SHARED", Decimal(99), "USD"
    endpoint = "rhart-image-g-1.5-official/text-to-image"
    values = {"prompt": "a fox", "quality": "low", "size": "1024*1024"}
    settings = {
        "RUNNINGHUB_API_KEY": emulator.default_key,
        "RUNNINGHUB_BASE_URL": emulator.base_url,
        "RUNNINGHUB_STATE": str(host.state),
    }
    async with Client(Settings.from_mapping(settings)) as client:
        await client.run(Job(model=endpoint, fields=values))
    await host.post("spend", days=30)

    async def told(**more: object) -> tuple[dict[str, Any], dict[str, Any]]:
        chosen = {**values, "prompt": "a boat", **more}
        price = await host.post("models/price", model=endpoint, values=chosen, count=2)
        return price, await host.post("quote", programs=[model(id=endpoint, values=chosen)])

    cost = 99 - account.money
    for quality, times in (("low", 1), ("high", 14)):
        price, quote = await told(quality=quality)
        amount = (cost * times).normalize()
        assert quote["text"] == f"about {amount} USD, 1 order"
        assert quote["orders"][0]["quote"] == price["text"]
        assert (price["amount"], price["total"]) == (str(amount), str(2 * amount))
        assert price["currency"] == "USD"
    await host.speak("zh")
    _, quote = await told(quality="high")
    assert "依据你的一次运行" in quote["orders"][0]["quote"]
    assert "按价目表换算" in quote["orders"][0]["quote"]
    _, quote = await told(quality="ultra")
    assert quote["orders"][0]["quote"].startswith("若所选选项价格相同")
    assert quote["text"].startswith(f"约 {cost} 美元或更多")
    usual = await host.post("estimate", kind="model", id=endpoint, instance="default")
    assert usual["runs"] == 1
    assert usual["quote"] == ""


async def test_marked_parts_are_orders_too(host: Host) -> None:
    prompt = {
        "1": {"class_type": "EmptyImage", "inputs": {}, "_meta": {"title": "Blank"}},
    }
    workflow = {"nodes": [{"id": 1, "properties": {"runninghub": {"segment": "1"}}}]}
    extra = {"extra_pnginfo": {"workflow": workflow}}
    quote = await host.post("quote", programs=[program()], prompt=prompt, extra_data=extra)
    assert quote["text"] == "1 order, cost not known"  # a marked part that cannot go orders nothing
    json.dumps(quote)
