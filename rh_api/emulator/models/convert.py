"""Generates ``catalogue.jsonl``, the emulator's data file of standard models, from two files.

``python -m rh_api.emulator.models.convert MODELS.json PRICES.jsonl``

MODELS holds ``models``: endpoints with names, status and ``params``, with notes in prose. PRICES
has one line per model. Notes that a server can check become rules: needed, excluded and exclusive
keys, and ids that another model issues.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

Json = dict[str, Any]

CATALOGUE = Path(__file__).with_name("catalogue.jsonl")

_KEPT = {
    "name": "name",
    "type": "type",
    "default": "default",
    "options": "options",
    "min": "low",
    "max": "high",
    "step": "step",
    "min_length": "min_length",
    "max_length": "max_length",
    "max_size_mb": "max_mb",
    "formats": "formats",
    "max_items": "max_items",
    "aliases": "aliases",
}
_ONLY_WITH = re.compile(r"only with (\w+)=(\w+)")
_NEEDS = re.compile(r"(?:needs|only with|send together with) (\w+)$")
_EXCLUDES = re.compile(r"excludes (\w+)$|mutually exclusive with (\w+)$")
_ONE_OF = re.compile(r"exactly one of (\w+) / (\w+)")
_PURPOSE = re.compile(r"\(purpose (\w+)\)|with purpose (\w+)")
_MAKERS = (
    ("from kling-lip-sync/identify-face", ("kling-lip-sync/identify-face",)),
    ("from kling-lip-sync/tts", ("kling-lip-sync/tts",)),
    ("from minimax/music-cover-preprocess", ("minimax/music-cover-preprocess",)),
    ("elements created with kling-elements", ("kling-elements", "kling-elements-advanced")),
    ("or from vocal-clone", ("mureka-ai/files-upload", "mureka-ai/vocal-clone")),
    ("file id", ("mureka-ai/files-upload",)),
    ("media asset id from marble/", ("marble/upload-media-asset",)),
)


def convert(models: Iterable[Json], prices: Iterable[Json]) -> list[Json]:
    """Return the data file's models, sorted by endpoint."""
    priced = {row["endpoint"]: row for row in prices}
    entries = [_model(model, priced.get(model["endpoint"])) for model in models]
    return sorted(entries, key=lambda entry: entry["endpoint"])


def _model(model: Json, priced: Json | None) -> Json:
    names = {param["name"] for param in model["params"]}
    entry: Json = {
        "endpoint": model["endpoint"],
        "name": model["name"],
        "name_cn": model.get("name_cn", ""),
        "task": model["task"],
        "output": model["output"],
        "category": model["category"],
        "status": model["status"],
        "schema": model["schema"],
        "parameters": [_parameter(param, names) for param in model["params"]],
    }
    pairs = {
        match.groups()
        for param in model["params"]
        if (match := _ONE_OF.search(param.get("note", "")))
    }
    entry["one_of"] = sorted(pairs)
    entry["price"] = _price(model, priced)
    return {name: value for name, value in entry.items() if value not in ("", [], None)}


def _parameter(param: Json, names: set[str]) -> Json:
    entry: Json = {to: param[name] for name, to in _KEPT.items() if name in param}
    for name in ("required", "multiple"):
        if param.get(name):
            entry["array" if name == "multiple" else name] = True
    entry |= _rules(str(param.get("note", "")), names - {param["name"]})
    return entry


def _rules(note: str, names: set[str]) -> Json:
    rules: Json = {}
    if (match := _ONLY_WITH.search(note)) and match[1] in names:
        rules["only_with"] = [match[1], match[2]]
    for part in note.split("; "):
        if (match := _NEEDS.search(part)) and match[1] in names:
            rules["needs"] = match[1]
        if (match := _EXCLUDES.search(part)) and (excluded := match[1] or match[2]) in names:
            rules["excludes"] = excluded
    makers = next((makers for mark, makers in _MAKERS if mark in note), ())
    if makers:
        rules["made_by"] = list(makers)
        if match := _PURPOSE.search(note):
            rules["purpose"] = match[1] or match[2]
    return rules


def _price(model: Json, priced: Json | None) -> Json | None:
    """Return the unit (``per``), the keys that select an amount (``by``), and the ``amounts``; a
    flat price has no keys."""
    if priced and priced["pricing_type"] in ("fixed", "parameter_based"):
        return {
            "per": str(priced["unit"]).removesuffix(" (from)"),
            "by": priced.get("depends_on", []),
            "amounts": priced.get("rules", {"": priced.get("amount")}),
        }
    price = cast("Json", model.get("price", {}))
    amount = price.get("amount", price.get("max"))
    return amount and {"per": price.get("per", "run"), "by": [], "amounts": {"": amount}}


def main(models: str, prices: str) -> None:
    facts = json.loads(Path(models).read_text("utf-8"))["models"]
    rows = [json.loads(line) for line in Path(prices).read_text("utf-8").splitlines() if line]
    entries = convert(facts, rows)
    text = "".join(
        json.dumps(entry, ensure_ascii=False, separators=(",", ":")) + "\n" for entry in entries
    )
    CATALOGUE.write_text(text, "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
