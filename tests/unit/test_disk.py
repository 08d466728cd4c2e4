"""Files that are replaced as a whole, whoever else writes them."""

from __future__ import annotations

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rh_api.system.disk import replace_bytes


def test_of_many_who_write_one_file_at_once_the_last_stands(tmp_path: Path) -> None:
    file = tmp_path / "folder" / "file"
    contents = [bytes([n]) * 5_000 for n in range(40)]
    with ThreadPoolExecutor(8) as threads:
        for done in [threads.submit(replace_bytes, file, content) for content in contents]:
            done.result()
    assert file.read_bytes() in contents
    assert list(file.parent.iterdir()) == [file]


def test_a_file_that_somebody_has_open_for_a_moment_is_replaced_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Windows refuses it while a virus scanner looks."""
    replace, refused = os.replace, []

    def refusing(source: Path, target: Path) -> None:
        if len(refused) < 3:
            refused.append(source)
            raise PermissionError(errno.EACCES, "Sharing violation")
        replace(source, target)

    file = tmp_path / "file"
    file.write_bytes(b"old")
    monkeypatch.setattr(os, "replace", refusing)
    replace_bytes(file, b"new")
    assert file.read_bytes() == b"new"
    assert len(refused) == 3
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_a_file_for_its_owner_alone_never_was_another_s_to_read(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"old")
    file.chmod(0o644)
    replace_bytes(file, b"new", mode=0o600)
    assert file.stat().st_mode & 0o777 == 0o600
