"""Whole, cut or not to be told: no odd but whole file is cut, and no beginning of one is whole."""

from __future__ import annotations

import io
import struct
import tempfile
import wave
import zipfile
import zlib
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from rh_api.wire.integrity import BLOCK, Verdict, judge
from tests.support.pictures import noise, png_chunk

WHOLE, CUT, OPEN = Verdict.WHOLE, Verdict.CUT, Verdict.CANNOT_TELL


def verdict(data: bytes) -> Verdict:
    return judge(io.BytesIO(data), len(data))


def picture(mode: str = "RGB", size: tuple[int, int] = (61, 43)) -> Image.Image:
    return Image.fromarray(noise(size[1], size[0], 3)).convert(mode)


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def jpeg(**options: Any) -> bytes:
    return saved(picture(), "JPEG", **options)


def exif_with_preview() -> bytes:
    """An EXIF segment that holds a whole JPEG, its end of image included."""
    preview = saved(picture(size=(16, 12)), "JPEG")
    body = b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0" + preview
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body


def in_jpeg(segment: bytes) -> bytes:
    plain = jpeg()
    return plain[:2] + segment + plain[2:]


def arithmetic_jpeg() -> bytes:
    """The segments of an arithmetic-coded picture; what lies in its scan is of no matter here."""
    scan = noise(3000).tobytes().replace(b"\xff", b"\xff\x00")
    return b"".join(
        (
            b"\xff\xd8\xff\xc9\0\x0b\x08\0\x10\0\x10\x01\x01\x11\0",
            b"\xff\xcc\0\x04\0\x10",
            b"\xff\xda\0\x08\x01\x01\0\0\x3f\0" + scan,
            b"\xff\xff\xff\xd9",
        )
    )


def apng() -> bytes:
    frames = [picture(size=(20, 20)) for _ in range(4)]
    return saved(frames[0], "PNG", save_all=True, append_images=frames[1:], duration=80)


def webp(**options: Any) -> bytes:
    return saved(picture("RGBA"), "WEBP", **options)


def animated_webp() -> bytes:
    return webp(save_all=True, append_images=[picture("RGBA")] * 3, exif=b"Exif\0\0II*\0")


def wav(frames: int = 5001, *, channels: int = 1, width: int = 1) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(channels)
        sound.setsampwidth(width)
        sound.setframerate(8000)
        sound.writeframes(noise(frames * channels * width).tobytes())
    return file.getvalue()


def resized(data: bytes, riff: int | None = None, chunk: int | None = None) -> bytes:
    """A WAV whose sizes, of the file and of its samples, are claimed to be others."""
    claimed = bytearray(data)
    if riff is not None:
        claimed[4:8] = struct.pack("<I", riff)
    if chunk is not None:
        claimed[40:44] = struct.pack("<I", chunk)
    return bytes(claimed)


@cache
def movie(kind: str = "mp4", codec: str = "libx264", sound: bool = False, **options: str) -> bytes:
    folder = tempfile.TemporaryDirectory()
    path = Path(folder.name) / "made"  # faststart reads what it has written
    container = av.open(str(path), "w", format=kind, options=options)
    stream: Any = container.add_stream(codec, rate=Fraction(8))
    stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
    if codec == "mjpeg":
        stream.pix_fmt = "yuvj420p"
    hum: Any = container.add_stream("aac", rate=16000) if sound else None
    for picture_of in noise(12, 48, 64, 3):
        for packet in stream.encode(av.VideoFrame.from_ndarray(picture_of, "rgb24")):
            container.mux(packet)
    if hum:
        for start in range(0, 16000, 1024):
            samples = np.sin(np.arange(start, start + 1024) / 9).astype(np.float32)[None]
            frame = av.AudioFrame.from_ndarray(samples, "fltp", "mono")
            frame.rate, frame.pts = 16000, start
            container.mux(hum.encode(frame))
        container.mux(hum.encode(None))
    container.mux(stream.encode(None))
    container.close()
    with folder:
        return path.read_bytes()


def faststart() -> bytes:
    return movie(movflags="faststart", sound=True)


