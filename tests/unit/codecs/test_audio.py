"""Sound goes up as it is, to the bit, and comes down out of whatever file holds it."""

import io
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from nodes.values.codecs import audio
from nodes.values.codecs.errors import MediaError

SOUNDS = arrays.arrays(
    np.float32,
    st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 400)),
    elements=st.floats(allow_nan=False, allow_infinity=False, width=32),
)
RATES = st.sampled_from([8000, 11025, 16000, 22050, 44100, 48000, 96000, 192000])


def noise(*shape: int) -> np.ndarray:
    return (np.random.default_rng(3).normal(size=shape) * 0.3).astype(np.float32)


def load_audio(file: object) -> tuple[np.ndarray, int]:
    """How ComfyUI's LoadAudio reads a file, on arrays."""
    with av.open(file) as container:
        stream = container.streams.audio[0]
        channels = stream.codec_context.layout.nb_channels
        blocks = []
        for frame in container.decode(stream):
            block = frame.to_ndarray()
            blocks.append(block if len(block) == channels else block.reshape(-1, channels).T)
        samples = np.concatenate(blocks, axis=1)
    if samples.dtype.kind == "i":
        samples = samples.astype(np.float32) / np.float32(2.0 ** (samples.itemsize * 8 - 1))
    return samples, stream.sample_rate


def write_with_av(path: Path, codec: str, layout: str, rate: int = 48000) -> Path:
    channels = {"mono": 1, "stereo": 2, "5.1": 6}[layout]
    with av.open(str(path), "w") as output:
        stream = output.add_stream(codec, rate=rate, layout=layout)
        frame = av.AudioFrame.from_ndarray(noise(channels, rate), format="fltp", layout=layout)
        frame.sample_rate, frame.pts = rate, 0
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


@given(SOUNDS, RATES)
@settings(deadline=None)
def test_every_value_arrives_through_ffmpeg(sounds: np.ndarray, rate: int) -> None:
    files = audio.encode(sounds, rate)
    assert len(files) == len(sounds)
    for file, sound in zip(files, sounds, strict=True):
        assert (file.suffix, file.mime) == (".wav", "audio/wav")
        samples, read_rate = load_audio(io.BytesIO(file.data))
        assert samples.tobytes() == sound.tobytes()
        assert read_rate == rate


@pytest.mark.parametrize("channels", [1, 2, 3, 6, 8, 16, 64])
def test_what_is_written_is_read_back(tmp_path, channels: int) -> None:
    sound = noise(1, channels, 70_001)
    (file,) = audio.encode(sound, 44100)
    path = tmp_path / "sound.wav"
    path.write_bytes(file.data)
    back = audio.read(path)
    assert back.rate == 44100
    assert back.waveform.dtype == np.float32
    np.testing.assert_array_equal(back.waveform, sound)


def test_equal_sounds_are_equal_bytes_in_any_memory_layout() -> None:
    sound = noise(1, 2, 5000)
    turned = np.asfortranarray(sound)[:, ::-1][:, ::-1]
    assert audio.encode(sound, 48000) == audio.encode(turned, 48000.0)


def test_what_is_no_number_is_silent_and_loud_sound_stays_loud() -> None:
    sound = np.array([[[np.nan, np.inf, -np.inf, 1.5, -3.0, 0.1]]], np.float64)
    (file,) = audio.encode(sound, 8000)
    samples, _ = load_audio(io.BytesIO(file.data))
    assert samples[0].tolist() == [0, 1, -1, 1.5, -3, np.float32(0.1)]
    assert np.isnan(sound[0, 0, 0])


def test_a_sound_without_its_batch_axis_is_one_sound() -> None:
    assert audio.encode(noise(2, 30), 8000) == audio.encode(noise(2, 30)[None], 8000)


@pytest.mark.parametrize(
    ("waveform", "rate", "key"),
    [
        (np.zeros((1, 2, 0), np.float32), 44100, "media.empty_sound"),
        (np.zeros((0, 2, 9), np.float32), 44100, "media.empty_sound"),
        (np.zeros((1, 0, 9), np.float32), 44100, "media.empty_sound"),
        (np.zeros(9, np.float32), 44100, "media.not_a_sound"),
        (np.zeros((1, 1, 1, 9), np.float32), 44100, "media.not_a_sound"),
        (np.zeros((1, 2, 9), np.int16), 44100, "media.sound_samples"),
        (np.zeros((1, 65, 9), np.float32), 44100, "media.sound_channels"),
        (np.zeros((1, 2, 9), np.float32), 0, "media.sound_rate"),
        (np.zeros((1, 2, 9), np.float32), -44100, "media.sound_rate"),
        (np.zeros((1, 2, 9), np.float32), 44100.5, "media.sound_rate"),
        (np.zeros((1, 2, 9), np.float32), float("nan"), "media.sound_rate"),
        (np.zeros((1, 2, 9), np.float32), 10**9, "media.sound_rate"),
        (np.zeros((1, 2, 9), np.float32), None, "media.sound_rate"),
        (np.zeros((1, 2, 9), np.float32), "44100", "media.sound_rate"),
        # Four bytes of memory that look like four gigabytes of sound.
        (np.broadcast_to(np.float32(0), (1, 2, 2**29)), 44100, "media.sound_too_long"),
    ],
)
def test_what_is_no_sound_is_refused_by_name(waveform: np.ndarray, rate: Any, key: str) -> None:
    with pytest.raises(MediaError) as refusal:
        audio.encode(waveform, rate)
    assert refusal.value.key == key


