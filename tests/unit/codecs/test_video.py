"""Videos: pictures and sound become an mp4 that holds them, and files become one batch."""

import io
import itertools
import struct
import tracemalloc
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.values.codecs import mp4, video
from nodes.values.codecs.audio import Sound
from nodes.values.codecs.errors import MediaError

COLOURS = [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 1), (0, 0, 0), (0.5, 0.5, 0.5), (0.2, 0.5, 0.8)]
LEVEL = 1 / 255


def smooth(count: int, height: int, width: int) -> np.ndarray:
    """A soft light that moves over the frames: what halved colour and H.264 hardly change."""
    rows, columns = np.mgrid[0:height, 0:width]
    frames = [
        np.stack(
            [
                0.5 + 0.4 * np.sin(columns / 40 + index / 5),
                0.5 + 0.4 * np.cos(rows / 50 + index / 7),
                np.full((height, width), 0.3),
            ],
            axis=-1,
        )
        for index in range(count)
    ]
    return np.stack(frames).astype(np.float32)


def tone(seconds: float, rate: int, channels: int = 2) -> Sound:
    wave = 0.5 * np.sin(np.arange(int(seconds * rate)) * (2 * np.pi * 440 / rate))
    return Sound(np.tile(wave.astype(np.float32), (1, channels, 1)), rate)


@pytest.fixture
def as_mp4(tmp_path):
    """Write frames as an mp4; the path."""

    def write(frames, rate=Fraction(24), sound: Sound | None = None, name="made.mp4") -> Path:
        mp4.write(tmp_path / name, frames, rate, sound)
        return tmp_path / name

    return write


