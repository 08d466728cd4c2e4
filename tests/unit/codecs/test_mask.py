"""A mask that goes up reads back as itself, by whichever channel the remote graph reads it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from unit.codecs.loadimage import load_image, load_image_mask

from nodes.values.codecs import mask
from nodes.values.codecs.errors import MediaError

LEVELS = arrays.arrays(np.uint8, st.tuples(st.integers(1, 70), st.integers(1, 70)))


@given(LEVELS)
@settings(deadline=None)
def test_each_channel_gives_the_mask(levels: np.ndarray) -> None:
    expected = levels[None].astype(np.float32) / 255.0
    (file,) = mask.encode(expected)
    for channel in ("red", "green", "blue"):
        np.testing.assert_array_equal(load_image_mask(file.data, channel), expected)
    np.testing.assert_allclose(load_image_mask(file.data, "alpha"), expected, atol=6e-8)
    np.testing.assert_allclose(load_image(file.data)[1], expected, atol=6e-8)


def test_a_batch_is_a_file_each_in_order() -> None:
    masks = np.stack([np.full((4, 6), value, np.float32) for value in (0.0, 0.2, 1.0)])
    files = mask.encode(masks, threads=2)
    assert [load_image(file.data)[0].max() for file in files] == [0, np.float32(0.2), 1]
    assert {(file.suffix, file.mime) for file in files} == {(".png", "image/png")}


@pytest.mark.parametrize("shape", [(5, 7), (1, 5, 7), (1, 1, 5, 7)])
def test_one_mask_is_taken_with_or_without_its_batch_axis(shape: tuple[int, ...]) -> None:
    (file,) = mask.encode(np.full(shape, 0.4, np.float32))
    assert load_image_mask(file.data, "red").shape == (1, 5, 7)


@pytest.mark.parametrize("shape", [(0, 8, 8), (1, 0, 8), (1, 8, 0), (0, 0)])
def test_a_mask_of_nothing_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(MediaError) as refusal:
        mask.encode(np.zeros(shape, np.float32))
    assert refusal.value.key == "media.empty_picture"


@pytest.mark.parametrize("shape", [(8,), (1, 8, 8, 3), (1, 1, 1, 8, 8)])
def test_another_shape_is_no_mask(shape: tuple[int, ...]) -> None:
    with pytest.raises(MediaError) as refusal:
        mask.encode(np.zeros(shape, np.float32))
    assert refusal.value.key == "media.not_a_mask"
    assert refusal.value.params == {"shape": list(shape)}
