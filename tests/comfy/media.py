"""Films and sounds that no test had before."""

from __future__ import annotations

import io

import numpy as np

from nodes.values.codecs import mp4, wav
from tests.comfy.graphs import mark


def sounding(samples: int = 1200) -> bytes:
    file = io.BytesIO()
    wave = np.random.default_rng(mark()).normal(size=(2, samples)).astype(np.float32)
    wav.write_wav(file, wave, 8000)
    return file.getvalue()


def moving(frames: int = 5) -> bytes:
    file = io.BytesIO()
    level = mark() % 256
    mp4.write(
        file, [np.full((32, 48, 3), (level + 5 * n) % 256, np.uint8) for n in range(frames)], 8
    )
    return file.getvalue()