@pytest.mark.parametrize("layout", ["mono", "stereo", "5.1"])
@pytest.mark.parametrize(
    ("suffix", "codec"),
    [
        (".wav", "pcm_s16le"),
        (".wav", "pcm_s24le"),
        (".wav", "pcm_s32le"),
        (".wav", "pcm_f64le"),
        (".wav", "pcm_alaw"),
        (".flac", "flac"),
        (".ogg", "libopus"),
        (".m4a", "aac"),
        (".mp4", "aac"),
        (".mp3", "libmp3lame"),
    ],
)
def test_each_format_is_read_as_load_audio_reads_it(
    tmp_path, suffix: str, codec: str, layout: str
) -> None:
    if codec == "libmp3lame" and layout == "5.1":
        layout = "stereo"
    path = write_with_av(tmp_path / f"sound{suffix}", codec, layout)
    sound = audio.read(path)
    samples, rate = load_audio(str(path))
    assert (sound.rate, sound.waveform.dtype) == (rate, np.float32)
    np.testing.assert_array_equal(sound.waveform[0], samples.astype(np.float32))


def test_eight_bits_are_read_around_their_middle(tmp_path) -> None:
    path = write_with_av(tmp_path / "sound.wav", "pcm_u8", "mono")
    expected = noise(1, 48000).clip(-1, 127 / 128)
    np.testing.assert_allclose(audio.read(path).waveform[0], expected, atol=1 / 127)


def test_a_file_that_ends_early_gives_what_is_there(tmp_path) -> None:
    (file,) = audio.encode(noise(1, 2, 1000), 8000)
    path = tmp_path / "sound.wav"
    path.write_bytes(file.data[:-1601])
    np.testing.assert_array_equal(audio.read(path).waveform, noise(1, 2, 1000)[..., :799])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"RIFF",
        b"RIFF\0\0\0\0WAVE",
        b"RIFF\0\0\0\0WAVEfmt \x02\0\0\0\x01\0data\xff\xff\xff\xff",
        b"<html>no sound</html>" * 50,
        bytes(range(256)) * 20,
        b"ID3\x03\0\0\0\0\0\x0a" + bytes(200),
        b"#EXTM3U\n#EXTINF:1,\n/etc/hostname\n#EXT-X-ENDLIST\n",
    ],
)
def test_bytes_that_are_no_sound_are_named_without_the_path(tmp_path, data: bytes) -> None:
    path = tmp_path / "sound.mp3"
    path.write_bytes(data)
    with pytest.raises(MediaError) as refusal:
        audio.read(path)
    assert refusal.value.key == "media.unreadable_sound"
    assert refusal.value.params["file"] == "sound.mp3"
    assert str(tmp_path) not in str(refusal.value)


def test_a_wav_that_was_streamed_is_read_to_its_end(tmp_path) -> None:
    path = tmp_path / "sound.wav"
    (file,) = audio.encode(noise(1, 1, 400), 8000)
    place = file.data.index(b"data") + 4
    path.write_bytes(file.data[:place] + bytes(4) + file.data[place + 4 :])
    assert audio.read(path).waveform.shape == (1, 1, 400)


def test_a_wav_with_nothing_in_it_has_no_sound(tmp_path) -> None:
    path = tmp_path / "sound.wav"
    (file,) = audio.encode(noise(1, 1, 1), 8000)
    path.write_bytes(file.data[:-8] + struct.pack("<I", 0))
    with pytest.raises(MediaError) as refusal:
        audio.read(path)
    assert refusal.value.key == "media.no_sound"


def test_a_sound_beyond_all_measure_is_refused_before_it_takes_memory(tmp_path) -> None:
    (file,) = audio.encode(noise(1, 1, 1), 8000)
    path = tmp_path / "sound.wav"
    samples = 4 * (audio.SAMPLE_LIMIT + 1)
    with path.open("wb") as sparse:
        sparse.write(file.data[:-8] + struct.pack("<I", samples))
        sparse.truncate(sparse.tell() + samples)
    tracemalloc.start()
    with pytest.raises(MediaError) as refusal:
        audio.read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert refusal.value.key == "media.too_much_sound"
    assert peak < 2**20