def coded(path: Path, codec: str, pixels: str, frames, rate: int = 24) -> Path:
    """A file by another writer; its form goes by the suffix."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream(codec, rate=rate)
        stream.pix_fmt = pixels
        stream.height, stream.width = frames[0].shape[:2]
        for index, levels in enumerate(frames):
            kind = {(1, 3): "rgb24", (1, 4): "rgba", (2, 3): "rgb48le"}
            form = kind[levels.itemsize, levels.shape[2]]
            frame = av.VideoFrame.from_ndarray(levels, format=form).reformat(format=pixels)
            frame.pts = index
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("rate", [24, 30, 12.5, Fraction(30000, 1001), Fraction(24000, 1001), 1])
def test_pictures_and_their_rate_come_back(as_mp4, rate) -> None:
    frames = smooth(20, 90, 120)
    clip = video.read(as_mp4(frames, rate))
    assert (clip.rate, clip.frames.dtype, clip.frames.shape) == (rate, np.float32, frames.shape)
    assert np.abs(clip.frames - frames).mean() < 1.5 * LEVEL
    assert np.abs(clip.frames - frames).max() < 12 * LEVEL
    assert clip.sound is None


def test_a_rate_in_decimals_is_kept(as_mp4) -> None:
    assert video.read(as_mp4(smooth(12, 32, 32), 23.976)).rate == Fraction(2997, 125)


@pytest.mark.parametrize("colour", COLOURS)
def test_colours_stay(as_mp4, colour: tuple[float, ...]) -> None:
    frames = np.broadcast_to(np.float32(colour), (3, 32, 48, 3))
    assert np.abs(video.read(as_mp4(frames)).frames - frames).max() < 2.5 * LEVEL


@given(st.integers(1, 70), st.integers(1, 70), st.integers(1, 4))
@settings(deadline=None, max_examples=25)
def test_odd_sides_grow_by_their_last_line(height: int, width: int, channels: int) -> None:
    levels = np.full((height, width, channels), 60, np.uint8)
    levels[-1:], levels[:, -1:] = 200, 200
    file = io.BytesIO()
    mp4.write(file, [levels] * 2, 24)
    with av.open(io.BytesIO(file.getvalue())) as container:
        frame = next(container.decode(video=0)).to_ndarray(format="rgb24")
    assert frame.shape == (height + height % 2, width + width % 2, 3)
    corner = frame[-1, -1].astype(int)
    assert abs(corner - 200).max() < 30


def test_alpha_is_left_out_and_grey_becomes_colour(as_mp4) -> None:
    frames = smooth(4, 32, 32)
    see_through = np.concatenate([frames, np.zeros_like(frames[..., :1])], axis=-1)
    assert as_mp4(see_through).read_bytes() == as_mp4(frames, name="plain.mp4").read_bytes()
    grey = video.read(as_mp4(frames[..., :1], name="grey.mp4")).frames
    assert np.ptp(grey, axis=-1).max() < 3 * LEVEL


def test_strange_samples_make_an_ordinary_video(as_mp4) -> None:
    frames = np.zeros((3, 32, 32, 3), np.float16)
    frames[:] = [np.nan, np.inf, 1.5]
    assert np.abs(video.read(as_mp4(frames)).frames - np.float32([0, 1, 1])).max() < 3 * LEVEL


@pytest.mark.parametrize(
    ("channels", "rate", "written"),
    [(1, 44100, 44100), (2, 48000, 48000), (6, 48000, 48000), (2, 96000, 48000), (1, 9000, 11025)],
)
def test_sound_goes_along(as_mp4, channels: int, rate: int, written: int) -> None:
    clip = video.read(as_mp4(smooth(48, 32, 32), 24, tone(2, rate, channels)))
    assert clip.sound is not None
    assert clip.sound.rate == written
    heard = clip.sound.waveform
    # An encoder works in blocks of 1024 samples and pads the last one.
    assert heard.shape[:2] == (1, channels)
    assert 0 <= heard.shape[2] - 2 * written < 2 * 1024
    # A 5.1 file's fourth channel carries the lowest tones only.
    expected = tone(2, written).waveform[0, 0]
    middle = slice(written // 2, written)
    assert np.abs(heard[0, 0, middle] - expected[middle]).mean() < 0.05


def test_sound_ends_with_the_pictures(as_mp4) -> None:
    clip = video.read(as_mp4(smooth(12, 32, 32), 24, tone(9, 48000)))
    assert clip.sound is not None
    assert abs(clip.sound.waveform.shape[2] - 24000) < 2048


def test_sound_of_nothing_is_no_sound(as_mp4) -> None:
    nothing = Sound(np.zeros((1, 2, 0), np.float32), 44100)
    assert video.read(as_mp4(smooth(2, 32, 32), 24, nothing)).sound is None


def test_equal_videos_are_equal_bytes(as_mp4) -> None:
    first, second = (
        as_mp4(smooth(30, 64, 96), Fraction(30000, 1001), tone(1, 44100), name).read_bytes()
        for name in ("first.mp4", "second.mp4")
    )
    assert first == second


def test_frames_are_taken_one_by_one(as_mp4) -> None:
    """A long video of pictures never lies in memory as a whole."""

    def frames() -> Iterator[np.ndarray]:
        for index in range(120):
            yield np.full((120, 160, 3), index / 120, np.float32)

    tracemalloc.start()
    path = as_mp4(frames())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(video.read(path).frames) == 120
    assert peak < 120 * 120 * 160 * 3 * 4 / 4


def test_a_video_written_in_memory_is_read_back(tmp_path) -> None:
    clip = video.Clip(smooth(5, 32, 48), Fraction(25), tone(0.2, 44100))
    file, path = io.BytesIO(), tmp_path / "video.mp4"
    mp4.write(file, clip.frames, clip.rate, clip.sound)
    path.write_bytes(file.getvalue())
    back = video.read(path)
    assert (back.frames.shape, back.rate) == (clip.frames.shape, clip.rate)
    assert back.sound is not None


@pytest.mark.parametrize(
    ("frames", "rate", "sound", "key"),
    [
        ([], 24, None, "media.empty_video"),
        ([np.zeros((8, 8), np.float32)], 24, None, "media.not_a_frame"),
        ([np.zeros((8, 8, 5), np.float32)], 24, None, "media.not_a_frame"),
        ([np.zeros((0, 8, 3), np.float32)], 24, None, "media.not_a_frame"),
        ([np.zeros((2, 16385, 3), np.uint8)], 24, None, "media.frame_too_large"),
        ([np.zeros((8, 8, 3), np.int64)], 24, None, "media.wrong_samples"),
        ([np.zeros((8, 8, 3)), np.zeros((8, 10, 3))], 24, None, "media.frame_sizes"),
        ([np.zeros((8, 8, 3))], 0, None, "media.frame_rate"),
        ([np.zeros((8, 8, 3))], float("nan"), None, "media.frame_rate"),
        ([np.zeros((8, 8, 3))], 10**6, None, "media.frame_rate"),
        ([np.zeros((8, 8, 3))], 24, tone(1, 44100, 7), "media.sound_channels"),
        ([np.zeros((8, 8, 3))], 24, tone(1, 500), "media.sound_rate"),
    ],
)
def test_what_makes_no_video_is_refused_and_leaves_no_file(
    tmp_path, frames: list[np.ndarray], rate: float, sound: Sound | None, key: str
) -> None:
    path = tmp_path / "video.mp4"
    with pytest.raises(MediaError) as refusal:
        mp4.write(path, frames, rate, sound)
    assert refusal.value.key == key
    assert not path.exists()


def test_a_failing_source_of_frames_leaves_no_file(tmp_path) -> None:
    def frames() -> Iterator[np.ndarray]:
        yield from smooth(3, 32, 32)
        raise KeyError("the neighbour failed")

    with pytest.raises(KeyError, match="neighbour"):
        mp4.write(tmp_path / "video.mp4", frames(), 24)
    assert not list(tmp_path.iterdir())


def test_levels_are_read_without_bias(tmp_path) -> None:
    """Against the formula of BT.709, on even colour, where the way to enlarge it plays no part."""
    chance = np.random.default_rng(5)
    luma = chance.integers(60, 180, (64, 96), np.uint8)
    frame = av.VideoFrame(96, 64, "yuv420p")
    for plane, value in zip(frame.planes, (luma, 120, 140), strict=True):
        padded = np.zeros((plane.height, plane.line_size), np.uint8)
        padded[:, : plane.width] = value
        plane.update(padded.tobytes())
    path = tmp_path / "video.mkv"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("ffv1", rate=24)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        stream.codec_context.colorspace, stream.codec_context.color_range = 1, 1
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    light, blue, red = (luma - 16.0) / 219, (120 - 128) / 224, (140 - 128) / 224
    expected = [light + 1.5748 * red, light - 0.1873 * blue - 0.4681 * red, light + 1.8556 * blue]
    error = video.read(path).frames[0] - np.stack(expected, axis=-1)
    assert np.abs(error).max() < 0.52 * LEVEL
    assert np.abs(error.mean(axis=(0, 1))).max() < 0.02 * LEVEL


def test_colours_are_read_by_the_matrix_of_each_frame(tmp_path) -> None:
    def stream_of(colorspace: int) -> bytes:
        path = tmp_path / f"{colorspace}.ts"
        with av.open(str(path), "w") as output:
            stream = output.add_stream("libx264", rate=24)
            stream.width, stream.height, stream.pix_fmt = 64, 32, "yuv420p"
            stream.codec_context.colorspace, stream.codec_context.color_range = colorspace, 1
            for index in range(12):
                frame = av.VideoFrame(64, 32, "yuv420p")
                for plane, value in zip(frame.planes, (100, 90, 170), strict=True):
                    plane.update(bytes([value]) * plane.buffer_size)
                frame.colorspace, frame.color_range, frame.pts = colorspace, 1, index
                output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
        return path.read_bytes()

    joined = tmp_path / "joined.ts"
    joined.write_bytes(stream_of(1) + stream_of(5))  # BT.709, then BT.601
    apart = [video.read(tmp_path / name).frames for name in ("1.ts", "5.ts")]
    assert np.abs(apart[0] - apart[1]).max() > 5 * LEVEL
    assert np.array_equal(video.read(joined).frames, np.concatenate(apart))


def test_more_than_eight_bits_are_kept(tmp_path) -> None:
    ramp = np.linspace(0.2, 0.4, 512)[None, :, None] * np.ones((64, 1, 3))
    levels = np.rint(ramp * 65535).astype(np.uint16)
    path = coded(tmp_path / "deep.mp4", "libx264", "yuv420p10le", [levels] * 3)
    frames = video.read(path).frames
    assert len(np.unique(frames[0, 32, :, 0])) > 1.8 * 51
    assert np.abs(frames - ramp).mean() < LEVEL


@pytest.mark.parametrize("pixels", ["rgb555le", "bgr24"])
def test_colours_that_are_rgb_already_stay_to_the_bit(tmp_path, pixels: str) -> None:
    """By way of FFmpeg's planes those of five bits would be some levels off."""
    levels = np.random.default_rng(3).integers(0, 256, (48, 64, 3), np.uint8)
    path = coded(tmp_path / "raw.avi", "rawvideo", pixels, [levels] * 3)
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
    assert frame.format.name == pixels
    expected = frame.to_ndarray(format="rgb24").astype(np.float32) / 255
    assert np.array_equal(video.read(path).frames, [expected] * 3)


