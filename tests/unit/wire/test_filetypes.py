"""A file is what its first bytes are, whatever it is called."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rh_api.wire.filetypes import FileType, Kind, by_suffix, looks_like_page, sniff


@pytest.mark.parametrize(
    ("head", "suffix", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n....", ".png", Kind.IMAGE),
        (b"\xff\xd8\xff\xe0....", ".jpg", Kind.IMAGE),
        (b"RIFF....WEBPVP8 ", ".webp", Kind.IMAGE),
        (b"RIFF....WAVEfmt ", ".wav", Kind.AUDIO),
        (b"RF64\xff\xff\xff\xffWAVEds64", ".wav", Kind.AUDIO),
        (b"FORM....AIFFCOMM", ".aiff", Kind.AUDIO),
        (b"\xff\xf1\x50\x80", ".aac", Kind.AUDIO),
        (b"\x00\x00\x00\x20ftypavis", ".avif", Kind.IMAGE),
        (b"RIFF....AVI LIST", ".avi", Kind.VIDEO),
        (b"GIF89a", ".gif", Kind.IMAGE),
        (b"fLaC", ".flac", Kind.AUDIO),
        (b"OggS", ".ogg", Kind.AUDIO),
        (b"ID3\x04", ".mp3", Kind.AUDIO),
        (b"\xff\xfb\x90\x00", ".mp3", Kind.AUDIO),
        (b"\x00\x00\x00\x20ftypisom", ".mp4", Kind.VIDEO),
        (b"\x00\x00\x00\x14ftypqt  ", ".mov", Kind.VIDEO),
        (b"\x00\x00\x00\x08wide\x00\x12\x34\x56mdat", ".mov", Kind.VIDEO),
        (b"\x00\x12\x34\x56mdat", ".mov", Kind.VIDEO),
        (b"\x00\x00\x34\x56moov\x00\x00\x00\x6cmvhd", ".mov", Kind.VIDEO),
        (b"\x00\x00\x00\x20ftypM4A ", ".m4a", Kind.AUDIO),
        (b"\x00\x00\x00\x20ftypavif", ".avif", Kind.IMAGE),
        (b"\x00\x00\x00\x18ftypheic\0\0\0\0mif1heic", ".heic", Kind.IMAGE),
        (b"\x00\x00\x00\x18ftypheix\0\0\0\0mif1heix", ".heic", Kind.IMAGE),
        (b"\x00\x00\x00\x18ftypmif1\0\0\0\0mif1heic", ".heic", Kind.IMAGE),
        (b"\x00\x00\x00\x18ftypmif1\0\0\0\0avifmiaf", ".avif", Kind.IMAGE),
        (b"\x1aE\xdf\xa3", ".webm", Kind.VIDEO),
        (b"\x1aE\xdf\xa3\x9fB\x86\x81\1B\x82\x84webm", ".webm", Kind.VIDEO),
        (b"\x1aE\xdf\xa3\xa3B\x86\x81\1B\x82\x88matroska", ".mkv", Kind.VIDEO),
        (b"PK\x03\x04", ".zip", Kind.FILE),
        (b"glTF", ".glb", Kind.FILE),
    ],
)
def test_bytes_prove_a_type(head: bytes, suffix: str, kind: Kind):
    file_type = sniff(head)
    assert file_type is not None
    assert (file_type.suffix, file_type.kind) == (suffix, kind)


@pytest.mark.parametrize("head", [b"", b"\xff", b"....WEBP", b"12345678WEBP", b"plain text", b"{}"])
def test_bytes_that_prove_nothing(head: bytes):
    assert sniff(head) is None


@pytest.mark.parametrize(
    ("claim", "suffix"),
    [("png", ".png"), (".JPEG", ".jpg"), ("tif", ".tiff"), ("MP4", ".mp4"), ("json", ".json")],
)
def test_a_claim_is_read_with_or_without_its_dot(claim: str, suffix: str):
    file_type = by_suffix(claim)
    assert file_type is not None
    assert file_type.suffix == suffix


@pytest.mark.parametrize("claim", ["", ".", "image", "exe"])
def test_a_claim_that_names_no_type(claim: str):
    assert by_suffix(claim) is None


@pytest.mark.parametrize(
    ("head", "page"),
    [
        (b"<!DOCTYPE html><html>", True),
        (b"\xef\xbb\xbf\n <HTML lang='en'>", True),
        (b"<?xml version='1.0'?>\n<Error><Code>AccessDenied</Code>", True),
        (b"<?xml version='1.0'?><svg xmlns='x'>", False),
        (b"<svg>", False),
        (b"\x89PNG", False),
        (b"a text about <html>", False),
        (b"", False),
    ],
)
def test_a_page_is_told_from_a_file(head: bytes, page: bool):
    assert looks_like_page(head) is page


@settings(deadline=None)
@given(st.binary(max_size=64))
def test_any_bytes_have_a_type_or_none(head: bytes):
    assert isinstance(sniff(head), FileType | None)
    assert looks_like_page(head) in (True, False)
