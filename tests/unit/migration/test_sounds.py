"""Graphs and keys in sounds: what is heard, and all that is not replaced, stays byte for byte."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rh_api.media import DoesNotFit, carrier_of
from rh_api.migration.documents import clean_file, keys_in_file, migrate_file
from rh_api.models.catalogue import Catalogue
from tests.unit.migration.media import (
    CANVAS,
    GONE,
    KEY,
    OLD,
    carrier_for,
    chunk,
    contents,
    flac,
    m4a,
    metadata_of,
    mp3,
    ogg_flac,
    old_mp3,
    opus,
    samples,
    vorbis,
    wav,
)

CATALOGUE = Catalogue((), date="")
PLAIN = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=5, max_size=300)


def m4a_with_tags(**texts: str) -> bytes:
    return m4a(tags=True, **texts)


GROWING = (flac, mp3, old_mp3)
STAYING = (opus, vorbis, ogg_flac, m4a_with_tags)
Maker = Callable[..., bytes]


@pytest.mark.parametrize("make", [*GROWING, *STAYING])
def test_a_sound_is_heard_as_before(make: Maker) -> None:
    data = make(prompt=json.dumps(OLD), workflow='{"nodes": []}', comment="雪")
    migrated = migrate_file(data, CATALOGUE)
    metadata = metadata_of(migrated.data)
    assert json.loads(metadata["prompt"])["2"]["inputs"]["workflow"] == "1900000000000000109"
    assert (metadata["workflow"], metadata["title"]) == ('{"nodes": []}', "a song")
    assert [name for name, _ in migrated.graphs] == ["prompt", "workflow"]
    assert samples(migrated.data) == samples(data) != []
    assert contents(migrated.data) == contents(data)
    assert len(migrated.data) == len(data) or make in GROWING
    assert KEY.encode() not in migrated.data


@pytest.mark.parametrize("make", [*GROWING, *STAYING])
def test_a_longer_graph_goes_into_the_sound_or_beside_it(make: Maker) -> None:
    data = make(workflow=json.dumps(CANVAS, separators=(",", ":")))
    migrated = migrate_file(data, CATALOGUE)
    if make in STAYING:
        assert migrated.data == data
        new = migrated.beside["workflow"]
    else:
        assert migrated.beside == {}
        assert len(migrated.data) > len(data)
        assert samples(migrated.data) == samples(data) != []
        new = metadata_of(migrated.data)["workflow"]
    assert json.loads(new)["nodes"][0]["type"] == "RunningHubRemoteWorkflow"


@pytest.mark.parametrize("make", [*GROWING, *STAYING, m4a, wav])
def test_a_key_leaves_its_place_alone_behind(make: Maker) -> None:
    data = make(comment=f"RunningHub {KEY} 雪")
    cleaned = clean_file(data, [KEY])
    assert len(cleaned) == len(data)
    assert contents(cleaned) == contents(data)
    assert metadata_of(cleaned)["comment"] == f"RunningHub {GONE} 雪"
    assert bare(cleaned) == bare(data).replace(KEY.encode(), GONE.encode()).replace(
        KEY.encode("utf-16-le"), GONE.encode("utf-16-le")
    )


def bare(data: bytes) -> bytes:
    """Without the checksums of an Ogg's pages."""
    if not data.startswith(b"OggS"):
        return data
    return b"".join(page[:22] + bytes(4) + page[26:] for page in pages(data))


@pytest.mark.parametrize("make", [flac, mp3, old_mp3])
@given(text=PLAIN, former=PLAIN)
@settings(max_examples=25, deadline=None)
def test_any_text_of_any_length_comes_back(make: Maker, text: str, former: str) -> None:
    data = make(prompt=former, comment="a word")
    carrier = carrier_for(data)
    before = carrier.read(data)
    place = [name for name, _ in before].index("prompt")
    assert before[place][1] == former.rstrip("\0")
    written = carrier.write(data, {place: text})
    assert carrier.read(written) == [
        (name, text if number == place else old) for number, (name, old) in enumerate(before)
    ]
    assert metadata_of(written)["prompt"] == text
    assert contents(written) == contents(data)
    assert carrier.write(written, {place: before[place][1]}) == data or make is old_mp3


@pytest.mark.parametrize("make", [opus, vorbis, ogg_flac])
@given(text=PLAIN, former=PLAIN)
@settings(max_examples=25, deadline=None)
def test_a_text_of_an_ogg_is_as_long_as_before(make: Maker, text: str, former: str) -> None:
    data = make(prompt=former, comment="a word")
    carrier = carrier_for(data)
    before = carrier.read(data)
    place = [name for name, _ in before].index("prompt")
    room, length = len(former.encode()), len(text.encode())
    if length > room:
        with pytest.raises(DoesNotFit) as caught:
            carrier.write(data, {place: text})
        assert caught.value.missing == length - room
        return
    written = carrier.write(data, {place: text})
    assert len(written) == len(data)
    assert carrier.read(written)[place] == ("prompt", text + " " * (room - length))
    assert checksums_are_right(written)
    assert samples(written) == samples(data)