@pytest.mark.parametrize(
    ("name", "codec", "pixels"),
    [
        ("a.webm", "libvpx-vp9", "yuv420p"),
        ("a.mkv", "ffv1", "bgr0"),
        ("a.avi", "mpeg4", "yuv420p"),
        ("a.mov", "qtrle", "argb"),
        ("a.gif", "gif", "rgb8"),
    ],
)
def test_other_files_are_read_too(tmp_path, name: str, codec: str, pixels: str) -> None:
    levels = np.full((40, 64, 4 if pixels == "argb" else 3), 100, np.uint8)
    path = coded(tmp_path / name, codec, pixels, [levels] * 40)
    clip = video.read(path)
    assert clip.frames.shape == (40, 40, 64, 3)
    # A GIF of few colours mixes them.
    assert np.abs(clip.frames.mean(axis=(0, 1, 2)) - 100 / 255).max() < 8 * LEVEL
    assert video.has_alpha(path) is (name in ("a.mov", "a.gif"))


@pytest.mark.parametrize("counted", [0, 3, 40, 90])
def test_the_number_of_frames_may_be_told_wrong(as_mp4, counted: int) -> None:
    frames = smooth(40, 32, 48)
    path = as_mp4(frames)
    honest = video.read(path).frames
    raw = io.BytesIO()
    with av.open(str(path)) as source, av.open(raw, "w", format="matroska") as target:
        copy = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = copy
                target.mux(packet)
    uncounted = path.with_suffix(".mkv")
    uncounted.write_bytes(_with_duration(raw.getvalue(), counted / 24))
    np.testing.assert_array_equal(video.read(uncounted).frames, honest)


