"""Decodes video files to one float32 batch and their audio."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from av.error import InvalidDataError
from av.stream import Disposition
from av.video.reformatter import VideoReformatter

from .audio import Sound, read_track
from .codec import BYTE_LIMIT
from .errors import MediaError
from .pixels import from_levels
from .streams import decodable, opened, tags

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

# Pixels of one frame, twice those of 8K. A decoder holds a dozen of them.
PIXEL_LIMIT = 2**26

# Bytes allocated for what a header declares; beyond, a frame for each so many bytes of the file.
# Growth is filled with zeros first, which takes as long as decoding it.
_FIRST_BYTES = 2**28
_LEAST_BYTES = 16  # of an unchanged frame, with its entries in the index
_WORKERS = 3
_AHEAD = 6  # frames queued for a worker
_WORKER = threading.local()  # scalers by matrix, which PyAV 16 keeps; one a frame is a sixth slower
# POINT, FULL_CHR_H_INT and ACCURATE_RND of FFmpeg's scaler: the nearest level. Without them its
# levels are one too low on average, and the floats that ComfyUI takes half a level.
_EXACT = 0x10 | 0x2000 | 0x40000
# PyAV 16 assumes BT.601 for every video unless another colour space than the frame's
# is requested. RGB has no matrix, so that the request changes nothing else.
_BT601 = 5
_UNREADABLE = "media.unreadable_video"


@dataclass(frozen=True, slots=True)
class Clip:
    """ComfyUI's VIDEO as arrays: float32 (frames, height, width, 3) in 0..1; `rate` in fps.

    `tags` are the file's metadata, such as the workflow that made it.
    """

    frames: np.ndarray
    rate: Fraction
    sound: Sound | None = None
    tags: Mapping[str, str] = field(default_factory=dict[str, str])


def read(path: Path) -> Clip:
    """Decode all frames of the first video track to one batch, and the last audio track, as
    ComfyUI does.

    Frames are upright and without alpha; damaged ones are skipped, as ComfyUI does. Values are 8
    bits of full range, or 16 where the video has more than 8.

    Raises `media.too_much_video` above BYTE_LIMIT and PIXEL_LIMIT, before anything is decoded if
    the file's headers are true; `media.no_video` for audio alone; `media.unreadable_video`.
    """
    with opened(path, _UNREADABLE) as container:
        stream = _pictures(container)
        if stream is None:
            raise MediaError("media.no_video", file=path.name)
        stream.thread_type = "AUTO"
        with ThreadPoolExecutor(_WORKERS) as workers:
            buffer = _FrameBuffer(path, _expected(stream), workers)
            buffer.check(stream.width, stream.height)
            sound = workers.submit(read_track, path, _UNREADABLE, last=True)
            for frame in _frames(container, stream):
                buffer.add(frame)
        rate = stream.average_rate or stream.guessed_rate or Fraction(1)
        rate = Fraction(rate.numerator, rate.denominator)
        return Clip(buffer.frames(), rate, sound.result(), tags(container))


def check(path: Path) -> None:
    """Check that a file has video, by decoding its first frame. Frames above PIXEL_LIMIT are
    accepted undecoded, since other programs may use the file.

    Raises `media.no_video`, `media.unreadable_video`.
    """
    with opened(path, _UNREADABLE) as container:
        stream = _pictures(container)
        if stream is None:
            raise MediaError("media.no_video", file=path.name)
        small = stream.width * stream.height <= PIXEL_LIMIT
        if small and next(_frames(container, stream), None) is None:
            raise MediaError("media.no_video", file=path.name)


def size(path: Path) -> tuple[int, int]:
    """Width and height in pixels, by the headers. Raises `media.no_video`,
    `media.unreadable_video`."""
    with opened(path, _UNREADABLE) as container:
        stream = _pictures(container)
        if stream is None:
            raise MediaError("media.no_video", file=path.name)
        return stream.width, stream.height


def has_alpha(path: Path) -> bool:
    """Whether frames have alpha, which `read` drops. Raises `media.unreadable_video`."""
    with opened(path, _UNREADABLE) as container:
        stream = _pictures(container)
        form = None if stream is None else stream.codec_context.format
        # Colours of a palette may have alpha.
        return form is not None and (form.has_palette or any(c.is_alpha for c in form.components))


def _pictures(container: InputContainer) -> VideoStream | None:
    """The first decodable video track; a song's cover is none, though it is stored as one."""
    cover = Disposition.attached_pic
    return decodable([s for s in container.streams.video if not s.disposition & cover])


