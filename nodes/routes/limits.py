"""Cost limits. They are stored with the journal that they apply to, not in ComfyUI's settings,
which any page can write."""

from __future__ import annotations

import uuid

from ...rh_api.client import Client
from ...rh_api.errors import BadInput
from ...rh_api.journal.ledger import ALLOWED, FLOOR
from ...rh_api.money.amounts import say_sums, written
from ...rh_api.money.limits import SCOPES
from .. import language
from ..runtime import cloud, config, failure_reports
from .body import Body, text_of
from .request_client import client_of

RULES = (*SCOPES, FLOOR)


async def limits(body: Body) -> dict[str, object]:
    """Return the limits of a profile's key, and what today's orders have cost or hold."""
    return await _limits_document(client_of(body))


async def save(body: Body) -> dict[str, object]:
    """Set the limit of `scope`, or what an unbounded `program` may cost; blank `sum` removes it."""
    client, program = client_of(body), text_of(body, "program").strip()
    scope = ALLOWED + program if program else text_of(body, "scope")
    if not program and scope not in RULES:
        raise BadInput("node.bad_choice", name="scope", value=scope[:40], choices=", ".join(RULES))
    await client.costs.set_rule(scope, text_of(body, "sum"))
    return await _limits_document(client)


async def once(body: Body) -> dict[str, object]:
    """Let a node's orders that were refused for their cost pass the limits once, in one new run
    only: the one with the returned `prompt` id."""
    refused = failure_reports.last(text_of(body, "prompt"), text_of(body, "node_id"))
    run = str(uuid.uuid4())
    cloud.client(config.settings(refused.profile)).costs.allow_once(refused.order_keys, run)
    return {"orders": len(refused.order_keys), "prompt": run}


async def _limits_document(client: Client) -> dict[str, object]:
    rules, spent = await client.costs.rules(), await client.costs.committed()
    today = {unit: amount for unit, amount in spent.day.items() if amount}
    return {
        "order": written(rules.limits.order, language.say),
        "prompt": written(rules.limits.prompt, language.say),
        "day": written(rules.limits.day, language.say),
        "floor": written(rules.floor, language.say),
        "allowed": [
            {"program": name, "sum": written(sums, language.say)}
            for name, sums in rules.allowed.items()
        ],
        "today": say_sums(today, language.say),
    }
