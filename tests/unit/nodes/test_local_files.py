"""Local files of marked parts: what is remembered of them."""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from rh_api.offload.plan import LocalFile
from tests.unit.nodes.conftest import load_pack
from tests.unit.nodes.host import stand_in_host


def test_hashes_are_kept_of_the_latest_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in_host(tmp_path, monkeypatch)
    folders = sys.modules["folder_paths"]
    monkeypatch.setattr(folders, "annotated_filepath", lambda name: (name, None), raising=False)
    local_files = load_pack("nodes.runtime.local_files")
    file = tmp_path / "input" / "data.bin"
    file.parent.mkdir()
    segment = SimpleNamespace(files=[LocalFile("1", "file", file.name, "FILE")], loras=[])
    states: list[str] = []
    for number in range(local_files.KEPT_HASHES + 50):
        file.write_bytes(b"x" * number)
        states += local_files.state(segment)

    gc.collect()
    stamps = [thing for thing in gc.get_objects() if type(thing) is local_files.FileStamp]
    assert len({*states}) == len(states)
    assert len({*stamps}) <= local_files.KEPT_HASHES
