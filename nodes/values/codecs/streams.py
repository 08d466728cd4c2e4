"""Opens audio and video files by PyAV: allowed formats only, every failure a MediaError."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import av
from av.container import Container

from .errors import MediaError

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.video.stream import VideoStream

S = TypeVar("S", "AudioStream", "VideoStream")

# FFmpeg's names. An allow-list, because others of its formats are playlists that open further
# files and URLs.
_FORMATS = (
    "aac,aiff,avi,flac,flv,gif,matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,mp3,mpeg,mpegts,ogg,w64,wav"
)


@contextmanager
def opened(path: Path, unreadable: str) -> Iterator[InputContainer]:
    """Open a file for reading; any exception of the block is raised as MediaError `unreadable`."""
    # Tags in other encodings are no reason to lose the file. PyAV 19 always tolerates them, and
    # does not take the argument.
    tolerant: dict[str, Any] = (
        {"metadata_errors": "replace"} if hasattr(Container, "metadata_errors") else {}
    )
    try:
        with av.open(
            str(path.absolute()), options={"format_whitelist": _FORMATS}, **tolerant
        ) as container:
            yield container
    except MediaError:
        raise
    # PyAV has an error class for each of FFmpeg's codes, and a damaged file meets others too.
    except Exception as error:
        raise MediaError.of(error, unreadable, path.name) from error


def tags(container: InputContainer) -> dict[str, str]:
    """The file's metadata; undecodable letters are U+FFFD.

    PyAV 19 returns them as lone surrogates, which no JSON text in UTF-8 can hold.
    """
    return {name: _text(value) for name, value in container.metadata.items()}


def _text(raw: str) -> str:
    return raw.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def decodable(streams: Sequence[S]) -> S | None:
    """The first stream whose codec is known: decoding another would crash the process."""
    return next((stream for stream in streams if stream.codec_context is not None), None)
