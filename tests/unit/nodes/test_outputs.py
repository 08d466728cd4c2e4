"""What finished orders become: a value, or a blocker, for every output of a node."""

from __future__ import annotations

import errno
import io
import itertools
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image
from support.pictures import png

from tests.unit.nodes.conftest import load_pack, stand_in

OUTPUTS = ["images", "masks", "video", "audio", "text", "files", "task_id"]
OUTPUTS += [f"out_{number}" for number in range(1, 13)]
RED = png(np.full((4, 5, 3), (255, 0, 0), np.uint8))

_counter = itertools.count(1)

Made = Callable[..., dict[str, list[Any]]]


@pytest.fixture(autouse=True)
def _host() -> None:
    stand_in("comfy_execution")
    stand_in("folder_paths")


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Made:
    """All outputs by name of orders with these results."""
    monkeypatch.setattr(sys.modules["folder_paths"], "BASE", tmp_path)
    outputs = load_pack("nodes.values.outputs")

    results, orders_of = load_pack("rh_api.run.results"), load_pack("rh_api.wire.orders")

    def made_of(*orders: list[Any], wanted: tuple[str, ...] = ()) -> dict[str, list[Any]]:
        outcomes = [
            results.Outcome(
                str(1900000000000000301 + number),
                tuple(one for one in made if isinstance(one, results.Result)),
                None,
                orders_of.Tips(),
                0.0,
                kept=True,
                unfetched=tuple(one for one in made if isinstance(one, results.Lost)),
            )
            for number, made in enumerate(orders)
        ]
        output, _ = outputs.node_output(outcomes, None, wanted)
        return dict(zip(OUTPUTS, output.args, strict=True))

    return made_of


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
    said = {"number": 1, "total": 2, "name": name, "node": node_id, "reason": "", "task_id": "7"}
    return results.Lost(node_id, name, 0, results.Notice("progress.not_fetched", said))


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
    made: Made, result: Any
) -> None:
    found = made([result("3", RED)], wanted=("3", "9"))
    assert found["out_1"][0].shape == (1, 4, 5, 3)
    (message,) = words(found["out_2"])
    assert "out_2" in message


def test_a_lost_result_keeps_its_output_and_is_not_told_as_made_by_nobody(
    made: Made, result: Any
) -> None:
    found = made([result("3", RED), lost("2", "a.mp4")])
    for name in ("out_1", "video"):
        (message,) = words(found[name])
        assert "(a.mp4, node 2) did not come" in message
    assert found["out_2"][0].shape == (1, 4, 5, 3)
    (message,) = words(found["audio"])
    assert "out_1," not in message
    assert "video" not in message


