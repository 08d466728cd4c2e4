"""Picture files that come down: exact values, alpha as masks, grouped by size, bombs refused."""

import io
import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile
from unit.codecs.loadimage import load_image

from nodes.values.codecs import frames, image
from nodes.values.codecs.codec import BYTE_LIMIT, Kind
from nodes.values.codecs.errors import MediaError
from tests.support.pictures import deep_png, noise, png_chunk, png_file


@pytest.fixture
def keep(tmp_path):
    """Write a picture, or bytes, into a file of its own; the path."""

    def write(content: Image.Image | bytes, suffix: str = ".png", **options) -> Path:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}{suffix}"
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            content.save(path, **options)
        return path

    return write


def decode(*paths: Path) -> tuple[list[np.ndarray], list[np.ndarray]]:
    decoded = image.decode(paths)
    assert set(decoded) == {Kind.IMAGE, Kind.MASK}
    images, masks = decoded[Kind.IMAGE], decoded[Kind.MASK]
    assert [batch.shape[:3] for batch in images] == [batch.shape for batch in masks]
    assert {batch.dtype for batch in (*images, *masks)} <= {np.dtype(np.float32)}
    return images, masks


def only_picture(path: Path) -> tuple[np.ndarray, np.ndarray]:
    (images,), (masks,) = decode(path)
    assert len(images) == 1
    return images[0], masks[0]


def floats(levels: np.ndarray) -> np.ndarray:
    return levels.astype(np.float32) / 255.0


@pytest.mark.parametrize(
    ("suffix", "mode"),
    [(".png", mode) for mode in ("1", "L", "LA", "RGB", "RGBA")]
    + [(".jpg", mode) for mode in ("L", "RGB", "CMYK")]
    + [(".webp", mode) for mode in ("RGB", "RGBA")]
    + [(".gif", "L"), (".gif", "RGB"), (".bmp", "1"), (".bmp", "P"), (".bmp", "RGB")]
    + [(".tiff", mode) for mode in ("1", "L", "LA", "RGB", "RGBA", "CMYK")],
)
def test_each_format_and_mode_is_read_as_load_image_reads_it(keep, suffix: str, mode: str) -> None:
    path = keep(Image.fromarray(noise(300, 250, 4)).convert(mode), suffix)
    pixels, mask = only_picture(path)
    expected, expected_mask = load_image(path.read_bytes())
    np.testing.assert_array_equal(pixels, expected[0])
    assert mask.any() == mode.endswith("A")
    if mask.any():
        np.testing.assert_array_equal(mask, expected_mask[0])


@given(st.integers(1, 70), st.integers(1, 70), st.sampled_from([3, 4]), st.integers(1, 3))
@settings(deadline=None)
def test_what_went_up_comes_back(
    tmp_path_factory, height: int, width: int, channels: int, count: int
) -> None:
    sent = floats(noise(count, height, width, channels, seed=height * width))
    folder = tmp_path_factory.mktemp("up")
    paths = [folder / f"{index}.png" for index in range(count)]
    for path, file in zip(paths, image.encode(sent), strict=True):
        path.write_bytes(file.data)
    (images,), (masks,) = decode(*paths)
    np.testing.assert_array_equal(images, sent[..., :3])
    alpha = sent[..., 3] if channels == 4 else np.ones_like(masks)
    np.testing.assert_array_equal(masks, np.float32(1) - alpha)


def test_a_see_through_palette_colour_is_in_the_mask(keep) -> None:
    picture = Image.fromarray(np.array([[0, 1], [2, 1]], np.uint8)).convert("P")
    picture.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    pixels, mask = only_picture(keep(picture, transparency=1))
    np.testing.assert_array_equal(mask, [[0, 1], [0, 1]])
    np.testing.assert_array_equal(pixels[1, 0], floats(np.array([70, 80, 90])))


def test_a_see_through_colour_is_in_the_mask(keep) -> None:
    picture = Image.fromarray(np.array([[[1, 2, 3], [4, 5, 6]]], np.uint8))
    _, mask = only_picture(keep(picture, transparency=(4, 5, 6)))
    np.testing.assert_array_equal(mask, [[0, 1]])


