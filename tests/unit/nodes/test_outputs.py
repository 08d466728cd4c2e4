"""What finished orders become: a value, or a blocker, for every output of a node."""

from __future__ import annotations

import errno
import io
import itertools
import json
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import av
import numpy as np
import pytest
from av.stream import Disposition
from PIL import Image
from support.pictures import png

from tests.unit.nodes.conftest import load_pack, stand_in

OUTPUTS = ["images", "masks", "video", "audio", "text", "files", "task_id"]
OUTPUTS += [*(f"out_{number}" for number in range(1, 13)), "urls"]
RED = png(np.full((4, 5, 3), (255, 0, 0), np.uint8))

_counter = itertools.count(1)

Outputs = Callable[..., dict[str, list[Any]]]


@pytest.fixture(autouse=True)
def _host() -> None:
    stand_in("comfy_execution")
    stand_in("folder_paths")


@pytest.fixture
def outputs_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Outputs:
    """All outputs by name of orders with these results."""
    monkeypatch.setattr(sys.modules["folder_paths"], "BASE", tmp_path)
    outputs = load_pack("nodes.values.outputs")

    results, orders_of = load_pack("rh_api.run.results"), load_pack("rh_api.wire.orders")

    def by_name(*orders: list[Any], listed: tuple[str, ...] = ()) -> dict[str, list[Any]]:
        outcomes = [
            results.Outcome(
                str(1900000000000000301 + number),
                tuple(entry for entry in order if isinstance(entry, results.Result)),
                None,
                orders_of.Tips(),
                0.0,
                kept=True,
                unfetched=tuple(entry for entry in order if isinstance(entry, results.Lost)),
            )
            for number, order in enumerate(orders)
        ]
        output, _ = outputs.node_output(outcomes, None, listed)
        return dict(zip(OUTPUTS, output.args, strict=True))

    return by_name


def test_only_what_shall_be_seen_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, result: Callable[..., Any]
) -> None:
    monkeypatch.setattr(sys.modules["folder_paths"], "BASE", tmp_path)
    result_files = load_pack("nodes.values.result_files")
    task_files = result_files.TaskFiles("7")
    unseen = task_files.put_in_temp(result("1", RED))
    name = task_files.put_in_output(result("2", RED))
    seen = task_files.show("images", result("3", RED))

    entry = {"filename": seen.name, "subfolder": "runninghub", "type": "temp"}
    assert result_files.shown([task_files]) == {"images": [entry]}
    assert (seen.read_bytes(), unseen.read_bytes(), seen.parent) == (RED, RED, unseen.parent)
    assert (name.startswith("runninghub/7_2_"), name.endswith(" [output]")) == (True, True)


@pytest.fixture
def result(tmp_path: Path) -> Callable[[str, bytes], Any]:
    """A result of a remote node, told by what its bytes are."""
    results: ModuleType = load_pack("rh_api.run.results")
    filetypes: ModuleType = load_pack("rh_api.wire.filetypes")

    def give(node_id: str, data: bytes, suffix: str = "") -> Any:
        path = tmp_path / f"{next(_counter)}{suffix}"
        path.write_bytes(data)
        kind = filetypes.sniff(data) or filetypes.by_suffix(suffix)
        return results.Result(node_id, path.name, path, kind, size=len(data))

    return give


def lost(node_id: str, name: str) -> Any:
    """A result that did not come."""
    results: ModuleType = load_pack("rh_api.run.results")
    params = {"number": 1, "total": 2, "name": name, "node": node_id, "reason": "", "task_id": "7"}
    return results.Lost(node_id, name, 0, results.Notice("progress.not_fetched", params))


def words(values: list[Any]) -> list[str]:
    """What the blockers among some values say."""
    return [value.message for value in values if hasattr(value, "message")]


def wav() -> bytes:
    audio = load_pack("nodes.values.codecs.audio")
    return audio.encode(np.zeros((1, 2, 50), np.float32), 8000)[0].data


def film() -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as output:
        stream = output.add_stream("mpeg4", rate=24)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        output.mux(stream.encode(av.VideoFrame(32, 32, "yuv420p")))
        output.mux(stream.encode(None))
    return file.getvalue()


