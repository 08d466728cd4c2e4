"""Limits of cost over our routes: stored beside the journal, shown as they are written."""

from __future__ import annotations

from tests.unit.nodes.host import Host

NONE = {"order": "", "prompt": "", "day": "", "floor": "", "allowed": [], "today": ""}


async def test_a_limit_is_stored_shown_and_taken_away(host: Host) -> None:
    assert await host.post("limits") == NONE
    shown = await host.post("limits/save", scope="day", sum="200 coins, 5 CNY")
    assert shown == {**NONE, "day": "200 coins, 5 CNY"}
    # A bare number is what the account pays in.
    assert (await host.post("limits/save", scope="day", sum="7"))["day"] == "7 coins"
    assert await host.post("limits/save", scope="day", sum=" ") == NONE


async def test_who_speaks_chinese_writes_and_reads_the_units_in_chinese(host: Host) -> None:
    await host.speak("zh-CN")
    shown = await host.post("limits/save", scope="day", sum="50 金币，¥5")  # noqa: RUF001
    assert shown["day"] == "50 RH币、5 元"
    again = await host.post("limits/save", scope="day", sum=shown["day"])
    assert again["day"] == shown["day"]
    assert (await host.post("limits/save", scope="day", sum="1 coin"))["day"] == "1 RH币"
    # A bare number is shown with its unit.
    assert (await host.post("limits/save", scope="day", sum="10"))["day"] == "10 RH币"


async def test_a_program_is_allowed_a_sum_by_its_name(host: Host) -> None:
    shown = await host.post("limits/save", program="app/7", sum="30 coins")
    assert shown["allowed"] == [{"program": "app/7", "sum": "30 coins"}]
    shown = await host.post("limits/save", program="app/7", sum="")
    assert shown["allowed"] == []


async def test_what_is_no_sum_and_no_limit_is_refused(host: Host) -> None:
    for body in ({"scope": "day", "sum": "much"}, {"scope": "week", "sum": "5 coins"}):
        assert (await host.error("limits/save", **body))["message"]


async def test_nothing_is_let_through_once_where_nothing_was_refused(host: Host) -> None:
    assert (await host.error("limits/once", prompt="p", node_id="3"))["message"]
