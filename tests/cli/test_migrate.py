"""`migrate` from a terminal: a look first, then files with copies; keys one by one."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from rh_api.migration.documents import SUFFIXES
from tests.cli.conftest import Call
from tests.unit.migration import media
from tests.unit.migration.media import (
    KEY,
    carrier_for,
    contents,
    flac,
    gif,
    m4a,
    mp3,
    opus,
    wav,
    webm,
)

OLD: dict[str, Any] = {
    **media.OLD,
    "3": {"class_type": "PrimitiveString", "inputs": {"value": "f" * 31 + "0"}},
}


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    path = tmp_path / "old.json"
    path.write_text(json.dumps(OLD), "utf-8")
    return path


def test_a_look_changes_nothing(call: Call, graph: Path) -> None:
    before = graph.read_bytes()
    ran = call("migrate", str(graph), RUNNINGHUB_API_KEY="")
    assert ran.code == 0
    assert "RH_ExecuteNode (2), RH_SettingsNode (1) → RunningHubRemoteWorkflow" in ran.out
    assert "Nothing was changed." in ran.err
    assert graph.read_bytes() == before
    assert [path.name for path in graph.parent.glob("old*")] == ["old.json"]


def test_a_file_needs_no_account(call: Call, graph: Path, tmp_path: Path) -> None:
    broken = {"RUNNINGHUB_BASE_URL": "no address", "RUNNINGHUB_API_KEY": ""}
    assert call("migrate", str(graph), "--out", str(tmp_path / "new"), **broken).code == 0


def test_out_writes_beside(call: Call, graph: Path, tmp_path: Path) -> None:
    ran = call("migrate", str(graph), "--out", str(tmp_path / "new"), "--json")
    (file,) = ran.document["files"]
    new = json.loads(Path(file["written"]).read_text("utf-8"))
    assert new["2"]["inputs"]["workflow"] == "1900000000000000109"
    assert json.loads(graph.read_text("utf-8")) == OLD
    (replaced,) = file["graphs"][0]["replaced"]
    assert [node["id"] for node in replaced["nodes"]] == ["2", "1"]
    assert KEY not in ran.out + ran.err
    assert call("migrate", str(graph), "--out", str(tmp_path)).code != 0


def test_yes_keeps_a_copy(call: Call, graph: Path) -> None:
    before = graph.read_bytes()
    for backup in ("old.json.bak", "old.json 2.bak"):
        graph.write_bytes(before)
        assert call("migrate", "--yes", str(graph)).code == 0
        assert (graph.parent / backup).read_bytes() == before
        assert "RunningHubRemoteWorkflow" in graph.read_text("utf-8")


def test_keys_are_veiled_and_go_when_they_are_sure(call: Call, graph: Path) -> None:
    ran = call("migrate", "--scrub", str(graph), "--yes", "--json")
    assert KEY not in ran.out + ran.err
    keys = {key["key"]: (key["surety"], key["removed"]) for key in ran.document["files"][0]["keys"]}
    assert keys == {"0123…ef": ("certain", True), "ffff…f0": ("maybe", False)}
    cleaned = json.loads(graph.read_text("utf-8"))
    assert cleaned["1"]["inputs"]["apiKey"] == ""
    assert cleaned["3"]["inputs"]["value"]
    assert "revoke" in ran.err
    assert "still holds the key" in ran.err
    call("migrate", "--scrub", str(graph), "--key", "ffff")
    assert json.loads(graph.read_text("utf-8"))["3"]["inputs"]["value"] == ""


def test_a_copy_that_holds_the_key_is_said(call: Call, graph: Path) -> None:
    ran = call("migrate", "--yes", str(graph))
    assert f"{graph}.bak still holds the key" in ran.err
    assert KEY not in ran.out + ran.err
    no_key = {**OLD, "1": {**OLD["1"], "inputs": {**OLD["1"]["inputs"], "apiKey": ""}}}
    graph.write_text(json.dumps(no_key), "utf-8")  # what may be a key is left, as a checksum is
    ran = call("migrate", "--yes", str(graph))
    assert "old.json 2.bak" in ran.err
    assert "still holds" not in ran.err


def test_copies_in_a_folder_are_cleaned_as_well(call: Call, graph: Path) -> None:
    (graph.parent / "a.flac").write_bytes(sound := flac(prompt=json.dumps(OLD)))
    for _ in range(2):
        graph.write_text(json.dumps(OLD), "utf-8")
        call("migrate", "--yes", str(graph))
    call("migrate", "--yes", str(graph.parent / "a.flac"))
    copies = ["a.flac.bak", "old.json 2.bak", "old.json.bak"]
    (graph.parent / "notes.txt.bak").write_bytes(b"of another kind")

    look = call("migrate", str(graph.parent), "--json")
    assert {Path(file["file"]).name for file in look.document["files"]} == {"old.json", "a.flac"}
    assert "--key 0123" in call("migrate", "--scrub", str(graph.parent)).err
    assert KEY.encode() in (graph.parent / "old.json.bak").read_bytes()

    ran = call("migrate", "--scrub", str(graph.parent), "--yes", "--json")
    assert "not read: 1." in ran.err
    names = [Path(str(file["written"])).name for file in ran.document["files"] if "written" in file]
    assert names == copies
    assert {path.name for path in graph.parent.glob("*.bak")} == {*copies, "notes.txt.bak"}
    for name in copies:
        assert KEY.encode() not in (graph.parent / name).read_bytes()
    backup = json.loads((graph.parent / "old.json.bak").read_text("utf-8"))
    assert backup["2"] == OLD["2"]
    assert contents((graph.parent / "a.flac.bak").read_bytes()) == contents(sound)


def test_a_copy_is_migrated_only_when_it_is_named(call: Call, graph: Path) -> None:
    call("migrate", "--yes", str(graph))
    backup = graph.with_name("old.json.bak")
    call("migrate", "--yes", str(backup))
    assert "RunningHubRemoteWorkflow" in backup.read_text("utf-8")
    assert json.loads((graph.parent / "old.json.bak.bak").read_text("utf-8")) == OLD


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
@pytest.mark.parametrize("scrub", [(), ("--scrub",)])
def test_who_could_not_read_a_file_can_read_none_of_its_copies(
    call: Call, graph: Path, scrub: tuple[str, ...]
) -> None:
    graph.chmod(0o600)
    copies = graph.parent / "copies"
    for more in (("--yes",), ("--out", str(copies))):
        graph.write_text(json.dumps(OLD), "utf-8")
        call("migrate", *scrub, str(graph), *more)

    after = [graph, graph.with_name("old.json.bak"), copies / "old.json"]
    assert [path.stat().st_mode & 0o777 for path in after] == [0o600] * 3


@pytest.mark.skipif(sys.platform == "win32", reason="links are for administrators there")
def test_a_key_goes_from_the_file_behind_a_link(call: Call, graph: Path) -> None:
    link = graph.parent / "linked" / "link.json"
    link.parent.mkdir()
    link.symlink_to(graph)
    ran = call("migrate", "--scrub", str(link), "--yes")

    assert KEY not in graph.read_text("utf-8")
    assert link.is_symlink()
    assert f"{link}.bak still holds the key" in ran.err
    call("migrate", str(link), "--yes")
    assert "RunningHubRemoteWorkflow" in graph.read_text("utf-8")
    assert link.is_symlink()


def test_nobody_is_asked_without_a_terminal(call: Call, graph: Path) -> None:
    before = graph.read_bytes()
    ran = call("migrate", "--scrub", str(graph))
    assert "--key 0123" in ran.err
    assert graph.read_bytes() == before
    assert ran.code == 2  # or a script believed that no key is left
    assert "left in, since nobody could be asked: 1." in ran.err
    asked = call("migrate", "--scrub", str(graph), "--json").document
    assert [key["removed"] for key in asked["files"][0]["keys"]] == [False, False]
    assert asked["error"]["key"] == "cli.scrub_unasked"
    # What only may be a key is a checksum more often.
    assert call("migrate", "--scrub", str(graph), "--yes").code == 0
    assert call("migrate", "--scrub", str(graph)).code == 0


def test_a_folder_is_searched_and_tells_what_it_cannot_read(call: Call, graph: Path) -> None:
    (graph.parent / "deep").mkdir()
    (graph.parent / "deep" / "torn.png").write_bytes(b"\x89PNG")
    (graph.parent / "deep" / "layers.psd").write_bytes(b"8BPS")
    ran = call("migrate", str(graph.parent), "--scrub", "--json")
    assert "not read: 1." in ran.err
    files = ran.document["files"]
    assert {Path(file["file"]).name for file in files} >= {"old.json", "torn.png"}
    assert "1 of 2 files" in ran.document["error"]["message"]
    assert ran.code == 2  # or a script believed that no key is left
    (graph.parent / "deep" / "torn.png").write_bytes(b"{}")
    assert call("migrate", str(graph.parent)).code == 0  # no graph is no failure


@pytest.mark.skipif(sys.platform != "linux", reason="of Linux is /proc")
@pytest.mark.parametrize("scrub", [(), ("--scrub",)])
def test_what_cannot_be_read_or_written_holds_up_no_other_file(
    call: Call, graph: Path, tmp_path: Path, scrub: tuple[str, ...]
) -> None:
    (tmp_path / "a.json").symlink_to("/proc/self/mem")  # which even root cannot read from its start
    long = graph.with_name("b" * 248 + ".json")  # no name for its copy is left
    long.write_bytes(graph.read_bytes())
    ran = call("migrate", str(tmp_path), "--yes", "--json", *scrub)
    files = {Path(file["file"]).name: file for file in ran.document["files"]}
    for unread in ("a.json", long.name):
        assert "cannot be read or written" in files[unread]["error"]
    assert "backup" in files["old.json"]
    assert ran.code == 2
    assert json.loads(long.read_text("utf-8")) == OLD
    assert call("migrate", str(tmp_path / "a.json"), *scrub).code == 2


def test_half_an_emoji_stays_as_it_was_escaped(call: Call, graph: Path) -> None:
    cut = {**OLD, "9": {"class_type": "Note", "inputs": {"text": "漂 \ud83d"}}}
    graph.write_bytes(json.dumps(cut, ensure_ascii=False).encode("utf-8", "backslashreplace"))
    for more in ((), ("--scrub",)):
        ran = call("migrate", str(graph), "--yes", "--json", *more)
        assert ran.code == 0, ran.err
        assert json.loads(graph.read_text("utf-8"))["9"] == cut["9"]
        assert "漂" in graph.read_text("utf-8")


def test_every_kind_that_comfyui_saves_is_found_in_a_folder(call: Call, tmp_path: Path) -> None:
    kinds = {
        "a.flac": flac(prompt=json.dumps(OLD)),
        "b.MP3": mp3(prompt=json.dumps(OLD)),
        "c.opus": opus(prompt=json.dumps(OLD)),
        "d.m4a": m4a(comment=json.dumps(OLD)),
        "e.webm": webm(prompt=json.dumps(OLD)),
    }
    for name, data in kinds.items():
        (tmp_path / name).write_bytes(data)
    ran = call("migrate", "--scrub", str(tmp_path), "--yes", "--json")
    assert "not read" not in ran.err
    assert [Path(file["file"]).name for file in ran.document["files"]] == list(kinds)
    for name, data in kinds.items():
        cleaned = (tmp_path / name).read_bytes()
        assert KEY.encode() not in cleaned
        assert contents(cleaned) == contents(data)
        assert (tmp_path / f"{name}.bak").read_bytes() == data
    ran = call("migrate", str(tmp_path), "--out", str(tmp_path / "new"))
    assert ran.code == 0
    for name in kinds:
        assert "RunningHubRemoteWorkflow" in dict(texts_of(tmp_path / "new" / name)).popitem()[1]


def test_a_kind_that_cannot_be_rewritten_is_named(call: Call, tmp_path: Path) -> None:
    for name, data in {"a.gif": gif(json.dumps(OLD)), "b.wav": wav(comment=KEY)}.items():
        (tmp_path / name).write_bytes(data)
        ran = call("migrate", "--scrub", str(tmp_path / name), "--yes")
        assert ran.code == 2
        assert "may hold a graph, and a key in it" in ran.err
        assert (tmp_path / name).read_bytes() == data
    (tmp_path / "c.json").write_text("{}")
    ran = call("migrate", "--scrub", str(tmp_path), "--yes")
    assert "files of other kinds were not read: 2" in ran.err


def texts_of(path: Path) -> list[tuple[str, str]]:
    texts = carrier_for(path.read_bytes()).read(path.read_bytes())
    return [(name, text) for name, text in texts if "class_type" in text]


def test_every_suffix_is_of_a_kind_that_is_read() -> None:
    assert {*SUFFIXES} >= {
        *(".json", ".png", ".webp", ".jpg", ".jpeg"),
        *(".mp4", ".m4v", ".mov", ".webm", ".mkv"),
        *(".flac", ".mp3", ".opus", ".ogg", ".oga", ".m4a"),
    }
    assert list(SUFFIXES) == [suffix.lower() for suffix in SUFFIXES]


def test_one_bad_file_is_an_error(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("no graph", "utf-8")
    ran = call("migrate", str(path))
    assert ran.code != 0
    assert "not JSON, nor a picture, video or sound" in ran.err
    assert call("migrate", str(tmp_path / "missing.json")).code != 0