def remainder(byte: int) -> int:
    """As RFC 3533 has it, bit by bit."""
    value = byte << 24
    for _ in range(8):
        value = value << 1 ^ (0x104C11DB7 if value & 0x80000000 else 0)
    return value


REMAINDERS = tuple(map(remainder, range(256)))


def checksum(page: bytes) -> int:
    value = 0
    for byte in page:
        value = (value & 0xFFFFFF) << 8 ^ REMAINDERS[value >> 24 ^ byte]
    return value


def pages(data: bytes) -> list[bytes]:
    ogg_pages: list[bytes] = []
    place = 0
    while place < len(data):
        assert data[place : place + 4] == b"OggS"
        table = data[place + 27 : place + 27 + data[place + 26]]
        end = place + 27 + len(table) + sum(table)
        ogg_pages.append(data[place:end])
        place = end
    return ogg_pages


def checksums_are_right(data: bytes) -> bool:
    return all(
        struct.pack("<I", checksum(page[:22] + bytes(4) + page[26:])) == page[22:26]
        for page in pages(data)
    )


@pytest.mark.parametrize("make", [opus, vorbis, ogg_flac])
def test_a_key_between_two_pages_goes(make: Maker) -> None:
    """A page takes 255 times 255 bytes."""
    torn = 0
    for before in range(64860, 65020, 20):
        text = json.dumps({"text": "y" * before, "apiKey": KEY, "more": "z" * 70000})
        data = make(prompt=text)
        torn += KEY.encode() not in data
        assert [key.key for key in keys_in_file(data)] == [KEY]
        cleaned = clean_file(data, [KEY])
        assert metadata_of(cleaned)["prompt"] == text.replace(KEY, GONE)
        assert (len(cleaned), contents(cleaned)) == (len(data), contents(data))
        assert checksums_are_right(data)
        assert checksums_are_right(cleaned)
        assert keys_in_file(cleaned) == ()
    assert torn


def test_a_sound_behind_another_one_is_read() -> None:
    data = opus(comment="first") + opus(comment=f"RunningHub {KEY}")
    assert [key.key for key in keys_in_file(data)] == [KEY]
    cleaned = clean_file(data, [KEY])
    assert cleaned.count(GONE.encode()) == 1
    assert len(cleaned) == len(data)
    assert checksums_are_right(cleaned)


def test_what_comfyui_put_into_a_flac_before_it_had_pyav() -> None:
    """`insert_or_replace_vorbis_comment` of its nodes_audio.py: a block behind the first one."""
    data = flac()
    comments = [f"prompt={json.dumps(OLD)}".encode(), f"workflow={json.dumps(CANVAS)}".encode()]
    body = struct.pack("<I", 7) + b"ComfyUI" + struct.pack("<I", len(comments))
    body += b"".join(struct.pack("<I", len(comment)) + comment for comment in comments)
    block = b"\4" + len(body).to_bytes(3, "big") + body
    data = data[:42] + block + data[42:]
    migrated = migrate_file(data, CATALOGUE)
    assert [name for name, _ in migrated.graphs] == ["prompt", "workflow"]
    assert KEY.encode() not in migrated.data
    assert migrated.beside == {}
    assert samples(migrated.data) == samples(flac())


def test_a_flac_with_a_tag_before_it_is_read_with_both() -> None:
    tag = mp3(comment=f"RunningHub {KEY}")
    tag = tag[: tag.index(b"\xff\xfb")]
    data = tag + flac(prompt=json.dumps(OLD))
    assert keys_in_file(data)[0].places[0] == "comment"
    assert len(keys_in_file(data)[0].places) > 1
    cleaned = clean_file(data, [KEY])
    assert (len(cleaned), keys_in_file(cleaned)) == (len(data), ())
    migrated = migrate_file(data, CATALOGUE).data
    assert migrated.startswith(tag)
    carrier = carrier_for(data)
    both = carrier.write(data, {0: "a much longer title than it was", 3: "{}"})
    assert carrier.read(both)[0] == ("title", "a much longer title than it was")
    assert contents(both[both.index(b"fLaC") :]) == contents(flac())


def test_comments_that_are_longer_than_a_block_may_be_do_not_fit() -> None:
    data = flac(prompt="{}")
    carrier = carrier_for(data)
    place = [name for name, _ in carrier.read(data)].index("prompt")
    with pytest.raises(DoesNotFit):
        carrier.write(data, {place: "x" * (1 << 24)})


def test_comfyui_finds_the_new_graph_of_an_mp3() -> None:
    """Its front end looks for a zero right behind the last brace."""
    for make in (mp3, old_mp3):
        data = make(prompt=json.dumps(OLD), workflow=json.dumps(CANVAS))
        migrated = migrate_file(data, CATALOGUE).data
        for name in ("prompt", "workflow"):
            start = migrated.index(f"{name}\0{{".encode()) + len(name) + 1
            end = migrated.index(b"}\0", start) + 1
            assert KEY not in json.dumps(json.loads(migrated[start:end]))


