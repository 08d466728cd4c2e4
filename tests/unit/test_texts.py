"""Every sentence that is asked for is there, and none is there in vain."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from rh_api.texts import ENGLISH, fill

ROOT = Path(__file__).parents[2]
CHINESE = json.loads((ROOT / "locales" / "zh" / "main.json").read_text("utf-8"))["runninghub"][
    "texts"
]
KEY = re.compile(
    r"""["']((?:doctor|error|progress|media|node|cli|segment|model|money|quote|migrate|keys|mcp)\.[a-z_.]+)["']"""
)

MADE = ("cli.account_", "cli.key_", "cli.webhook_", "cli.doctor_verdict_", "sample.", "doctor.")
"""The command line makes keys out of names here, and the sandbox out of its samples' titles."""


def asked_for() -> set[str]:
    sources = [
        path
        for top in ("rh_api", "nodes")
        for path in (ROOT / top).rglob("*.py")
        if path.name != "texts.py" and "emulator" not in path.parts
    ]
    return {key for path in sources for key in KEY.findall(path.read_text("utf-8"))}


def test_every_key_that_is_used_has_a_sentence() -> None:
    assert sorted(asked_for() - ENGLISH.keys()) == []


def test_every_sentence_is_used() -> None:
    spare = {key for key in ENGLISH.keys() - asked_for() if not key.startswith(MADE)}
    assert sorted(spare) == []


@pytest.mark.parametrize("key", [key for key, text in ENGLISH.items() if "Nearest: {near}" in text])
def test_where_nothing_is_near_no_sentence_names_it(key: str) -> None:
    for template in (ENGLISH[key], CHINESE[key]):
        assert re.search("Nearest|相近|最接近", fill(template, {"near": ""})) is None
        assert re.search(
            "(Nearest: |相近的有|最接近的有).{0,2}a, b", fill(template, {"near": "a, b"})
        )
