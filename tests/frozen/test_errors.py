"""The words that journals and pages keep of an error stay what they are."""

from __future__ import annotations

import json

from tests.frozen.errors import errors
from tests.frozen.jobs import FROZEN

RECORDED = json.loads((FROZEN / "errors.json").read_text("utf-8"))

# Codes of standard models, which 0.1.0 could not order: they have got words of their own since.
REFINED = {
    "1007": ["Refused", "error.bad_parameters"],
    "1504": ["TaskFailed", "error.model_timed_out"],
    "1505": ["ContentRefused", "error.real_person"],
}


def test_what_is_known_of_an_error_is_what_it_was() -> None:
    now = errors()
    for table, recorded in RECORDED.items():
        expected = {name: REFINED.get(name, entry) for name, entry in recorded.items()}
        assert {name: now[table].get(name) for name in recorded} == expected
