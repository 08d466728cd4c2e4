"""The prompt put into files of media: there afterwards, and the media what they were."""

from __future__ import annotations

import json
import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from tests.unit.nodes.conftest import load_pack

copy = load_pack("nodes.values.codecs.embedded_texts").copy

SAID: dict[str, Any] = {"prompt": {"1": {"text": "naïve 图"}}, "workflow": {"nodes": [1, 2]}}
TEXTS = {name: json.dumps(value) for name, value in SAID.items()}
CODECS = {
    ".flac": "flac",
    ".mp3": "libmp3lame",
    ".opus": "libopus",
    ".webm": "libvpx-vp9",
    ".mp4": "libx264",
    ".mkv": "libx264",
}


def media(path: Path) -> None:
    """Half a second of noise, or ten frames."""
    chance = np.random.default_rng(1)
    with av.open(str(path), "w") as container:
        if path.suffix in (".webm", ".mp4", ".mkv"):
            stream: Any = container.add_stream(CODECS[path.suffix], rate=10)
            stream.width, stream.height, stream.pix_fmt = 32, 16, "yuv420p"
            for _ in range(10):
                pixels = chance.integers(0, 256, (16, 32, 3), dtype=np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels)))
        else:
            stream = container.add_stream(CODECS[path.suffix], rate=48000)
            kind = "s16" if path.suffix == ".flac" else "fltp"
            noise = chance.normal(0, 0.1, (1, 24000))
            data = (noise * 32767).astype("int16") if kind == "s16" else noise.astype("float32")
            frame = av.AudioFrame.from_ndarray(data, format=kind, layout="mono")
            frame.sample_rate, frame.time_base, frame.pts = 48000, Fraction(1, 48000), 0
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def decoded(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        frames: Any = container.decode(container.streams[0])
        return [frame.to_ndarray().tobytes() for frame in frames]


def texts_of(path: Path) -> dict[str, str]:
    with av.open(str(path)) as container:
        texts = {**container.metadata, **container.streams[0].metadata}
    return {name.lower(): text for name, text in texts.items()}


@pytest.mark.parametrize("suffix", sorted(CODECS))
def test_sound_and_film_carry_the_prompt_and_are_what_they_were(
    tmp_path: Path, suffix: str
) -> None:
    source, target = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    media(source)
    copy(source, target, SAID)
    assert TEXTS.items() <= texts_of(target).items()
    assert decoded(target) == decoded(source) != []


def test_a_film_still_begins_with_its_index(tmp_path: Path) -> None:
    """Without it a page plays nothing before all has come. ComfyUI's SaveVideo puts it there."""
    source, target = tmp_path / "a.mp4", tmp_path / "b.mp4"
    media(source)
    copy(source, target, SAID)
    data = target.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


@pytest.mark.parametrize(
    ("codec", "pixels"), [("libvpx-vp9", "yuva420p"), ("libsvtav1", "yuv420p")]
)
def test_a_film_keeps_its_alpha_and_its_rate(tmp_path: Path, codec: str, pixels: str) -> None:
    source, target = tmp_path / "a.webm", tmp_path / "b.webm"
    with av.open(str(source), "w") as container:
        stream: Any = container.add_stream(codec, rate=Fraction(2997, 125))
        stream.width = stream.height = 64
        stream.pix_fmt = pixels
        for _ in range(3):
            container.mux(stream.encode(av.VideoFrame(64, 64, pixels)))
        container.mux(stream.encode(None))
    copy(source, target, SAID)
    assert TEXTS.items() <= texts_of(target).items()
    with av.open(str(source)) as before, av.open(str(target)) as after:
        old, new = before.streams.video[0], after.streams.video[0]
        if int(av.__version__.partition(".")[0]) >= 18:  # older ones hand on no rate
            assert (new.average_rate, new.base_rate) == (old.average_rate, old.base_rate)
        tags = [{k.lower(): v for k, v in stream.metadata.items()} for stream in (old, new)]
        assert tags[0].get("alpha_mode") == tags[1].get("alpha_mode")


def exr(path: Path) -> None:
    """Noise in floats, as SaveImageAdvanced has it encoded."""
    noise = np.random.default_rng(3).random((37, 23, 3), np.float32)
    encoder: Any = av.CodecContext.create("exr", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 23, 37, "gbrpf32le"
    encoder.time_base = Fraction(1, 1)
    frame = av.VideoFrame.from_ndarray(noise, format="gbrpf32le")
    frame.pts = 0
    path.write_bytes(b"".join(map(bytes, (*encoder.encode(frame), *encoder.encode()))))


def test_an_exr_carries_the_prompt_in_place_of_the_cloud_s(tmp_path: Path) -> None:
    source, target, again = (tmp_path / name for name in ("a.exr", "b.exr", "c.exr"))
    exr(source)
    copy(source, target, {"prompt": {"1": "the cloud's"}, "workflow": 1})
    copy(target, again, SAID)
    data = again.read_bytes()
    for name, text in TEXTS.items():
        assert name.encode() + b"\0string\0" + struct.pack("<I", len(text)) + text.encode() in data
    assert b"the cloud's" in target.read_bytes()
    assert b"the cloud's" not in data
    assert decoded(source) == decoded(target) == decoded(again) != []


def test_an_exr_that_is_cut_or_has_tiles_is_copied_as_it_is(tmp_path: Path) -> None:
    source, target = tmp_path / "a.exr", tmp_path / "b.exr"
    exr(source)
    whole = source.read_bytes()
    tiled = whole[:5] + bytes([whole[5] | 2]) + whole[6:]
    for data in (tiled, b"x" + whole[1:], *(whole[:size] for size in range(0, 700, 7))):
        source.write_bytes(data)
        copy(source, target, SAID)
        assert target.read_bytes() == data


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("frames", [1, 3])
@pytest.mark.parametrize("lossless", [True, False])
def test_a_webp_carries_the_prompt_where_comfyui_looks_for_it(
    tmp_path: Path, mode: str, frames: int, lossless: bool
) -> None:
    chance = np.random.default_rng(2)
    shape = (9, 13, len(mode))
    pictures = [
        Image.fromarray(chance.integers(0, 256, shape, dtype=np.uint8), mode) for _ in range(frames)
    ]
    source, target = tmp_path / "a.webp", tmp_path / "b.webp"
    pictures[0].save(
        source, lossless=lossless, save_all=frames > 1, append_images=pictures[1:], exif=b"old"
    )
    copy(source, target, SAID)
    with Image.open(source) as before, Image.open(target) as after:
        exif = after.getexif()
        assert exif[0x0110] == f"prompt:{TEXTS['prompt']}"
        assert exif[0x010F] == f"workflow:{TEXTS['workflow']}"
        assert (after.size, after.mode) == (before.size, before.mode)
        assert getattr(after, "n_frames", 1) == frames
        for index in range(frames):
            before.seek(index)
            after.seek(index)
            assert after.tobytes() == before.tobytes()
    again = tmp_path / "c.webp"
    copy(target, again, SAID)
    assert again.read_bytes() == target.read_bytes()


def test_a_drawing_carries_the_prompt_in_place_of_the_cloud_s(tmp_path: Path) -> None:
    source, target = tmp_path / "a.bin", tmp_path / "b.svg"
    cloud = '<svg>\n  <metadata>\n <![CDATA[\n{"prompt": 1}\n]]>\n</metadata><!--x--></svg>'
    source.write_text(cloud)
    copy(source, target, {"prompt": {"1": "a]]>b"}})
    drawing = target.read_text()
    metadata = drawing.partition("<![CDATA[")[2].partition("]]>")[0]
    assert json.loads(metadata) == {"prompt": {"1": "a]]>b"}}
    assert drawing.endswith("\n]]>\n</metadata><!--x--></svg>")
    source.write_text("<svg><!--x--></svg>")
    copy(source, target, SAID)
    assert target.read_bytes() == source.read_bytes()


def test_a_mesh_carries_the_prompt_in_place_of_the_cloud_s(tmp_path: Path) -> None:
    source, target = tmp_path / "a.glb", tmp_path / "b.glb"
    document = b'{"asset": {"version": "2.0", "extras": {"prompt": "x"}}, "n": [0.1]}'
    document += b" " * (-len(document) % 4)
    binary = struct.pack("<I4s", 4, b"BIN\0") + b"mesh"
    body = struct.pack("<I4s", len(document), b"JSON") + document + binary
    source.write_bytes(b"glTF" + struct.pack("<II", 2, 12 + len(body)) + body)
    copy(source, target, SAID)
    mesh = target.read_bytes()
    assert struct.unpack_from("<4sII", mesh) == (b"glTF", 2, len(mesh))
    length, _ = struct.unpack_from("<I4s", mesh, 12)
    assert length % 4 == 0
    carried = json.loads(mesh[20 : 20 + length])
    assert carried == {"asset": {"version": "2.0", "extras": TEXTS}, "n": [0.1]}
    assert mesh[20 + length :] == binary


@pytest.mark.parametrize("name", ["a.webp", "a.flac", "a.mp4", "a.png", "a.glb", "a.exr"])
def test_what_is_damaged_or_holds_no_texts_is_copied(tmp_path: Path, name: str) -> None:
    source, target = tmp_path / name, tmp_path / f"b{name[1:]}"
    source.write_bytes(b"RIFF\x10\0\0\0WEBPVP8 \xff\xff\0\0cut")
    copy(source, target, SAID)
    assert target.read_bytes() == source.read_bytes()


def test_without_texts_it_is_the_same_file(tmp_path: Path) -> None:
    source, target = tmp_path / "a.flac", tmp_path / "b.flac"
    media(source)
    copy(source, target, {})
    assert target.read_bytes() == source.read_bytes()
