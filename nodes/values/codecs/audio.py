"""Encodes AUDIO as WAV, and decodes WAV and other audio files, sample for sample."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .codec import Encoded
from .errors import MediaError
from .streams import decodable, opened
from .wav import LARGEST, floats, read_format, read_samples, write_wav

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer

RATES = (1_000, 768_000)  # Hz
MAX_CHANNELS = 64

# Of one file, all channels together: 2 GiB as float32, an hour and a half of stereo.
SAMPLE_LIMIT = 2**29


@dataclass(frozen=True, slots=True)
class Sound:
    """ComfyUI's AUDIO as an array: float32 (1, channels, samples); `rate` in Hz."""

    waveform: np.ndarray
    rate: int


def encode(waveform: np.ndarray, rate: float) -> list[Encoded]:
    """Encode each item of (count, channels, samples), or (channels, samples), as a float32 WAV.

    Raises `media.not_a_sound`, `media.empty_sound`, `media.sound_samples`, `media.sound_channels`,
    `media.sound_rate`, `media.sound_too_long`.
    """
    files: list[Encoded] = []
    for sound in checked(waveform, rate):
        if sound.size * 4 > LARGEST:
            raise MediaError("media.sound_too_long", samples=sound.shape[1], channels=len(sound))
        file = io.BytesIO()
        write_wav(file, sound, int(rate))
        files.append(Encoded(file.getvalue(), ".wav", "audio/wav"))
    return files


def checked(waveform: np.ndarray, rate: float) -> np.ndarray:
    """Validate a waveform and its rate; returns it as (count, channels, samples)."""
    if waveform.ndim == 2:
        waveform = waveform[None]
    if waveform.ndim != 3:
        raise MediaError("media.not_a_sound", shape=list(waveform.shape))
    if not waveform.size:
        raise MediaError("media.empty_sound", shape=list(waveform.shape))
    if waveform.dtype.kind != "f":
        raise MediaError("media.sound_samples", dtype=str(waveform.dtype))
    if waveform.shape[1] > MAX_CHANNELS:
        raise MediaError("media.sound_channels", channels=waveform.shape[1], most=MAX_CHANNELS)
    low, high = RATES
    # Written so that NaN fails too; other packs' AUDIO may hold anything.
    is_number = isinstance(rate, (int, float, np.number))
    if not is_number or not low <= rate <= high or int(rate) != rate:
        raise MediaError("media.sound_rate", rate=rate, low=low, high=high)
    return waveform


def read(path: Path) -> Sound:
    """Decode the first audio track of a file; bit-identical to ComfyUI's LoadAudio.

    Raises `media.unreadable_sound`, `media.no_sound` when the file has no audio, and
    `media.too_much_sound` above SAMPLE_LIMIT.
    """
    with path.open("rb") as file:
        header = read_format(file)
        # A streamed WAV has 0 as its length: FFmpeg finds the actual one.
        if header is not None and header.length:
            _bounded(path, header.length * header.channels)
            return Sound(read_samples(file, header)[None], header.rate)
    sound = read_track(path, "media.unreadable_sound")
    if sound is None:
        raise MediaError("media.no_sound", file=path.name)
    return sound


def read_track(path: Path, unreadable: str, *, last: bool = False) -> Sound | None:
    """Decode the first or the last audio track that FFmpeg can; None when there is none or it is
    empty."""
    with opened(path, unreadable) as container:
        stream = decodable(container.streams.audio[:: -1 if last else 1])
        return None if stream is None else _track(path, container, stream)


def _track(path: Path, container: InputContainer, stream: AudioStream) -> Sound | None:
    blocks: list[np.ndarray] = []
    total = 0
    for frame in container.decode(stream):
        samples = frame.to_ndarray()
        if not frame.format.is_planar:
            samples = samples.reshape(-1, frame.layout.nb_channels).T
        total += samples.size
        _bounded(path, total)
        blocks.append(floats(samples))
    if not total:
        return None
    # From the context after decoding, since some containers give the rate only with the samples.
    return Sound(np.concatenate(blocks, axis=1)[None], stream.codec_context.sample_rate)


def _bounded(path: Path, samples: int) -> None:
    if samples > SAMPLE_LIMIT:
        raise MediaError("media.too_much_sound", file=path.name, limit=SAMPLE_LIMIT)
