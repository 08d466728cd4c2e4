"""What a segment's order brings back, and which models the cloud has."""

from __future__ import annotations

from pathlib import Path

import pytest

from rh_api.client import Result
from rh_api.errors import BadInput
from rh_api.offload import FILES, Outlet
from rh_api.offload.driver import is_same_model, results_of, sound_channels, text_of, value_of
from rh_api.wire.filetypes import PNG


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
