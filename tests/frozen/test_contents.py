"""The same tensor goes up as the same bytes: else it is uploaded, and its order paid for, again."""

from __future__ import annotations

import json

from tests.frozen.contents import digests, packs_as_recorded, unpacked_digests
from tests.frozen.jobs import FROZEN

RECORDED = json.loads((FROZEN / "contents.json").read_text("utf-8"))


def test_a_tensor_becomes_the_pixels_that_it_became() -> None:
    assert unpacked_digests() == RECORDED["unpacked"]


def test_a_tensor_becomes_the_file_that_it_became() -> None:
    # zlib-ng and others pack the same pixels differently, so there only sounds are the same file.
    names = [*RECORDED["files"]] if packs_as_recorded() else ["sounds"]
    now = digests()
    assert {name: now[name] for name in names} == {name: RECORDED["files"][name] for name in names}
