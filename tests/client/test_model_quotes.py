"""What a model's order is said to cost after earlier ones, where no list is in its currency."""

from __future__ import annotations

from decimal import Decimal

import pytest

from rh_api.client import Client, Job, Quote
from rh_api.emulator import Emulator, Fault
from rh_api.money.quotes import QuoteSource, in_few_words
from rh_api.texts import english

LISTED = "rhart-image-g-1.5-official/text-to-image"  # by quality and size: 0.06 to 1.26 CNY
UNLISTED = "dola-Seedream-5.0-pro/text-to-image"  # in no list


@pytest.fixture(autouse=True)
def dollars(emulator: Emulator) -> Emulator:
    """An account in USD, on a service that tells no price before an order."""
    account = emulator.account
    account.kind, account.coins, account.money, account.currency = "SHARED", 0, Decimal(99), "USD"
    emulator.faults.append(Fault("/openapi/v2/price-preview/", "code", value=1007, count=None))
    return emulator


def drawn(model: str = LISTED, prompt: str = "a fox", **options: object) -> Job:
    return Job(model=model, fields={"prompt": prompt, **options})


def paid(emulator: Emulator) -> int:
    """Millionths of a dollar that the account lacks."""
    return int((99 - emulator.account.money) * 1_000_000)


def described(quote: Quote) -> str:
    return quote.describe(english)


async def test_dearer_options_are_not_said_to_cost_what_cheap_ones_did(
    client: Client, emulator: Emulator
) -> None:
    await client.run(drawn(quality="low", size="1024*1024"))
    quote = await client.costs.quote(drawn(quality="high", size="1024*1024"))
    assert quote.ranges["USD"].amount == 14 * paid(emulator)
    assert (quote.source, quote.runs) == (QuoteSource.CONVERTED, 1)
    assert described(quote).endswith("in one earlier run, converted by the price list)")
    back = await client.costs.quote(drawn(quality="low", size="1024*1024", prompt="a boat"))
    assert back.ranges["USD"].amount == paid(emulator)
    assert back.source is QuoteSource.RUNS


async def test_runs_of_the_same_list_price_count_alone(client: Client, emulator: Emulator) -> None:
    await client.run(drawn(quality="low", size="1024*1024"))
    before = paid(emulator)
    await client.run(drawn(quality="medium", size="1024*1536"))
    quote = await client.costs.quote(drawn(quality="medium", size="1536*1024", prompt="a boat"))
    assert quote.ranges["USD"].amount == paid(emulator) - before
    assert (quote.source, quote.runs) == (QuoteSource.RUNS, 1)


async def test_without_a_list_other_options_are_a_condition(
    client: Client, emulator: Emulator
) -> None:
    await client.run(drawn(UNLISTED, resolution="1k"))
    same = await client.costs.quote(drawn(UNLISTED, "a boat", resolution="1k"))
    assert (same.source, same.ranges["USD"].amount) == (QuoteSource.RUNS, paid(emulator))
    other = await client.costs.quote(drawn(UNLISTED, resolution="2k"))
    assert described(other).startswith("about 0.023 USD if these options cost the same (")
    assert in_few_words([other, same], english) == "about 0.046 USD or more, 2 orders"


async def test_an_order_whose_content_was_deleted_tells_no_options(
    client: Client, emulator: Emulator
) -> None:
    await client.run(drawn(quality="low", size="1024*1024"))
    (past,) = (await client.history()).orders
    await client.delete_orders([past.order])
    quote = await client.costs.quote(drawn(quality="high", size="1024*1024"))
    assert "if these options cost the same" in described(quote)
