"""What becomes a file for its order: sounds that are too large as they are, above all."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from unit.codecs.test_audio import load_audio

Pack = Callable[[str], ModuleType]
MB = 1_000_000  # the smaller meaning of the documented "30 MB"
MOST = 30 * MB // 4  # float32 samples in what the service documents for a file


async def at_once(work: Callable[..., Any], *values: object) -> Any:
    return work(*values)


@pytest.fixture
def upload(pack: Pack, tmp_path: Path) -> Callable[..., Any]:
    """The sources of a sound's items and what was said of them; `limit`: of the field."""
    upload_sources, table = pack("nodes.values.upload_sources"), pack("nodes.values.adapters.table")
    limits, tensors = pack("nodes.values.codecs.fitting"), pack("nodes.values.codecs.tensors")

    async def make(waveform: np.ndarray, rate: int = 48_000, limit: Any = None) -> Any:
        sound = {"waveform": tensors.from_array(waveform), "sample_rate": rate}
        with upload_sources.Sources(tmp_path, at_once) as sources:
            limit = limits.Limit(*limit) if limit else None
            lazy_sources = [
                sources.lazy_source(media, "1.audio", limit) for media in table.media_of(sound)
            ]
            return [await lazy.source() for lazy in lazy_sources], sources.fitted

    return make


def steps(*shape: int) -> np.ndarray:
    """A sound of 16 bits that packs well."""
    count = int(np.prod(shape))
    return ((np.arange(count) % 4096).astype(np.float32) / 2**15).reshape(shape)


async def test_a_sound_that_fits_goes_up_as_the_wav_that_it_always_was(
    upload: Callable[..., Any], pack: Pack
) -> None:
    sound = steps(1, 2, MOST // 2 - 100)
    (source,), notes = await upload(sound)
    (file,) = pack("nodes.values.codecs.audio").encode(sound, 48_000)
    assert source.body == file.data
    assert not notes


async def test_a_larger_one_goes_up_as_flac_and_that_is_said(upload: Callable[..., Any]) -> None:
    sound = steps(1, 2, MOST // 2 + 100)
    (source,), notes = await upload(sound)
    assert (source.suffix, source.mime) == (".flac", "audio/flac")
    assert source.size < 30 * MB
    samples, rate = load_audio(io.BytesIO(source.body))
    np.testing.assert_array_equal(samples, sound[0])
    assert rate == 48_000
    notice = notes["1.audio"]
    assert notice.key == "progress.sound_packed"
    assert (notice.params["before"], notice.params["bits"]) == ("30.0", 16)


async def test_each_sound_of_a_batch_is_a_file_of_its_own(upload: Callable[..., Any]) -> None:
    batch = np.concatenate([steps(1, 1, MOST + 100), -steps(1, 1, MOST + 100)])
    sources, _ = await upload(batch)
    assert [source.suffix for source in sources] == [".flac", ".flac"]
    np.testing.assert_array_equal(load_audio(io.BytesIO(sources[1].body))[0], batch[1])


@pytest.mark.parametrize(
    ("limit", "form", "most"),
    [(None, "FLAC", "30"), ((15 * MB, ("mp3", "wav")), "WAV", "15")],
)
async def test_what_is_still_too_large_is_refused_as_a_sound(
    upload: Callable[..., Any], limit: object, form: str, most: str
) -> None:
    noise = np.random.default_rng(5).uniform(-1, 1, (1, 1, 17 * MB)).astype(np.float32)
    message = f"lasts 354 s and has 68.0 MB as WAV. At most {most} MB are taken, about"
    with pytest.raises(Exception, match=re.escape(message)) as refused:
        await upload(noise, limit=limit)
    assert f"s of it as {form}" in str(refused.value)
    assert "1.audio" in str(refused.value)


async def test_a_limit_known_to_be_higher_leaves_the_wav(upload: Callable[..., Any]) -> None:
    (source,), notes = await upload(steps(1, 1, MOST + 100), limit=(50 * MB, ("mp3", "wav")))
    assert (source.suffix, notes) == (".wav", {})


@pytest.mark.parametrize("kind", ["IMAGE", "MASK"])
@pytest.mark.parametrize(("limit", "fits"), [((0, ("webp",)), False), ((MB, ("png",)), True)])
async def test_a_picture_or_a_mask_that_a_field_does_not_take_becomes_one_that_it_does(
    pack: Pack, tmp_path: Path, kind: str, limit: tuple[int, tuple[str, ...]], fits: bool
) -> None:
    upload_sources, table = pack("nodes.values.upload_sources"), pack("nodes.values.adapters.table")
    tensors = pack("nodes.values.codecs.tensors")
    shape = (1, 64, 96, 3) if kind == "IMAGE" else (1, 64, 96)
    value = tensors.from_array(np.linspace(0, 1, int(np.prod(shape)), np.float32).reshape(shape))
    (media,) = table.media_of(value)
    assert media.kind.value == kind
    limit_of_field = pack("nodes.values.codecs.fitting").Limit(*limit)
    with upload_sources.Sources(tmp_path, at_once) as sources:
        source = await sources.lazy_source(media, "1.image", limit_of_field).source()
        plain = await sources.lazy_source(media, "1.image").source()
    assert plain.suffix == ".png"
    if fits:
        assert (source.body, sources.fitted) == (plain.body, {})
        return
    notice = sources.fitted["1.image"]
    assert source.suffix == ".webp"
    assert (notice.key, notice.params["format"]) == ("progress.picture_fitted", "webp")