def test_what_a_page_plays_is_shown_again_where_it_lies(
    made: Made, result: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows gives no name anew while somebody reads the file."""

    def held(source: Path, target: Path) -> None:
        raise OSError(errno.EACCES, "Sharing violation")

    sound = result("3", wav())
    before = made([sound])
    monkeypatch.setattr(os, "replace", held)
    again = made([sound])
    assert again["audio"][0]["waveform"].shape == before["audio"][0]["waveform"].shape


def test_a_file_in_output_that_somebody_reads_stays_as_it_is(
    made: Made, result: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def held(source: Path, target: Path) -> None:
        raise PermissionError(errno.EACCES, "Sharing violation")

    archive = result("3", b"PK\x05\x06" + bytes(18), ".zip")
    before = made([archive])["files"]
    monkeypatch.setattr(os, "replace", held)
    assert made([archive])["files"] == before


def test_in_a_batch_of_orders_a_lost_picture_keeps_its_place(made: Made, result: Any) -> None:
    found = made([result("2", RED)], [lost("2", "a.png")], [result("2", RED), result("2", RED)])
    first, gap, last = found["out_1"]
    assert words([gap])
    assert (len(first), len(last)) == (1, 2)
    assert [len(batch) for batch in found["images"]] == [3]


def test_pictures_of_two_orders_are_one_batch(made: Made, result: Any) -> None:
    found = made([result("3", RED), result("5", RED)], [result("3", RED)])
    assert [batch.shape for batch in found["images"]] == [(3, 4, 5, 3)]
    assert [batch.shape for batch in found["masks"]] == [(3, 4, 5)]
    assert [batch.shape for batch in found["out_1"]] == [(2, 4, 5, 3)]
    assert [batch.shape for batch in found["out_2"]] == [(1, 4, 5, 3)]


@pytest.mark.parametrize(
    ("container", "codec"), [("mp4", "aac"), ("webm", "opus"), ("aiff", "pcm_s16be")]
)
def test_a_sound_is_one_whatever_its_container(
    made: Made, result: Any, container: str, codec: str
) -> None:
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=48_000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4800), np.int16), "s16", "mono")
        frame.sample_rate = 48_000
        for packet in (*stream.encode(frame), *stream.encode(None)):
            output.mux(packet)
    found = made([result("3", file.getvalue())])
    (sound,) = found["audio"]
    assert sound["sample_rate"] == 48_000


@pytest.mark.parametrize(
    ("data", "suffix", "outputs"),
    [
        (RED[:45], ".png", ("images", "masks")),
        (b"\0\0\0\x18ftypmp42" + bytes(40), ".mp4", ("video",)),
        (b"fLaC" + bytes(40), ".flac", ("audio",)),
    ],
    ids=["picture", "video", "sound"],
)
def test_what_cannot_be_decoded_is_a_file_and_the_rest_goes_on(
    made: Made, result: Any, data: bytes, suffix: str, outputs: tuple[str, ...]
) -> None:
    found = made([result("3", RED), result("4", data, suffix), result("5", wav(), ".wav")])
    (kept,) = found["files"]
    assert kept.endswith(f"{suffix} [output]")
    for name in (*outputs, "out_2"):
        (message,) = words(found[name])
        assert kept in message
    assert found["out_1"][0].shape == (1, 4, 5, 3)
    assert found["out_3"][0]["waveform"].shape == (1, 2, 50)


def gone(*_: object, **__: object) -> None:
    raise AttributeError("this name is no more")


@pytest.mark.parametrize(
    ("place", "name", "node_id", "outputs"),
    [
        (Image.Image, "crop", "3", ("images", "masks")),
        (av, "open", "4", ("video",)),
        (np, "frombuffer", "5", ("audio",)),
    ],
    ids=["Pillow", "PyAV", "numpy"],
)
def test_what_a_library_no_longer_reads_is_a_file_and_the_rest_goes_on(
    made: Made,
    result: Any,
    monkeypatch: pytest.MonkeyPatch,
    place: Any,
    name: str,
    node_id: str,
    outputs: tuple[str, ...],
) -> None:
    """As when PyAV 19 dropped an argument: each video and each sound was refused after it was
    paid."""
    files = {"3": RED, "4": film(), "5": wav()}
    results = [result(one, data) for one, data in files.items()]
    monkeypatch.setattr(place, name, gone)
    found = made([*results, result("6", b"words", ".txt")])
    monkeypatch.undo()
    kept = [one for one in found["files"] if f"_{node_id}_" in one]
    assert len(kept) == 1
    for output in (*outputs, f"out_{int(node_id) - 2}"):
        (message,) = words(found[output])
        assert kept[0] in message
        assert "this name is no more" in message
    whole = {"images", "masks", "video", "audio", "text"} - {*outputs}
    assert not any(words(found[output]) for output in whole)


def test_pictures_stand_where_the_first_of_their_node_stood(made: Made, result: Any) -> None:
    first, last = result("3", b"one", ".txt"), result("3", b"two", ".txt")
    found = made([first, result("3", RED), last, result("3", RED)])
    before, pictures, after = found["out_1"]
    assert (before, after) == ("one", "two")
    assert pictures.shape == (2, 4, 5, 3)
    assert found["text"] == ["one", "two"]
    assert len(found["files"]) == 2


def test_every_type_has_one_adapter_and_every_file_one_reader(result: Any) -> None:
    table = load_pack("nodes.values.adapters.table")
    assert list(table.BY_TYPE) == ["IMAGE", "MASK", "VIDEO", "AUDIO"]
    assert list(table.TYPED) == OUTPUTS[:6]
    samples = {"IMAGE": RED, "AUDIO": wav()}
    for name, data in samples.items():
        assert table.reader_of(result("1", data)) is table.BY_TYPE[name]
    assert table.reader_of(result("1", b"words", ".txt")) is table.PLAIN


@pytest.mark.parametrize(
    ("orders", "told"),
    [
        ("1", "done in 9 s · 1 coin"),
        ("1 1s 1s", "done in 9 s · 1 coin"),
        ("1s 1 2", "2 orders done · 2 coins"),
        ("1k 2", "2 orders done · 1 of them kept from before · 1 coin"),
        ("1s 2", "2 orders done · 1 of them ordered and told by an equal node · 1 coin"),
        (
            "1t 2t 3 4k",
            "4 orders done · 1 of them kept from before · 1 coin · 2 were ordered before · 2 coins",
        ),
        ("1t 2t", "2 orders done · 2 were ordered before · 2 coins"),
        ("1t", "done · it was ordered before, nothing was ordered now · 1 coin"),
        ("1k 1k", "nothing was paid now: kept from an equal order before"),
        ("1s 1s", "done together with an equal node, which tells the cost; nothing was paid twice"),
    ],
)
def test_what_was_ordered_is_told_each_once(made: Made, orders: str, told: str) -> None:
    assert load_pack("nodes.values.outputs").done_sentence(outcomes_of(orders)) == told


@pytest.mark.parametrize(
    ("orders", "count"), [("1", 1), ("1 1s 1s", 1), ("1s 1 2", 2), ("1k 2", 2)]
)
def test_the_canvas_is_told_of_as_many_orders_as_there_were(
    made: Made, orders: str, count: int
) -> None:
    told = load_pack("nodes.values.outputs").notice_for_canvas(outcomes_of(orders), "")
    assert json.loads(told)["orders"] == count


def outcomes_of(orders: str) -> list[Any]:
    """An outcome a word: its task's id, and k for kept, s for shared, t for taken up."""
    outcomes, tasks = load_pack("rh_api.run.results"), load_pack("rh_api.wire.tasks")
    return [
        outcomes.Outcome(
            task_id=one[0],
            results=(),
            usage=tasks.Usage(coins="1", seconds="9"),
            tips=None,
            seconds=9.0,
            kept=one.endswith("k"),
            shared=one.endswith("s"),
            taken_up=one.endswith("t"),
        )
        for one in orders.split()
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
    lines = load_pack("nodes.values.outputs").done_lines([done, done])
    assert lines["en"].startswith("not all results came · done in 9 s · 1 coin · ")
    assert lines["en"].count("13") == 1
    assert "13" in lines["zh"]
    assert lines["zh"].startswith("结果不全 · ")
