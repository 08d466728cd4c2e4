"""Recorded exchanges, and what of two answers has to be the same."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

SAMPLES = Path(__file__).parent / "samples"


def load(family: str) -> list[dict[str, Any]]:
    return json.loads((SAMPLES / f"{family}.json").read_text(encoding="utf-8"))


def tags(text: str) -> list[str]:
    """An answer that is no JSON, reduced to its first and last element."""
    elements = re.findall(r"</?\w+>", text)
    return [elements[0], elements[-1]] if elements else []


FREE_TEXT = ("details", "bucket", "objectKey", "curl")


def masked(value: Any, name: str = "") -> Any:
    """What differs from run to run replaced by its kind."""
    if name == "traceback":
        return f"<trace {type(value).__name__}>"
    if name == "timestamp":
        return "<stamp>"
    match value:
        case dict():
            return {key: masked(item, key) for key, item in value.items()}
        case list():
            return [masked(item) for item in value]
        case str():
            return "<text>" if name in FREE_TEXT else masked_text(value)
        case _:
            big = isinstance(value, int) and value > 10**14
            return "<id as number>" if big else value


def masked_text(value: str) -> Any:
    if value.startswith("{"):
        return masked(json.loads(value))
    if value.startswith("VALIDATE_PROMPT_FAILED: "):
        errors = json.loads(value.partition(" ")[2])["node_errors"]
        return {
            node: ([error["type"] for error in refusal["errors"]], refusal["class_type"])
            for node, refusal in errors.items()
        }
    if re.match(r"(https?|wss?)://", value):
        names = re.findall(r"[?&]([\w-]+)=", value)
        ending = value.partition("?")[0].rpartition("/")[2].rpartition(".")[2]
        return ["<address>", names or ending]
    value = re.sub(r"\b\d{15,}\b", "<id>", value)
    value = re.sub(r"\b[0-9a-f]{64}\b|\ba{64}\b", "<sha256>", value)
    value = re.sub(r"\b[0-9a-f]{8}-[0-9a-f-]{27}\b", "<uuid>", value)
    value = re.sub(r"_[a-z]{5}_\d+\.", "_<mark>.", value)
    return re.sub(r"\b[0-9a-f]{32}\b", "<hex>", value)
