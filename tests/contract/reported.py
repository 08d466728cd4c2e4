"""Reports that people sent: kept as samples, read by our readers, and held against the unknowns."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rh_api.errors import BadReply, RunningHubError
from rh_api.wire import accounts, models, native, resources, tasks, uploads, webhooks
from rh_api.wire.call import Response
from rh_api.wire.resources import ResourceKind

from .recorded import SAMPLES

REPORTED = SAMPLES / "reported"

_TASK, _MODEL = "1", "maker/model"
_READERS: dict[str, Callable[[Response], object]] = {
    "/uc/openapi/accountStatus": accounts.account_status().read,
    "/openapi/v2/queue/status": accounts.queue_status().read,
    "/openapi/v2/query": tasks.read_query,
    "/task/openapi/outputs": tasks.read_outputs,
    "/task/openapi/status": tasks.status(_TASK).read,
    "/task/openapi/cancel": tasks.cancel(_TASK).read,
    "/task/openapi/getWebhookDetail": webhooks.webhook_detail(_TASK).read,
    "/openapi/v2/media/upload/binary": uploads.read_upload,
    "/task/openapi/upload": uploads.read_upload,
    "/openapi/v2/resource/list": resources.resource_list(ResourceKind.LORA).read,
    "/openapi/v2/price-preview/": models.price_preview(_MODEL, {}).read,
    "/proxy/{key}/queue": native.native_queue("default").read,
    "/proxy/{key}/system_stats": native.core_version("default").read,
}
"""By the beginning of a path."""


def adopt(report: Path, folder: Path = REPORTED) -> str:
    """Keep a report's JSON answers as samples in `folder`; return what our readers made of them,
    and which rows of `docs/unknowns.md` it settles."""
    document = json.loads(report.read_text("utf-8"))
    samples = [
        {
            "method": entry["method"],
            "path": entry["path"],
            "status": entry["answer"]["status"],
            "body": entry["answer"]["json"],
        }
        for entry in document["exchanges"]
        if entry["answer"] and "json" in entry["answer"]
    ]
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / f"{report.stem}.json"
    kept.write_text(json.dumps(samples, indent=2) + "\n", "utf-8")
    settled = (
        f"{name}: {verdict}"
        for name, verdict in document["findings"].items()
        if verdict != "not_told"
    )
    return "\n".join([f"{kept}: {len(samples)} answers", *map(_read, samples), *settled])


def _read(sample: dict[str, Any]) -> str:
    path = sample["path"]
    reader = next((read for start, read in _READERS.items() if path.startswith(start)), None)
    return f"  {path}: {_outcome(reader, sample) if reader else 'no reader'}"


def _outcome(reader: Callable[[Response], object], sample: dict[str, Any]) -> str:
    try:
        reader(Response(sample["status"], json.dumps(sample["body"]).encode()))
    except BadReply:
        return "NOT READ"
    except RunningHubError as error:
        return f"refused, {type(error).__name__}"
    return "read"