def test_a_sound_without_a_tag_is_an_mp3_and_utf_16_is_none() -> None:
    data = mp3()
    sound = data[data.index(b"\xff\xfb") :]
    assert keys_in_file(sound) == ()
    assert clean_file(sound, [KEY]) == sound
    for head in (b"\xff\xfe", f"RunningHub {KEY}".encode("utf-16"), b"\xff\xf1\x50\x80", b"\xff"):
        assert carrier_of(head) is None


def wav_with(*chunks: bytes) -> bytes:
    """`chunks` behind the sound, as sound editors write them."""
    data = wav()
    inside = data[12:] + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(inside) + 4) + b"WAVE" + inside


def test_a_wav_is_read_with_its_tag_and_its_xmp() -> None:
    tag = mp3(prompt=json.dumps(OLD), workflow=json.dumps(CANVAS))
    tag = tag[: tag.index(b"\xff\xfb")]
    facts = chunk(b"LIST", b"INFO" + chunk(b"ICMT", b"odd\0\0") + chunk(b"IART", b"who\0"))
    data = wav_with(chunk(b"id3 ", tag), facts, chunk(b"_PMX", f"<x k='{KEY}'/>".encode()))
    carrier = carrier_for(data)
    names = [name for name, _ in carrier.read(data)]
    assert names[:2] == ["title", "ISFT"]
    assert names[-3:] == ["comment", "IART", "XMP"]
    migrated = migrate_file(data, CATALOGUE)
    assert migrated.beside == {}
    assert int.from_bytes(migrated.data[4:8], "little") == len(migrated.data) - 8
    assert facts in migrated.data
    assert samples(migrated.data) == samples(wav())
    cleaned = clean_file(data, [KEY])
    assert cleaned == data.replace(KEY.encode(), GONE.encode())


@given(PLAIN, st.sampled_from(["title", "comment"]))
@settings(max_examples=25, deadline=None)
def test_any_text_of_a_wav_comes_back(text: str, name: str) -> None:
    data = wav(comment="a word")
    carrier = carrier_for(data)
    before = carrier.read(data)
    place = [label for label, _ in before].index(name)
    written = carrier.write(data, {place: text})
    assert metadata_of(written)[name] == text
    assert int.from_bytes(written[4:8], "little") == len(written) - 8
    assert samples(written) == samples(data) != []
    assert carrier.write(written, {place: before[place][1]}) == data


def test_a_wav_that_was_written_as_it_came_keeps_its_length() -> None:
    data = wav(comment="a word")
    endless = b"\xff\xff\xff\xff"
    streamed = data[:4] + endless + data[8:].replace(b"data", b"data" + endless, 1)
    carrier = carrier_for(streamed)
    written = carrier.write(streamed, {0: "a longer text than it was"})
    assert written[:8] == streamed[:8]
    assert written.endswith(streamed[streamed.index(b"data") :])


@pytest.mark.parametrize("length", [0, 1, 0xFFFFFFF0])
def test_a_wav_that_lies_about_its_length_is_written(length: int) -> None:
    data = wav(comment="a word of a few more letters")
    lying = data[:4] + struct.pack("<I", length) + data[8:]
    carrier = carrier_for(lying)
    place = [name for name, _ in carrier.read(lying)].index("comment")
    written = carrier.write(lying, {place: "a"})
    assert dict(carrier.read(written))["comment"] == "a"
    if length > len(data):
        with pytest.raises(DoesNotFit):
            carrier.write(lying, {place: "x" * 100})


def test_what_programs_call_as_they_like_is_read_in_an_m4a() -> None:
    def box(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body) + 8) + kind + body

    value = json.dumps(OLD).encode()
    parts = box(b"mean", bytes(4) + b"com.apple.iTunes") + box(b"name", bytes(4) + b"prompt")
    free = box(b"----", parts + box(b"data", b"\0\0\0\1" + bytes(4) + value))
    cover = box(b"covr", box(b"data", b"\0\0\0\x0d" + bytes(4) + b"\xff\xd8\xff"))
    hdlr = box(b"hdlr", bytes(8) + b"mdirappl" + bytes(9))
    meta = box(b"meta", bytes(4) + hdlr + box(b"ilst", free + cover))
    data = m4a()
    # Behind all else, where no place in the sound moves.
    data += box(b"moov", box(b"udta", meta))
    migrated = migrate_file(data, CATALOGUE)
    assert [name for name, _ in migrated.graphs] == ["prompt"]
    assert len(migrated.data) == len(data)
    assert "covr" not in dict(carrier_for(data).read(data))
    assert clean_file(data, [KEY]) == data.replace(KEY.encode(), GONE.encode())