def box(name: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I4s", 8 + len(content), name) + content


def large_size(data: bytes) -> bytes:
    """The same movie, its samples in a box whose size takes 64 bits."""
    at = data.index(b"mdat") - 4
    size = int.from_bytes(data[at : at + 4], "big")
    assert data[at - 8 : at] == b"\0\0\0\x08free"  # ffmpeg leaves the room for it
    return data[: at - 8] + struct.pack(">I4sQ", 1, b"mdat", size + 8) + data[at + 8 :]


def open_size(data: bytes) -> bytes:
    """The same movie, its samples in a box that goes to the end of the file."""
    at = data.index(b"mdat") - 4
    return data[:at] + bytes(4) + data[at + 4 :]


def glb(version: int = 2) -> bytes:
    json, binary = b'{"asset":{"version":"2.0"}}   ', noise(1000).tobytes()
    json += b" " * (-len(json) % 4)
    chunks = struct.pack("<I4s", len(json), b"JSON") + json
    chunks += struct.pack("<I4s", len(binary), b"BIN\0") + binary
    return struct.pack("<4sII", b"glTF", version, 12 + len(chunks)) + chunks


def zipped(method: int = zipfile.ZIP_DEFLATED, comment: bytes = b"", **more: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.comment = comment
        for number in range(5):
            archive.writestr(f"{number}.txt", noise(500 + number).tobytes())
        for name, data in more.items():
            archive.writestr(name, data)
    return file.getvalue()


class Unseekable(io.BytesIO):
    def seekable(self) -> bool:
        return False

    def seek(self, *_: Any) -> int:
        raise io.UnsupportedOperation

    def tell(self) -> int:
        raise io.UnsupportedOperation


def streamed_zip() -> bytes:
    """Sizes behind the entries, as of a zip that was made on the fly."""
    file = Unseekable()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", noise(5000).tobytes())
    return file.getvalue()


def zip64() -> bytes:
    """One with the larger records, which zipfile writes for 65,536 entries on its own."""
    plain = zipped()
    at = plain.rindex(b"PK\x05\x06")
    entries, size, offset = struct.unpack("<10xHII2x", plain[at:])
    larger = struct.pack(
        "<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, entries, entries, size, offset
    )
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, at, 1)
    none = 0xFFFF_FFFF
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, none, none, 0)
    return plain[:at] + larger + locator + end


PROVEN: dict[str, Callable[[], bytes]] = {
    "png": lambda: saved(picture(), "PNG"),
    "png 16 bit": lambda: saved(Image.fromarray(noise(20, 20).astype(np.uint16) * 257), "PNG"),
    "png palette": lambda: saved(picture("P"), "PNG"),
    "png in many pieces": lambda: b"".join(
        (
            b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0)),
            *(png_chunk(b"IDAT", bytes([b])) for b in zlib.compress(noise(8, 9).tobytes())),
            png_chunk(b"tEXt", b"Comment\0late"),
            png_chunk(b"IEND", b""),
        )
    ),
    "apng": apng,
    "jpeg": jpeg,
    "jpeg progressive": lambda: jpeg(progressive=True),
    "jpeg of one grey": lambda: saved(picture("L"), "JPEG"),
    "jpeg cmyk": lambda: saved(picture("CMYK"), "JPEG"),
    "jpeg with restarts": lambda: jpeg(restart_marker_blocks=1),
    "jpeg with a preview": lambda: in_jpeg(exif_with_preview()),
    "jpeg with icc and comment": lambda: jpeg(icc_profile=noise(70_000).tobytes(), comment="hi"),
    "jpeg arithmetic": arithmetic_jpeg,
    "jpeg padded": lambda: jpeg()[:-2] + b"\xff" * 7 + b"\xd9",
    "jpeg large": lambda: saved(picture(size=(900, 700)), "JPEG", quality=98),
    "mp4": movie,
    "mp4 faststart": faststart,
    "mp4 with sound": lambda: movie(sound=True),
    "mp4 of large size": lambda: large_size(movie()),
    "mov": lambda: movie("mov", "mjpeg"),
    "glb": glb,
    "glb first version": lambda: glb(1)[:8] + struct.pack("<I", len(glb())) + glb()[12:],
    "zip": zipped,
    "zip stored": lambda: zipped(zipfile.ZIP_STORED),
    "zip in a zip": lambda: zipped(zipfile.ZIP_STORED, inner=zipped(), last=b"more"),
    "zip streamed": streamed_zip,
    "zip empty": lambda: b"PK\x05\x06" + bytes(18),
    "zip64": zip64,
}
"""Formats whose whole files are told from each beginning of theirs."""

