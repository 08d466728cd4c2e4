"""Pictures, films and sounds with texts in them, written as ComfyUI and other programs do."""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import av
import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from rh_api.media import Carrier, carrier_of

Image.init()
HAS_AVIF = "AVIF" in Image.SAVE  # since Pillow 11.3
RATE = 48000
KEY = "0123456789abcdef0123456789abcdef"
GONE = "x" * len(KEY)
OLD: dict[str, Any] = {
    "1": {
        "class_type": "RH_SettingsNode",
        "inputs": {
            "base_url": "https://www.runninghub.cn",
            "apiKey": KEY,
            "workflowId_webappId": "1900000000000000109",
        },
    },
    "2": {"class_type": "RH_ExecuteNode", "inputs": {"apiConfig": ["1", 0]}},
}
CANVAS: dict[str, Any] = {
    "nodes": [
        {"id": 1, "type": "RH_SettingsNode", "widgets_values": ["https://x", KEY, "190"]},
        {"id": 2, "type": "RH_ExecuteNode", "inputs": [{"name": "apiConfig", "link": 1}]},
    ],
    "links": [[1, 1, 0, 2, 0, "*"]],
}
"""It gets longer when its nodes are replaced."""


def chunk(kind: bytes, body: bytes) -> bytes:
    """A part of a RIFF file, such as a WAV or a WebP."""
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def png(**texts: str) -> bytes:
    info = PngInfo()
    for name, text in texts.items():
        info.add_text(name, text, zip=name == "packed")
    info.add_itxt("Author", "某人", zip=True)
    return saved("PNG", pnginfo=info)


def webp(**texts: str) -> bytes:
    return saved("WEBP", exif=exif_of(texts), lossless=True)


def avif(*, xmp: str = "", frames: int = 1, user: str = "", **texts: str) -> bytes:
    """`frames`: more than one for a film."""
    exif = exif_of(texts)
    if user:
        exif[0x8769] = {0x9286: b"UNICODE\0" + user.encode("utf-16-be")}
    more = [picture().rotate(90 * number) for number in range(1, frames)]
    film = {"save_all": True, "append_images": more} if more else {}
    return saved("AVIF", exif=exif, xmp=xmp.encode(), **film)


def jpeg(comment: str = "", user: str = "", **texts: str) -> bytes:
    """`user`: a comment in UTF-16, as several savers write it."""
    exif = exif_of(texts)
    if user:
        exif[0x8769] = {0x9286: b"UNICODE\0" + user.encode("utf-16-be")}
    return with_xmp(saved("JPEG", exif=exif, comment=comment), "<x:xmpmeta/>")


def with_xmp(jpeg: bytes, text: str) -> bytes:
    """Behind JFIF's segment, as Pillow writes it since its version 11."""
    body = b"http://ns.adobe.com/xap/1.0/\0" + text.encode()
    end = 4 + int.from_bytes(jpeg[4:6], "big")
    return jpeg[:end] + b"\xff\xe1" + (2 + len(body)).to_bytes(2, "big") + body + jpeg[end:]


def gif(comment: str = "", *, xmp: str = "", frames: int = 2) -> bytes:
    """Pillow writes no XMP into one; it stands as Adobe's programs write it, behind the palette."""
    more = [picture().rotate(90 * number) for number in range(1, frames)]
    data = saved("GIF", comment=comment, save_all=True, append_images=more, loop=0, duration=80)
    if not xmp:
        return data
    trailer = b"\1" + bytes(range(255, -1, -1)) + b"\0"
    end = 13 + (3 << (data[10] & 7) + 1)
    return data[:end] + b"!\xff\x0bXMP DataXMP" + xmp.encode() + trailer + data[end:]


def picture() -> Image.Image:
    return Image.frombytes("RGB", (16, 16), bytes(range(256)) * 3)


