"""Reads WAV files, and writes float32 WAV, so that nothing is lost or clipped.

ComfyUI itself has no WAV encoder, and its FLAC keeps 16 bits and clips at full scale.
"""

from __future__ import annotations

import struct
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
# The format GUIDs of the extensible header end alike and begin with the plain format's number.
_GUID_TAIL = uuid.UUID("00000000-0000-0010-8000-00aa00389b71").bytes_le[2:]
# The speaker mask that ComfyUI's own video writer assumes for a channel count.
_SPEAKERS = {6: 0x3F}

_BYTES = 4  # of a float32 sample
LARGEST = 2**32 - 1024  # bytes of samples; the format counts them in 32 bits

_BLOCK_SAMPLES = 1 << 18

_SAMPLES = {
    (_PCM, 8): np.dtype("u1"),
    (_PCM, 16): np.dtype("<i2"),
    (_PCM, 24): np.dtype("(3,)u1"),
    (_PCM, 32): np.dtype("<i4"),
    (_FLOAT, 32): np.dtype("<f4"),
    (_FLOAT, 64): np.dtype("<f8"),
}


@dataclass(frozen=True, slots=True)
class Format:
    """A parsed header: sample dtype, `rate` in Hz, `start` in bytes, `length` of each channel."""

    samples: np.dtype
    channels: int
    rate: int
    start: int
    length: int


def write_wav(file: BinaryIO, waveform: np.ndarray, rate: int) -> None:
    """Write floats (channels, samples) as float32, a block at a time.

    NaN becomes 0 and infinities full scale; finite values beyond full scale are kept.
    """
    channels, length = waveform.shape
    file.write(_header(channels, length, rate))
    for first, last in _blocks(channels, length):
        # Samples too large for float32 become infinite, and then full scale.
        with np.errstate(over="ignore"):
            block = np.array(waveform[:, first:last].T, "<f4", order="C")
        np.nan_to_num(block, copy=False, nan=0, posinf=1, neginf=-1)
        file.write(block.data)


def _header(channels: int, length: int, rate: int) -> bytes:
    frame = channels * _BYTES
    layout = struct.pack("<HIIHH", channels, rate, rate * frame, frame, 8 * _BYTES)
    if channels > 2:
        extension = struct.pack("<HHIH", 22, 8 * _BYTES, _SPEAKERS.get(channels, 0), _FLOAT)
        about = struct.pack("<H", _EXTENSIBLE) + layout + extension + _GUID_TAIL
    else:
        about = struct.pack("<H", _FLOAT) + layout + struct.pack("<H", 0)
    chunks = _chunk(b"fmt ", about) + _chunk(b"fact", struct.pack("<I", length))
    samples = length * frame
    opening = struct.pack("<4sI4s", b"RIFF", 4 + len(chunks) + 8 + samples, b"WAVE")
    return opening + chunks + struct.pack("<4sI", b"data", samples)


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack("<4sI", name, len(body)) + body


def _blocks(channels: int, length: int) -> Iterator[tuple[int, int]]:
    step = max(1, _BLOCK_SAMPLES // channels)
    return ((first, min(first + step, length)) for first in range(0, length, step))


def read_format(file: BinaryIO) -> Format | None:
    """Parse the header of a WAV file; None for another file, or a WAV that only FFmpeg decodes."""
    size = file.seek(0, 2)
    file.seek(0)
    opening = file.read(12)
    if opening[:4] != b"RIFF" or opening[8:] != b"WAVE":
        return None
    about = b""
    while len(head := file.read(8)) == 8:
        name, length = struct.unpack("<4sI", head)
        if name == b"fmt ":
            about = file.read(min(length, 64))
            length -= len(about)
        elif name == b"data":
            return _format(about, file.tell(), min(length, size - file.tell()))
        file.seek(length + (length & 1), 1)
    return None


def _format(about: bytes, start: int, length: int) -> Format | None:
    if len(about) < 16:
        return None
    kind, channels, rate, _, frame, bits = struct.unpack_from("<HHIIHH", about)
    if kind == _EXTENSIBLE and about[26:40] == _GUID_TAIL:
        (kind,) = struct.unpack_from("<H", about, 24)
    samples = _SAMPLES.get((kind, bits))
    if samples is None or not channels or not rate or frame != channels * bits // 8:
        return None
    return Format(samples, channels, rate, start, length // frame)


def read_samples(file: BinaryIO, form: Format) -> np.ndarray:
    """Decode the samples as float32 (channels, samples), full scale being 1.

    Bit-identical to what ComfyUI's LoadAudio returns.
    """
    waveform = np.empty((form.channels, form.length), np.float32)
    file.seek(form.start)
    for first, last in _blocks(form.channels, form.length):
        count = (last - first) * form.channels
        block = np.frombuffer(file.read(count * form.samples.itemsize), form.samples)
        waveform[:, first:last] = floats(_whole(block)).reshape(-1, form.channels).T
    return waveform


def _whole(block: np.ndarray) -> np.ndarray:
    """24-bit samples as the upper bits of int32; others unchanged."""
    if block.ndim == 1:
        return block
    wide = np.zeros((len(block), 4), np.uint8)
    wide[:, 1:] = block
    return wide.view("<i4")[:, 0]


def floats(samples: np.ndarray) -> np.ndarray:
    """Samples of any usual type as float32 with full scale at 1."""
    if samples.dtype.kind == "f":
        return samples.astype(np.float32, copy=False)
    scale = np.float32(2.0 ** (1 - 8 * samples.dtype.itemsize))
    if samples.dtype == np.uint8:
        return samples.astype(np.float32) * scale - np.float32(1)
    return samples.astype(np.float32) * scale