RIFFS: dict[str, Callable[[], bytes]] = {
    "webp": webp,
    "webp lossless": lambda: webp(lossless=True),
    "webp animated": animated_webp,
    "wav": wav,
    "wav of 24 bit": lambda: wav(channels=2, width=3),
    "avi": lambda: movie("avi", "mjpeg"),
}

ALSO_WHOLE: dict[str, Callable[[], bytes]] = {
    "wav streamed, samples alone": lambda: resized(wav(), None, 0xFFFF_FFFF),
    "wav size counts itself": lambda: resized(wav(), len(wav())),
    "webp size counts itself": lambda: resized(webp(), len(webp())),
    "mp4 fragmented": lambda: movie(movflags="frag_keyframe+empty_moov"),
    "mp4 for dash": lambda: movie(movflags="dash+frag_keyframe+empty_moov+global_sidx"),
    "avif": lambda: box(b"ftyp", b"avif\0\0\0\0") + box(b"meta", bytes(40)) + box(b"mdat", b"x"),
    "zip with a comment": lambda: zipped(comment=b"PK and more"),
}

UNTOLD: dict[str, Callable[[], bytes]] = {
    "wav streamed, 0": lambda: resized(wav(), 0, 0),
    "wav streamed, largest": lambda: resized(wav(), 0xFFFF_FFFF, 0xFFFF_FFFF),
    "wav streamed, half": lambda: resized(wav(), 0x7FFF_0024, 0x7FFF_0000),
    "avi streamed": lambda: resized(movie("avi", "mjpeg"), 0),
    "mp4 of an index and fragments": lambda: (
        movie() + box(b"moof", bytes(8)) + box(b"mdat", bytes(8))
    ),
    "mp4 open": lambda: open_size(faststart()),
    "webm": lambda: movie("webm", "libvpx"),
    "mkv": lambda: movie("matroska"),
    "gif": lambda: saved(picture("P"), "GIF"),
    "bmp": lambda: saved(picture(), "BMP"),
    "tiff": lambda: saved(picture(), "TIFF"),
    "ogg": lambda: b"OggS" + noise(500).tobytes(),
    "flac": lambda: b"fLaC" + noise(500).tobytes(),
    "mp3": lambda: b"ID3\x04" + noise(500).tobytes(),
    "mp3 without tag": lambda: b"\xff\xfb\x90\x64" + noise(500).tobytes(),
    "text": lambda: b"a cat",
    "nothing": lambda: b"",
}
"""Whole as they are, as far as anybody knows, and not to be told from a beginning of theirs."""

TRAILERS = [b"\0", b"\n", bytes(700), b"trailing bytes", noise(5000).tobytes(), jpeg()]


@pytest.mark.parametrize(
    "make",
    [*PROVEN.values(), *RIFFS.values(), *ALSO_WHOLE.values()],
    ids=[*PROVEN, *RIFFS, *ALSO_WHOLE],
)
def test_odd_but_whole_files_are_whole(make: Callable[[], bytes]) -> None:
    assert verdict(make()) is WHOLE


@pytest.mark.parametrize("make", UNTOLD.values(), ids=list(UNTOLD))
def test_what_a_format_leaves_open_cannot_be_told(make: Callable[[], bytes]) -> None:
    assert verdict(make()) is OPEN


@pytest.mark.parametrize("make", [*PROVEN.values(), *RIFFS.values()], ids=[*PROVEN, *RIFFS])
@pytest.mark.parametrize("trailer", TRAILERS, ids=lambda trailer: str(len(trailer)))
def test_bytes_behind_the_end_take_nothing_away(make: Callable[[], bytes], trailer: bytes) -> None:
    assert verdict(make() + trailer) is WHOLE


@pytest.mark.parametrize("make", UNTOLD.values(), ids=list(UNTOLD))
@pytest.mark.parametrize("trailer", TRAILERS, ids=lambda trailer: str(len(trailer)))
def test_bytes_behind_what_is_open_make_nothing_of_it(
    make: Callable[[], bytes], trailer: bytes
) -> None:
    assert verdict(make() + trailer) is not CUT


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"RIFF" + bytes(4) + b"WEBPVP8 " + bytes(16), OPEN),
        (b"RIFF" + b"\xff" * 4 + b"WAVEfmt " + bytes(16), OPEN),
        (b"RIFF" + bytes(4) + b"AVI LIST" + bytes(16), OPEN),
        (b"glTF" + struct.pack("<I", 2) + b"@\0", CUT),
        (b"\xff\xd8\xff\xe0" + struct.pack(">H", 4) + bytes(2) + b"\x00\xd9" + bytes(8), OPEN),
        (b"\xff\xd8\xff\xe0" + struct.pack(">H", 4) + bytes(2) + b"\xff", CUT),
    ],
)
def test_a_head_that_tells_no_size_is_taken_for_that(data: bytes, expected: Verdict) -> None:
    assert verdict(data) is expected


