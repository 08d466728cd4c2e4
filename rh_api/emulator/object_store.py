"""The object store: uploads, results and LoRA files, with URLs and expiry."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from .catalog import EXAMPLE_LORA, EXAMPLE_PICTURES, LORAS, example_picture

KINDS_BY_EXTENSION = {
    **dict.fromkeys(("jpg", "jpeg", "png", "webp"), "image"),
    **dict.fromkeys(("mp3", "wav", "flac"), "audio"),
    **dict.fromkeys(("mp4", "avi", "mov", "mkv"), "video"),
    "zip": "zip",
}
"""Accepted uploads (RunningHub docs, "Upload resource file V2")."""

TYPES_BY_EXTENSION = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "txt": "text/plain",
    "json": "application/json",
    "mp4": "video/mp4",
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "flac": "audio/flac",
    "zip": "application/zip",
    "glb": "model/gltf-binary",
}


@dataclass(frozen=True, slots=True)
class Stored:
    """One stored file. ``path``: where it is served; ``stored``, ``expires``: unix seconds."""

    name: str
    data: bytes
    path: str
    extension: str
    expires: float
    stored: float = field(default_factory=time.time)

    @property
    def content_type(self) -> str:
        return TYPES_BY_EXTENSION.get(self.extension, "application/octet-stream")

    @property
    def kind(self) -> str:
        return KINDS_BY_EXTENSION.get(self.extension, "file")

    @property
    def etag(self) -> str:
        return f'"{hashlib.md5(self.data, usedforsecurity=False).hexdigest()}"'


@dataclass(frozen=True, slots=True)
class Lora:
    """An uploaded LoRA: size and md5 only; its bytes are not kept."""

    name: str
    size: int
    md5: str

    @property
    def is_whole(self) -> bool:
        return self.md5 in self.name


class ObjectStore:
    """Files by the path they are served at, and by the name that a node's field takes."""

    def __init__(self) -> None:
        self.uploads: dict[str, Stored] = {}
        self.results: dict[str, Stored] = {}
        self.loras: dict[str, Lora] = {EXAMPLE_LORA: Lora(EXAMPLE_LORA, 0, "0" * 32)}

    def put_upload(self, data: bytes, extension: str, *, folder: str, ttl: float) -> Stored:
        """Store an upload under a content-addressed name: equal bytes get equal names."""
        digest = hashlib.sha256(data).hexdigest()
        name = (
            digest if extension == "zip" and folder == "api" else f"{folder}/{digest}.{extension}"
        )
        stored = Stored(name, data, f"/input/{name}", extension, time.time() + ttl)
        self.uploads.pop(name, None)  # the latest is last
        self.uploads[name] = stored
        return stored

    def put_result(
        self, name: str, data: bytes, *, user: str, ttl: float, folder: str = "output"
    ) -> Stored:
        path = f"/results/{user}/{folder}/{name}"
        extension = name.rpartition(".")[2]
        stored = Stored(name, data, path, extension, time.time() + ttl)
        self.results[path] = stored
        return stored

    def served(self, path: str) -> Stored | None:
        """Return the file at ``path``; None if missing or expired."""
        stored = (
            self.results.get(path)
            if path.startswith("/results/")
            else self.uploads.get(path.removeprefix("/input/"))
        )
        return stored if stored and stored.expires > time.time() else None

    def read_input(self, name: str) -> bytes:
        """Return the bytes of a LoadImage name; raises FileNotFoundError."""
        if name in EXAMPLE_PICTURES:
            return example_picture(name)
        stored = self.served(f"/input/{name}")
        if not stored:
            raise FileNotFoundError(name)
        return stored.data

    def read_url(self, url: str) -> bytes:
        """Return the bytes at one of our URLs, never fetching another; raises FileNotFoundError."""
        if url in EXAMPLE_PICTURES:
            return example_picture(url)
        stored = self.served(urlsplit(url).path)
        if not stored:
            raise FileNotFoundError(f"cannot load {url!r}")
        return stored.data

    def exists(self, listing: str, name: str, checkpoints: tuple[str, ...]) -> bool:
        """Whether a loader's field may have the value ``name``."""
        match listing:
            case "checkpoints":
                return name in checkpoints
            case "loras":
                return name in LORAS
            case "uploaded_loras":
                return name in self.loras and self.loras[name].is_whole
            case "uploads":
                return name in EXAMPLE_PICTURES or self.served(f"/input/{name}") is not None
            case _:
                # Any URL is accepted; whether it can be fetched shows in the run.
                return bool(name.strip())