def test_sixteen_bit_grey_is_kept_whole(keep) -> None:
    levels = np.random.default_rng(1).integers(0, 65536, (20, 30), np.uint16)
    for suffix in (".png", ".tiff"):
        pixels, mask = only_picture(keep(Image.fromarray(levels), suffix))
        np.testing.assert_array_equal(pixels[..., 1], levels / np.float32(65535))
        assert not mask.any()


@pytest.mark.parametrize("channels", [3, 4])
def test_sixteen_bit_colour_is_kept_whole(keep, channels: int) -> None:
    levels = np.random.default_rng(1).integers(0, 65536, (20, 30, channels), np.uint16)
    pixels, mask = only_picture(keep(deep_png(levels)))
    whole = (levels / np.float32(65535)).astype(np.float32)
    np.testing.assert_array_equal(pixels, whole[..., :3])
    if channels == 4:
        np.testing.assert_array_equal(mask, np.float32(1) - whole[..., 3])


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tiff"])
def test_a_picture_is_turned_as_its_exif_says(keep, suffix: str, orientation: int) -> None:
    picture = Image.fromarray(noise(5, 8, 3))
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = keep(picture, suffix, exif=exif)
    pixels, _ = only_picture(path)
    assert pixels.shape == ((5, 8, 3) if orientation < 5 else (8, 5, 3))
    np.testing.assert_array_equal(pixels, load_image(path.read_bytes())[0][0])


@pytest.mark.parametrize("suffix", [".png", ".gif", ".webp"])
def test_every_frame_of_an_animation_is_a_picture(keep, suffix: str) -> None:
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255)]
    first, *rest = [Image.new("RGB", (6, 4), colour) for colour in colours]
    lossless = {"lossless": True} if suffix == ".webp" else {}
    path = keep(first, suffix, save_all=True, append_images=rest, duration=100, **lossless)
    (images,), (masks,) = decode(path)
    np.testing.assert_array_equal(images[:, 3, 5], floats(np.array(colours)))
    assert masks.shape == (3, 4, 6)


def test_previews_of_another_size_are_left_out(keep) -> None:
    photo, preview = Image.new("RGB", (8, 4), "red"), Image.new("RGB", (4, 2), "red")
    path = keep(photo, ".mpo", save_all=True, append_images=[preview])
    (images,), _ = decode(path)
    assert images.shape == (1, 4, 8, 3)


def test_pictures_of_one_size_are_one_batch(keep) -> None:
    levels = noise(3, 5, 7, 3)
    (images,), (masks,) = decode(*[keep(Image.fromarray(picture)) for picture in levels])
    np.testing.assert_array_equal(images, floats(levels))
    assert masks.shape == (3, 5, 7)
    assert not masks.any()


def test_pictures_of_several_sizes_stay_single_in_order(keep) -> None:
    shapes = [(5, 7, 3), (5, 7, 3), (4, 7, 4), (5, 7, 3)]
    levels = [noise(*shape, seed=index) for index, shape in enumerate(shapes)]
    images, masks = decode(*[keep(Image.fromarray(picture)) for picture in levels])
    assert [batch.shape for batch in images] == [(1, *shape[:2], 3) for shape in shapes]
    for batch, sent in zip(images, levels, strict=True):
        np.testing.assert_array_equal(batch[0], floats(sent[..., :3]))
    assert [mask.any() for mask in masks] == [False, False, True, False]


def test_a_turned_picture_among_others_makes_them_single(keep) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    levels = [noise(5, 7, 3, seed=index) for index in range(4)]
    paths = [
        keep(Image.fromarray(picture), **({"exif": exif} if index == 2 else {}))
        for index, picture in enumerate(levels)
    ]
    images, _ = decode(*paths)
    assert [batch.shape[1:3] for batch in images] == [(5, 7), (5, 7), (7, 5), (5, 7)]
    for index, batch in enumerate(images):
        upright = np.rot90(levels[index], -1) if index == 2 else levels[index]
        np.testing.assert_array_equal(batch[0], floats(upright))


