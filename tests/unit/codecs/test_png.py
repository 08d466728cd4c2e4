"""The PNG writer: the same values through another reader, whatever the picture and the threads."""

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from benchmarks.pictures import photo
from nodes.values.codecs.png import encode_png

PICTURES = arrays.arrays(
    np.uint8, st.tuples(st.integers(1, 70), st.integers(1, 70), st.sampled_from([3, 4]))
)


def through_pillow(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as picture:
        assert picture.format == "PNG"
        return np.array(picture)


@given(PICTURES, st.integers(1, 3))
@settings(deadline=None)
def test_pillow_reads_back_every_value(pixels: np.ndarray, threads: int) -> None:
    decoded = through_pillow(encode_png(pixels, threads=threads))
    np.testing.assert_array_equal(decoded, pixels)


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("shape", [(1000, 700), (3, 200_000), (200_000, 2)])
def test_a_picture_of_many_bands_is_one_stream(
    shape: tuple[int, int], threads: int, channels: int
) -> None:
    pixels = np.random.default_rng(3).integers(0, 256, (*shape, channels), np.uint8)
    pixels[shape[0] // 2 :] //= 64
    decoded = through_pillow(encode_png(pixels, threads=threads))
    np.testing.assert_array_equal(decoded, pixels)


@pytest.mark.parametrize(("side", "bands"), [(100, 1), (460, 2), (600, 4), (1024, 4)])
def test_equal_pictures_are_equal_bytes_whatever_the_threads(side: int, bands: int) -> None:
    """They are what an order is known by."""
    pixels = np.random.default_rng(3).integers(0, 256, (side, side, 3), np.uint8)
    alone = encode_png(pixels, threads=2)
    assert alone.count(b"IDAT") == bands + 2  # zlib's header and checksum
    assert {encode_png(pixels), encode_png(pixels, threads=3)} == {alone}


def test_checksums_hold_for_readers_that_verify_them() -> None:
    data = encode_png(np.rint(photo(512) * 255).astype(np.uint8), threads=2)
    position, packed, names = 8, b"", []
    while position < len(data):
        size, name = struct.unpack_from(">I4s", data, position)
        body = data[position + 8 : position + 8 + size]
        (crc,) = struct.unpack_from(">I", data, position + 8 + size)
        assert crc == zlib.crc32(name + body)
        names.append(name)
        packed += body if name == b"IDAT" else b""
        position += 12 + size
    assert (names[0], names[-1]) == (b"IHDR", b"IEND")
    assert names.count(b"IDAT") > 3
    # zlib verifies the Adler-32 at the end of the stream.
    assert len(zlib.decompress(packed)) == 512 * (1 + 512 * 3)


def test_a_view_with_gaps_is_read_as_it_looks() -> None:
    whole = np.random.default_rng(5).integers(0, 256, (40, 60, 4), np.uint8)
    view = whole[::2, ::-3, 1:]
    np.testing.assert_array_equal(through_pillow(encode_png(view)), view)


def test_a_photo_takes_hardly_more_bytes_than_pillow_takes() -> None:
    pixels = np.rint(photo(512) * 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    assert len(encode_png(pixels)) <= 1.05 * file.tell()
    assert len(encode_png(pixels, threads=2)) <= 1.05 * file.tell()


def test_an_even_picture_is_small() -> None:
    assert len(encode_png(np.full((1024, 1024, 3), 200, np.uint8))) < 20_000
