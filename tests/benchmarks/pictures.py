"""Photo-like pictures for measurements and tests: the same ones for the same seed.

Four scenes in a mosaic (overlapping discs, two kinds of cloud, a smooth light), with grain of one
8-bit level: what comes out of a VAE never lies on the 8-bit grid.
"""

from __future__ import annotations

import numpy as np


def photo(side: int, seed: int = 7) -> np.ndarray:
    """A float32 picture of shape (side, side, 3) with values in 0..1, `side` even."""
    chance = np.random.default_rng(seed)
    half = side // 2
    top = np.concatenate([_leaves(half, chance), _cloud(half, chance, 1.6)], axis=1)
    bottom = np.concatenate([_light(half), _cloud(half, chance, 1.2)], axis=1)
    scene = np.concatenate([top, bottom])
    grain = chance.normal(0.0, 1 / 255, scene.shape)
    return np.clip(scene + grain, 0, 1).astype(np.float32)


def _cloud(side: int, chance: np.random.Generator, steepness: float) -> np.ndarray:
    """Noise whose amplitude falls with frequency, as it does in photographs."""
    rows = np.fft.fftfreq(side)[:, None]
    columns = np.fft.rfftfreq(side)[None, :]
    fall = np.maximum(np.hypot(rows, columns), 1 / side) ** -steepness
    planes = [np.fft.irfft2(fall * np.fft.rfft2(chance.normal(size=(side, side)))) for _ in "rgb"]
    shared = planes[0]
    mixed = np.stack([shared + 0.25 * plane for plane in planes], axis=-1)
    low, high = mixed.min(), mixed.max()
    return (mixed - low) / (high - low)


def _leaves(side: int, chance: np.random.Generator) -> np.ndarray:
    """Opaque discs of every size over each other: edges as objects make them."""
    rows, columns = np.mgrid[0:side, 0:side]
    scene = np.full((side, side, 3), 0.5)
    for _ in range(160):
        radius = side * 0.02 / (0.06 + chance.random())
        inside = np.hypot(rows - chance.random() * side, columns - chance.random() * side) < radius
        scene[inside] = chance.random(3)
    return 0.8 * scene + 0.2 * _cloud(side, chance, 1.4)


def _light(side: int) -> np.ndarray:
    """A wall lit from one corner."""
    rows, columns = np.mgrid[0:side, 0:side] / side
    glow = np.exp(-2 * np.hypot(rows, columns))
    return np.stack([glow, 0.9 * glow + 0.05, 0.7 * glow + 0.2], axis=-1)
