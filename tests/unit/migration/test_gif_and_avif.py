"""Graphs and keys in GIF, AVIF and HEIC: all that is not replaced stays byte for byte."""

from __future__ import annotations

import io
import json
import struct
from typing import Any, cast

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from rh_api.media import DoesNotFit
from rh_api.migration.documents import clean_file, keys_in_file, migrate_file
from rh_api.models.catalogue import Catalogue
from tests.unit.migration.media import (
    CANVAS,
    GONE,
    HAS_AVIF,
    KEY,
    OLD,
    avif,
    carrier_for,
    contents,
    exif_of,
    gif,
)

CATALOGUE = Catalogue((), date="")
PLAIN = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=5, max_size=600)
EXIF = ["prompt", "software"]
NEW = {"workflow": "1900000000000000109", "reroll_seeds": True}


def test_a_gif_keeps_its_frames() -> None:
    data = gif(json.dumps({"prompt": OLD, "workflow": CANVAS}), xmp="<x/>", frames=3)
    migrated = migrate_file(data, CATALOGUE)
    assert [name for name, _ in migrated.graphs] == ["prompt", "workflow"]
    assert migrated.beside == {}
    with Image.open(io.BytesIO(migrated.data)) as image:
        comment = json.loads(image.info["comment"])
        assert (image.info["duration"], image.info["loop"]) == (80, 0)
    assert comment["prompt"]["2"]["inputs"] == NEW
    assert comment["workflow"]["nodes"][0]["type"] == "RunningHubRemoteWorkflow"
    assert contents(migrated.data) == contents(data)
    assert len(contents(data)) == 3
    assert ("XMP", "<x/>") in carrier_for(migrated.data).read(migrated.data)
    for file in (data, migrated.data):
        with av.open(io.BytesIO(file)) as container:
            assert len(list(container.decode(video=0))) == 3


@given(PLAIN, PLAIN, PLAIN, PLAIN)
@settings(max_examples=50, deadline=None)
def test_any_text_of_a_gif_comes_back(comment: str, xmp: str, new: str, newer: str) -> None:
    data = gif(comment, xmp=xmp)
    carrier = carrier_for(data)
    assert carrier.read(data) == [("XMP", xmp), ("comment", comment)]
    written = carrier.write(data, {0: new, 1: newer})
    assert carrier.read(written) == [("XMP", new), ("comment", newer)]
    assert written == gif(newer, xmp=new)
    assert carrier.write(written, {0: xmp, 1: comment}) == data


def test_a_key_in_two_pieces_of_a_comment_goes() -> None:
    for before in range(215, 265, 7):
        data = gif("y" * (before - 7) + "apiKey " + KEY + " more" * 100)
        cleaned = clean_file(data, [KEY])
        assert len(cleaned) == len(data)
        assert cleaned == gif("y" * (before - 7) + "apiKey " + GONE + " more" * 100)
        assert keys_in_file(cleaned) == ()


def test_pieces_stay_as_another_program_cut_them() -> None:
    """A comment in short pieces, XMP in pieces, an unknown application, and no palette."""
    text = f"apiKey {KEY} more".encode()
    xmp = f"<x key='{KEY}'/>".encode()

    def cut(plain: bytes, size: int) -> bytes:
        pieces = [plain[place : place + size] for place in range(0, len(plain), size)]
        return b"".join(bytes([len(piece)]) + piece for piece in pieces) + b"\0"

    head = b"GIF89a\2\0\2\0\0\0\0"
    loop = b"!\xff\x0bNETSCAPE2.0\3\1\0\0\0"
    shown = b",\0\0\0\0\2\0\2\0\x80\0\0\0\xff\xff\xff\2\2\x84\x51\0"
    data = head + loop + b"!\xfe" + cut(text, 9) + shown + b"!\xff\x0bXMP DataXMP" + cut(xmp, 10)
    data += b"!\xfe\0;" + b"behind the end"
    assert carrier_for(data).read(data) == [
        ("comment", text.decode()),
        ("XMP", xmp.decode()),
        ("comment", ""),
    ]
    cleaned = clean_file(data, [KEY])
    assert cleaned == data.replace(
        cut(text, 9), cut(text.replace(KEY.encode(), GONE.encode()), 9)
    ).replace(cut(xmp, 10), cut(xmp.replace(KEY.encode(), GONE.encode()), 10))
    assert contents(cleaned) == contents(data)
    long = carrier_for(data).write(data, {0: "z" * 600, 2: "new"})
    assert [text for _, text in carrier_for(long).read(long)] == ["z" * 600, xmp.decode(), "new"]
    assert contents(long) == contents(data)


