"""Graphs and keys in films and sounds: what is seen and heard, and every other tag, stays."""

from __future__ import annotations

import io
import json
import struct
import sys
from collections.abc import Callable
from typing import Any

import av
import pytest

from rh_api.errors import BadInput
from rh_api.migration.documents import clean_file, keys_in_file, migrate_file
from rh_api.models.catalogue import Catalogue
from tests.unit.migration.media import (
    CANVAS,
    GONE,
    HAS_AVIF,
    KEY,
    OLD,
    avif,
    contents,
    flac,
    gif,
    m4a,
    metadata_of,
    mp3,
    ogg_flac,
    old_mp3,
    opus,
    samples,
    video,
    vorbis,
    wav,
    webm,
)

CATALOGUE = Catalogue((), date="")
Maker = Callable[..., bytes]


def film(**texts: str) -> bytes:
    return video(tags=True, **texts)


def mkv(**texts: str) -> bytes:
    return video("matroska", **texts)


def song(**texts: str) -> bytes:
    return m4a(tags=True, **texts)


ALL = (film, webm, mkv, flac, mp3, old_mp3, opus, ogg_flac, song)
LONGER = json.dumps(CANVAS, separators=(",", ":"))
"""It grows when its nodes are replaced."""


@pytest.mark.parametrize("make", ALL)
def test_new_graphs_are_in_the_file_and_all_else_is_what_it_was(make: Maker) -> None:
    data = make(prompt=json.dumps(OLD), workflow=LONGER, comment="雪")
    migrated = migrate_file(data, CATALOGUE)
    assert (migrated.beside, KEY.encode() in migrated.data) == ({}, False)
    texts, before = metadata_of(migrated.data), metadata_of(data)
    assert json.loads(texts["prompt"])["2"]["inputs"]["workflow"] == "1900000000000000109"
    assert json.loads(texts["workflow"])["nodes"][0]["type"] == "RunningHubRemoteWorkflow"
    changed = {"prompt", "workflow", "encoder"}
    assert {n: t for n, t in texts.items() if n not in changed} == {
        n: t for n, t in before.items() if n not in changed
    }
    assert (contents(migrated.data), samples(migrated.data)) == (contents(data), samples(data))
    assert samples(data)


@pytest.mark.parametrize("make", [video, *ALL, m4a])
def test_a_key_is_taken_out_of_a_comment(make: Maker) -> None:
    data = make(comment=f"RunningHub {KEY} 雪")
    cleaned = clean_file(data, [KEY])
    assert metadata_of(cleaned)["comment"] == f"RunningHub {GONE} 雪"
    assert (contents(cleaned), KEY.encode() in cleaned) == (contents(data), False)


def test_a_comment_of_an_mp4_stays_where_other_programs_look_for_it() -> None:
    """A name of its own goes among the keys, a comment without any into the older list."""
    for tags in (False, True):
        data = video(tags=tags, comment=json.dumps({"prompt": json.dumps(OLD)}))
        assert (b"mdta" in migrate_file(data, CATALOGUE).data) == tags


def test_a_film_that_stands_on_its_side_still_does() -> None:
    data = bytearray(film(prompt=json.dumps(OLD)))
    matrix = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    place = data.index(matrix, data.index(b"tkhd"))
    data[place : place + 36] = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    migrated = migrate_file(bytes(data), CATALOGUE)
    assert migrated.beside == {}

    def rotation(file: bytes) -> int:
        with av.open(io.BytesIO(file)) as container:
            return next(container.decode(video=0)).rotation

    assert rotation(migrated.data) == rotation(bytes(data)) != 0


def with_attachment(**texts: str) -> bytes:
    """A film with a part that is neither picture nor sound, which a copy would lose."""
    file = io.BytesIO()
    with av.open(io.BytesIO(mkv())) as old, av.open(file, "w", "matroska") as new:
        new.metadata.update(texts)
        picture: Any = new.add_stream_from_template(old.streams[0], opaque=True)
        new.add_attachment("notes.txt", "text/plain", b"a font, or a cover")
        for packet in old.demux():
            if packet.size:
                packet.stream = picture
                new.mux(packet)
    return file.getvalue()


def test_a_file_that_a_copy_would_change_stays_as_it_is() -> None:
    data = with_attachment(prompt=json.dumps(OLD))
    migrated = migrate_file(data, CATALOGUE)
    assert migrated.data == data
    assert json.loads(migrated.beside["PROMPT"])["2"]["class_type"] == "RunningHubRemoteWorkflow"
    assert [key.key for key in keys_in_file(data)] == [KEY]
    with pytest.raises(BadInput) as caught:
        clean_file(data, [KEY])
    assert caught.value.key == "migrate.stays_as_it_is"


@pytest.mark.parametrize("make", [gif, wav, *[avif] * HAS_AVIF])
def test_a_kind_that_cannot_be_rewritten_is_not_called_clean(make: Maker) -> None:
    data = make(comment=f"RunningHub {KEY}")
    for act in (keys_in_file, lambda data: migrate_file(data, CATALOGUE)):
        with pytest.raises(BadInput) as caught:
            act(data)
        assert caught.value.key == "migrate.format"


def test_without_pyav_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    data = flac(prompt=json.dumps(OLD))
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(BadInput) as caught:
        keys_in_file(data)
    assert caught.value.key == "migrate.no_pyav"


def test_what_comfyui_put_into_a_flac_before_it_had_pyav() -> None:
    """`insert_or_replace_vorbis_comment` of its nodes_audio.py: a block behind the first one."""
    data = flac()
    comments = [f"prompt={json.dumps(OLD)}".encode(), f"workflow={LONGER}".encode()]
    body = struct.pack("<I", 7) + b"ComfyUI" + struct.pack("<I", len(comments))
    body += b"".join(struct.pack("<I", len(comment)) + comment for comment in comments)
    block = b"\4" + len(body).to_bytes(3, "big") + body
    migrated = migrate_file(data[:42] + block + data[42:], CATALOGUE)
    assert [name for name, _ in migrated.graphs] == ["prompt", "workflow"]
    assert KEY.encode() not in migrated.data
    assert samples(migrated.data) == samples(flac())


def test_comfyui_finds_the_new_graph_of_an_mp3() -> None:
    """Its front end looks for a zero right behind the last brace."""
    for make in (mp3, old_mp3):
        migrated = migrate_file(make(prompt=json.dumps(OLD), workflow=LONGER), CATALOGUE).data
        for name in ("prompt", "workflow"):
            start = migrated.index(f"{name}\0{{".encode()) + len(name) + 1
            end = migrated.index(b"}\0", start) + 1
            assert KEY not in json.dumps(json.loads(migrated[start:end]))


def test_a_short_vorbis_whose_length_a_copy_would_change_gets_its_graph_beside_it() -> None:
    data = vorbis(prompt=json.dumps(OLD))
    migrated = migrate_file(data, CATALOGUE)
    assert migrated.data == data or samples(migrated.data) == samples(data)
    assert migrated.beside or KEY.encode() not in migrated.data
