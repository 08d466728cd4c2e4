"""`python -m tests.catalogue FACTS.json PRICES.jsonl --date 2026-11-01`: the shipped catalogue.

FACTS lists what the sources say of each model, PRICES a row of prices a model; both are collected
by hand. What they say in words of several parameters at once becomes rules here. The emulator has
a file of its own.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rh_api.models.stored import catalogue_text, read_catalogue

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "rh_api" / "models" / "catalogue.json"

STATUS = {"active": "", "deprecated": "withdrawn", "removed": "gone"}

# What follows a model that is still listed but refuses; the sources tell it of the others.
SUCCESSORS = {
    "rhart-image-g-1.5/edit-[Deprecated]": "rhart-image-g-2/image-to-image",
    "rhart-image-g-1.5/text-to-image-[Deprecated]": "rhart-image-g-2/text-to-image",
    "rhart-video-s/image-to-video-pro-deprecated": "rhart-video-s-official/image-to-video-pro",
    "rhart-video-s/text-to-video-pro-deprecated": "rhart-video-s-official/text-to-video-pro",
}

UNSURE = "required flag not confirmed"

# Notes that say how a parameter travels, or where a fact comes from.
REWORDED = {
    "JSON array; which media fields realPersonMode converts": "which media fields realPersonMode "
    "converts",
    "any media: image, video or audio": "",
    "published as a single string; a live price-preview probe (Sep 2026) accepted only a "
    "one-element list": "a list of one",
    "default and options are numbers, not strings, in the registry": "",
    "options per the September 2026 catalogue": "",
    "options taken from the sibling pixverse endpoints": "",
    "friendly key not published; videoUrl assumed from the sibling source-separation": "",
    "several may be chosen": "",
}

# The newest price list has no date; its copy is of about this day.
PRICES_AS_OF = "2026-09-01"
TOLERANCE = 0.0051  # one source rounds to cents
PLACEHOLDERS = (0.0, 9999.0)


def rule(op: str, *names: str, other: str = "", values: tuple[str, ...] = (), limit: int = 0):
    fields = {"op": op, "names": list(names), "other": other, "values": list(values)}
    return {k: v for k, v in {**fields, "limit": limit}.items() if v}


# What a note says, to the rules that it stands for; {0} is the parameter that it stands at.
RULES: tuple[tuple[str, tuple[dict[str, Any], ...]], ...] = (
    (
        r"only (?:with|used when) (\w+)(?:=| is )(\w+)",
        (rule("only", "{0}", other="{1}", values=("{2}",)),),
    ),
    (r"(?:needs|only with) (\w+)$", (rule("only", "{0}", other="{1}"),)),
    (r"required when (\w+) is given", (rule("needs", "{0}", other="{1}"),)),
    (r"required when (\w+) is (true|false)", (rule("needs", "{0}", other="{1}", values=("{2}",)),)),
    (
        r"used \(and required\) only when (\w+) is (\w+)",
        (
            rule("only", "{0}", other="{1}", values=("{2}",)),
            rule("needs", "{0}", other="{1}", values=("{2}",)),
        ),
    ),
    (r".*only used when (\w+) is (\w+)", (rule("only", "{0}", other="{1}", values=("{2}",)),)),
    (r"used only when (\w+) is left out", (rule("at_most_one", "{0}", "{1}"),)),
    (r"send both or neither|send together with height", (rule("together", "width", "height"),)),
    (r"exactly one of (\w+) / (\w+)", (rule("one", "{1}", "{2}"),)),
    (r".*at least one of (\w+)(?:/| and )(\w+)", (rule("at_least_one", "{1}", "{2}"),)),
    (r".*(?:excludes|exclusive with) (prompt)\b", (rule("at_most_one", "{0}", "{1}"),)),
    (r"(prompt) or (multiPrompt), not both", (rule("at_most_one", "{1}", "{2}"),)),
    (
        r".*excludes the other controls",
        tuple(rule("at_most_one", "{0}", name) for name in ("referenceId", "vocalId", "prompt")),
    ),
    (
        r"voice ID; excludes audio_url and image_url",
        (rule("at_most_one", "speaker", "audio_url", "image_url"),),
    ),
    (r"videos \+ images together at most 5", (rule("total", "videoUrls", "imageUrls", limit=5),)),
)


def rules_of(name: str, note: str) -> Iterator[dict[str, Any]]:
    """What the note of a parameter demands."""
    for pattern, rules in RULES:
        if match := re.match(pattern, note):
            text = json.dumps(rules)
            for number, word in enumerate((name, *match.groups())):
                text = text.replace(f"{{{number}}}", word)
            yield from json.loads(text)
            return


def parameter(facts: dict[str, Any]) -> dict[str, Any]:
    note = facts.get("note", "")
    kind = "URL" if note.startswith("any media") else facts["type"]
    fields = {
        "name": facts["name"],
        "type": kind,
        "required": facts["required"],
        "unsure": note == UNSURE,
        "default": facts.get("default"),
        "options": facts.get("options"),
        "low": facts.get("min"),
        "high": facts.get("max"),
        "step": facts.get("step"),
        "min_length": facts.get("min_length"),
        "max_length": facts.get("max_length"),
        "array": facts.get("multiple"),
        "max_items": facts.get("max_items"),
        "max_mb": facts.get("max_size_mb"),
        "formats": facts.get("formats"),
        "note": "" if note == UNSURE else REWORDED.get(note, note),
    }
    return {key: value for key, value in fields.items() if value is not None}


def price(facts: dict[str, Any] | None, row: dict[str, Any] | None) -> dict[str, Any] | None:
    """The price rule of a model; None where two sources disagree or one has a placeholder."""
    amounts = [*row.get("rules", {}).values(), *filter(None, [row.get("amount")])] if row else []
    if row and (not amounts or any(amount in PLACEHOLDERS for amount in amounts)):
        return None
    if facts and row and not agree(facts, amounts):
        return None
    if row:
        unit = row["unit"].removesuffix(" (from)")
        images = facts and "image" in (facts["per"], unit)
        fields = {
            "unit": "image" if images else unit,
            "as_of": PRICES_AS_OF,
            "amount": row.get("amount"),
            "keys": row.get("depends_on"),
            "rows": row.get("rules"),
            "from": row["unit"].endswith("(from)"),
        }
        return {key: value for key, value in fields.items() if value}
    if facts is None:
        return None
    amount = facts.get("amount", facts.get("min"))
    is_from = facts.get("lowest", False) or facts.get("min") != facts.get("max")
    fields = {"unit": facts["per"], "as_of": facts["as_of"], "amount": amount, "from": is_from}
    return {key: value for key, value in fields.items() if value}


def agree(facts: dict[str, Any], amounts: list[float]) -> bool:
    low = facts.get("amount", facts.get("min"))
    high = low if facts.get("lowest") else facts.get("amount", facts.get("max"))
    ends = (min(amounts), min(amounts) if facts.get("lowest") else max(amounts))
    return all(abs(a - b) <= TOLERANCE for a, b in zip((low, high), ends, strict=True))


def model(facts: dict[str, Any], row: dict[str, Any] | None) -> dict[str, Any]:
    endpoint = facts["endpoint"]
    gone = facts["status"] == "removed"
    every = {param["name"] for param in facts["params"]}
    rules = [
        rule
        for param in facts["params"]
        for rule in rules_of(param["name"], param.get("note", ""))
        if every.issuperset(rule["names"]) and rule.get("other", "") in every | {""}
    ]
    return {
        "endpoint": endpoint,
        "name": facts["name"],
        "name_zh": facts.get("name_cn", ""),
        "aliases": [name for name in facts["seed_names"] if name != facts["name"]],
        "task": facts["task"],
        "output": facts["output"],
        "family": facts["category"],
        "status": STATUS[facts["status"]],
        "schema": facts["schema"],
        "successor": SUCCESSORS.get(endpoint) or facts.get("replaced_by") or "",
        "parameters": [] if gone else [parameter(param) for param in facts["params"]],
        "rules": [] if gone else [rule for n, rule in enumerate(rules) if rule not in rules[:n]],
        "price": None if gone else price(facts.get("price"), row),
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.catalogue")
    parser.add_argument("facts", type=Path)
    parser.add_argument("prices", type=Path)
    parser.add_argument("--date", required=True, help="the day that the facts are of")
    parser.add_argument("--out", type=Path, default=SHIPPED)
    options = parser.parse_args()
    facts = json.loads(options.facts.read_text("utf-8"))["models"]
    lines = options.prices.read_text("utf-8").splitlines()
    prices = {row["endpoint"]: row for row in map(json.loads, filter(None, lines))}
    models = [model(entry, prices.get(entry["endpoint"])) for entry in facts]
    whole = json.dumps({"date": options.date, "models": models})
    options.out.write_text(catalogue_text(read_catalogue(whole.encode())), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