def _expected(stream: VideoStream) -> int:
    """The declared number of frames; 0 if there is none."""
    if stream.frames:
        return stream.frames
    if stream.duration and stream.time_base and stream.average_rate:
        return round(stream.duration * stream.time_base * stream.average_rate)
    return 0


def _frames(container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
    for packet in container.demux(stream):
        try:
            yield from packet.decode()
        except InvalidDataError:
            continue


class _FrameBuffer:
    """Array of all frames, which are converted in workers beside the decoder; it grows if there are
    more than declared."""

    def __init__(self, path: Path, expected: int, workers: Executor) -> None:
        self._path = path
        self._expected = expected
        self._workers = workers
        self._array: np.ndarray | None = None
        self._filled = 0
        self._pending: deque[Future[None]] = deque()

    def check(self, width: int, height: int, count: int = 1) -> None:
        """Raise `media.too_much_video` if `count` frames, or those declared, are over a limit."""
        count = max(count, self._expected)
        pixels = width * height
        if pixels > PIXEL_LIMIT or pixels * count * 3 * 4 > BYTE_LIMIT:
            raise MediaError(
                "media.too_much_video",
                file=self._path.name,
                frames=count,
                width=width,
                height=height,
                limit=BYTE_LIMIT // 2**30,
            )

    def add(self, frame: VideoFrame) -> None:
        self.check(frame.width, frame.height, self._filled + 1)
        turned = _quarter_turns(frame) % 2
        shape = (frame.width, frame.height) if turned else (frame.height, frame.width)
        if self._array is None:
            first = max(1, _FIRST_BYTES // (frame.width * frame.height * 12))
            most = max(first, self._path.stat().st_size // _LEAST_BYTES)
            self._array = np.empty((min(most, self._expected or first), *shape, 3), np.float32)
        elif self._filled == len(self._array):
            self._resize(2 * self._filled)
        if shape != self._array.shape[1:3]:
            raise MediaError(_UNREADABLE, file=self._path.name, reason="its frames change size")
        self._finish(all_but=_AHEAD)
        self._pending.append(self._workers.submit(_convert, frame, self._array[self._filled]))
        self._filled += 1

    def frames(self) -> np.ndarray:
        """The batch of all frames."""
        if self._array is None:
            raise MediaError("media.no_video", file=self._path.name)
        self._finish()
        if self._filled < len(self._array):
            self._resize(self._filled)
        return self._array

    def _finish(self, all_but: int = 0) -> None:
        while len(self._pending) > all_but:
            self._pending.popleft().result()

    def _resize(self, count: int) -> None:
        """In place, where the system can move pages instead of bytes; there must be no view."""
        assert self._array is not None  # noqa: S101
        self._finish()
        self._array.resize((count, *self._array.shape[1:]), refcheck=False)


def _convert(frame: VideoFrame, out: np.ndarray) -> None:
    """Convert a frame to `out`, upright, by way of 8 bits, or 16 where it has more."""
    deep = max(component.bits for component in frame.format.components) > 8
    form = "gbrp16le" if deep else "rgb24"
    # By way of planes, which FFmpeg's scaler writes from YUV in half the time, to the same levels.
    first = form if deep or frame.format.is_rgb else "gbrp"
    scaler = vars(_WORKER).setdefault(f"scaler_{frame.colorspace}", VideoReformatter())
    exact = scaler.reformat(frame, format=first, interpolation=_EXACT, dst_colorspace=_BT601)
    from_levels(np.rot90(exact.to_ndarray(format=form), _quarter_turns(frame)), out=out)


def _quarter_turns(frame: VideoFrame) -> int:
    """Quarter turns to the left, as of `np.rot90`, that make the frame upright."""
    return round(frame.rotation / 90)
