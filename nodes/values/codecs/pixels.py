"""Converts between floats in 0..1 and the 8-bit levels of a file, both ways without bias."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from .errors import MediaError

_WHITE = 255.0
_WHITE_BITS = int(np.float32(_WHITE).view(np.uint32))
# Samples converted at a time: the float scratch copy stays in the CPU's cache.
_BLOCK_SAMPLES = 1 << 16
# Levels that numpy casts at a time: its default of 8,192 exceeds the L1 cache.
_CAST_LEVELS = 2048
_TWO_WORKERS = 1 << 18  # samples from which a second thread is worth its start
_WORKER = ThreadPoolExecutor(1, thread_name_prefix="runninghub-levels")


def to_levels(samples: np.ndarray) -> np.ndarray:
    """Quantize samples to the nearest of 256 levels, as a new contiguous uint8 array of that shape.

    Takes floats of any width (and bools) in 0..1, in any memory layout, and does not modify them.
    What lies outside is clamped, infinities too; NaN becomes 0.

    Raises `media.wrong_samples` for other dtypes: for integers it would be guesswork, since their
    white may be 1 or 255.
    """
    if samples.dtype.kind not in "fb":
        raise MediaError("media.wrong_samples", dtype=str(samples.dtype))
    levels = np.empty(samples.shape, np.uint8)
    if not samples.size:
        return levels
    rows = max(1, _BLOCK_SAMPLES * len(samples) // samples.size)
    work = np.empty((min(rows, len(samples)), *samples.shape[1:]), np.float32)
    bits = work.view(np.uint32)
    # Arrays, because numpy compares two arrays twice as fast as an array and a number.
    black = np.zeros_like(work)
    white = np.full_like(work, _WHITE)
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, len(samples), rows):
            block = samples[start : start + rows]
            scaled = work[: len(block)]
            np.multiply(block, _WHITE, out=scaled, dtype=np.float32, casting="same_kind")
            np.rint(scaled, out=scaled)
            # As whole numbers, the bits of all that is outside, or NaN, are larger. Looking takes
            # a fifth of the time that clamping does, which few pictures need.
            if bits[: len(block)].max() > _WHITE_BITS:
                # Of NaN and a number fmax takes the number.
                np.fmax(scaled, black[: len(block)], out=scaled)
                np.minimum(scaled, white[: len(block)], out=scaled)
            np.copyto(levels[start : start + rows], scaled, casting="unsafe")
    return levels


def from_levels(levels: np.ndarray, out: np.ndarray, *, threads: int = 1) -> None:
    """Write levels (uint8, or uint16 whose white is 65535) as float32 in 0..1 into `out`.

    Equal to the bit to ComfyUI's `levels.astype(np.float32) / 255.0`: multiplying by 1/255 is not.
    The loop's dtype is given because older numpy would divide 8 bits in half precision.
    """
    white = np.float32(np.iinfo(levels.dtype).max)
    # Two threads write to fresh memory almost twice as fast as one; callers that run several
    # already ask for one.
    half = len(levels) // 2 if threads > 1 and levels.size >= _TWO_WORKERS else 0
    upper = _WORKER.submit(_divide, levels[:half], white, out[:half]) if half else None
    _divide(levels[half:], white, out[half:])
    if upper is not None:
        upper.result()


def _divide(levels: np.ndarray, white: np.float32, out: np.ndarray) -> None:
    usual = np.setbufsize(_CAST_LEVELS)
    try:
        np.divide(levels, white, out=out, dtype=np.float32)
    finally:
        np.setbufsize(usual)
