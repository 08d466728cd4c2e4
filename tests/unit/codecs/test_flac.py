"""A sound whose WAV is too large goes as FLAC, with all that its samples hold."""

from __future__ import annotations

import io

import numpy as np
import pytest
from unit.codecs.test_audio import load_audio, noise

from nodes.values.codecs import audio
from nodes.values.codecs.errors import MediaError
from nodes.values.codecs.flac import Packed, packed

MIB = 2**20


def wav(waveform: np.ndarray, rate: int = 48_000) -> bytes:
    (file,) = audio.encode(waveform, rate)
    return file.data


def sixteen_bit(*shape: int) -> np.ndarray:
    levels = np.random.default_rng(4).integers(-(2**15), 2**15, shape)
    levels.flat[:2] = -(2**15), 2**15 - 1
    return (levels / 2**15).astype(np.float32)


def read(sound: Packed) -> tuple[np.ndarray, int]:
    """As ComfyUI's own LoadAudio reads it."""
    return load_audio(io.BytesIO(sound.file.data))


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000, 192_000])
@pytest.mark.parametrize("channels", range(1, 9))
def test_what_has_16_bits_keeps_every_one(channels: int, rate: int) -> None:
    sound = sixteen_bit(channels, 70_001)
    flac = packed(wav(sound, rate), 10 * MIB)
    assert (flac.bits, flac.is_cut) == (16, False)
    assert (flac.file.suffix, flac.file.mime) == (".flac", "audio/flac")
    samples, read_rate = read(flac)
    np.testing.assert_array_equal(samples, sound)
    assert read_rate == rate


@pytest.mark.parametrize("channels", [1, 2, 6, 8])
def test_all_other_values_come_within_24_bits(channels: int) -> None:
    sound = np.clip(noise(channels, 140_000), -1, 1)
    sound.flat[:3] = 1, -1, 2**-20
    flac = packed(wav(sound), 10 * MIB)
    assert (flac.bits, flac.is_cut) == (24, False)
    samples, _ = read(flac)
    assert samples.shape == sound.shape
    assert np.abs(samples - sound).max() <= 2**-23


def test_a_song_that_is_too_large_with_24_bits_goes_with_16() -> None:
    sound = noise(2, 9_000) / 4
    size = len(packed(wav(sound), MIB).file.data)
    flac = packed(wav(sound), size - 1)
    assert (flac.bits, flac.is_cut) == (16, False)
    np.testing.assert_allclose(read(flac)[0], sound, atol=2**-16)


def test_what_is_louder_than_full_scale_is_cut_and_said_to_be() -> None:
    flac = packed(wav(np.array([[[1.5, -3.0, 0.25]]], np.float32)), MIB)
    assert flac.is_cut
    np.testing.assert_allclose(read(flac)[0], [[1, -1, 0.25]], atol=2**-23)


def test_equal_sounds_are_equal_bytes_without_a_version_of_a_library() -> None:
    sound = noise(2, 9_000)
    flac = packed(wav(sound), MIB)
    assert flac == packed(wav(sound), MIB)
    assert b"Lavf" not in flac.file.data


def test_what_is_still_too_large_says_how_much_would_go() -> None:
    sound = wav(noise(1, 8_000 * 60), 8_000)
    with pytest.raises(MediaError) as refused:
        packed(sound, 500_000)
    params = refused.value.params
    assert (refused.value.key, params["seconds"]) == ("media.sound_too_large", 60)
    assert (params["size"], params["limit"], params["format"]) == ("1.9", "0.5", "FLAC")
    fits = int(str(params["fits"]))
    assert 25 < fits < 35
    packed(wav(noise(1, 8_000 * fits), 8_000), 500_000)


def test_not_one_byte_more_is_sent() -> None:
    sound = wav(sixteen_bit(2, 9_000))
    size = len(packed(sound, MIB).file.data)
    assert packed(sound, size)
    with pytest.raises(MediaError):
        packed(sound, size - 1)


@pytest.mark.parametrize(("channels", "rate"), [(9, 48_000), (1, 96_001), (1, 768_000)])
def test_what_flac_cannot_hold_is_told_as_wav(channels: int, rate: int) -> None:
    with pytest.raises(MediaError) as refused:
        packed(wav(noise(channels, 30_000), rate), 1_000)
    assert refused.value.params["format"] == "WAV"
