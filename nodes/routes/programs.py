"""Loads a program, with its fields and outputs, by link or id; estimates what a run takes."""

from __future__ import annotations

from ...rh_api.client import Job
from ...rh_api.errors import BadInput, RunningHubError
from ...rh_api.graph.constants import INSTANCES
from ...rh_api.journal.program_keys import program_key
from ...rh_api.wire.call_example import without_key
from ...rh_api.wire.model_refs import is_endpoint
from ...rh_api.wire.quick import read_module
from ...rh_api.wire.workflows import APP, WORKFLOW, read_page
from .. import language
from ..runtime import cloud, config, demo_server, program_view
from . import models
from .account import program_name
from .body import Body, switch_of, text_of


async def program(body: Body) -> dict[str, object]:
    """Return a program as JSON: workflow or app by id or link, standard model, or module."""
    if body.get("kind") == "model":
        return await models.form(body)
    if body.get("kind") == "module":
        return _module(body)
    kind, text = text_of(body, "kind", "workflow"), text_of(body, "text")
    profile = text_of(body, "profile").strip()
    is_app = program_name(kind, "1") != "1"
    read_page(text, APP if is_app else WORKFLOW)  # first: reported even without a key
    settings = config.settings(profile)
    demo_server.refuse_link(settings, text, is_app=is_app)
    client = cloud.client(settings)
    # Job treats a blank app as a workflow job.
    number = client.programs.app_id(text) if is_app else client.programs.workflow_id(text)
    job = Job(app=number) if is_app else Job(number)
    try:
        program = await client.program(job, fresh=switch_of(body, "fresh"))
    except RunningHubError as error:
        hinted = error.with_context(hint=program_view.hint(error, profile))
        raise hinted from error.__cause__
    shown = program_view.shown(program, settings, is_sandbox=profile == demo_server.PROFILE)
    if shown["protected"] and not shown["password"]:
        # A protected app's form is public, but each run without its password would fail.
        raise BadInput("node.app_protected", hint="password")
    return shown


def _module(body: Body) -> dict[str, object]:
    """Return a module of Quick Create from its call example, without a request to the site."""
    example = without_key(text_of(body, "text"))
    read_module(example)
    settings = config.settings(text_of(body, "profile").strip())
    module = cloud.client(settings).programs.quick(example)
    return program_view.shown(module, settings, is_sandbox=False)


def journal_name(body: Body) -> tuple[str, str]:
    """Return the journal's name of the program given by `kind` and `id`, and the instance."""
    kind, number = text_of(body, "kind", "workflow"), text_of(body, "id")
    is_model = kind == "model" and is_endpoint(number)
    name = program_key(kind, number) if is_model else program_name(kind, number)
    return name, text_of(body, "instance", INSTANCES[0]) or INSTANCES[0]


async def estimate(body: Body) -> dict[str, object]:
    """Estimate time and cost of a program from earlier runs here; not the cost of a model, which
    depends on its values (`models.price`)."""
    name, instance = journal_name(body)
    client = cloud.client(config.settings(text_of(body, "profile")))
    usual = await client.costs.estimate(name, instance)
    time = {"runs": usual.runs, "seconds": usual.seconds}
    if body.get("kind") == "model":
        return {**time, "quote": ""}
    quoted = await client.costs.quote_program(name, instance)
    return {**time, "quote": quoted.describe(language.say)}