def box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", len(body) + 8, kind) + body


def heic(
    exif: bytes,
    xmp: bytes,
    *,
    version: int = 1,
    method: int = 0,
    pieces: int = 1,
    width: int = 4,
    brand: bytes = b"heic",
) -> bytes:
    """Laid out by hand: `version` of its table of places; `method`: in the file, or beside the
    table; each item in `pieces`, in numbers of `width` bytes."""
    wide = version == 2
    ids = ">I" if wide else ">H"
    items = ((1, b"hvc1", b"pixels" * 9, b""), (2, b"Exif", exif, b""))
    items += ((3, b"mime", xmp, b"application/rdf+xml\0"),)
    infos = [
        box(
            b"infe",
            bytes([3 if wide else 2, 0, 0, 0]) + struct.pack(ids, number) + bytes(2),
            kind + b"\0" + more,
        )
        for number, kind, _, more in items
    ]
    iinf = box(b"iinf", bytes(4) + struct.pack(">H", len(infos)), *infos)
    data = b"".join(body for _, _, body, _ in items)

    def table(base: int) -> bytes:
        rows: list[bytes] = []
        start = 0
        for number, _, body, _ in items:
            row = struct.pack(ids, number)
            row += struct.pack(">H", method) if version else b""
            row += bytes(2) + base.to_bytes(width, "big") + struct.pack(">H", pieces)
            size = -(-len(body) // pieces)
            for place in range(0, size * pieces, size):
                length = max(0, min(size, len(body) - place))
                row += (start + place).to_bytes(width, "big") + length.to_bytes(width, "big")
            rows.append(row)
            start += len(body)
        sizes = bytes([width << 4 | width, width << 4])
        count = struct.pack(ids, len(items))
        return box(b"iloc", bytes([version, 0, 0, 0]), sizes, count, *rows)

    ftyp = box(b"ftyp", brand, bytes(4), b"mif1heic")
    hdlr = box(b"hdlr", bytes(8) + b"pict" + bytes(13))
    if method:
        return ftyp + box(b"meta", bytes(4), hdlr, iinf, table(0), box(b"idat", data))
    meta = box(b"meta", bytes(4), hdlr, iinf, table(0))
    return (
        ftyp + box(b"meta", bytes(4), hdlr, iinf, table(len(ftyp + meta) + 8)) + box(b"mdat", data)
    )


def exif_item(text: str, before: bytes = b"Exif\0\0") -> bytes:
    block = exif_of({"prompt": text}).tobytes().removeprefix(b"Exif\0\0")
    return struct.pack(">I", len(before)) + before + block


FORMS: list[dict[str, Any]] = [
    {},
    {"version": 0, "width": 8},
    {"version": 2},
    {"version": 1, "method": 1},
    {"version": 2, "method": 1, "pieces": 3, "width": 8},
    {"version": 1, "pieces": 7, "brand": b"mif1"},
]


@pytest.mark.parametrize("form", FORMS, ids=str)
@pytest.mark.parametrize("before", [b"", b"Exif\0\0"])
def test_each_form_of_a_heic_is_read_and_is_as_long_as_before(
    form: dict[str, Any], before: bytes
) -> None:
    xmp = f"<x key='{KEY}'/>"
    data = heic(exif_item(json.dumps(OLD), before), xmp.encode(), **form)
    carrier = carrier_for(data)
    names = [name for name, _ in carrier.read(data)]
    assert sorted(names) == ["XMP", "prompt", "software"]
    migrated = migrate_file(data, CATALOGUE)
    (name, migration), *_ = migrate_file(migrated.data, CATALOGUE).graphs
    assert (name, migration.document["2"]["inputs"]) == ("prompt", NEW)
    assert len(migrated.data) == len(data)
    cleaned = clean_file(data, [KEY])
    gone = json.dumps(OLD).replace(KEY, GONE)
    assert cleaned == heic(exif_item(gone, before), xmp.replace(KEY, GONE).encode(), **form)
    assert keys_in_file(cleaned) == ()
    place = names.index("XMP")
    short = carrier.write(data, {place: "<x/>"})
    assert short == heic(exif_item(json.dumps(OLD), before), b"<x/>".ljust(len(xmp)), **form)
    with pytest.raises(DoesNotFit) as caught:
        carrier.write(data, {place: xmp + "雪"})
    assert caught.value.missing == 3
    everything = dict(enumerate(text for _, text in carrier.read(data)))
    assert carrier.write(data, everything) == data


def test_a_graph_that_is_longer_goes_beside_a_heic() -> None:
    data = heic(exif_item(json.dumps(CANVAS, separators=(",", ":"))), b"<x/>")
    migrated = migrate_file(data, CATALOGUE)
    assert migrated.data == data
    assert json.loads(migrated.beside["prompt"])["nodes"][0]["type"] == "RunningHubRemoteWorkflow"


@pytest.mark.parametrize(
    ("old", "new", "left"),
    [
        (b"application/rdf+xml\0", b"text/plain\0zip\0\0\0\0\0\0", EXIF),
        (b"application/rdf+xml\0", b"image/jpeg\0\0\0\0\0\0\0\0\0\0", EXIF),
        (b"application/rdf+xml\0", b"text/plain\0\0\0\0\0\0\0\0\0\0", [*EXIF, "text/plain"]),
        (b"\0\2\0\0Exif\0", b"\0\2\0\0Exyf\0", ["XMP"]),
        (b"\0\2\0\0\0\0\0\0", b"\0\2\0\2\0\0\0\0", ["XMP"]),  # in another item
        (b"\0\2\0\0\0\0\0\0", b"\0\2\0\0\0\1\0\0", ["XMP"]),  # in another file
        (b"iinf", b"iinx", []),
        (b"iloc", b"ilox", []),
    ],
)
def test_items_that_hold_no_text_or_lie_elsewhere_are_left_alone(
    old: bytes, new: bytes, left: list[str]
) -> None:
    data = heic(exif_item("{}"), b"<x/>")
    assert data.count(old) == 1
    changed = data.replace(old, new)
    assert [name for name, _ in carrier_for(changed).read(changed)] == left


if HAS_AVIF:

    @pytest.mark.parametrize("frames", [1, 3])
    def test_an_avif_keeps_its_pixels(frames: int) -> None:
        data = avif(prompt=json.dumps(OLD), workflow='{"nodes": []}', xmp="<x/>", frames=frames)
        migrated = migrate_file(data, CATALOGUE)
        assert migrated.beside == {}
        assert len(migrated.data) == len(data)
        with Image.open(io.BytesIO(migrated.data)) as image:
            exif = image.getexif()
            assert json.loads(exif[0x0110].removeprefix("prompt:"))["2"]["inputs"] == NEW
            assert exif[0x010F] == 'workflow:{"nodes": []}'
            assert exif[0x0131] == "a program"
            assert image.info["xmp"] == b"<x/>"
        assert contents(migrated.data) == contents(data)
        assert len(contents(data)) == frames

    @given(PLAIN, PLAIN, st.sampled_from(["exif", "user", "xmp"]))
    @settings(max_examples=40, deadline=None)
    def test_a_text_of_an_avif_is_as_long_as_before(old: str, new: str, kind: str) -> None:
        if kind == "user":  # of other letters nobody can tell whose byte order they have
            old, new = (text.encode("ascii", "replace").decode() for text in (old, new))
        made_with = {
            "exif": {"description": f"text:[{old}]"},
            "user": {"user": old},
            "xmp": {"xmp": old},
        }
        data = avif(**cast("dict[str, Any]", made_with[kind]))
        carrier = carrier_for(data)
        before = carrier.read(data)
        (place,) = [number for number, (_, text) in enumerate(before) if old in text]
        assert carrier.write(data, {place: before[place][1]}) == data
        codec = "utf-16-le" if kind == "user" else "utf-8"
        missing = len(new.encode(codec)) - len(before[place][1].encode(codec))
        if missing > 0:
            with pytest.raises(DoesNotFit):
                carrier.write(data, {place: new})
            return
        written = carrier.write(data, {place: new})
        assert len(written) == len(data)
        assert carrier.read(written)[place][1].rstrip(" ") == new.rstrip(" ")
        assert contents(written) == contents(data)
