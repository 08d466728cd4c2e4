"""What a link leads to: its fields and outputs to choose from, and what a run of it usually takes."""

from __future__ import annotations

from ...rh_api.errors import BadInput, RunningHubError
from .. import cloud, config, sandbox
from ..defaults import INSTANCES
from . import Body, Route, switch_of, text_of
from .account import program_name


async def program(body: Body) -> dict[str, object]:
    """A workflow or an app by its id or link."""
    # Imported here: ComfyUI starts faster without.
    from ...rh_api.client import Job
    from .. import offers

    kind, text = text_of(body, "kind", "workflow"), text_of(body, "text")
    profile = text_of(body, "profile").strip()
    is_app = program_name(kind, "1") != "1"
    settings = config.settings(profile)
    sandbox.refuse_link(settings, text, is_app=is_app)
    client = cloud.client(settings)
    # A job with a blank app would be one of a workflow.
    number = client.resolve_app(text) if is_app else client.resolve(text)
    job = Job(app=number) if is_app else Job(number)
    try:
        found = await client.program(job, fresh=switch_of(body, "fresh"))
    except RunningHubError as error:
        error.hint = offers.hint(error, profile)
        raise
    told = offers.shown(found, settings, is_sandbox=profile == sandbox.PROFILE)
    if told["protected"] and not told["password"]:
        # Anybody may read an app's form; without its password each run would fail.
        missing = BadInput("node.app_protected")
        missing.hint = "password"
        raise missing
    return told


async def estimate(body: Body) -> dict[str, object]:
    """What runs of a program have usually taken here; nulls where nothing is known."""
    name = program_name(text_of(body, "kind", "workflow"), text_of(body, "id"))
    instance = text_of(body, "instance", INSTANCES[0]) or INSTANCES[0]
    client = cloud.client(config.settings(text_of(body, "profile")))
    usual = await client.usual(name, instance)
    return {
        "runs": usual.runs,
        "seconds": usual.seconds,
        "coins": usual.coins,
        "money": usual.money,
    }


ROUTES = (
    Route("POST", "/runninghub/program", program),
    Route("POST", "/runninghub/estimate", estimate),
)
