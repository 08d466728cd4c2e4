"""Pictures that go up: RGB or RGBA, exact on the 8-bit grid, refused by name where nothing fits."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image
from unit.codecs.loadimage import load_image

from nodes.values.codecs import image, mask
from nodes.values.codecs.codec import Kind
from nodes.values.codecs.errors import MediaError

BATCHES = arrays.arrays(
    np.uint8,
    st.tuples(st.integers(1, 3), st.integers(1, 40), st.integers(1, 40), st.integers(1, 4)),
)


def floats(levels: np.ndarray) -> np.ndarray:
    return levels.astype(np.float32) / 255.0


def bands(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as file:
        return np.array(file)


@given(BATCHES)
@settings(deadline=None)
def test_comfyui_reads_what_was_sent(levels: np.ndarray) -> None:
    files = image.encode(floats(levels))
    assert len(files) == len(levels)
    for file, sent in zip(files, levels, strict=True):
        picture, mask = load_image(file.data)
        colour = sent[..., :3] if sent.shape[2] > 2 else sent[..., :1].repeat(3, axis=2)
        np.testing.assert_array_equal(picture[0], floats(colour))
        if sent.shape[2] in (2, 4):
            np.testing.assert_array_equal(mask[0], np.float32(1) - floats(sent[..., -1]))
        else:
            assert mask.shape == (1, 64, 64)


def test_a_mask_becomes_alpha_as_load_image_reads_it() -> None:
    levels = np.random.default_rng(1).integers(0, 256, (2, 9, 7, 3), np.uint8)
    masks = floats(np.random.default_rng(2).integers(0, 256, (2, 9, 7), np.uint8))
    for index, file in enumerate(image.encode(floats(levels), masks)):
        picture, mask = load_image(file.data)
        np.testing.assert_array_equal(picture[0], floats(levels[index]))
        np.testing.assert_allclose(mask[0], masks[index], atol=6e-8)


def test_one_mask_serves_a_whole_batch_and_replaces_alpha() -> None:
    pictures = np.full((3, 4, 5, 4), 0.6, np.float32)
    for file in image.encode(pictures, np.full((4, 5), 0.2, np.float32)):
        assert bands(file.data)[..., 3].tolist() == [[204] * 5] * 4


def test_the_mask_that_load_image_gives_for_an_opaque_picture_leaves_it_opaque() -> None:
    (file,) = image.encode(np.ones((1, 8, 9, 3), np.float32), np.zeros((1, 64, 64), np.float32))
    assert bands(file.data).shape == (8, 9, 3)


@pytest.mark.parametrize(
    ("masks", "key"),
    [
        (np.ones((1, 64, 64)), "media.mask_size"),
        (np.ones((2, 8, 9)), "media.mask_count"),
        (np.ones((8,)), "media.not_a_mask"),
        (np.ones((1, 0, 9)), "media.empty_picture"),
        (np.ones((1, 8, 9), np.int32), "media.wrong_samples"),
    ],
)
def test_a_mask_that_does_not_fit_is_refused(masks: np.ndarray, key: str) -> None:
    with pytest.raises(MediaError) as refusal:
        image.encode(np.ones((3, 8, 9, 3), np.float32), masks)
    assert refusal.value.key == key


def test_a_mask_of_another_size_is_named_with_both_sizes() -> None:
    with pytest.raises(MediaError) as refusal:
        image.encode(np.ones((1, 8, 9, 3), np.float32), np.ones((1, 5, 6), np.float32))
    assert refusal.value.params == {"mask": "6x5", "picture": "9x8"}
    assert str(refusal.value) == "media.mask_size {'mask': '6x5', 'picture': '9x8'}"


@pytest.mark.parametrize(
    ("shape", "key"),
    [
        ((0, 8, 8, 3), "media.empty_picture"),
        ((1, 0, 0, 3), "media.empty_picture"),
        ((1, 8, 8, 0), "media.empty_picture"),
        ((1, 8, 8, 5), "media.wrong_channels"),
        ((8, 8, 3), "media.not_an_image"),
        ((1, 1, 8, 8, 3), "media.not_an_image"),
    ],
)
def test_what_is_no_picture_is_refused_by_name(shape: tuple[int, ...], key: str) -> None:
    with pytest.raises(MediaError) as refusal:
        image.encode(np.zeros(shape, np.float32))
    assert refusal.value.key == key


def test_strange_samples_make_an_ordinary_picture() -> None:
    picture = np.array([[[[np.nan, np.inf, -np.inf], [1.02, -0.3, 0.5]]]], np.float16)
    (file,) = image.encode(picture)
    assert bands(file.data).tolist() == [[[0, 255, 0], [255, 0, 128]]]


def test_a_turned_and_thinned_view_is_sent_as_it_looks() -> None:
    whole = floats(np.random.default_rng(4).integers(0, 256, (2, 30, 40, 4), np.uint8))
    view = whole[::-1, ::2, ::-3, :3]
    for file, sent in zip(image.encode(view, threads=2), view, strict=True):
        np.testing.assert_array_equal(load_image(file.data)[0][0], sent)


def test_pictures_and_masks_are_read_back_as_they_were(tmp_path) -> None:
    value = {Kind.IMAGE: np.ones((1, 3, 3, 3)), Kind.MASK: np.ones((1, 3, 3))}
    for kind, codec in ((Kind.IMAGE, image), (Kind.MASK, mask)):
        (file,) = codec.encode(value[kind])
        path = tmp_path / f"{kind.value}{file.suffix}"
        path.write_bytes(file.data)
        (batch,) = image.decode([path])[kind]
        np.testing.assert_array_equal(batch, value[kind])
