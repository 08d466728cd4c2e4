"""Pictures of one field in one zip: in order, exact, and the same bytes each time."""

import io
import zipfile

import numpy as np
import pytest
from unit.codecs.loadimage import load_image

from nodes.values.codecs import archive
from nodes.values.codecs.errors import MediaError
from tests.support.archives import zipped


def pictures(count: int, *shape: int, seed: int = 1) -> np.ndarray:
    levels = np.random.default_rng(seed).integers(0, 256, (count, *shape), np.uint8)
    return levels.astype(np.float32) / 255.0


def test_each_picture_is_a_png_in_order() -> None:
    batches = [pictures(3, 9, 7, 3), pictures(2, 5, 6, 4, seed=2)]
    with zipfile.ZipFile(io.BytesIO(zipped(batches))) as opened:
        assert opened.testzip() is None
        assert opened.namelist() == [f"{number:05}.png" for number in range(1, 6)]
        loaded = [load_image(opened.read(name))[0][0] for name in opened.namelist()]
        assert {entry.compress_type for entry in opened.infolist()} == {zipfile.ZIP_STORED}
    for sent, picture in zip([*batches[0], *batches[1][..., :3]], loaded, strict=True):
        np.testing.assert_array_equal(picture, sent)


def test_equal_pictures_are_equal_bytes(monkeypatch) -> None:
    first = zipped([pictures(2, 9, 7, 3)])
    # Neither the date nor the system may show.
    monkeypatch.setattr("sys.platform", "win32")
    monkeypatch.setattr("time.localtime", lambda *_: (2030, 1, 2, 3, 4, 5, 0, 0, 0))
    assert zipped([pictures(2, 9, 7, 3)]) == first


def test_a_long_row_of_pictures_is_written_one_by_one() -> None:
    class Watched(io.BytesIO):
        largest = 0

        def write(self, data) -> int:
            self.largest = max(self.largest, len(data))
            return super().write(data)

    file = Watched()
    archive.write(file, (pictures(1, 40, 40, 3, seed=index) for index in range(30)))
    assert file.largest < file.tell() / 20


@pytest.mark.parametrize("batches", [[], [np.zeros((0, 4, 4, 3), np.float32)]])
def test_no_picture_makes_no_zip(batches: list[np.ndarray]) -> None:
    with pytest.raises(MediaError) as refusal:
        zipped(batches)
    assert refusal.value.key == "media.empty_picture"
