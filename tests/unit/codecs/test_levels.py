"""Pictures of a segment come back level for level, alpha too,
and with the texts that they shall have."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngImageFile, PngInfo

from nodes.values.codecs import levels, png_text
from nodes.values.codecs.errors import MediaError


def written(folder: Path, name: str, picture: np.ndarray, **how: object) -> Path:
    path = folder / name
    Image.fromarray(picture).save(path, "PNG", **how)
    return path


def noise(channels: int, size: tuple[int, int] = (9, 13)) -> np.ndarray:
    return np.random.default_rng(channels).integers(0, 256, (*size, channels), np.uint8)


@pytest.mark.parametrize("channels", [3, 4])
def test_every_channel_comes_back_as_it_is_in_the_file(tmp_path: Path, channels: int) -> None:
    pictures = [noise(channels), noise(channels)[::-1]]
    paths = [written(tmp_path, f"{n}.png", picture) for n, picture in enumerate(pictures)]
    stacked = levels.read(paths)
    np.testing.assert_array_equal(stacked, np.stack(pictures).astype(np.float32) / 255.0)


def test_a_picture_without_alpha_among_others_takes_it_from_all(tmp_path: Path) -> None:
    paths = [written(tmp_path, f"{n}.png", noise(n)) for n in (3, 4)]
    assert levels.read(paths).shape == (2, 9, 13, 3)


def test_other_files_are_read_as_pictures_are(tmp_path: Path) -> None:
    path = tmp_path / "one.webp"
    Image.fromarray(noise(3)).save(path, "WEBP", lossless=True)
    np.testing.assert_array_equal(levels.read([path])[0], noise(3).astype(np.float32) / 255.0)


def test_sizes_that_differ_are_no_batch(tmp_path: Path) -> None:
    paths = [written(tmp_path, "a.png", noise(3)), written(tmp_path, "b.png", noise(3, (9, 14)))]
    with pytest.raises(MediaError, match=r"media\.sizes_differ"):
        levels.read(paths)


def test_half_a_file_is_no_picture(tmp_path: Path) -> None:
    path = written(tmp_path, "a.png", noise(3, (200, 200)))
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(MediaError, match=r"media\.unreadable_picture"):
        levels.read([path])


def test_texts_take_the_place_of_those_that_were_there() -> None:
    texts = PngInfo()
    texts.add_text("prompt", "the cloud's")
    texts.add_itxt("other", "图")
    source, target = io.BytesIO(), io.BytesIO()
    Image.fromarray(noise(4)).save(source, "PNG", pnginfo=texts)
    source.seek(0)
    png_text.copy(source, target, {"prompt": "{}", "workflow": '{"name": "图"}'})

    with Image.open(target) as copied:
        assert isinstance(copied, PngImageFile)
        assert copied.text == {"prompt": "{}", "workflow": '{"name": "图"}'}
        np.testing.assert_array_equal(np.asarray(copied), noise(4))


def test_texts_take_the_place_of_those_behind_an_animation() -> None:
    """Where ComfyUI's SaveAnimatedPNG writes them; its front end takes the last of a name."""
    texts = PngInfo()
    texts.add(b"comf", b'prompt\0{"1": "the cloud\'s"}', after_idat=True)
    source, target = io.BytesIO(), io.BytesIO()
    first, *more = (Image.fromarray(noise(4)) for _ in range(3))
    first.save(source, "PNG", pnginfo=texts, save_all=True, append_images=more, default_image=True)
    source.write(b"behind the end")
    source.seek(0)
    png_text.copy(source, target, {"prompt": "{}"})

    assert b"the cloud's" in source.getvalue()
    assert b"the cloud's" not in target.getvalue()
    assert target.getvalue().endswith(source.getvalue()[-20:])
    with Image.open(target) as copied:
        assert isinstance(copied, PngImageFile)
        assert (copied.text, copied.n_frames) == ({"prompt": "{}"}, 3)


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n", b"no picture at all"])
def test_what_is_no_picture_does_not_break(data: bytes) -> None:
    target = io.BytesIO()
    png_text.copy(io.BytesIO(data), target, {"prompt": "{}"})
    assert target.getvalue().startswith(data[:8])
