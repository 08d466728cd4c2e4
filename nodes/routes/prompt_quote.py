"""Estimates the total cost of a prompt's orders, shown beside the Run button."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from ...rh_api.client import Quote
from ...rh_api.errors import RunningHubError
from ...rh_api.graph.extra_data import read_extra_data
from ...rh_api.graph.prompt import Graph
from ...rh_api.models.stored import read_model
from ...rh_api.money.quotes import IN_SANDBOX, in_few_words, in_number
from ...rh_api.offload import Plan, marks_of
from ...rh_api.offload.notes import EACH_TURN, UNUSED
from .. import language
from ..runtime import cloud, config, model_catalogues, model_view, segment_dry_run
from .body import Body, switch_of, text_of
from .models import quote_of_model
from .programs import journal_name

MOST = 200  # nodes per request
MAX_ORDERS = 10_000  # counted per node


async def quote(body: Body) -> dict[str, object]:
    """Return the total as `text`, and each node's quote. `programs`: for each node that orders, the
    parameters of `estimate` and `models/price`, its title, the number of `orders`, and `least`
    if that is a lower bound. `prompt`, `extra_data`: as in POST /prompt, if parts are marked.

    Asks the service for no model prices. Orders of unresolvable programs have an unknown cost.
    """
    listed = body.get("programs")
    programs = cast("list[object]", listed) if isinstance(listed, list) else []
    quoted = [await _of_node(cast("Body", row)) for row in programs[:MOST] if isinstance(row, dict)]
    places: dict[str, object] = {}
    if isinstance(body.get("prompt"), dict):
        orders, places = await _of_segments(body)
        quoted += orders
    every = [entry.quote for entry in quoted for _ in range(entry.orders)]
    paid = [entry for entry in quoted if entry.quote is not IN_SANDBOX]
    is_least = len(programs) > MOST or any(entry.least for entry in paid)
    return {
        "text": in_few_words(every, language.say, least=is_least),
        "orders": [{"title": entry.title, "quote": entry.describe()} for entry in quoted],
        **places,
    }


@dataclass(frozen=True, slots=True)
class _QuotedOrders:
    """Equal orders of a node or a part. `quote`: per order; `least`: `orders` is a lower bound."""

    title: str
    quote: Quote
    orders: int = 1
    least: bool = False

    def describe(self) -> str:
        quote = self.quote.describe(language.say)
        if self.quote is IN_SANDBOX or (self.orders == 1 and not self.least):
            return quote
        orders = in_number(self.orders, language.say, self.least)
        return language.say("quote.each", {"orders": orders, "quote": quote})


async def _of_node(body: Body) -> _QuotedOrders:
    count = body.get("orders")
    orders = min(max(count, 1), MAX_ORDERS) if type(count) is int else 1
    title = str(body.get("title", ""))[:200]
    least = switch_of(body, "least")
    return _QuotedOrders(title, await _quote(body), orders, least)


async def _quote(body: Body) -> Quote:
    try:
        profile = text_of(body, "profile").strip()
        if body.get("kind") == "model":
            return await _quote_of_model(body, profile)
        name, instance = journal_name(body)
        return await cloud.client(config.settings(profile)).costs.quote_program(name, instance)
    except RunningHubError:
        return Quote()  # the run reports the error


async def _quote_of_model(body: Body, profile: str) -> Quote:
    catalogue = model_catalogues.catalogue(profile)
    await catalogue.load()
    model = read_model(body.get("schema")) or catalogue.resolve(text_of(body, "id"))
    values = body.get("values")
    fields = cast("Mapping[str, Any]", values if isinstance(values, dict) else {})
    order = (model, model_view.values_of(fields), text_of(body, "extra"))
    return await quote_of_model(profile, catalogue, *order)


async def _of_segments(body: Body) -> tuple[list[_QuotedOrders], dict[str, object]]:
    """The orders of the marked parts, and where nodes would run (see `_places`)."""
    graph = cast("Graph", body["prompt"])
    try:
        extra = read_extra_data(body.get("extra_data"))
        plan = segment_dry_run.plan_of_raw_prompt(graph, marks_of(extra, graph), extra)
        facts = await segment_dry_run.facts_of(plan)
    except RunningHubError:
        return [], {}  # the run reports the error
    looped = {note.node_id for note in plan.notes if note.key == EACH_TURN}
    orders = [
        _QuotedOrders(
            segment.name,
            facts.quotes.get(segment.id, Quote()),
            least=not looped.isdisjoint(segment.members),
        )
        for segment in plan.segments
    ]
    return orders, _places(plan, graph)


def _places(plan: Plan, graph: Graph) -> dict[str, object]:
    """Where nodes of a graph would run: the nodes of each of the `parts`, and how many `nodes`."""
    parts: list[dict[str, Any]] = [
        {
            "name": segment.name,
            "nodes": [
                *(node for node in segment.members if node in graph),
                *(saved.node_id for saved in segment.saved),
            ],
            "pulled": [pulled.node_id for pulled in segment.pulled],
        }
        for segment in plan.segments
    ]
    there = {node for part in parts for node in part["nodes"]}
    unused = {note.node_id for note in plan.notes if note.key == UNUSED}
    here = plan.prompt.keys() & graph.keys() - there - unused
    return {"parts": parts, "nodes": {"there": len(there), "here": len(here)}}