def _with_duration(matroska: bytes, seconds: float) -> bytes:
    """The file with another duration in its header, or with none."""
    place = matroska.index(b"\x44\x89\x88") + 3
    return matroska[:place] + struct.pack(">d", seconds * 1000) + matroska[place + 8 :]


@pytest.mark.parametrize(
    ("box", "place", "claim", "frames"),
    [
        (b"mvhd", 20, struct.pack(">I", 2**32 - 16), 10),
        (b"mdhd", 20, struct.pack(">I", 2**32 - 16), 10),
        (b"tkhd", 80, struct.pack(">2I", 0xFFFF0000, 0xFFFF0000), 10),
        (b"avc1", 28, struct.pack(">2H", 65535, 65535), 10),
        # 14 GiB of frames, which is just allowed
        (b"stts", 12, struct.pack(">I", 400_000), 10),
        (b"stts", 12, struct.pack(">I", 2**31 - 16), "media.too_much_video"),
        (b"stsz", 12, struct.pack(">I", 2**31 - 16), "media.unreadable_video"),
        (b"stsz", 8, struct.pack(">2I", 100, 2**31 - 16), "media.no_video"),
    ],
    ids=["film", "track", "size", "coded size", "frames", "times", "sizes", "equal sizes"],
)
def test_what_an_mp4_claims_costs_no_memory(
    as_mp4, box: bytes, place: int, claim: bytes, frames: int | str
) -> None:
    """A huge size or length in a header: the film that is there comes, or a refusal."""
    path = as_mp4(smooth(10, 48, 64))
    data = path.read_bytes()
    at = data.index(box) + place
    path.write_bytes(data[:at] + claim + data[at + len(claim) :])
    tracemalloc.start()
    try:
        outcome: int | str = len(video.read(path).frames)
    except MediaError as refusal:
        outcome = refusal.key
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert outcome == frames
    assert peak < 2**29