def test_a_listed_node_that_made_nothing_is_a_blocker_and_the_others_go_on(
    outputs_of: Outputs, result: Any
) -> None:
    outputs = outputs_of([result("3", RED)], listed=("3", "9"))
    assert outputs["out_1"][0].shape == (1, 4, 5, 3)
    (message,) = words(outputs["out_2"])
    assert "out_2" in message


def test_a_range_of_outputs_that_nothing_was_made_for_holds_none_that_was(
    outputs_of: Outputs, result: Any
) -> None:
    (message,) = words(outputs_of([result("3", RED)], listed=("3",))["out_2"])
    assert "out_2 … out_12" in message
    assert "301 produced nothing" in message
    orders = [result("3", RED), result("9", RED)], [result("3", RED)]
    (message,) = words(outputs_of(*orders, listed=("3", "4", "9"))["out_2"])
    assert "out_2, out_4, out_5" in message
    assert "None of the 2 orders" in message


def test_a_lost_result_keeps_its_output_and_is_not_told_as_made_by_nobody(
    outputs_of: Outputs, result: Any
) -> None:
    outputs = outputs_of([result("3", RED), lost("2", "a.mp4")])
    for name in ("out_1", "video"):
        (message,) = words(outputs[name])
        assert "(a.mp4, node 2) could not be fetched" in message
    assert outputs["out_2"][0].shape == (1, 4, 5, 3)
    (message,) = words(outputs["audio"])
    assert "out_1," not in message
    assert "video" not in message


def test_each_result_has_an_address_also_one_that_did_not_come(
    outputs_of: Outputs, result: Any
) -> None:
    there = replace(result("1", RED), url="https://rh.example/b.png", index=1)
    gone = replace(lost("1", "a.png"), url="https://rh.example/a.png")
    text = replace(result("3", b"words", ".txt"), index=2)

    urls = outputs_of([there, gone, text], [there])["urls"]

    assert urls == [
        "https://rh.example/a.png",
        "https://rh.example/b.png",
        "",
        "https://rh.example/b.png",
    ]


