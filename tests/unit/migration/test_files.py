"""Graphs and keys in files: JSON, pictures, films and sounds. All else stays."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from rh_api.errors import BadInput
from rh_api.media import carrier_of
from rh_api.migration.documents import clean_file, keys_in_file, migrate_file
from rh_api.models.catalogue import Catalogue
from tests.unit.migration.media import (
    KEY,
    OLD,
    contents,
    flac,
    jpeg,
    m4a,
    mp3,
    ogg_flac,
    old_mp3,
    opus,
    png,
    saved,
    video,
    webm,
    webp,
    with_xmp,
)

CATALOGUE = Catalogue((), date="")
PLAIN = st.characters(exclude_categories=("Cs", "Cc"))
NEW = {"workflow": "1900000000000000109", "reroll_seeds": True}
XMP = f"<x key='{KEY}'/>"
SOUNDS = (flac, mp3, old_mp3, opus, ogg_flac)


def with_exif(description: str) -> Image.Exif:
    exif = Image.Exif()
    exif[0x010E] = description.encode()
    return exif


def prompt_of(data: bytes) -> Any:
    return json.loads(data)["2"]["inputs"]


def pixels(data: bytes) -> bytes:
    return contents(data)[0]


def test_a_json_file_keeps_its_form() -> None:
    for indent in (None, 2, 4):
        data = (json.dumps(OLD, indent=indent) + "\n").encode()
        migrated = migrate_file(data, CATALOGUE).data
        assert prompt_of(migrated) == NEW
        same = json.dumps(json.loads(migrated), indent=indent, ensure_ascii=False) + "\n"
        assert migrated.decode() == same


def test_a_picture_keeps_its_pixels_and_other_texts() -> None:
    data = png(prompt=json.dumps(OLD), parameters="steps 20", packed="zip")
    migrated = migrate_file(data, CATALOGUE)
    with Image.open(io.BytesIO(migrated.data)) as image:
        assert prompt_of(image.info["prompt"]) == NEW
        assert image.info["parameters"] == "steps 20"
        assert (image.info["packed"], image.info["Author"]) == ("zip", "某人")
    assert pixels(migrated.data) == pixels(data)
    before, after = data.index(b"IDAT"), migrated.data.index(b"IDAT")
    assert data[before - 4 :] == migrated.data[after - 4 :]


def test_a_webp_keeps_its_pixels_and_other_texts() -> None:
    data = webp(prompt=json.dumps(OLD), workflow='{"nodes": []}')
    migrated = migrate_file(data, CATALOGUE).data
    with Image.open(io.BytesIO(migrated)) as image:
        exif = image.getexif()
        assert prompt_of(exif[0x0110].removeprefix("prompt:")) == NEW
        assert exif[0x010F] == 'workflow:{"nodes": []}'
        assert exif[0x0131] == "a program"
    assert pixels(migrated) == pixels(data)
    assert int.from_bytes(migrated[4:8], "little") == len(migrated) - 8


def test_a_jpeg_keeps_its_pixels_and_other_texts() -> None:
    old = json.dumps(OLD)
    for data in (jpeg("a hill", prompt=old), jpeg(old), jpeg("a hill", user=old)):
        migrated = migrate_file(data, CATALOGUE).data
        ((name, migration),) = migrate_file(migrated, CATALOGUE).graphs
        assert name in ("prompt", "comment", "user comment")
        assert not migration.replaced
        assert migration.document["2"]["inputs"] == NEW
        scan = data.index(b"\xff\xdb")
        assert migrated.endswith(data[scan:])
        with Image.open(io.BytesIO(migrated)) as image:
            assert image.getexif()[0x0131] == "a program"
            assert image.info["xmp"] == b"<x:xmpmeta/>"


def test_no_form_keeps_the_old_text_with_its_key() -> None:
    old = json.dumps(OLD, separators=(",", ":"))
    # The text about it makes the new one longer, so that it goes elsewhere in the file.
    long = json.dumps({**OLD, "3": {"class_type": "Note", "inputs": {"text": "雪" * 40}}})
    long = long.encode().decode("unicode-escape")
    for text in (old, long):
        for data in (png(prompt=text), webp(prompt=text), jpeg(prompt=text), jpeg(user=text)):
            migrated = migrate_file(data, CATALOGUE).data
            assert KEY.encode() not in migrated
            assert KEY.encode("utf-16-be") not in migrated


@pytest.mark.parametrize(
    "data",
    [
        json.dumps(OLD).encode(),
        png(workflow=json.dumps(OLD), prompt=json.dumps(OLD)),
        f'curl --data \'{{"apiKey": "{KEY}"}}\' # 雪'.encode(),
        png(packed=f"apiKey={KEY}"),
        webp(prompt=json.dumps(OLD)),
        video(comment=json.dumps({"prompt": OLD})),
        video(tags=True, prompt=json.dumps(OLD)),
        video(title=f"RunningHub {KEY}"),
        video("mov", comment=f"RunningHub {KEY}"),
        webm(prompt=json.dumps(OLD)),
        webm(title=f"RunningHub {KEY}"),
        jpeg(prompt=json.dumps(OLD)),
        jpeg(f"RunningHub {KEY}"),
        jpeg(user=f"RunningHub {KEY} 雪"),
        with_xmp(saved("JPEG"), XMP),
        saved("WEBP", xmp=XMP.encode(), lossless=True),
        saved("PNG", exif=with_exif(f"RunningHub {KEY}")),
        *(make(prompt=json.dumps(OLD)) for make in SOUNDS),
        *(make(comment=f"RunningHub {KEY} 雪") for make in SOUNDS),
        m4a(tags=True, prompt=json.dumps(OLD)),
        m4a(lyrics=f"RunningHub {KEY}"),
    ],
    ids=[
        *(
            "json",
            "png",
            "a command line",
            "packed png",
            "webp",
            "mp4",
            "mp4 with tags",
            "mp4's title",
            "mov's comment",
        ),
        *("webm", "webm's title", "jpeg", "jpeg's comment", "jpeg's user comment"),
        *("jpeg's xmp", "webp's xmp", "png's exif"),
        *(make.__name__ for make in SOUNDS),
        *(f"{make.__name__}'s comment" for make in SOUNDS),
        *("m4a with tags", "m4a's lyrics"),
    ],
)
def test_a_key_goes_and_nothing_else(data: bytes) -> None:
    (key,) = keys_in_file(data)
    assert key.key == KEY
    assert KEY not in key.veiled
    cleaned = clean_file(data, [key.key])
    assert KEY.encode() not in cleaned
    assert keys_in_file(cleaned) == ()
    if not data.startswith((b"{", b"curl")):
        assert cleaned[:3] == data[:3]
        assert contents(cleaned) == contents(data) != []
    assert clean_file(data, []) == data or data.startswith(b"{")
    assert clean_file(cleaned, [KEY]) == cleaned


@given(st.text(PLAIN, max_size=30), st.text(PLAIN, max_size=30))
@settings(max_examples=8, deadline=None)
def test_any_text_loses_its_key_and_nothing_else(before: str, after: str) -> None:
    text = f"{before} apiKey {KEY} {after}"
    files = [make(comment=text) for make in (png, webp, jpeg)]
    for data in (*files, jpeg(user=text), saved("PNG", exif=with_exif(text))):
        carrier = carrier_of(data)
        assert carrier is not None
        texts = carrier.read(data)
        assert [text.replace(KEY, "x" * 32) for _, text in texts] != [text for _, text in texts]
        clean = clean_file(data, [KEY])
        assert carrier.read(clean) == [(name, text.replace(KEY, "x" * 32)) for name, text in texts]
        assert contents(clean) == contents(data)
        assert [key.key for key in keys_in_file(data)] == [KEY]
        assert keys_in_file(clean) == ()


def test_a_text_that_is_no_utf_8_stays_as_it_is() -> None:
    for broken in (b"\xff\xfe latin \xe9", b"\x80"):
        text = f"apiKey {KEY} ".encode() + broken
        data = saved("JPEG", comment=text)
        assert clean_file(data, [KEY]) == data.replace(KEY.encode(), b"x" * 32)


def test_of_two_texts_of_one_name_each_is_read() -> None:
    info = PngInfo()
    for text in (json.dumps(OLD), json.dumps({"text": "second"})):
        info.add_text("prompt", text)
    data = saved("PNG", pnginfo=info)
    assert [key.key for key in keys_in_file(data)] == [KEY]
    assert clean_file(data, [KEY]).count(b"second") == 1
    assert KEY.encode() not in clean_file(data, [KEY])


def test_a_file_without_a_graph_is_refused() -> None:
    for data in (b'{"a": 1}', png(parameters="x"), b"\xff\xfe", b"GIF89a", b""):
        with pytest.raises(BadInput):
            migrate_file(data, CATALOGUE)


def test_no_file_is_called_clean_whose_texts_are_not_read() -> None:
    packed = b"\x1f\x8b\xff" + KEY.encode()
    avi, psd = b"RIFF\xff\0\0\0AVI LIST", b"8BPS\0\1\xff" + KEY.encode()
    for data in (packed, avi, psd, saved("TIFF"), saved("BMP")):
        with pytest.raises(BadInput):
            keys_in_file(data)


def test_a_torn_file_is_no_crash() -> None:
    for make in (png, webp, jpeg, webm, video, *SOUNDS, m4a):
        whole = make(prompt=json.dumps({"text": KEY}), comment="{}")
        for end in range(0, len(whole), 37):
            try:
                migrate_file(whole[:end], CATALOGUE)
                keys_in_file(whole[:end])
                clean_file(whole[:end], [KEY])
            except BadInput:
                continue


FILES = {
    "png": png(prompt=json.dumps(OLD), packed=json.dumps(OLD)),
    "webp": webp(prompt=json.dumps(OLD)),
    "jpeg": jpeg("a comment", "a word", prompt=json.dumps(OLD)),
}


@pytest.mark.parametrize("name", FILES)
@given(st.data())
@settings(max_examples=150, deadline=None)
def test_any_damage_is_no_crash_and_what_is_not_replaced_stays(
    name: str, data: st.DataObject
) -> None:
    whole = bytearray(FILES[name])
    head = min(len(whole), 6000) - 1  # texts and what leads to them
    for place in data.draw(st.lists(st.integers(4, head), max_size=6)):
        whole[place] = data.draw(st.integers(0, 255))
    # Often whole: of some files nothing is read without their end.
    length = data.draw(st.just(len(whole)) | st.integers(12, len(whole)))
    damaged = bytes(whole[:length])
    carrier = carrier_of(damaged)
    if carrier is None:
        return
    texts = carrier.read(damaged)
    assert carrier.write(damaged, {}) == damaged
    same = carrier.write(damaged, {place: text for place, (_, text) in enumerate(texts)})
    # Those pack again, or write what was torn as if it were whole.
    assert same == damaged or name in ("png", "webp")
    once = clean_file(damaged, [KEY])
    assert clean_file(once, [KEY]) == once
