"""Compresses WAV files that are too large to upload as FLAC of 16 or 24 bits."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext

from .codec import Encoded
from .errors import MediaError
from .fitting import SMALLER_MEGABYTE, Limit
from .wav import Format, read_format

# FFmpeg's names by the count of channels: FLAC has no others.
_LAYOUTS = ("mono", "stereo", "3.0", "quad", "5.0", "5.1", "6.1", "7.1")
_RATES = (65_535, 655_340)  # Hz; above the first one FLAC stores multiples of ten
_BLOCK = 1 << 16  # samples of each channel
# FFmpeg's default for eight channels at 192 kHz makes frames that it cannot decode.
_FRAME = {"frame_size": "4096"}


@dataclass(frozen=True, slots=True)
class Packed:
    """A FLAC. `bits` of a sample; `is_cut`: samples beyond full scale were clipped."""

    file: Encoded
    bits: int
    is_cut: bool

    @property
    def key(self) -> str:
        """The text key of the notice about it."""
        return "progress.sound_cut" if self.is_cut else "progress.sound_packed"


def fitted(wav: bytes, documented: int, limit: Limit) -> Packed | None:
    """Compress a WAV file of `codecs.audio` that is too large as FLAC; None for one that fits.

    The maximum is `documented`, in bytes, or the field's limit where that is higher. Raises
    `media.sound_too_large`.
    """
    most = max(documented, limit.bytes)
    if len(wav) <= most:
        return None
    if limit.formats and "flac" not in limit.formats:
        raise too_large(wav, limit.bytes or most)
    return packed(wav, most)


def packed(wav: bytes, most: int) -> Packed:
    """Encode a WAV file of `codecs.audio` as a FLAC of at most `most` bytes.

    Lossless for 16-bit samples; others are within 2**-23, or within 2**-16 if only 16 bits are
    small enough. Raises `media.sound_too_large`.
    """
    frames, rate = _samples(wav)
    channels = frames.shape[1]
    if channels > len(_LAYOUTS) or rate > _RATES[1] or (rate > _RATES[0] and rate % 10):
        raise too_large(wav, most)
    if not all(map(_is_16_bit, _blocks(frames))):
        with contextlib.suppress(MediaError):  # 24 bits may be too large: 16 then, as on a CD
            return _packed(wav, most, 24)
    return _packed(wav, most, 16)


def _packed(wav: bytes, most: int, bits: int) -> Packed:
    frames, rate = _samples(wav)
    channels, file = frames.shape[1], io.BytesIO()
    form, layout = "s16" if bits == 16 else "s32", _LAYOUTS[channels - 1]
    # Without the library's version in the file: equal audio has to be equal bytes.
    with av.open(file, "w", format="flac", options={"fflags": "+bitexact"}) as output:
        stream = output.add_stream("flac", rate=rate, options=_FRAME)
        codec = cast("AudioCodecContext", stream.codec_context)
        codec.format, codec.layout = form, layout
        codec.time_base = Fraction(1, rate)
        for number, block in enumerate(_blocks(frames)):
            levels = _levels(block, bits).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(levels, format=form, layout=layout)
            frame.sample_rate, frame.time_base = rate, codec.time_base
            frame.pts = number * _BLOCK
            output.mux(stream.encode(frame))
            if file.tell() > most:
                share = (frame.pts + len(block)) / len(frames) * most / file.tell()
                raise too_large(wav, most, "FLAC", share)
        output.mux(stream.encode(None))
    data = file.getvalue()
    if len(data) > most:  # by what FFmpeg had buffered
        raise too_large(wav, most, "FLAC", most / len(data))
    is_cut = any(np.abs(block).max() > 1 for block in _blocks(frames))
    return Packed(Encoded(data, ".flac", "audio/flac"), bits, is_cut)


def too_large(wav: bytes, most: int, form: str = "WAV", share: float = 0.0) -> MediaError:
    """The error. `share`: the part of the audio that fits `most` bytes as `form`; 0: as for WAV."""
    frames, rate = _samples(wav)
    seconds = len(frames) / rate
    return MediaError(
        "media.sound_too_large",
        seconds=round(seconds),
        size=f"{len(wav) / SMALLER_MEGABYTE:.1f}",
        limit=f"{most / SMALLER_MEGABYTE:g}",
        format=form,
        fits=int(seconds * (share or most / len(wav)) * 0.95),  # the rest may pack worse
    )


def _samples(wav: bytes) -> tuple[np.ndarray, int]:
    """A view (samples, channels) of a WAV of ours, without a copy, and its rate in Hz."""
    header = cast("Format", read_format(io.BytesIO(wav)))
    frames = np.frombuffer(wav, header.samples, offset=header.start).reshape(-1, header.channels)
    return frames, header.rate


def _blocks(frames: np.ndarray) -> Iterator[np.ndarray]:
    return (frames[first : first + _BLOCK] for first in range(0, len(frames), _BLOCK))


def _is_16_bit(block: np.ndarray) -> bool:
    return bool(np.array_equal(_levels(block, 16), block * np.float32(2**15)))


def _levels(block: np.ndarray, bits: int) -> np.ndarray:
    """Quantize to integers of so many bits; 24 bits are the upper ones of int32."""
    full = 2 ** (bits - 1)
    levels = np.clip(np.rint(block * np.float32(full)), -full, full - 1)
    return levels.astype(np.int16) if bits == 16 else levels.astype(np.int32) << 8
