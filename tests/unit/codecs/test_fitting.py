"""A picture is made to fit what its model takes, when somebody chose that."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from nodes.values.codecs.errors import MediaError
from nodes.values.codecs.fitting import Limit, fitted
from nodes.values.codecs.png import encode_png


def noise(channels: int = 3, height: int = 160, width: int = 120) -> bytes:
    """A picture that packs badly: 57 kB of PNG."""
    pixels = np.random.default_rng(1).integers(0, 256, (height, width, channels), np.uint8)
    return encode_png(pixels)


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


@pytest.mark.parametrize(
    ("limit", "suffix", "keeps_size"),
    [
        (Limit(40_000), ".jpg", True),
        (Limit(40_000, ("jpg", "png")), ".jpg", True),
        (Limit(40_000, ("png",)), ".png", False),
        (Limit(12_000, ("jpeg",)), ".jpg", False),
        (Limit(0, ("webp",)), ".webp", True),
    ],
)
def test_a_picture_becomes_the_first_file_that_fits(
    limit: Limit, suffix: str, *, keeps_size: bool
) -> None:
    file = fitted(noise(), limit)
    assert limit.takes(len(file.data), file.suffix)
    assert file.suffix == suffix
    width, height = opened(file.data).size
    assert (width == 120) == keeps_size
    assert width / height == pytest.approx(0.75, rel=0.02)


def test_alpha_is_never_given_up() -> None:
    file = fitted(noise(4), Limit(60_000, ("jpg", "png", "webp")))
    assert file.suffix == ".webp"
    assert opened(file.data).mode == "RGBA"
    with pytest.raises(MediaError):
        fitted(noise(4), Limit(60_000, ("jpg",)))


@pytest.mark.parametrize(
    ("formats", "height", "megabytes"),
    [(("webp",), 16_500, 9), (("jpg", "webp"), 16_500, 4), (("jpg",), 66_000, 30)],
)
def test_a_picture_longer_than_its_format_takes_is_made_shorter(
    formats: tuple[str, ...], height: int, megabytes: int
) -> None:
    """Such as a whole comic in one piece."""
    file = fitted(noise(3, height, 160), Limit(megabytes * 1_000_000, formats))
    assert file.suffix == f".{formats[0]}"
    assert opened(file.data).size[0] < 160


def test_what_cannot_fit_is_refused() -> None:
    with pytest.raises(MediaError):
        fitted(noise(), Limit(100))


def test_what_fits_is_left_alone() -> None:
    assert Limit(10, ("jpg",)).takes(10, ".jpeg")
    assert Limit().takes(10**9, ".png")
    assert not Limit(0, ("jpg",)).takes(10, ".png")
