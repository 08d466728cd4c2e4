"""`run`: fields in, files out, and a document for programs."""

from __future__ import annotations

import base64
import errno
import os
from decimal import Decimal
from pathlib import Path

import pytest
from PIL import Image

from rh_api.emulator import Emulator, Fault, catalog
from tests.support.graphs import node

from .conftest import Call


def test_a_picture_goes_up_and_the_result_lands_in_the_folder(
    call: Call, photo: Path, tmp_path: Path
) -> None:
    ran = call("run", catalog.INVERT, "--set", f"10.image=@{photo}", "--out", str(tmp_path / "out"))

    assert ran.code == 0, ran.err
    path = tmp_path / "out" / f"{catalog.INVERT}_13_1.png"
    assert Image.open(path).convert("RGB").getpixel((0, 0)) == (245, 235, 225)
    assert str(path) in ran.out.splitlines()
    assert "and cost 1 coin." in ran.out
    assert list(path.parent.iterdir()) == [path]


def test_the_document_says_everything(call: Call, emulator: Emulator, tmp_path: Path) -> None:
    ran = call("run", catalog.TEXT_OUT, "--out", str(tmp_path), "--json")

    task_id = next(iter(emulator.tasks))
    document = ran.document
    assert document["task_id"] == task_id
    assert document["workflow_id"] == catalog.TEXT_OUT
    assert set(document["cost"]) == {"coins", "money", "third_party_money"}
    assert document["cost"]["coins"] == "1"
    assert isinstance(document["seconds"], float)
    for result in document["results"]:
        assert set(result) == {"node_id", "path", "kind", "size", "text"}
        assert Path(result["path"]).stat().st_size == result["size"]
    assert f"task {task_id}" in ran.err


def test_the_document_tells_an_order_of_before_from_one_that_is_paid_now(
    call: Call, emulator: Emulator, tmp_path: Path
) -> None:
    arguments = ("run", catalog.TEXT_OUT, "--out", str(tmp_path), "--json")
    first, second = call(*arguments).document, call(*arguments).document
    fetch = ("task", first["task_id"], "--fetch", "--out", str(tmp_path), "--json")
    fetched, elsewhere = call(*fetch), call(*fetch, RUNNINGHUB_STATE=str(tmp_path / "other"))
    documents = [first, second, fetched.document, elsewhere.document]
    assert [document["paid"] for document in documents] == [True, False, False, False]
    assert all(document["cost"] == first["cost"] for document in documents)
    assert emulator.counters.orders == 1


def test_texts_are_printed_and_kept_as_files(call: Call, tmp_path: Path) -> None:
    ran = call("run", catalog.TEXT_OUT, "--set", "21.value=two\nlines é", "--out", str(tmp_path))

    assert "two\nlines é\n" in ran.out
    files = [path for path in tmp_path.glob("*.txt") if path.read_text("utf-8") == "two\nlines é"]
    assert files