def test_a_film_that_tells_its_length_takes_no_room_beyond_its_frames(as_mp4) -> None:
    path = as_mp4(np.zeros((100, 480, 720, 3), np.uint8))
    tracemalloc.start()
    try:
        room = video.read(path).frames.nbytes
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert room > 2**28
    assert peak < 1.1 * room


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turned_video_is_set_upright(as_mp4, turns: int) -> None:
    frames = smooth(3, 48, 64)
    path = as_mp4(frames)
    data = path.read_bytes()
    plus, minus = 0x10000, 0xFFFF0000
    matrix = {
        1: (0, minus, 0, plus, 0, 0, 0, 0, 0x40000000),
        2: (minus, 0, 0, 0, minus, 0, 0, 0, 0x40000000),
        3: (0, plus, 0, minus, 0, 0, 0, 0, 0x40000000),
    }[turns]
    place = data.index(b"tkhd") + 44
    path.write_bytes(data[:place] + struct.pack(">9I", *matrix) + data[place + 36 :])
    upright = np.rot90(frames, turns, axes=(1, 2))
    back = video.read(path).frames
    assert back.shape == upright.shape
    assert np.abs(back - upright).mean() < 1.5 * LEVEL


def test_damage_in_the_middle_costs_some_frames_at_most(as_mp4) -> None:
    path = as_mp4(smooth(40, 64, 64))
    data = bytearray(path.read_bytes())
    middle = data.index(b"mdat") + (len(data) - data.index(b"mdat")) // 2
    data[middle : middle + 60] = bytes(60)
    path.write_bytes(data)
    assert 1 <= len(video.read(path).frames) <= 40


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0\0\0\x20ftypisom" + bytes(200),
        b"\x1aE\xdf\xa3" + bytes(200),
        b"<html>no video</html>",
        b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/x.ts\n#EXT-X-ENDLIST\n",
        b"ffconcat version 1.0\nfile /etc/hostname\n",
    ],
)
def test_bytes_that_are_no_video_are_named_without_the_path(tmp_path, data: bytes) -> None:
    path = tmp_path / "video.mp4"
    path.write_bytes(data)
    with pytest.raises(MediaError) as refusal:
        video.read(path)
    assert refusal.value.key == "media.unreadable_video"
    assert refusal.value.params["file"] == "video.mp4"
    assert str(tmp_path) not in str(refusal.value)