def prefixes(data: bytes) -> Iterator[int]:
    """Lengths to cut at: all near the ends, some hundreds between."""
    size = len(data)
    yield from range(1, min(size, 120))
    yield from range(max(0, size - 120), size)
    yield from range(0, size, max(1, size // 300))


@pytest.mark.parametrize("make", PROVEN.values(), ids=list(PROVEN))
def test_no_beginning_is_whole(make: Callable[[], bytes]) -> None:
    data = make()
    verdicts = {length: verdict(data[:length]) for length in prefixes(data)}
    assert [length for length, is_ in verdicts.items() if is_ is WHOLE] == []
    # What is long enough to be of some type is mostly seen to be cut.
    cut = [is_ is CUT for length, is_ in verdicts.items() if length > 40]
    assert sum(cut) >= 0.7 * len(cut)


@pytest.mark.parametrize("make", RIFFS.values(), ids=list(RIFFS))
def test_half_a_riff_is_cut(make: Callable[[], bytes]) -> None:
    data = make()
    for share in (0.3, 0.5, 0.9):
        assert verdict(data[: int(len(data) * share)]) is CUT


@pytest.mark.parametrize("make", [lambda: movie(movflags="frag_keyframe+empty_moov")])
def test_half_a_fragment_is_cut(make: Callable[[], bytes]) -> None:
    data = make()
    end = data.rindex(b"mdat") + 20
    assert verdict(data[:end]) is CUT


def test_half_an_avif_is_cut() -> None:
    data = ALSO_WHOLE["avif"]()
    assert verdict(data[:-1]) is CUT
    assert verdict(data[: data.index(b"mdat") - 4]) is CUT


def test_a_movie_that_ends_before_its_samples_is_cut() -> None:
    """Between two boxes, each of which ends well."""
    data = faststart()
    assert verdict(data[: data.index(b"mdat") - 4]) is CUT


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_any_strict_prefix_is_never_whole(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(PROVEN)))
    whole = _proven(name)
    length = data.draw(st.integers(0, len(whole) - 1))
    assert verdict(whole[:length]) is not WHOLE


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_judged_without_a_crash(data: st.DataObject) -> None:
    whole = bytearray(_proven(data.draw(st.sampled_from(sorted(PROVEN)))))
    for _ in range(data.draw(st.integers(1, 8))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    assert verdict(bytes(whole)) in Verdict


@cache
def _proven(name: str) -> bytes:
    return PROVEN[name]()


def test_a_marker_at_the_edge_of_a_block_is_seen() -> None:
    head = b"\xff\xd8\xff\xda\0\x02"
    for length in range(BLOCK - 2, BLOCK + 3):
        assert verdict(head + b"\x11" * length + b"\xff\xd9") is WHOLE
        assert verdict(head + b"\x11" * length + b"\xff") is CUT


class Counting(io.BytesIO):
    """Counts what is asked of it at once, and in all."""

    largest = total = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.largest, self.total = max(self.largest, len(data)), self.total + len(data)
        return data


@pytest.mark.parametrize("make", [*PROVEN.values(), *RIFFS.values()], ids=[*PROVEN, *RIFFS])
def test_no_more_than_a_block_is_read_at_once(make: Callable[[], bytes]) -> None:
    data = make() + bytes(3 * BLOCK)
    file = Counting(data)
    judge(file, len(data))
    assert file.largest <= BLOCK + 64


def test_a_large_movie_is_not_read_through() -> None:
    data = movie()
    at = data.index(b"mdat") - 4
    size = int.from_bytes(data[at : at + 4], "big")
    padded = data[:at] + box(b"mdat", bytes(50_000_000)) + data[at + size :]
    file = Counting(padded)
    assert judge(file, len(padded)) is WHOLE
    assert file.total < 100_000
