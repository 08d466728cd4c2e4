"""What a file is, by its first bytes: names and declared types of the service are not proof."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import BinaryIO


class Kind(enum.Enum):
    """What a file can become in ComfyUI."""

    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    TEXT = "text"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class FileType:
    kind: Kind
    suffix: str
    mime: str


PNG = FileType(Kind.IMAGE, ".png", "image/png")
JPEG = FileType(Kind.IMAGE, ".jpg", "image/jpeg")
WEBP = FileType(Kind.IMAGE, ".webp", "image/webp")
MP4 = FileType(Kind.VIDEO, ".mp4", "video/mp4")
WAV = FileType(Kind.AUDIO, ".wav", "audio/wav")
FLAC = FileType(Kind.AUDIO, ".flac", "audio/flac")
MP3 = FileType(Kind.AUDIO, ".mp3", "audio/mpeg")
AAC = FileType(Kind.AUDIO, ".aac", "audio/aac")
AIFF = FileType(Kind.AUDIO, ".aiff", "audio/aiff")
ZIP = FileType(Kind.FILE, ".zip", "application/zip")

USDZ = FileType(Kind.FILE, ".usdz", "model/vnd.usdz+zip")  # a zip that only its name tells

_MAGIC: tuple[tuple[int, bytes, FileType], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", PNG),
    (0, b"\xff\xd8\xff", JPEG),
    (8, b"WEBP", WEBP),
    (0, b"GIF8", FileType(Kind.IMAGE, ".gif", "image/gif")),
    (0, b"BM", FileType(Kind.IMAGE, ".bmp", "image/bmp")),
    (0, b"II*\0", FileType(Kind.IMAGE, ".tiff", "image/tiff")),
    (0, b"MM\0*", FileType(Kind.IMAGE, ".tiff", "image/tiff")),
    (8, b"WAVE", WAV),
    (8, b"AVI ", FileType(Kind.VIDEO, ".avi", "video/x-msvideo")),
    (0, b"RF64", WAV),
    (0, b"FORM", AIFF),
    (0, b"fLaC", FLAC),
    (0, b"OggS", FileType(Kind.AUDIO, ".ogg", "audio/ogg")),
    (0, b"ID3", MP3),
    (0, b"\x1aE\xdf\xa3", FileType(Kind.VIDEO, ".webm", "video/webm")),
    (0, b"PK\x03\x04", ZIP),
    (0, b"PK\x05\x06", ZIP),
    (0, b"glTF", FileType(Kind.FILE, ".glb", "model/gltf-binary")),
)

HEAD = 512  # bytes that `sniff` and `looks_like_page` want to see

_BY_SUFFIX: dict[str, FileType] = {
    kind.suffix: kind for _, _, kind in _MAGIC if kind is not ZIP
} | {
    ".aac": AAC,
    ".aif": AIFF,
    ".jpeg": JPEG,
    ".tif": FileType(Kind.IMAGE, ".tiff", "image/tiff"),
    ".zip": ZIP,
    ".mov": FileType(Kind.VIDEO, ".mov", "video/quicktime"),
    ".mkv": FileType(Kind.VIDEO, ".mkv", "video/x-matroska"),
    ".mp4": MP4,
    ".m4a": FileType(Kind.AUDIO, ".m4a", "audio/mp4"),
    ".txt": FileType(Kind.TEXT, ".txt", "text/plain"),
    ".json": FileType(Kind.TEXT, ".json", "application/json"),
    **{
        suffix: FileType(Kind.TEXT, suffix, "text/plain")
        for suffix in (".ass", ".csv", ".md", ".srt", ".vtt", ".yaml", ".yml")
    },
    # Nothing that a browser or a loader would run: neither pages, SVG among them, nor pickles.
    **{
        suffix: FileType(Kind.FILE, suffix, "application/octet-stream")
        for suffix in (".exr", ".hdr", ".latent", ".psd", ".safetensors")
    },
    ".usdz": USDZ,
    **{
        suffix: FileType(Kind.FILE, suffix, f"model/{suffix[1:]}")
        for suffix in (".fbx", ".gltf", ".ksplat", ".obj", ".ply", ".splat", ".spz", ".stl")
    },
}


def sniff(head: bytes) -> FileType | None:
    """The type that the first bytes prove, or None; `head` is at most the first HEAD bytes."""
    for offset, magic, kind in _MAGIC:
        if head[offset : offset + len(magic)] == magic and (offset == 0 or head[:4] == b"RIFF"):
            # Both begin alike; what it is stands in its EBML header, as DocType.
            is_mkv = kind.suffix == ".webm" and b"\x42\x82\x88matroska" in head[:64]
            return _BY_SUFFIX[".mkv"] if is_mkv else kind
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        if brand == b"M4A ":
            return _BY_SUFFIX[".m4a"]
        if brand in (b"avif", b"avis", b"heic", b"mif1"):
            return FileType(Kind.IMAGE, ".avif", "image/avif")
        return _BY_SUFFIX[".mov"] if brand == b"qt  " else MP4
    if len(head) < 3 or head[0] != 0xFF:
        return None
    layers = {0xF0: AAC, 0xF2: MP3, 0xE2: MP3}  # by the version and layer of the first frame
    return layers.get(head[1] & 0xF6)


def by_suffix(suffix: str) -> FileType | None:
    """The type that a name or a declared type claims; `suffix` with or without its dot."""
    return _BY_SUFFIX.get("." + suffix.lower().lstrip("."))


def names_file(word: str) -> bool:
    """Whether a suffix, or the word of a kind, is that of a file which is no text."""
    claimed = by_suffix(word)
    kinds = {kind.value for kind in Kind} - {Kind.TEXT.value}
    return word in kinds if claimed is None else claimed.kind is not Kind.TEXT


def looks_like_page(head: bytes) -> bool:
    """Whether bytes are a web page or an XML error instead of a file that a task made."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:200].lower()
    return start.startswith((b"<!doctype html", b"<html", b"<head", b"<body")) or (
        start.startswith(b"<?xml") and (b"<error" in start or b"<html" in start)
    )


# Whether it is all there: see `wholeness`

BLOCK = 256 * 1024
STEPS = 200_000  # chunks of one file that are walked; a file of more is not judged


class Verdict(enum.Enum):
    """What a file's structure says of its end."""

    WHOLE = "whole"
    CUT = "cut"
    CANNOT_TELL = "cannot tell"


class Reading:
    """A seekable file of `size` bytes."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self.size = size

    def at(self, offset: int, count: int) -> bytes:
        """`count` bytes from `offset`; fewer where the file ends."""
        if not 0 <= offset < self.size:
            return b""
        self._file.seek(offset)
        return self._file.read(min(count, self.size - offset))
