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


async def test_a_program_is_allowed_a_sum_by_its_name(host: Host) -> None:
    shown = await host.post("limits/save", program="app/7", sum="30 coins")
    assert shown["allowed"] == [{"program": "app/7", "sum": "30 coins"}]
    shown = await host.post("limits/save", program="app/7", sum="")
    assert shown["allowed"] == []


async def test_what_is_no_sum_and_no_limit_is_refused(host: Host) -> None:
    for body in ({"scope": "day", "sum": "much"}, {"scope": "week", "sum": "5 coins"}):
        assert (await host.error("limits/save", **body))["message"]


async def test_nothing_is_let_through_once_where_nothing_was_refused(host: Host) -> None:
    assert (await host.error("limits/once", node_id="3"))["message"]
