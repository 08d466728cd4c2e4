"""The route table: method, path and handler of each endpoint."""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .body import Body, FileAnswer

Handler = Callable[[Body], Awaitable[Mapping[str, Any] | FileAnswer]]


@dataclass(frozen=True, slots=True)
class Route:
    """One method and path below /runninghub/. A GET changes nothing; its body is its query.

    `handler`: module and function in this folder, such as `tasks.cancel`. `open`: needs no token;
    only for the route that issues it.
    """

    method: str
    path: str
    handler: str
    open: bool = False

    def load(self) -> Handler:
        """Return the handler; imports its module lazily, at the first request."""
        module, _, name = self.handler.partition(".")
        return getattr(importlib.import_module(f".{module}", __package__), name)


ROUTES = (
    Route("POST", "/runninghub/session", "session.session", open=True),
    Route("POST", "/runninghub/resume", "session.resume"),
    Route("POST", "/runninghub/ends", "session.ends"),
    Route("GET", "/runninghub/tasks", "tasks.left_tasks"),
    Route("GET", "/runninghub/tasks/all", "tasks.all_tasks"),
    Route("POST", "/runninghub/tasks/cancel", "tasks.cancel"),
    Route("POST", "/runninghub/tasks/fetch", "tasks.fetch"),
    Route("POST", "/runninghub/tasks/detach", "tasks.detach"),
    Route("POST", "/runninghub/tasks/look", "tasks.look"),
    Route("POST", "/runninghub/tasks/settle", "tasks.settle"),
    Route("POST", "/runninghub/now", "tasks.now"),
    Route("POST", "/runninghub/history", "history.page"),
    Route("POST", "/runninghub/history/order", "history.order"),
    Route("POST", "/runninghub/history/thumbnail", "history.thumbnail"),
    Route("GET", "/runninghub/history/result", "history.result"),
    Route("POST", "/runninghub/history/loader", "history.loader"),
    Route("POST", "/runninghub/history/inputs", "history.inputs"),
    Route("POST", "/runninghub/history/again", "history.again"),
    Route("POST", "/runninghub/history/delete", "history.delete"),
    Route("POST", "/runninghub/retention", "history.retention"),
    Route("POST", "/runninghub/spend", "spend.spend"),
    Route("POST", "/runninghub/apps", "gallery.apps"),
    Route("POST", "/runninghub/apps/cover", "gallery.cover"),
    Route("GET", "/runninghub/kept", "tasks.kept"),
    Route("POST", "/runninghub/kept/empty", "tasks.empty"),
    Route("GET", "/runninghub/settings", "account.settings"),
    Route("POST", "/runninghub/profiles/save", "account.save"),
    Route("POST", "/runninghub/profiles/delete", "account.delete"),
    Route("POST", "/runninghub/profiles/default", "account.default"),
    Route("POST", "/runninghub/profiles/test", "account.test"),
    Route("POST", "/runninghub/profiles/examine", "examination.examined"),
    Route("POST", "/runninghub/profiles/workflow", "account.save_workflow"),
    Route("POST", "/runninghub/profiles/webhook", "account.save_webhook"),
    Route("POST", "/runninghub/profiles/route", "account.save_route"),
    Route("POST", "/runninghub/tasks/most", "account.save_max_tasks"),
    Route("POST", "/runninghub/models/save", "account.save_models"),
    Route("POST", "/runninghub/passwords/save", "account.save_password"),
    Route("POST", "/runninghub/program", "programs.program"),
    Route("POST", "/runninghub/models", "models.models"),
    Route("POST", "/runninghub/models/renewal", "account.save_renewal"),
    Route("POST", "/runninghub/models/refresh", "models.refresh"),
    Route("POST", "/runninghub/models/price", "models.price"),
    Route("POST", "/runninghub/models/preview", "models.preview"),
    Route("POST", "/runninghub/estimate", "programs.estimate"),
    Route("POST", "/runninghub/quote", "prompt_quote.quote"),
    Route("POST", "/runninghub/limits", "limits.limits"),
    Route("POST", "/runninghub/limits/save", "limits.save"),
    Route("POST", "/runninghub/limits/once", "limits.once"),
    Route("POST", "/runninghub/resources", "resources.resources"),
    Route("GET", "/runninghub/samples", "sandbox.samples"),
    Route("POST", "/runninghub/sandbox", "sandbox.switch"),
    Route("POST", "/runninghub/explain", "explain.explained"),
    Route("POST", "/runninghub/migration/look", "migration.look"),
    Route("POST", "/runninghub/migration/replace", "migration.migrate"),
    Route("POST", "/runninghub/keys/find", "migration.keys"),
    Route("POST", "/runninghub/keys/clean", "migration.clean_graph"),
    Route("POST", "/runninghub/keys/keep", "migration.keep"),
    Route("GET", "/runninghub/keys/saved", "migration.saved"),
    Route("POST", "/runninghub/keys/saved/clean", "migration.clean_saved"),
    Route("POST", "/runninghub/report", "report.report"),
)
