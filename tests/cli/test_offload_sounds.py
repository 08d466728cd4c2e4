"""`offload`: sounds go up, and come back, without a ComfyUI that could count their channels."""

from __future__ import annotations

import wave
from pathlib import Path

import pytest

from rh_api.emulator import Emulator
from tests.support.graphs import node

from .conftest import Call
from .prompts import written


def sound(path: Path, channels: int) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, 2, 8000, 80, "NONE", ""))
        file.writeframes(bytes(2 * channels * 80))
    return path


SOUND = {
    "1": node("LoadAudio", audio="sound.wav"),
    "2": node("AudioAdjustVolume", audio=["1", 0], volume=0),
    "3": node("SaveAudio", audio=["2", 0], filename_prefix="out"),
}


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("marked", [(["2", "3"],), (["1"], ["2", "3"])], ids=["in", "out and in"])
def test_a_sound_crosses(
    call: Call, tmp_path: Path, channels: int, marked: tuple[list[str], ...]
) -> None:
    here = sound(tmp_path / "sound.wav", channels)
    marks = {"segments": [{"nodes": nodes, "name": str(nodes)} for nodes in marked]}
    path = written(tmp_path, {"prompt": SOUND, "extra_data": {"runninghub": marks}})
    ran = call("offload", str(path), "--out", str(tmp_path / "out"), "--json")

    assert ran.code == 0, ran.err
    (result,) = ran.document["segments"][-1]["results"]
    assert Path(result["path"]).read_bytes() == here.read_bytes()


def test_what_becomes_of_a_sound_is_explained_before_anybody_has_looked_at_it(
    call: Call, emulator: Emulator, tmp_path: Path
) -> None:
    sound(tmp_path / "sound.wav", 2)
    ran = call("offload", str(written(tmp_path, SOUND)), "--nodes", "2", "--explain", "--json")

    assert ran.code == 0, ran.err
    (segment,) = ran.document["segments"]
    assert [sound["kind"] for sound in (*segment["up"], *segment["back"])] == ["AUDIO", "AUDIO"]
    assert segment["quote"]["rate"]["a_second"] == "0.2"
    assert emulator.counters.orders == 0


def test_a_sound_whose_channels_its_head_does_not_tell_is_sent(
    call: Call, emulator: Emulator, tmp_path: Path
) -> None:
    (tmp_path / "sound.mp3").write_bytes(b"ID3" + bytes(600))
    prompt = {**SOUND, "1": node("LoadAudio", audio="sound.mp3")}
    ran = call("offload", str(written(tmp_path, prompt)), "--nodes", "2,3", "--out", str(tmp_path))

    assert emulator.counters.orders == 1, ran.err


def test_a_sound_of_more_channels_than_come_back_is_refused_before_any_request(
    call: Call, emulator: Emulator, tmp_path: Path
) -> None:
    sound(tmp_path / "sound.wav", 6)
    ran = call("offload", str(written(tmp_path, SOUND)), "--nodes", "2")

    assert (ran.code, emulator.counters.total) == (2, 0)
    assert "has 6 channels, but at most 2" in ran.err
