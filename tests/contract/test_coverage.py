"""The table of what is covered names every page of the documentation, and only what exists."""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SAMPLES = Path(__file__).parent / "samples"
STATES = {"done", "text", "later", "no known path"}

PAGES = (
    "Log of Update",
    "Instructions for Use",
    "About nodeInfoList",
    "About Enterprise ComfyUI API",
    "Native ComfyUI API Integration Guide",
    "API Error Code Reference",
    "About Quick Create Invocation",
    "Obtain quick create - model library style parameter data",
    "Initiate Quick Create Task",
    "Complete integration example",
    "Complete Integration Example – Advanced Edition",  # noqa: RUF001 - as the page is called
    "Task Progress Display Example",
    "Full Workflow Integration Example",
    "Check Task Status",
    "Check Task Output",
    "Get Webhook Event Details",
    "Resend Specific Webhook Event",
    "Query generation result (V2)",
    "Start ComfyUI Task 1 - Basic",
    "Start ComfyUI Task 2 - Advanced",
    "Get Workflow JSON",
    "Cancel ComfyUI Task",
    "Start AI App Task",
    "Get API call examples for AI application",
    "文件上传(新)",
    "Upload Resource(image\\video\\audio\\Compressed Files)",
    "Upload Lora",
    "Get Account Information",
)
SCHEMAS = (
    "Get Workflow JSON Request",
    "TaskRunWebappByKeyRequest",
    "Generate task submission results",
    "Get Workflow JSON Response",
    "Start ComfyUI Task Request 1",
    "Start ComfyUI Task Request 2",
    "Start ComfyUI Task Request -webhook",
    "Start ComfyUI Task Response",
    "TaskCreateResponse",
    "Check Task Status Request",
    "Node Input Information",
    "Get Account Information Request",
    "Upload Resource Request",
    "Get Webhook Event Details Request",
    "Resend Specific Webhook Request",
    "R?",
    "RWorkflowDuplicateResponse",
    "RAccountStatusResponse",
    "WorkflowDuplicateResponse",
    "AccountStatusResponse",
    "WorkflowDuplicateRequest",
    "ApiUploadLoraRequest",
    "RString",
    "RTaskUploadResponse",
    "TaskUploadResponse",
)


@dataclass(frozen=True)
class Row:
    section: str
    name: str
    state: str
    functions: tuple[str, ...]
    values: tuple[str, ...]
    samples: tuple[str, ...]


def rows() -> list[Row]:
    found: list[Row] = []
    section = ""
    for line in (ROOT / "docs" / "coverage.md").read_text("utf-8").splitlines():
        if line.startswith("## "):
            section = line.removeprefix("## ")
        if not line.startswith("| ") or line.split(" | ")[1] == "state":
            continue
        name, state, *lists = (cell.strip() for cell in line.strip("|").split("|"))
        functions, values, samples = (tuple(re.findall(r"`([^`]+)`", cell)) for cell in lists)
        found.append(Row(section, name, state, functions, values, samples))
    return found


ROWS = rows()


def test_the_table_has_every_page_and_schema_once() -> None:
    for section, expected in (("Pages", PAGES), ("Schemas", SCHEMAS)):
        listed = [row.name for row in ROWS if row.section == section]
        assert sorted(listed) == sorted(expected)


def exists(name: str) -> bool:
    """Whether `wire.orders.create` is a name in the module `rh_api.wire.orders`."""
    parts = ["rh_api", *name.split(".")]
    for end in range(len(parts) - 1, 1, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        for part in parts[end:]:
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_each_name_in_the_table_exists(row: Row) -> None:
    assert row.state in STATES
    missing = [name for name in (*row.functions, *row.values) if not exists(name)]
    missing += [name for name in row.samples if not (SAMPLES / name).is_file()]
    assert missing == []


@pytest.mark.parametrize("row", [r for r in ROWS if r.state == "done"], ids=lambda row: row.name)
def test_what_is_done_has_a_function_and_a_recorded_exchange(row: Row) -> None:
    assert row.functions
    assert row.samples


def test_each_recorded_family_is_in_the_table() -> None:
    assert {path.name for path in SAMPLES.glob("*.json")} == {
        name for row in ROWS for name in row.samples
    }


def test_a_name_that_does_not_exist_is_noticed() -> None:
    assert exists("wire.orders.create")
    assert not exists("wire.tasks.nothing")
    assert not exists("wire.nothing.create")
    assert not exists("nothing")