def test_no_file_that_is_there_is_replaced(call: Call, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    old = folder / f"{catalog.TEXT_TO_IMAGE}_9_1.png"
    old.write_bytes(b"mine")

    ran = call("run", catalog.TEXT_TO_IMAGE, "--out", str(folder))

    assert ran.code == 0
    assert old.read_bytes() == b"mine"
    assert (folder / f"{catalog.TEXT_TO_IMAGE}_9_2.png").read_bytes().startswith(b"\x89PNG")


def test_a_disk_without_hard_links_keeps_files_as_well(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_source: object, _target: object) -> None:
        raise OSError(errno.EPERM, "no hard links here")

    monkeypatch.setattr(os, "link", refuse)
    old = tmp_path / f"{catalog.TEXT_TO_IMAGE}_9_1.png"
    old.write_bytes(b"mine")
    ran = call("run", catalog.TEXT_TO_IMAGE, "--out", str(tmp_path))

    assert ran.code == 0
    assert old.read_bytes() == b"mine"
    assert sorted(tmp_path.glob("*.png*")) == [old, old.with_name(old.name.replace("_1.", "_2."))]


def test_a_disk_that_refuses_a_name_it_gave_leaves_nothing_under_it(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace, out = os.replace, tmp_path / "out"

    def refuse(source: object, target: Path | str) -> None:
        if Path(target).parent == out:
            raise OSError(errno.EIO, "gone")
        replace(source, target)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr(os, "replace", refuse)
    ran = call("run", catalog.TEXT_TO_IMAGE, "--out", str(out))

    assert ran.code == 5
    assert list(out.iterdir()) == []


def test_node_ids_of_subgraphs_make_file_names_for_every_platform(
    call: Call, emulator: Emulator, tmp_path: Path
) -> None:
    canvas = {"width": 8, "height": 8, "batch_size": 2, "color": 255}
    saver = {"filename_prefix": "a", "images": ["5", 0]}
    workflow = emulator.add_workflow(
        {
            "5": {"class_type": "EmptyImage", "inputs": canvas},
            "12:8": {"class_type": "SaveImage", "inputs": saver},
        }
    )

    call("run", workflow, "--out", str(tmp_path))

    names = sorted(path.name for path in tmp_path.glob("*.png"))
    assert names == [f"{workflow}_12-8_1.png", f"{workflow}_12-8_2.png"]


def test_outputs_are_chosen_and_ordered(call: Call, tmp_path: Path) -> None:
    both = call("run", catalog.TWO_PICTURES, "--out", str(tmp_path), "--json")
    turned = call(
        *("run", catalog.TWO_PICTURES, "--out", str(tmp_path), "--json"), "--outputs", "12,4"
    )
    alone = call("run", catalog.TWO_PICTURES, "--out", str(tmp_path), "--json", "--outputs", "12")

    assert [result["node_id"] for result in both.document["results"]] == ["4", "12"]
    assert [result["node_id"] for result in turned.document["results"]] == ["12", "4"]
    assert [result["node_id"] for result in alone.document["results"]] == ["12"]


def test_a_chosen_node_that_makes_nothing_is_named(call: Call, tmp_path: Path) -> None:
    ran = call("run", catalog.TWO_PICTURES, "--out", str(tmp_path), "--outputs", "4,3")

    assert ran.code == 0
    assert "Node 3 produced nothing." in ran.err


def test_options_reach_the_service(call: Call, emulator: Emulator, tmp_path: Path) -> None:
    emulator.account.kind = "SHARED"
    emulator.account.money = Decimal(5)
    ran = call(
        *("run", catalog.TEXT_TO_IMAGE, "--out", str(tmp_path)),
        *("--instance", "plus", "--no-metadata", "--personal-queue", "--retain", "30"),
        *("--webhook", "https://example.com/hook"),
    )

    assert ran.code == 0, ran.err
    sent = next(entry.json for entry in emulator.journal if entry.path == "/task/openapi/create")
    assert sent["instanceType"] == "plus"
    assert sent["addMetadata"] is False
    assert sent["usePersonalQueue"] is True
    assert sent["retainSeconds"] == 30
    assert sent["webhookUrl"] == "https://example.com/hook"


def test_seeds_stay_as_they_are_saved_unless_a_reroll_is_asked_for(
    call: Call, emulator: Emulator, tmp_path: Path
) -> None:
    call("run", catalog.TEXT_TO_IMAGE, "--out", str(tmp_path))
    assert emulator.rerolls == 0

    call("run", catalog.TEXT_TO_IMAGE, "--out", str(tmp_path), "--reroll-seeds")
    assert emulator.rerolls == 1


def test_an_at_sign_can_begin_a_text(call: Call, emulator: Emulator, tmp_path: Path) -> None:
    call("run", catalog.TEXT_OUT, "--set", "21.value=@@home=here", "--out", str(tmp_path))

    task = next(iter(emulator.tasks.values()))
    assert [item["fieldValue"] for item in task.node_info] == ["@home=here"]


def test_an_uncertain_order_is_placed_again_only_when_asked(
    call: Call, emulator: Emulator, tmp_path: Path
) -> None:
    emulator.faults.append(Fault("/task/openapi/create", "lost_reply"))
    order = ("run", catalog.TEXT_TO_IMAGE, "--out", str(tmp_path))

    assert call(*order).code == 3
    assert call(*order).code == 3
    assert emulator.counters.orders == 1

    assert call(*order, "--again").code == 0
    assert emulator.counters.orders == 2


def test_control_characters_of_a_text_do_not_reach_the_terminal(call: Call, tmp_path: Path) -> None:
    text = "\x1b]0;gotcha\x07red\x1b[31m"
    ran = call("run", catalog.TEXT_OUT, "--set", f"21.value={text}", "--out", str(tmp_path))

    assert ran.code == 0
    assert "\x1b" not in ran.out
    assert text in [path.read_text("utf-8") for path in tmp_path.glob("*.txt")]


def test_a_text_that_was_written_with_a_byte_order_mark_is_shown_without_it(
    call: Call, emulator: Emulator, tmp_path: Path
) -> None:
    content = base64.b64encode("\ufeffa cat".encode()).decode()
    saver = node("EmulatorFile", extension="txt", content=content, filename_prefix="caption")
    workflow = emulator.add_workflow({"1": saver})
    ran = call("run", workflow, "--out", str(tmp_path), "--json")

    assert [result["text"] for result in ran.document["results"]] == ["a cat"]


@pytest.mark.parametrize("name", ["memo.m4a", "song.mp3"])
def test_a_sound_in_an_mp4_is_a_sound_by_its_name(
    call: Call, emulator: Emulator, tmp_path: Path, name: str
) -> None:
    """As recorders of phones write them, and those who load music down name them."""
    (tmp_path / name).write_bytes(b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(64))
    workflow = emulator.add_workflow(
        {
            "1": node("LoadAudio", audio="stored.mp3"),
            "2": node("SaveAudio", audio=["1", 0], filename_prefix="kept"),
        }
    )
    ran = call(
        *("run", workflow, "--set", f"1.audio=@{tmp_path / name}", "--out", str(tmp_path / "out"))
    )

    assert ran.code == 0, ran.err
    assert [stored.extension for stored in emulator.uploads.values()] == ["mp4"]


def test_a_video_is_still_no_sound(call: Call, emulator: Emulator, tmp_path: Path) -> None:
    (tmp_path / "talk.mp4").write_bytes(b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(64))
    workflow = emulator.add_workflow({"1": node("LoadAudio", audio="stored.mp3")})
    ran = call("run", workflow, "--set", f"1.audio=@{tmp_path / 'talk.mp4'}")

    assert (ran.code, emulator.counters.orders, emulator.uploads) == (2, 0, {})
    assert "VIDEO does not fit" in ran.err