def test_half_a_file_is_no_reason_to_crash(as_mp4) -> None:
    path = as_mp4(smooth(20, 64, 64), 24, tone(1, 44100))
    data = path.read_bytes()
    for end in itertools.chain(range(0, 2000, 97), range(2000, len(data), 3001)):
        path.write_bytes(data[:end])
        try:
            assert len(video.read(path).frames) <= 20
        except MediaError as error:
            assert error.key in ("media.unreadable_video", "media.no_video")  # noqa: PT017


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_tags_in_another_encoding_cost_nothing_but_their_letters(tmp_path, suffix) -> None:
    path = tmp_path / f"tagged.{suffix}"
    with av.open(str(path), "w") as output:
        output.metadata["title"] = "caf__"
        stream = output.add_stream("mpeg4", rate=24)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        output.mux(stream.encode(av.VideoFrame(32, 32, "yuv420p")))
        output.mux(stream.encode(None))
    path.write_bytes(path.read_bytes().replace(b"caf__", "café".encode("latin-1") + b"!"))
    clip = video.read(path)
    assert (len(clip.frames), clip.tags["title"]) == (1, "caf\ufffd!")


def test_of_several_sounds_the_last_is_read_as_comfyui_reads_it(tmp_path) -> None:
    """As of a screen recorder, which keeps the microphone apart."""
    path = tmp_path / "video.mkv"
    with av.open(str(path), "w") as output:
        picture = output.add_stream("mpeg4", rate=24)
        picture.width, picture.height, picture.pix_fmt = 32, 32, "yuv420p"
        sounds = [
            output.add_stream("pcm_f32le", rate=rate, layout="mono") for rate in (8000, 16000)
        ]
        output.mux(picture.encode(av.VideoFrame(32, 32, "yuv420p")))
        for sound, rate in zip(sounds, (8000, 16000), strict=True):
            frame = av.AudioFrame.from_ndarray(tone(1, rate, 1).waveform[0], "flt", "mono")
            frame.sample_rate = rate
            output.mux(sound.encode(frame))
        for stream in (picture, *sounds):
            output.mux(stream.encode(None))
    sound = video.read(path).sound
    assert sound is not None
    assert (sound.rate, sound.waveform.shape) == (16000, (1, 1, 16000))


def test_sound_alone_is_no_video(tmp_path) -> None:
    path = tmp_path / "sound.m4a"
    with av.open(str(path), "w", format="mp4") as output:
        stream = output.add_stream("aac", rate=44100, layout="mono")
        frame = av.AudioFrame.from_ndarray(tone(1, 44100, 1).waveform[0], "fltp", "mono")
        frame.sample_rate = 44100
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    with pytest.raises(MediaError) as refusal:
        video.read(path)
    assert refusal.value.key == "media.no_video"


def of_a_million_frames(path: Path) -> Path:
    """An mp4 whose tables say, in one entry each, that so many frames of 16 bytes follow."""
    mp4.write(path, smooth(4, 64, 64), 24)
    data = bytearray(path.read_bytes())
    struct.pack_into(">III", data, data.index(b"stts") + 8, 1, 10**6, 1)
    struct.pack_into(">II", data, data.index(b"stsz") + 8, 16, 10**6)
    struct.pack_into(">IIII", data, data.index(b"stsc") + 8, 1, 1, 10**6, 1)
    path.write_bytes(data)
    return path


def of_a_huge_frame(path: Path) -> Path:
    """A small GIF that says it is drawn on a canvas of 9000 by 9000."""
    path = coded(path.with_suffix(".gif"), "gif", "rgb8", [np.zeros((8, 8, 3), np.uint8)] * 2)
    data = bytearray(path.read_bytes())
    struct.pack_into("<HH", data, 6, 9000, 9000)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("bomb", [of_a_million_frames, of_a_huge_frame])
def test_a_bomb_is_refused_before_it_takes_memory(tmp_path, bomb) -> None:
    path = bomb(tmp_path / "video.mp4")
    tracemalloc.start()
    with pytest.raises(MediaError) as refusal:
        video.read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert refusal.value.key == "media.too_much_video"
    assert peak < 2**24
