"""What the orders of a prompt will probably cost together, for a line beside Run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from ...rh_api.client import Quote
from ...rh_api.errors import RunningHubError
from ...rh_api.graph.extra_data import read_extra_data
from ...rh_api.graph.prompt import Graph
from ...rh_api.models.stored import read_model
from ...rh_api.money.quotes import in_few_words
from ...rh_api.offload import marks_of
from ...rh_api.wire.model_refs import is_endpoint
from ..runtime import cloud, config, language, model_catalogues, model_view, segment_facts
from .body import Body, text_of
from .programs import journal_name

MOST = 200  # nodes that are asked about


async def quote(body: Body) -> dict[str, object]:
    """`programs`: of each node that would order, what `estimate` and `models/price` take, and its
    title. `prompt` and `extra_data`: as POST /prompt has them, where parts are marked.

    Nothing is asked of the service about models. An order whose program cannot be told counts, with
    a cost that is not known.
    """
    given = body.get("programs")
    programs = cast("list[object]", given)[:MOST] if isinstance(given, list) else []
    told = [await _of_node(cast("Body", one)) for one in programs if isinstance(one, dict)]
    if isinstance(body.get("prompt"), dict):
        told += await _of_segments(body)
    return {
        "text": in_few_words([one for _, one in told], language.say),
        "orders": [{"title": title, "quote": one.told(language.say)} for title, one in told],
    }


async def _of_node(body: Body) -> tuple[str, Quote]:
    title = str(body.get("title", ""))[:200]
    try:
        profile = text_of(body, "profile").strip()
        number = text_of(body, "id")
        if body.get("kind") == "model":
            listed = await _listed(body, profile)
            if listed.is_known or not is_endpoint(number):
                return title, listed
        name, instance = journal_name(body)
        client = cloud.client(config.settings(profile))
        return title, await client.costs.quote_program(name, instance)
    except RunningHubError:
        return title, Quote()  # what is wrong the run says


async def _listed(body: Body, profile: str) -> Quote:
    catalogue = model_catalogues.catalogue(profile)
    await catalogue.load()
    model = read_model(body.get("schema")) or catalogue.resolve(text_of(body, "id"))
    values = body.get("values")
    given = cast("Mapping[str, Any]", values if isinstance(values, dict) else {})
    return catalogue.quote_of_list(model, model_view.values_of(given), text_of(body, "extra"))


async def _of_segments(body: Body) -> list[tuple[str, Quote]]:
    graph = cast("Graph", body["prompt"])
    try:
        extra = read_extra_data(body.get("extra_data"))
        plan = segment_facts.planned(graph, extra, marks_of(extra, graph))
        facts = await segment_facts.facts_of(plan)
    except RunningHubError:
        return []  # the run refuses it
    return [(one.name, facts.quotes.get(one.id, Quote())) for one in plan.segments]
