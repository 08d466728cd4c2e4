"""ID3 tags of all versions and kinds: what is not replaced in them stays byte for byte."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rh_api.media import DoesNotFit, id3
from rh_api.migration.documents import clean_file, keys_in_file, migrate_file
from rh_api.models.catalogue import Catalogue
from tests.unit.migration.media import GONE, KEY, OLD, carrier_for, mp3, samples

CATALOGUE = Catalogue((), date="")
SOUND = mp3()[mp3().index(b"\xff\xfb") :]
PLAIN = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=5, max_size=300)
APART, EXTENDED, FOOT = 0x80, 0x40, 0x10
CODECS = ("latin-1", "utf-16", "utf-16-be", "utf-8")


def number(value: int, bits: int, width: int = 4) -> bytes:
    mask = (1 << bits) - 1
    return bytes(value >> bits * place & mask for place in reversed(range(width)))


def frame(version: int, kind: str, body: bytes, flags: int = 0, bits: int = 0) -> bytes:
    """`bits`: of each byte of the length, if not those of the version."""
    if version == 2:
        return kind.encode() + number(len(body), 8, 3) + body
    head = kind.encode() + number(len(body), bits or (7 if version == 4 else 8))
    return head + flags.to_bytes(2, "big") + body


def text(codec: int, value: str, description: str = "", language: str = "") -> bytes:
    """As each version has it; a description, where there is one, before the text."""
    name = "utf-16-le" if codec == 1 else CODECS[codec]
    mark = "\ufeff" if codec == 1 else ""
    about = (mark + description + "\0").encode(name) if description else b""
    return bytes([codec]) + language.encode() + about + (mark + value + "\0").encode(name)


def tag(version: int, *frames: bytes, flags: int = 0, before: bytes = b"", after: int = 0) -> bytes:
    """`before`: an extended head; `after`: zeros that leave room."""
    body = before + b"".join(frames) + bytes(after)
    if flags & APART and version < 4:
        body = apart(body)
    head = bytes([version, 0, flags]) + number(len(body), 7)
    return b"ID3" + head + body + (b"3DI" + head if flags & FOOT else b"")


def apart(plain: bytes) -> bytes:
    """As the specification has it, byte by byte."""
    written = bytearray()
    for place, byte in enumerate(plain):
        written.append(byte)
        following = plain[place + 1 : place + 2]
        if byte == 0xFF and (not following or following == b"\0" or following >= b"\xe0"):
            written.append(0)
    return bytes(written)


NAMES = {2: ("TXX", "COM", "TT2"), 3: ("TXXX", "COMM", "TIT2"), 4: ("TXXX", "COMM", "TIT2")}
COVER = b"\0image/jpeg\0\3\0\xff\xd8\xff\xe0\0\x10\xff\0\xff" + bytes(range(256)) + b"."


@pytest.mark.parametrize("flags", [0, APART])
@pytest.mark.parametrize("codec", [0, 1, 2, 3])
@pytest.mark.parametrize("version", [2, 3, 4])
def test_each_version_and_each_way_of_writing(version: int, codec: int, flags: int) -> None:
    own, comment, title = NAMES[version]
    old = json.dumps(OLD)
    by_frame = flags and version == 4  # there each frame is kept apart by itself
    frames = [
        frame(version, kind, apart(body) if by_frame else body, 2 if by_frame else 0)
        for kind, body in (
            ("PIC" if version == 2 else "APIC", COVER),
            (own, text(codec, old, "prompt")),
            ("PIC" if version == 2 else "APIC", COVER),
            (comment, text(codec, f"apiKey {KEY}", "d", "eng")),
            (title, text(codec, "a title")),
        )
    ]
    data = tag(version, *frames, flags=flags, after=100) + SOUND
    assert carrier_for(data).read(data) == [
        ("prompt", old),
        ("comment", f"apiKey {KEY}"),
        ("title", "a title"),
    ]
    cleaned = clean_file(data, [KEY])
    assert len(cleaned) == len(data)
    coded = "utf-16-le" if codec == 1 else CODECS[codec]
    assert cleaned == data.replace(KEY.encode(coded), GONE.encode(coded))
    assert keys_in_file(cleaned) == ()
    migrated = migrate_file(data, CATALOGUE).data
    assert migrated.endswith(bytes(100) + SOUND)
    ((_, migration),) = migrate_file(migrated, CATALOGUE).graphs
    assert migration.document["2"]["class_type"] == "RunningHubRemoteWorkflow"
    texts = carrier_for(migrated).read(migrated)
    assert texts[1:] == [("comment", f"apiKey {KEY}"), ("title", "a title")]
    length = 10 + int("".join(f"{byte:07b}" for byte in migrated[6:10]), 2)
    assert migrated[length:] == SOUND
    assert migrated.count(apart(COVER) if flags else COVER) == 2


@given(
    st.sampled_from([2, 3, 4]),
    st.sampled_from([0, 1, 2, 3]),
    st.sampled_from([0, APART]),
    st.lists(st.tuples(PLAIN, PLAIN), min_size=1, max_size=4),
)
@settings(max_examples=150, deadline=None)
def test_any_text_comes_back_and_is_written_as_it_was(
    version: int, codec: int, flags: int, texts: list[tuple[str, str]]
) -> None:
    whole = [
        (old.encode(CODECS[codec], "replace").decode(CODECS[codec]), new) for old, new in texts
    ]
    bodies = [text(codec, old, "name") for old, _ in whole]
    if version == 4 and flags:
        bodies = [apart(body) for body in bodies]
    own = NAMES[version][0]
    # Kinds that no text is in stand between them.
    others = frame(version, "PIC" if version == 2 else "APIC", COVER)
    data = tag(version, *(frame(version, own, body) + others for body in bodies), flags=flags)
    data += SOUND
    assert [value for _, value in id3.read_texts(data)] == [old for old, _ in whole]
    assert id3.write_texts(data, {place: old for place, (old, _) in enumerate(whole)}) == data
    written = id3.write_texts(data, {place: new for place, (_, new) in enumerate(whole)})
    assert id3.read_texts(written) == [("name", new) for _, new in whole]
    assert written.endswith(SOUND)
    back = id3.write_texts(written, {place: old for place, (old, _) in enumerate(whole)})
    assert [value for _, value in id3.read_texts(back)] == [old for old, _ in whole]


def test_what_latin_letters_cannot_write_becomes_utf_16() -> None:
    data = tag(3, frame(3, "TXXX", text(0, "old", "prümpt")), frame(3, "WOAF", b"http://a")) + SOUND
    written = id3.write_texts(data, {0: "雪", 1: "http://雪"})
    assert id3.read_texts(written)[0] == ("prümpt", "雪")
    assert frame(3, "TXXX", text(1, "雪", "prümpt")) in written
    assert "http://雪".encode() in written
    assert samples(written) == samples(SOUND)


def test_addresses_lyrics_and_xmp_are_texts() -> None:
    address = f"https://www.runninghub.cn/proxy/{KEY}/x"
    frames = [
        frame(4, "WXXX", b"\3about\0" + address.encode()),
        frame(4, "WOAS", address.encode() + b"\0"),
        frame(4, "USLT", text(3, f"apiKey {KEY}", "", "eng")[:4] + b"\0" + f"api {KEY}".encode()),
        frame(4, "PRIV", b"XMP\0" + f"<x apiKey='{KEY}'/>".encode()),
        frame(4, "PRIV", b"other\0" + KEY.encode()),
    ]
    data = tag(4, *frames) + SOUND
    names = [name for name, _ in carrier_for(data).read(data)]
    assert names == ["about", "WOAS", "lyrics", "XMP"]
    assert [key.key for key in keys_in_file(data)] == [KEY]
    assert clean_file(data, [KEY]) == data.replace(KEY.encode(), GONE.encode())


def test_what_stands_before_a_frame_stays() -> None:
    """A group of 0x20 and 0x40, a length, an extended head, a foot, and a tag behind the first."""
    value = "雪" * 40
    plain = text(3, value, "prompt")
    measured = b"\7" + number(len(plain), 7) + plain
    first = tag(
        4,
        frame(4, "TXXX", measured, 0x41),
        flags=EXTENDED | FOOT,
        before=number(6, 7) + b"\1\0",
    )
    head = number(6, 8) + bytes(2) + number(5, 8)
    second = tag(3, frame(3, "TXXX", b"\7" + plain, 0x20), flags=EXTENDED, before=head, after=5)
    data = first + second + SOUND
    assert id3.read_texts(data) == [("prompt", value), ("prompt", value)]
    new = text(3, "{}", "prompt")
    assert id3.write_texts(data, {0: "{}", 1: "{}"}) == (
        tag(
            4,
            frame(4, "TXXX", b"\7" + number(len(new), 7) + new, 0x41),
            flags=EXTENDED | FOOT,
            before=number(6, 7) + b"\1\0",
        )
        + tag(3, frame(3, "TXXX", b"\7" + new, 0x20), flags=EXTENDED, before=head, after=5)
        + SOUND
    )
    assert id3.end_of(data) == len(first + second)


def test_a_length_of_eight_bits_in_the_last_version_is_understood() -> None:
    """As iTunes once wrote them; it is written as it was."""
    long = text(3, "y" * 300, "first")
    frames = [frame(4, "TXXX", long, bits=8), frame(4, "TXXX", text(3, KEY, "apiKey"), bits=8)]
    data = tag(4, *frames, after=20) + SOUND
    assert [name for name, _ in id3.read_texts(data)] == ["first", "apiKey"]
    new = frame(4, "TXXX", text(3, "z" * 200, "first"), bits=8)
    assert id3.write_texts(data, {0: "z" * 200}) == tag(4, new, frames[1], after=20) + SOUND


def test_packed_and_encrypted_frames_are_left_alone() -> None:
    body = text(3, KEY, "apiKey")
    for version, flags in ((3, 0x80), (3, 0x40), (4, 0x08), (4, 0x04), (4, 0x41)):
        short = b"\0" if flags == 0x41 else body
        data = tag(version, frame(version, "TXXX", short, flags)) + SOUND
        assert id3.read_texts(data) == []
        assert id3.write_texts(data, {0: "x"}) == data
    # All of such a tag is packed.
    assert id3.read_texts(tag(2, frame(2, "TXX", body), flags=EXTENDED)) == []


def test_a_text_without_an_end_or_a_description_is_read() -> None:
    bodies = [
        b"\0alone",
        b"\1\xff\xfea\0b\0c",
        b"\1a\0b\0",
        b"\2\0a\0b",
        b"\x09odd\0text",
        b"\0",
        b"",
    ]
    data = tag(3, *(frame(3, "TXXX", body) for body in bodies), frame(3, "TIT2", b"\3a\0b\0\0"))
    texts = [value for _, value in id3.read_texts(data)]
    assert texts == ["alone", "ab", "ab", "ab", "text", "", "a\0b"]
    assert id3.write_texts(data, dict(enumerate(texts))) == data
    written = id3.write_texts(data, {1: "雪"})
    assert [value for _, value in id3.read_texts(written)][1] == "雪"


def test_what_is_longer_than_a_frame_or_a_tag_may_be_does_not_fit() -> None:
    small = tag(2, frame(2, "TXX", text(0, "old", "prompt"))) + SOUND
    with pytest.raises(DoesNotFit) as caught:
        id3.write_texts(small, {0: "x" * (1 << 24)})
    assert caught.value.missing == 10
    great = tag(3, frame(3, "TXXX", text(0, "old", "prompt"))) + SOUND
    with pytest.raises(DoesNotFit):
        id3.write_texts(great, {0: "x" * (1 << 28)})
