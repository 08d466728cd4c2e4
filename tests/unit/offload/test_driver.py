"""What a segment's order brings back, and which models the cloud has."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from unit.offload.prompts import segment_of

from rh_api.client import Outcome, Result, Source
from rh_api.errors import BadInput
from rh_api.offload import (
    FILES,
    ClassInfo,
    Inlet,
    InputInfo,
    Item,
    Mark,
    Outlet,
    Segment,
    core_class,
    cut,
    with_inlet,
)
from rh_api.offload.driver import (
    NothingCame,
    inlet_value_from,
    is_same_model,
    require_results,
    results_of,
    sound_channels,
    text_of,
    value_of,
)
from rh_api.wire.filetypes import PNG, WAV
from rh_api.wire.orders import Tips
from rh_api.wire.tasks import Usage
from tests.support.graphs import node


def outlet(kind: str = "IMAGE", saver: str = "9", prefix: str = "runninghub_9") -> Outlet:
    return Outlet(1, kind, ("8", 0), saver, prefix)


def picture(node_id: str, name: str) -> Result:
    return Result(node_id, name, Path(name), PNG)


def test_a_saver_s_files_are_told_by_its_node_in_the_order_of_their_counter() -> None:
    results = [
        picture("9", "runninghub_9_00002_abcde_1760000000.png"),
        picture("7", "runninghub_9_00001_abcde_1760000000.png"),
        picture("9", "runninghub_9_00001_abcde_1760000000.png"),
    ]
    assert results_of(outlet(), results) == [results[2], results[0]]


def test_results_without_node_ids_are_told_by_the_prefix() -> None:
    results = [
        picture("", "runninghub_9_00001_.png"),
        picture("", "runninghub_90_00001_.png"),
        picture("", "other_00001_.png"),
    ]
    assert results_of(outlet(), results) == [results[0]]
    # A saver of text has no file name, so only its node tells.
    assert results_of(outlet(FILES, prefix=""), results) == []


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("STRING", " as it is\n", " as it is\n"),
        ("INT", "18446744073709551615", 2**64 - 1),
        ("FLOAT", "1e-07", 1e-7),
        ("FLOAT", "3", 3.0),
        ("INT", "3.0", 3),
        ("INT", "True", 1),
        ("INT", "tensor(-3)", -3),
        ("FLOAT", "tensor(3., device='cuda:0')", 3.0),
        ("BOOLEAN", "tensor(True)", True),
        ("BOOLEAN", "1", True),
        ("BOOLEAN", "0.0", False),
        ("BOOLEAN", "True", True),
        ("BOOLEAN", "False", False),
    ],
)
def test_a_text_becomes_the_value_that_it_was(kind: str, text: str, value: object) -> None:
    result = value_of(outlet(kind), text)
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("INT", "1.5"),
        ("INT", "nan"),
        ("INT", "1e999"),
        ("FLOAT", "much"),
        ("FLOAT", "None"),
        ("FLOAT", "tensor(0.1235)"),
        ("BOOLEAN", "2"),
    ],
)
def test_a_text_that_is_no_such_value_is_refused(kind: str, text: str) -> None:
    with pytest.raises(BadInput, match=kind):
        value_of(outlet(kind), text)


def test_a_text_is_read_from_its_file_too(tmp_path: Path) -> None:
    path = tmp_path / "0000.txt"
    path.write_bytes("\ufeffwords".encode())
    assert text_of(Result("9", "a.txt", path, None, size=8)) == "words"
    assert text_of(Result("9", "", None, None, text="words")) == "words"
    with pytest.raises(BadInput):
        text_of(Result("9", "a.txt", path, None, size=2**40))


@pytest.mark.parametrize(("mode", "channels"), [("RGB", 3), ("L", 3), ("RGBA", 4)])
def test_a_picture_goes_into_the_next_order_with_the_channels_it_has(
    tmp_path: Path, mode: str, channels: int
) -> None:
    path = tmp_path / "a.png"
    Image.new(mode, (2, 2)).save(path)
    inlet = Inlet(0, "IMAGE", ("8", 0), (("3", "image"),))
    value = inlet_value_from(inlet, outlet(), [Result("9", "a.png", path, PNG)])
    assert [item.channels for item in value.items] == [channels]
    assert [isinstance(file, Source) and file.size for file in value.files] == [path.stat().st_size]


def test_a_sound_and_a_number_go_into_the_next_order_as_what_they_are(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"RIFF....WAVEfmt \x10\0\0\0\x01\0\x06\0")
    sound = Inlet(0, "AUDIO", ("8", 0), (("3", "audio"),))
    value = inlet_value_from(sound, outlet("AUDIO"), [Result("9", "a.wav", path, WAV)])
    assert [item.channels for item in value.items] == [6]
    number = Inlet(0, "INT", ("8", 0), (("3", "width"),))
    value = inlet_value_from(number, outlet("INT"), [Result("9", "", None, None, text="640")])
    assert ([item.value for item in value.items], value.files) == ([640], ())


def test_an_order_of_which_nothing_came_is_refused_and_one_of_which_something_came_is_not() -> None:
    outlets = (outlet(), Outlet(2, "IMAGE", ("5", 0), "6", "runninghub_6"))
    segment = Segment("8", "", "default", {"8": {"class_type": "VAEDecode"}}, outlets=outlets)
    came = picture("6", "runninghub_6_00001_.png")
    require_results(segment, Outcome("1", (came,), Usage(), Tips(), 1.0))
    with pytest.raises(NothingCame, match=r"8 \(VAEDecode\)"):
        require_results(segment, Outcome("1", (), Usage(), Tips(), 1.0))


def test_folders_of_models_are_written_either_way() -> None:
    assert is_same_model("sdxl\\base.safetensors", "sdxl/base.safetensors")
    assert not is_same_model("base.safetensors", "sdxl/base.safetensors")


@pytest.mark.parametrize(
    ("head", "channels"),
    [
        (b"fLaC" + bytes(16) + b"\x00", 1),
        (b"fLaC" + bytes(16) + b"\xfa", 6),  # the rate before and the depth behind are no channels
        (b"RIFF....WAVEfmt \x10\0\0\0\x01\0\x02\0", 2),
        (b"RIFF....WAVEJUNK\x04\0\0\0....fmt \x28\0\0\0\xfe\xff\x06\0", 6),
        (b"ID3" + bytes(60), 0),
        (b"RIFF....WAVE", 0),
    ],
)
def test_channels_of_a_sound_are_read_where_its_head_tells(
    tmp_path: Path, head: bytes, channels: int
) -> None:
    path = tmp_path / "sound"
    path.write_bytes(head)
    assert sound_channels(path) == channels


def test_sound_of_many_channels_goes_where_only_a_picture_of_it_comes_back() -> None:
    seen = ClassInfo({"audio": InputInfo("AUDIO", required=True)}, ("IMAGE",))
    prompt = {
        "1": node("LoadAudio", audio="a.wav"),
        "2": node("Spectrogram", audio=["1", 0]),
        "3": node("PreviewImage", images=["2", 0]),
    }
    own = {"Spectrogram": seen}
    plan = cut(prompt, [Mark("part", ("2",))], lambda name: own.get(name) or core_class(name))
    segment = segment_of(plan)
    graph, fields = with_inlet(segment.graph, segment.inlets[0], [Item(channels=6)])
    assert [graph[name.partition(".")[0]]["class_type"] for name in fields] == ["LoadAudio"]