def saved(form: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture().save(file, form, **options)
    return file.getvalue()


def exif_of(texts: Mapping[str, str]) -> Image.Exif:
    exif = Image.Exif()
    for place, (name, text) in enumerate(texts.items()):
        exif[0x0110 - place] = f"{name}:{text}".encode()
    exif[0x0131] = "a program"
    return exif


def video(form: str = "mp4", *, tags: bool = False, **texts: str) -> bytes:
    file = io.BytesIO()
    options = {"movflags": "use_metadata_tags"} if tags else {}
    with av.open(file, "w", form, options=options) as container:
        container.metadata.update({"title": "a film", **texts})
        stream = container.add_stream("libvpx-vp9" if form == "webm" else "mpeg4", rate=5)
        stream.width = stream.height = 16
        stream.pix_fmt = "yuv420p"
        for _ in range(3):
            container.mux(stream.encode(av.VideoFrame(16, 16, "yuv420p")))
        container.mux(stream.encode(None))
    return file.getvalue()


def webm(**texts: str) -> bytes:
    return video("webm", tags=False, **texts)


def sound(
    form: str, codec: str, options: Mapping[str, str] | None = None, /, **texts: str
) -> bytes:
    """A twentieth of a second of noise, as ComfyUI's savers of sounds write it."""
    file = io.BytesIO()
    noise = np.random.default_rng(1).normal(0, 0.1, (1, RATE // 20 * 2)).astype("float32")
    with av.open(file, "w", format=form, options=dict(options or {})) as container:
        container.metadata.update({"title": "a song", **texts})
        more = {"strict": "experimental"} if codec == "vorbis" else {}
        stream: Any = container.add_stream(codec, rate=RATE, layout="stereo", options=more)
        frame = av.AudioFrame.from_ndarray(noise, format="flt", layout="stereo")
        frame.sample_rate, frame.time_base, frame.pts = RATE, Fraction(1, RATE), 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


def flac(**texts: str) -> bytes:
    return sound("flac", "flac", **texts)


def mp3(**texts: str) -> bytes:
    return sound("mp3", "libmp3lame", **texts)


def old_mp3(**texts: str) -> bytes:
    """With a tag as programs that do not know the newest one read it: UTF-16."""
    return sound("mp3", "libmp3lame", {"id3v2_version": "3"}, **texts)


def opus(**texts: str) -> bytes:
    return sound("opus", "libopus", **texts)


def vorbis(**texts: str) -> bytes:
    return sound("ogg", "vorbis", **texts)


def ogg_flac(**texts: str) -> bytes:
    return sound("ogg", "flac", **texts)


def wav(**texts: str) -> bytes:
    return sound("wav", "pcm_s16le", **texts)


def m4a(*, tags: bool = False, **texts: str) -> bytes:
    return sound("ipod", "aac", {"movflags": "use_metadata_tags"} if tags else None, **texts)


def carrier_for(data: bytes) -> Carrier:
    carrier = carrier_of(data)
    assert carrier is not None
    return carrier


def contents(data: bytes) -> list[bytes]:
    """The pixels of a picture, frame by frame, or the packets of a film or a sound."""
    try:
        image = Image.open(io.BytesIO(data))
    except OSError:
        with av.open(io.BytesIO(data)) as container:
            return [bytes(packet) for packet in container.demux(container.streams[0])]
    frames: list[bytes] = []
    with image:
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            frames.append(image.convert("RGBA").tobytes())
    return frames


def samples(data: bytes) -> list[bytes]:
    """What is heard or seen of a sound or a film."""
    strict = {"err_detect": "crccheck+bitstream+explode"}
    with av.open(io.BytesIO(data), options=strict) as container:
        stream: Any = container.streams[0]
        stream.codec_context.options = strict
        return [frame.to_ndarray().tobytes() for frame in container.decode(stream)]


def metadata_of(data: bytes) -> dict[str, str]:
    """What FFmpeg reads of the texts of a sound or a film."""
    with av.open(io.BytesIO(data)) as container:
        metadata = {**container.metadata, **container.streams[0].metadata}
    return {name.lower(): text for name, text in metadata.items()}
