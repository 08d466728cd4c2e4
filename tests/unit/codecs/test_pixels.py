"""Floats and 8 bits: exact on the grid, nearest off it, clamped outside, no bias."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from nodes.values.codecs.errors import MediaError
from nodes.values.codecs.pixels import from_levels, to_levels

EVERY_LEVEL = np.arange(256, dtype=np.uint8)


def bfloat16(values: np.ndarray) -> np.ndarray:
    """What bfloat16 keeps of float32, rounded to nearest even."""
    bits = values.astype(np.float32).view(np.uint32)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000).view(np.float32)


@pytest.mark.parametrize("narrow", [np.float64, np.float32, np.float16, bfloat16])
def test_every_level_survives_every_float_type(narrow) -> None:
    samples = (EVERY_LEVEL / np.float32(255)).astype(np.float32)
    stored = narrow(samples) if narrow is bfloat16 else samples.astype(narrow)
    np.testing.assert_array_equal(to_levels(stored), EVERY_LEVEL)


@given(arrays.arrays(np.float32, st.integers(1, 300), elements=st.floats(0, 1, width=32)))
def test_a_sample_becomes_the_nearest_level(samples: np.ndarray) -> None:
    error = to_levels(samples) - samples.astype(np.float64) * 255
    assert np.abs(error).max() <= 0.5 + 1e-5


def test_rounding_has_no_bias() -> None:
    samples = np.random.default_rng(1).random(1_000_000, np.float32)
    bias = (to_levels(samples) - samples.astype(np.float64) * 255).mean()
    assert abs(bias) < 0.002


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_what_is_outside_is_clamped_and_what_is_no_number_is_black(kind: type) -> None:
    largest = np.finfo(kind).max
    samples = np.array([1.02, -0.3, np.nan, np.inf, -np.inf, largest, -largest, -0.0], kind)
    assert to_levels(samples).tolist() == [255, 0, 0, 255, 0, 255, 0, 0]


@pytest.mark.parametrize("strange", [1.02, -0.3, np.nan, -np.nan, np.inf, -np.inf, -0.0])
def test_a_sample_outside_changes_no_other(strange: float) -> None:
    samples = np.random.default_rng(3).random((300, 400, 3), np.float32)
    expected = np.rint(samples * np.float32(255)).astype(np.uint8)
    samples[170, 200, 1] = strange
    expected[170, 200, 1] = 255 if strange > 1 else 0
    np.testing.assert_array_equal(to_levels(samples), expected)


def test_memory_layout_does_not_matter_and_the_source_stays() -> None:
    whole = np.random.default_rng(2).random((300, 400, 4), np.float32)
    before = whole.copy()
    view = whole[::-2, 5:350:3, ::2]
    levels = to_levels(view)
    np.testing.assert_array_equal(levels, np.rint(view * np.float32(255)).astype(np.uint8))
    assert levels.flags.c_contiguous
    np.testing.assert_array_equal(whole, before)


def test_a_block_of_booleans_is_black_and_white() -> None:
    assert to_levels(np.array([True, False])).tolist() == [255, 0]


@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.complex64])
def test_whole_numbers_are_refused_by_name(kind: type) -> None:
    with pytest.raises(MediaError) as refusal:
        to_levels(np.ones((2, 2), kind))
    assert refusal.value.key == "media.wrong_samples"
    assert refusal.value.params == {"dtype": np.dtype(kind).name}


def test_levels_become_the_floats_that_comfyui_makes() -> None:
    out = np.empty(256, np.float32)
    from_levels(EVERY_LEVEL, out)
    np.testing.assert_array_equal(out, EVERY_LEVEL.astype(np.float32) / 255.0)


def test_sixteen_bits_keep_their_precision() -> None:
    levels = np.array([0, 1, 255, 32768, 65535], np.uint16)
    out = np.empty(5, np.float32)
    from_levels(levels, out)
    np.testing.assert_allclose(out, levels / 65535, rtol=1e-7)
