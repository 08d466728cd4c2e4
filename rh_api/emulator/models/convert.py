"""Makes ``catalogue.jsonl``, the emulator's own account of the standard models, from two files.

``python -m rh_api.emulator.models.convert MODELS.json PRICES.jsonl``

MODELS holds ``models``: endpoints with names, status and ``params``, whose remarks are in words.
PRICES has a line a model. What a remark says and a server can check becomes a rule here: needed,
excluded and exclusive keys, and ids that another model gives out.
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
    """The models of the emulator's file, in the order of their endpoints."""
    priced = {row["endpoint"]: row for row in prices}
    made = [_model(one, priced.get(one["endpoint"])) for one in models]
    return sorted(made, key=lambda one: one["endpoint"])


def _model(one: Json, priced: Json | None) -> Json:
    names = {param["name"] for param in one["params"]}
    made: Json = {
        "endpoint": one["endpoint"],
        "name": one["name"],
        "name_cn": one.get("name_cn", ""),
        "task": one["task"],
        "output": one["output"],
        "category": one["category"],
        "status": one["status"],
        "schema": one["schema"],
        "parameters": [_parameter(param, names) for param in one["params"]],
    }
    pairs = {
        found.groups()
        for param in one["params"]
        if (found := _ONE_OF.search(param.get("note", "")))
    }
    made["one_of"] = sorted(pairs)
    made["price"] = _price(one, priced)
    return {name: value for name, value in made.items() if value not in ("", [], None)}


def _parameter(param: Json, names: set[str]) -> Json:
    made: Json = {to: param[name] for name, to in _KEPT.items() if name in param}
    for name in ("required", "multiple"):
        if param.get(name):
            made["array" if name == "multiple" else name] = True
    made |= _rules(str(param.get("note", "")), names - {param["name"]})
    return made


def _rules(note: str, names: set[str]) -> Json:
    made: Json = {}
    if (found := _ONLY_WITH.search(note)) and found[1] in names:
        made["only_with"] = [found[1], found[2]]
    for part in note.split("; "):
        if (found := _NEEDS.search(part)) and found[1] in names:
            made["needs"] = found[1]
        if (found := _EXCLUDES.search(part)) and (other := found[1] or found[2]) in names:
            made["excludes"] = other
    makers = next((makers for mark, makers in _MAKERS if mark in note), ())
    if makers:
        made["made_by"] = list(makers)
        if found := _PURPOSE.search(note):
            made["purpose"] = found[1] or found[2]
    return made


def _price(one: Json, priced: Json | None) -> Json | None:
    """``per`` a unit, ``by`` the keys that the ``amounts`` hang on;
    a plain amount hangs on none."""
    if priced and priced["pricing_type"] in ("fixed", "parameter_based"):
        return {
            "per": str(priced["unit"]).removesuffix(" (from)"),
            "by": priced.get("depends_on", []),
            "amounts": priced.get("rules", {"": priced.get("amount")}),
        }
    known = cast("Json", one.get("price", {}))
    amount = known.get("amount", known.get("max"))
    return amount and {"per": known.get("per", "run"), "by": [], "amounts": {"": amount}}


def main(models: str, prices: str) -> None:
    facts = json.loads(Path(models).read_text("utf-8"))["models"]
    rows = [json.loads(line) for line in Path(prices).read_text("utf-8").splitlines() if line]
    made = convert(facts, rows)
    text = "".join(
        json.dumps(one, ensure_ascii=False, separators=(",", ":")) + "\n" for one in made
    )
    CATALOGUE.write_text(text, "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
