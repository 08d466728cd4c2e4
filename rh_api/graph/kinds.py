"""What a field of a remote workflow takes, told by its class, its name and its stored value.

Loaders are told by a rule, not by a list of classes: RunningHub carries thousands of packs.
Names are from RunningHub docs, "Upload Resource" (LoadImage, LoadVideo, LoadAudio,
LoadImages(zip) with field `upload`) and "About nodeInfoList" (LoadImageFromUrl), and from core
ComfyUI (LoadVideo has `file`) and VideoHelperSuite (VHS_LoadVideo, VHS_LoadAudioUpload).
"""

from __future__ import annotations

import enum
import re
from functools import lru_cache

from ..wire.filetypes import Kind


class FieldKind(enum.Enum):
    """The type of a field as ComfyUI would name it.

    IMAGE, VIDEO, AUDIO and ZIP hold the name of an uploaded file, URL the address of one. JSON
    holds a list or an object. ANY holds nothing yet (null), so it takes any plain value. Only
    the form of an AI app tells LORA, a remote LoRA's name, and COMBO, one of a list of texts.
    """

    STRING = "STRING"
    INT = "INT"
    FLOAT = "FLOAT"
    BOOLEAN = "BOOLEAN"
    IMAGE = "IMAGE"
    VIDEO = "VIDEO"
    AUDIO = "AUDIO"
    ZIP = "ZIP"
    URL = "URL"
    JSON = "JSON"
    LORA = "LORA"
    COMBO = "COMBO"
    ANY = "*"


_MEDIA = {"image": FieldKind.IMAGE, "video": FieldKind.VIDEO, "audio": FieldKind.AUDIO}
_ZIP_FIELDS = frozenset({"upload", "file", "zip", "zip_file"})
_LOADING = frozenset({"load", "loader"})
# Classes that load, but from a path on the server or from text: an upload's name is no use.
_ELSEWHERE = frozenset({"path", "directory", "folder", "base64"})

_TAKES: dict[FieldKind, frozenset[Kind]] = {
    FieldKind.IMAGE: frozenset({Kind.IMAGE}),
    FieldKind.VIDEO: frozenset({Kind.VIDEO}),
    FieldKind.AUDIO: frozenset({Kind.AUDIO}),
    FieldKind.ZIP: frozenset({Kind.FILE, Kind.IMAGE}),  # pictures are packed on the way
}


def kind_of(class_type: str, name: str, stored: object) -> FieldKind:
    """The kind of one field; `stored` is its value in the workflow and no link."""
    if stored is None or isinstance(stored, str):
        loaded = _loaded(words_of(class_type), name.lower())
        return loaded or (FieldKind.ANY if stored is None else FieldKind.STRING)
    if isinstance(stored, bool):
        return FieldKind.BOOLEAN
    if isinstance(stored, int):
        return FieldKind.INT
    return FieldKind.FLOAT if isinstance(stored, float) else FieldKind.JSON


def media_taken(class_type: str, kind: FieldKind) -> frozenset[Kind]:
    """What may be uploaded for a field of `kind`; a URL loader's class name says what it loads."""
    if kind is not FieldKind.URL:
        return _TAKES.get(kind, frozenset())
    named = _media_named(words_of(class_type)) or _MEDIA
    return frozenset[Kind]().union(*(_TAKES[_MEDIA[medium]] for medium in named))


def is_address(text: str) -> bool:
    """Whether a text is the URL of something, not a name."""
    return re.match(r"\s*((https?|ftp|s3|oss|cos)://|data:)", text, re.IGNORECASE) is not None


@lru_cache(4096)
def words_of(class_type: str) -> frozenset[str]:
    """`LoadImageFromURL`, `Load Image From URL` and `load_image_from_url` have the same words."""
    words = re.findall(r"[Bb]ase64|[A-Z]+(?![a-z])|[A-Z]?[a-z]+", class_type)
    return frozenset(word.lower().removesuffix("s") for word in words)


def _media_named(words: frozenset[str]) -> list[str]:
    return [medium for medium in _MEDIA if medium in words]


def _loaded(words: frozenset[str], name: str) -> FieldKind | None:
    """The kind of a field that names a file, or None for one that is plain text."""
    media = _media_named(words)
    loads = bool(words & _LOADING)
    if "url" in words and (loads or media):
        is_source = name in _MEDIA or name.endswith(("url", "urls"))
        return FieldKind.URL if is_source else None
    if not loads or words & _ELSEWHERE:
        return None
    if "zip" in words:
        return FieldKind.ZIP if name in _ZIP_FIELDS else None
    # `file` names no medium: the class must, and only one.
    return _MEDIA.get(media[0] if name == "file" and len(media) == 1 else name)
