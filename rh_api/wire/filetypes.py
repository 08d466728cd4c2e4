"""File types by magic bytes: the service's file names and declared types are not trusted."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Kind(enum.Enum):
    """What a file is loaded as in ComfyUI."""

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
AVIF = FileType(Kind.IMAGE, ".avif", "image/avif")
HEIC = FileType(Kind.IMAGE, ".heic", "image/heic")
MP4 = FileType(Kind.VIDEO, ".mp4", "video/mp4")
MOV = FileType(Kind.VIDEO, ".mov", "video/quicktime")
WAV = FileType(Kind.AUDIO, ".wav", "audio/wav")
FLAC = FileType(Kind.AUDIO, ".flac", "audio/flac")
MP3 = FileType(Kind.AUDIO, ".mp3", "audio/mpeg")
AAC = FileType(Kind.AUDIO, ".aac", "audio/aac")
AIFF = FileType(Kind.AUDIO, ".aiff", "audio/aiff")
ZIP = FileType(Kind.FILE, ".zip", "application/zip")

USDZ = FileType(Kind.FILE, ".usdz", "model/vnd.usdz+zip")  # a zip, told apart by its suffix only

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
    # QuickTime's, before it had brands.
    (4, b"wide", MOV),
    (4, b"mdat", MOV),
    (4, b"moov", MOV),
    (0, b"glTF", FileType(Kind.FILE, ".glb", "model/gltf-binary")),
)

_HEIF = (b"avif", b"avis", b"heic", b"heix", b"hevc", b"hevx", b"mif1", b"msf1")

HEAD = 512  # leading bytes that `sniff` and `looks_like_page` need

_BY_SUFFIX: dict[str, FileType] = {
    kind.suffix: kind for _, _, kind in _MAGIC if kind is not ZIP
} | {
    ".aac": AAC,
    ".aif": AIFF,
    ".avif": AVIF,
    ".heic": HEIC,
    ".jpeg": JPEG,
    ".tif": FileType(Kind.IMAGE, ".tiff", "image/tiff"),
    ".zip": ZIP,
    ".mkv": FileType(Kind.VIDEO, ".mkv", "video/x-matroska"),
    ".mp4": MP4,
    ".m4a": FileType(Kind.AUDIO, ".m4a", "audio/mp4"),
    ".txt": FileType(Kind.TEXT, ".txt", "text/plain"),
    ".json": FileType(Kind.TEXT, ".json", "application/json"),
    **{
        suffix: FileType(Kind.TEXT, suffix, "text/plain")
        for suffix in (".ass", ".csv", ".md", ".srt", ".vtt", ".yaml", ".yml")
    },
    # Nothing that a browser or loader would execute: no HTML, SVG, or pickles.
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
    """Return the type by magic bytes, or None. `head`: the first HEAD bytes, or fewer."""
    for offset, magic, kind in _MAGIC:
        if head[offset : offset + len(magic)] == magic and (offset != 8 or head[:4] == b"RIFF"):
            # WebM and Matroska share the magic bytes; the EBML header's DocType differs.
            is_mkv = kind.suffix == ".webm" and b"\x42\x82\x88matroska" in head[:64]
            return _BY_SUFFIX[".mkv"] if is_mkv else kind
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        if brand == b"M4A ":
            return _BY_SUFFIX[".m4a"]
        if brand in _HEIF:  # the last two leave the codec to the brands behind them
            return AVIF if b"avi" in head[8:64] else HEIC
        return MOV if brand == b"qt  " else MP4
    if len(head) < 3 or head[0] != 0xFF:
        return None
    layers = {0xF0: AAC, 0xF2: MP3, 0xE2: MP3}  # by the version and layer of the first frame
    return layers.get(head[1] & 0xF6)


def by_suffix(suffix: str) -> FileType | None:
    """Return the type of a suffix, with or without its dot; None if unknown."""
    return _BY_SUFFIX.get("." + suffix.lower().lstrip("."))


def names_file(word: str) -> bool:
    """Return whether a suffix, or a Kind's value, stands for a file that is not text."""
    claimed = by_suffix(word)
    kinds = {kind.value for kind in Kind} - {Kind.TEXT.value}
    return word in kinds if claimed is None else claimed.kind is not Kind.TEXT


def looks_like_page(head: bytes) -> bool:
    """Return whether bytes begin a web page or an XML error instead of a task's result."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:200].lower()
    return start.startswith((b"<!doctype html", b"<html", b"<head", b"<body")) or (
        start.startswith(b"<?xml") and (b"<error" in start or b"<html" in start)
    )
