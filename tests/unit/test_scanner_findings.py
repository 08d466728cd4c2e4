"""What the Registry's scanners will find in what is shipped is known, each with its reason.

Their rules match texts, not meaning: `python_network_operations` is known from reports of flagged
packs, and names like `lambda_eval` or `.connect(` from their patterns. A finding that is not in the
table fails here before it surprises a reviewer; a row that finds nothing goes.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PATTERNS = {
    "network module": r"^\s*(?:import|from) (?:aiohttp|http\.client|requests|socket|ssl|urllib3)\b",
    "network call": r"\.(?:connect|send|sendall|send_str|send_json|bind|listen)\(",
    "name like eval or exec": r"\b(?:\w*eval|exec|compile|__import__)\(",
    "encoded bytes": r"\b(?:b64decode|b64encode|fromhex|unhexlify)\b",
    "environment": r"\bos\.environ\b",
}

# pattern → part of the tree → why it is there.
REASONS = {
    "network module": {
        "rh_api/net/": "the one room that talks to RunningHub",
        "rh_api/emulator/": "a RunningHub on loopback for trying without a key, and for the tests",
        "rh_api/cli/mcp_server.py": "an agent's server on loopback, where a person asks for it",
        "nodes/routes/": "our pages below /runninghub/, in ComfyUI's own server",
    },
    "network call": {
        "rh_api/run/": "`send` is the name of the one method that places a described call",
        "rh_api/groups/": "the same method",
        "rh_api/doctor/": "the same method",
        "rh_api/cli/uploads.py": "`uploads.send`: files that a person names",
        "rh_api/programs/": "the same method",
        "rh_api/models/live_catalogue.py": "the same method",
        "rh_api/journal/": "`sqlite3.connect`: the journal's own file",
        "nodes/runtime/key_store.py": "the same: an empty file that locks the stored keys",
        "rh_api/net/": "the one room that talks to RunningHub",
        "rh_api/emulator/": "the emulator's sockets on loopback",
    },
    "name like eval or exec": {
        "rh_api/": "`re.compile`, and Pillow's `ImageMath.lambda_eval`, which runs a function of ours"
        " over pixels and no text",
        "nodes/": "`re.compile`",
    },
    "encoded bytes": {
        "rh_api/cli/mcp_server.py": "pictures and files in an agent's answers, as its protocol has them",
        "nodes/runtime/thumbnails.py": "a small picture as the data URL that a page shows",
        "rh_api/emulator/": "checksums of the object store; data that faults echo",
    },
    "environment": {
        "rh_api/": "settings: the key, the site, the folder of the journal, proxies",
        "nodes/": "settings, and ComfyUI's own",
    },
}


def shipped() -> list[Path]:
    return [
        ROOT / "__init__.py",
        *(p for top in ("rh_api", "nodes") for p in sorted((ROOT / top).rglob("*.py"))),
    ]


def findings(pattern: str) -> set[str]:
    rule = re.compile(PATTERNS[pattern], re.MULTILINE)
    return {
        path.relative_to(ROOT).as_posix()
        for path in shipped()
        if rule.search(path.read_text("utf-8"))
    }


@pytest.mark.parametrize("pattern", sorted(PATTERNS))
def test_each_finding_has_its_reason(pattern: str) -> None:
    accepted = tuple(REASONS[pattern])
    assert {path for path in findings(pattern) if not path.startswith(accepted)} == set()


@pytest.mark.parametrize(
    ("pattern", "part"),
    [(pattern, part) for pattern, parts in REASONS.items() for part in parts],
)
def test_each_reason_has_a_finding(pattern: str, part: str) -> None:
    assert any(path.startswith(part) for path in findings(pattern))