def test_no_files_are_no_pictures() -> None:
    assert decode() == ([], [])


def test_a_bomb_is_refused_before_memory_is_taken(keep) -> None:
    small = deep_png(noise(1, 1, 3).astype(np.uint16))
    header = b"IHDR" + struct.pack(">2I", 30_000, 30_000) + small[24:29]
    bomb = small[:12] + header + struct.pack(">I", zlib.crc32(header)) + small[33:]
    path = keep(bomb)
    tracemalloc.start()
    try:
        with pytest.raises(MediaError) as refusal:
            decode(path)
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()
    assert refusal.value.key == "media.too_many_pixels"
    assert refusal.value.params["file"] == path.name


def test_of_a_photo_s_two_views_only_the_first_is_read(keep) -> None:
    first, second = (Image.new("RGB", (6, 4), shade) for shade in ("red", "blue"))
    path = keep(first, ".jpg", format="MPO", save_all=True, append_images=[second])
    image, _ = only_picture(path)
    assert image[0, 0, 0] > 0.9


def test_pictures_are_read_together_as_long_as_a_film_may_be(keep) -> None:
    path = keep(Image.new("1", (8000, 8000)))
    *whole, last = frames.survey([path] * (BYTE_LIMIT // 16 // 8000**2 + 1))
    assert all(isinstance(survey, frames.Survey) for survey in whole)
    assert isinstance(last, MediaError)
    assert last.key == "media.too_many_pictures"
    assert last.params == {"file": path.name, "limit": BYTE_LIMIT // 2**30}


def test_an_animation_counts_with_all_its_frames(keep) -> None:
    first, *rest = [Image.new("L", (2, 2), shade) for shade in (0, 90, 180)]
    path = keep(first, save_all=True, append_images=rest)
    data = path.read_bytes()
    place = data.index(b"acTL")
    control = b"acTL" + struct.pack(">2I", 100_000_000, 0)
    claims = data[:place] + control + struct.pack(">I", zlib.crc32(control)) + data[place + 16 :]
    with pytest.raises(MediaError) as refusal:
        decode(keep(claims))
    assert refusal.value.key == "media.too_many_pixels"


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>sorry</html>", pytest.param(b"P6 1 1 255\nabc", id="a format not on the list")],
)
def test_what_is_no_picture_is_refused_by_name(keep, content: bytes) -> None:
    path = keep(content)
    with pytest.raises(MediaError) as refusal:
        decode(path)
    assert refusal.value.key == "media.unreadable_picture"
    assert refusal.value.params["file"] == path.name


@given(st.data())
@settings(deadline=None, max_examples=150)
def test_a_damaged_file_is_a_picture_or_a_named_error(tmp_path_factory, data) -> None:
    kind = data.draw(st.sampled_from(["PNG", "JPEG", "GIF", "WEBP", "TIFF"]))
    file = io.BytesIO()
    Image.fromarray(noise(9, 11, 3)).save(file, kind)
    content = bytearray(file.getvalue())
    for _ in range(data.draw(st.integers(0, 4))):
        content[data.draw(st.integers(8, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("damaged") / "file"
    length = data.draw(st.just(len(content)) | st.integers(8, len(content)))
    path.write_bytes(content[:length])
    outcome = None
    try:
        decode(path)
    except MediaError as refusal:
        outcome = refusal.key
    assert outcome in (None, "media.unreadable_picture", "media.too_many_pixels")


@pytest.mark.parametrize("frames_of_it", [1, 3])
@pytest.mark.parametrize("damage", ["cut", "zeros"])
def test_a_damaged_png_is_none_where_another_pack_has_pillow_fill_up_what_lacks(
    keep, monkeypatch: pytest.MonkeyPatch, frames_of_it: int, damage: str
) -> None:
    pictures = [Image.fromarray(noise(40, 40, 3, seed=seed)) for seed in range(frames_of_it)]
    path = keep(pictures[0], save_all=frames_of_it > 1, append_images=pictures[1:])
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    assert decode(path)[0][0].shape[1:] == (40, 40, 3)

    whole = path.read_bytes()
    half = len(whole) // (2 * frames_of_it)
    rest = b"" if damage == "cut" else bytes(40) + whole[half + 40 :]
    with pytest.raises(MediaError, match=r"media\.unreadable_picture"):
        decode(keep(whole[:half] + rest))


def test_a_batch_takes_hardly_more_memory_than_it_is(keep) -> None:
    paths = [keep(Image.fromarray(noise(256, 256, 3, seed=seed))) for seed in range(24)]
    tracemalloc.start()
    try:
        (images,), (masks,) = decode(*paths)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak <= 1.1 * (images.nbytes + masks.nbytes)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory) -> dict[str, Path]:
    """Files of two sizes; of the last two, nothing and the first frames can be decoded."""
    folder = tmp_path_factory.mktemp("mixed")

    def stored(name: str, content: bytes) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    def saved(*pictures: Image.Image) -> bytes:
        file = io.BytesIO()
        pictures[0].save(file, "PNG", save_all=len(pictures) > 1, append_images=pictures[1:])
        return file.getvalue()

    opaque = saved(Image.fromarray(noise(8, 9, 3)))
    moving = saved(*(Image.fromarray(noise(8, 9, 4, seed=seed)) for seed in (2, 3, 4)))
    return {
        "opaque": stored("opaque", opaque),
        "clear": stored("clear", saved(Image.fromarray(noise(8, 9, 4, seed=5)))),
        "large": stored("large", saved(Image.fromarray(noise(20, 9, 3, seed=6)))),
        "moving": stored("moving", moving),
        "cut": stored("cut", opaque[: len(opaque) // 2]),
        "stops": stored("stops", moving[: moving.rindex(b"fdAT") + 60]),
    }


@given(st.lists(st.sampled_from(["opaque", "clear", "large", "moving", "cut", "stops"])))
@settings(deadline=None)
def test_a_damaged_file_among_others_costs_itself_alone(mixed, names: list[str]) -> None:
    decoded, counts = image.read([[mixed[name]] for name in names])
    for name, count in zip(names, counts, strict=True):
        assert isinstance(count, MediaError) == (name in ("cut", "stops"))
    whole = [decode(mixed[name]) for name in names if name not in ("cut", "stops")]
    for part, kind in enumerate((Kind.IMAGE, Kind.MASK)):
        expected = [picture for file in whole for batch in file[part] for picture in batch]
        pictures = [picture for batch in decoded[kind] for picture in batch]
        assert len(pictures) == len(expected)
        assert all(np.array_equal(*pair) for pair in zip(pictures, expected, strict=True))


@pytest.mark.parametrize("clear", [0, 700, 65_535])
def test_one_level_of_16_bit_grey_may_be_see_through(keep, clear: int) -> None:
    levels = np.array([[0, 700], [255, 65_535]], np.uint16)
    head = struct.pack(">2I5B", 2, 2, 16, 0, 0, 0, 0)
    rows = np.pad(levels.astype(">u2").view(np.uint8), ((0, 0), (1, 0))).tobytes()
    whole = png_file(head, zlib.compress(rows))
    picture, mask = only_picture(
        keep(whole[:33] + png_chunk(b"tRNS", struct.pack(">H", clear)) + whole[33:])
    )
    assert np.abs(picture[..., 0] - levels / 65_535).max() < 1e-6
    assert (mask == (levels == clear)).all()


@pytest.mark.parametrize(
    "text",
    [
        png_chunk(b"zTXt", b"a\0\0" + zlib.compress(b" " * 3_000_000)),
        png_chunk(b"iTXt", b"prompt\0\1\0\0\0" + zlib.compress(b" " * 3_000_000)),
        png_chunk(b"tEXt", b"a\0b")[:-4] + bytes(4),
    ],
    ids=["large", "large and of Unicode", "damaged"],
)
def test_a_text_beside_the_picture_does_not_keep_it_away(keep, text: bytes) -> None:
    levels = noise(4, 5, 3)
    path = keep(Image.fromarray(levels))
    whole = path.read_bytes()
    picture, _ = only_picture(keep(whole[:33] + text + whole[33:]))
    assert (picture == floats(levels)).all()
