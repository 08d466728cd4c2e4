"""What a marked saver made is saved whole, under the saver's names, or not at all."""

from __future__ import annotations

import importlib
import io
import json
import os
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from PIL import Image

from tests.campaign import power
from tests.unit.nodes.conftest import stand_in
from tests.unit.nodes.test_embedded_texts import exr, media

TASK = "1904136902449209346"


def picture(path: Path) -> Path:
    file = io.BytesIO()
    Image.frombytes("RGB", (200, 200), os.urandom(120_000)).save(file, "PNG")
    path.write_bytes(file.getvalue())
    return path


@pytest.fixture
def saver(
    pack: Callable[[str], ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> ModuleType:
    """The saver's module, on a ComfyUI that knows its output folder and nothing else."""

    def place(prefix: str, root: str, *_: object) -> tuple[str, str, int, str, str]:
        return root, prefix, 1, "", prefix

    folders: Any = ModuleType("folder_paths")
    folders.get_output_directory = lambda: str(tmp_path / "output")
    folders.get_temp_directory = lambda: str(tmp_path / "temp")
    folders.get_save_image_path = place
    (tmp_path / "output").mkdir()
    monkeypatch.setitem(sys.modules, "folder_paths", folders)
    stand_in("comfy")
    # Modules that were loaded before know another host, and these shall be known to none.
    root = pack("rh_api").__name__.removesuffix(".rh_api")
    loaded = [name for name in sys.modules if name.startswith(f"{root}.nodes")]
    for name in loaded:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr(sys.modules[root], "nodes", raising=False)
    return pack("nodes.runtime.local_saver_run")


@pytest.fixture
def full() -> Iterator[Callable[[int], None]]:
    """`full(size)`: no file may grow beyond that, as on a disk that is full."""
    resource = pytest.importorskip("resource", reason="no such limit on Windows")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def names(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "output").iterdir())


@pytest.mark.parametrize("metadata", [{}, {"prompt": {"1": {"class_type": "X", "inputs": {}}}}])
def test_a_picture_appears_whole_under_the_saver_s_name(
    saver: Any, tmp_path: Path, metadata: dict[str, Any]
) -> None:
    file = picture(tmp_path / "a.png")
    shown = saver._save("SaveImage", "cat", [(file, "image")], metadata, TASK)
    assert shown["images"][0]["filename"] == "cat_00001_.png"
    assert names(tmp_path) == ["cat_00001_.png"]
    with Image.open(tmp_path / "output" / "cat_00001_.png") as opened, Image.open(file) as source:
        assert opened.tobytes() == source.tobytes()


@pytest.mark.parametrize(
    ("class_type", "suffix", "kind"),
    [
        ("SaveImage", ".png", "image"),
        ("SaveImageAdvanced", ".exr", "file"),
        ("SaveAnimatedWEBP", ".webp", "image"),
        ("SaveAudio", ".flac", "audio"),
        ("SaveAudioMP3", ".mp3", "audio"),
        ("SaveAudioOpus", ".ogg", "audio"),
        ("SaveWEBM", ".webm", "video"),
        ("SaveVideo", ".mp4", "video"),
    ],
)
def test_what_a_saver_saved_carries_the_prompt(
    saver: Any, tmp_path: Path, class_type: str, suffix: str, kind: str
) -> None:
    file = tmp_path / f"a{suffix}"
    if kind == "image":
        Image.new("RGB", (16, 16)).save(file)
    elif suffix == ".exr":
        exr(file)
    else:
        media(tmp_path / "a.opus" if suffix == ".ogg" else file)
    if suffix == ".ogg":
        (tmp_path / "a.opus").rename(file)
    saver._save(class_type, "x", [(file, kind)], {"prompt": {"1": {"text": "mine"}}}, TASK)
    (name,) = names(tmp_path)
    assert b'{"1": {"text": "mine"}}' in (tmp_path / "output" / name).read_bytes()


@pytest.mark.parametrize(
    ("class_type", "name", "kind", "saved"),
    [
        ("SaveImageAdvanced", "a.exr", "file", "x_00001.exr"),
        ("SaveAudioAdvanced", "a.ogg", "audio", "x_00001.opus"),
        ("SaveAudioOpus", "a.ogg", "audio", "x_00001.opus"),
        ("SaveSVGNode", "a.bin", "file", "x_00001_.svg"),
        ("SaveImage", "a.bin", "file", "x_00001_.bin"),
    ],
)
def test_a_file_is_named_as_the_saver_names_its_own(
    saver: Any, tmp_path: Path, class_type: str, name: str, kind: str, saved: str
) -> None:
    (tmp_path / name).write_bytes(b"something")
    saver.folder_paths.renders_safely_as_image = lambda *_: False
    saver._save(class_type, "x", [(tmp_path / name, kind)], {}, TASK)
    assert names(tmp_path) == [saved]


def test_the_size_of_an_exr_is_read_from_its_header(saver: Any, tmp_path: Path) -> None:
    head = b"\x76\x2f\x31\x01\2\0\0\0dataWindow\0box2i\0" + struct.pack("<5i", 16, 2, 3, 17, 14)
    (tmp_path / "a.exr").write_bytes(head)
    assert saver._size(tmp_path / "a.exr", "file") == (16, 12)
    (tmp_path / "a.exr").write_bytes(head[:-1])
    assert saver._size(tmp_path / "a.exr", "file") == (0, 0)


def test_a_comfyui_that_would_run_scripts_of_a_drawing_gets_none(
    saver: Any, tmp_path: Path
) -> None:
    (tmp_path / "a.bin").write_bytes(b"<svg/>")
    saver._save("SaveSVGNode", "x", [(tmp_path / "a.bin", "file")], {}, TASK)
    assert names(tmp_path) == ["x_00001_.bin"]


@pytest.mark.skipif(sys.platform == "win32", reason="no other system can be told so")
@pytest.mark.parametrize("metadata", [{}, {"prompt": {"1": {"class_type": "X", "inputs": {}}}}])
def test_a_full_disk_leaves_no_half_file_and_names_the_task(
    saver: Any, tmp_path: Path, full: Callable[[int], None], metadata: dict[str, Any]
) -> None:
    file = picture(tmp_path / "a.png")
    kinds = importlib.import_module("..values.failures", saver.__package__)
    files = [saver.SaverItem(TASK, file, "image")]
    full(65_536)
    with pytest.raises(kinds.NodeFailure) as caught:
        saver.execute(json.dumps({"class_type": "SaveImage"}), files, "cat", metadata)
    assert names(tmp_path) == []
    assert "Errno" not in str(caught.value)
    assert TASK in str(caught.value)
    assert str(file) in str(caught.value)
    assert f"written into {tmp_path / 'output'} (" in str(caught.value)
    assert "run the same again, which costs nothing" in str(caught.value)


def test_a_file_is_on_the_disk_before_it_has_its_name(
    saver: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", os.fsync)  # for the time of this test
    power.note_syncs(tmp_path / "synced")
    file = picture(tmp_path / "a.png")
    saver._save("SaveImage", "cat", [(file, "image")], {}, TASK)
    power.cut(tmp_path / "output", tmp_path / "synced")
    assert (tmp_path / "output" / "cat_00001_.png").read_bytes() == file.read_bytes()


@pytest.mark.parametrize("class_type", ["SaveText", "PreviewAny", "SaveImage"])
def test_a_file_that_is_gone_says_what_to_do(saver: Any, tmp_path: Path, class_type: str) -> None:
    gone = [saver.SaverItem(TASK, tmp_path / "gone.png", "image")]
    with pytest.raises(Exception, match=f"Queue the same again.*{TASK}"):
        saver.execute(json.dumps({"class_type": class_type}), gone, "x", {})


@pytest.mark.parametrize("text", ["SaveText", "PreviewAny", "SaveImage"])
def test_a_path_that_a_prompt_names_is_not_read(saver: Any, tmp_path: Path, text: str) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("private")
    named = {"path": str(secret), "kind": "text", "text": "", "task_id": TASK}
    for files in ([named], named, str(secret), [[named]]):
        with pytest.raises(Exception, match="Nothing was saved"):
            saver.execute(json.dumps({"class_type": text}), files, "x", {})
    assert names(tmp_path) == []