def test_what_a_page_plays_is_shown_again_where_it_lies(
    outputs_of: Outputs, result: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows gives no name anew while somebody reads the file."""

    def in_use(source: Path, target: Path) -> None:
        raise OSError(errno.EACCES, "Sharing violation")

    sound = result("3", wav())
    before = outputs_of([sound])
    monkeypatch.setattr(os, "replace", in_use)
    again = outputs_of([sound])
    assert again["audio"][0]["waveform"].shape == before["audio"][0]["waveform"].shape


def test_a_file_in_output_that_somebody_reads_stays_as_it_is(
    outputs_of: Outputs, result: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def in_use(source: Path, target: Path) -> None:
        raise PermissionError(errno.EACCES, "Sharing violation")

    archive = result("3", b"PK\x05\x06" + bytes(18), ".zip")
    before = outputs_of([archive])["files"]
    monkeypatch.setattr(os, "replace", in_use)
    assert outputs_of([archive])["files"] == before


def test_in_a_batch_a_lost_picture_keeps_its_place(outputs_of: Outputs, result: Any) -> None:
    outputs = outputs_of(
        [result("2", RED)], [lost("2", "a.png")], [result("2", RED), result("2", RED)]
    )
    first, gap, last = outputs["out_1"]
    assert words([gap])
    assert (len(first), len(last)) == (1, 2)
    assert [len(batch) for batch in outputs["images"]] == [3]


def test_in_one_order_a_lost_picture_parts_no_others(outputs_of: Outputs, result: Any) -> None:
    missing = replace(lost("2", "a.png"), index=1)
    outputs = outputs_of([result("2", RED), missing, replace(result("2", RED), index=2)])
    pictures, gap = outputs["out_1"]
    assert len(pictures) == 2
    assert words([gap])


def test_pictures_of_two_orders_are_one_batch(outputs_of: Outputs, result: Any) -> None:
    outputs = outputs_of([result("3", RED), result("5", RED)], [result("3", RED)])
    assert [batch.shape for batch in outputs["images"]] == [(3, 4, 5, 3)]
    assert [batch.shape for batch in outputs["masks"]] == [(3, 4, 5)]
    assert [batch.shape for batch in outputs["out_1"]] == [(2, 4, 5, 3)]
    assert [batch.shape for batch in outputs["out_2"]] == [(1, 4, 5, 3)]


@pytest.mark.parametrize(
    ("container", "codec"), [("mp4", "aac"), ("webm", "opus"), ("aiff", "pcm_s16be")]
)
def test_a_sound_is_one_whatever_its_container(
    outputs_of: Outputs, result: Any, container: str, codec: str
) -> None:
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=48_000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4800), np.int16), "s16", "mono")
        frame.sample_rate = 48_000
        for packet in (*stream.encode(frame), *stream.encode(None)):
            output.mux(packet)
    outputs = outputs_of([result("3", file.getvalue())])
    (sound,) = outputs["audio"]
    assert sound["sample_rate"] == 48_000


def test_a_song_with_a_cover_is_no_video(outputs_of: Outputs, result: Any) -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as output:
        song = output.add_stream("aac", rate=48_000, layout="mono")
        cover = output.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 32, 32, "yuvj420p"
        cover.disposition = Disposition.attached_pic.value  # type: ignore[assignment]
        picture = av.VideoFrame(32, 32, "yuvj420p")
        picture.pts = 0
        output.mux(cover.encode(picture))
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4800), np.float32), "fltp", "mono")
        frame.sample_rate = 48_000
        for packet in (*song.encode(frame), *song.encode(None), *cover.encode(None)):
            output.mux(packet)
    outputs = outputs_of([result("3", file.getvalue())])
    (sound,) = outputs["audio"]
    assert sound["sample_rate"] == 48_000
    assert words(outputs["video"])


@pytest.mark.parametrize(
    ("data", "suffix", "names"),
    [
        (RED[:45], ".png", ("images", "masks")),
        (b"\0\0\0\x18ftypmp42" + bytes(40), ".mp4", ("video",)),
        (b"fLaC" + bytes(40), ".flac", ("audio",)),
    ],
    ids=["picture", "video", "sound"],
)
def test_what_cannot_be_decoded_is_a_file_and_the_rest_goes_on(
    outputs_of: Outputs, result: Any, data: bytes, suffix: str, names: tuple[str, ...]
) -> None:
    outputs = outputs_of([result("3", RED), result("4", data, suffix), result("5", wav(), ".wav")])
    (path,) = outputs["files"]
    assert path.endswith(f"{suffix} [output]")
    for name in (*names, "out_2"):
        (message,) = words(outputs[name])
        assert path in message
    assert outputs["out_1"][0].shape == (1, 4, 5, 3)
    assert outputs["out_3"][0]["waveform"].shape == (1, 2, 50)


def gone(*_: object, **__: object) -> None:
    raise AttributeError("this name is no more")


@pytest.mark.parametrize(
    ("place", "name", "node_id", "names"),
    [
        (Image.Image, "crop", "3", ("images", "masks")),
        (av, "open", "4", ("video",)),
        (np, "frombuffer", "5", ("audio",)),
    ],
    ids=["Pillow", "PyAV", "numpy"],
)
def test_what_a_library_no_longer_reads_is_a_file_and_the_rest_goes_on(
    outputs_of: Outputs,
    result: Any,
    monkeypatch: pytest.MonkeyPatch,
    place: Any,
    name: str,
    node_id: str,
    names: tuple[str, ...],
) -> None:
    """As when PyAV 19 dropped an argument: each video and each sound was refused after it was
    paid."""
    files = {"3": RED, "4": film(), "5": wav()}
    results = [result(node, data) for node, data in files.items()]
    monkeypatch.setattr(place, name, gone)
    outputs = outputs_of([*results, result("6", b"words", ".txt")])
    monkeypatch.undo()
    paths = [path for path in outputs["files"] if f"_{node_id}_" in path]
    assert len(paths) == 1
    for slot in (*names, f"out_{int(node_id) - 2}"):
        (message,) = words(outputs[slot])
        assert paths[0] in message
        assert "this name is no more" in message
    whole = {"images", "masks", "video", "audio", "text"} - {*names}
    assert not any(words(outputs[slot]) for slot in whole)


def test_pictures_stand_where_the_first_of_a_node_stood(outputs_of: Outputs, result: Any) -> None:
    first, last = result("3", b"one", ".txt"), result("3", b"two", ".txt")
    outputs = outputs_of([first, result("3", RED), last, result("3", RED)])
    before, pictures, after = outputs["out_1"]
    assert (before, after) == ("one", "two")
    assert pictures.shape == (2, 4, 5, 3)
    assert outputs["text"] == ["one", "two"]
    assert len(outputs["files"]) == 2


def test_every_type_has_one_adapter_and_every_file_one_reader(result: Any) -> None:
    table = load_pack("nodes.values.adapters.table")
    assert list(table.BY_TYPE) == ["IMAGE", "MASK", "VIDEO", "AUDIO"]
    assert list(table.TYPED) == OUTPUTS[:6]
    samples = {"IMAGE": RED, "AUDIO": wav()}
    for name, data in samples.items():
        assert table.reader_of(result("1", data)) is table.BY_TYPE[name]
    assert table.reader_of(result("1", b"words", ".txt")) is table.PLAIN


@pytest.mark.parametrize(
    ("orders", "sentence"),
    [
        ("1", "done in 9 s · 1 coin"),
        ("1 1s 1s", "done in 9 s · 1 coin"),
        ("1s 1 2", "2 orders done · 2 coins"),
        ("1k 2", "2 orders done · 1 of them kept from before · 1 coin"),
        (
            "1s 2",
            "2 orders done · 1 of them ordered by an identical node · 1 coin",
        ),
        (
            "1t 2t 3 4k",
            "4 orders done · 1 of them kept from before · 1 coin · 2 were ordered before · 2 coins",
        ),
        ("1t 2t", "2 orders done · 2 were ordered before · 2 coins"),
        ("1t", "done · it was ordered before, nothing was ordered now · 1 coin"),
        ("1k 1k", "nothing was paid: kept from an identical order"),
        (
            "1s 1s",
            "done together with an identical node, as one order",
        ),
    ],
)
def test_what_was_ordered_is_told_once(outputs_of: Outputs, orders: str, sentence: str) -> None:
    assert load_pack("nodes.values.status_lines").done_sentence(outcomes_of(orders)) == sentence


@pytest.mark.parametrize(
    ("orders", "count"), [("1", 1), ("1 1s 1s", 1), ("1s 1 2", 2), ("1k 2", 2)]
)
def test_the_canvas_is_told_of_as_many_orders_as_there_were(
    outputs_of: Outputs, orders: str, count: int
) -> None:
    notice = load_pack("nodes.values.status_lines").notice_for_canvas(outcomes_of(orders), "")
    assert json.loads(notice)["orders"] == count


def outcomes_of(orders: str) -> list[Any]:
    """An outcome a word: its task's id, and k for kept, s for shared, t for taken up."""
    outcomes, tasks = load_pack("rh_api.run.results"), load_pack("rh_api.wire.tasks")
    return [
        outcomes.Outcome(
            task_id=word[0],
            results=(),
            usage=tasks.Usage(coins="1", seconds="9"),
            tips=None,
            seconds=9.0,
            kept=word.endswith("k"),
            shared=word.endswith("s"),
            taken_up=word.endswith("t"),
        )
        for word in orders.split()
    ]


def test_what_was_paid_and_did_not_come_is_in_the_line_of_the_node() -> None:
    outcomes, tasks = load_pack("rh_api.run.results"), load_pack("rh_api.wire.tasks")
    done = outcomes.Outcome(
        task_id="7",
        results=(),
        usage=tasks.Usage(coins="1", seconds="9"),
        tips=None,
        seconds=9.0,
        missing=("13",),
    )
    lines = load_pack("nodes.values.status_lines").done_lines([done, done])
    assert lines["en"].startswith("some results are missing · done in 9 s · 1 coin · ")
    assert lines["en"].count("13") == 1
    assert "13" in lines["zh"]
    assert lines["zh"].startswith("结果不全 · ")
