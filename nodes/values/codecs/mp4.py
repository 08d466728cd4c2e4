"""Encodes images and audio as an mp4 that every ComfyUI reads: H.264 and AAC, frame by frame."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

import av
import numpy as np
from av.error import FFmpegError

from .audio import Sound, checked
from .errors import MediaError
from .pixels import to_levels

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import OutputContainer
    from av.video.stream import VideoStream

FRAME_RATES = (Fraction(1, 100), Fraction(1000))  # fps
_FINEST = 1001  # denominator: 29.97 is 30000/1001
_MAX_SIDE = 16384  # pixels; of H.264 as x264 writes it

# CRF that is visually lossless; ComfyUI's own writer leaves x264's default, 23.
_QUALITY = "16"
# ITU-T H.273: the matrix and primaries of BT.709, the transfer of sRGB, levels 16..235.
_BT709, _SRGB, _STUDIO_RANGE = 1, 13, 1

_LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 8: "7.1"}
# Hz; those of AAC, up to the highest that is used for video.
_SOUND_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
_CHANNEL_BITS = 96_000


def write(
    file: Path | BinaryIO,
    frames: Iterable[np.ndarray],
    rate: Fraction | float,
    sound: Sound | None = None,
) -> None:
    """Encode frames (height, width, 1 to 4 channels), floats in 0..1 or uint8, all of one size.

    A fourth channel is dropped, grey becomes RGB. 4:2:0 chroma needs even sides: the last line of
    an odd side is repeated, so that the video is a pixel larger. Audio longer than the images is
    cut. A file that cannot be finished is removed.

    Raises `media.frame_rate`, `media.empty_video`, `media.not_a_frame`, `media.frame_too_large`,
    `media.frame_sizes`, `media.wrong_samples`, `media.unwritable_video`; for the audio what
    `audio.encode` raises.
    """
    try:
        _write(file, frames, _frame_rate(rate), sound)
    except BaseException:
        if isinstance(file, Path):
            file.unlink(missing_ok=True)
        raise


def _frame_rate(rate: Fraction | float) -> Fraction:
    low, high = FRAME_RATES
    # Written so that NaN fails too.
    if not low <= rate <= high:
        raise MediaError("media.frame_rate", rate=float(rate), low=float(low), high=float(high))
    return Fraction(rate).limit_denominator(_FINEST)


def _write(
    file: Path | BinaryIO, frames: Iterable[np.ndarray], rate: Fraction, sound: Sound | None
) -> None:
    pictures = (_even(_colour(frame)) for frame in frames)
    first = next(pictures, None)
    if first is None:
        raise MediaError("media.empty_video")
    waveform = None
    if sound is not None and sound.waveform.size:
        waveform = checked(sound.waveform, sound.rate)[0]
    # The index goes to the front, for progressive playback; FFmpeg does that by opening the
    # finished file again.
    options = {"movflags": "faststart"} if isinstance(file, Path) else {}
    target = str(file.absolute()) if isinstance(file, Path) else file
    try:
        with av.open(target, "w", format="mp4", options=options) as output:
            track = _VideoTrack(output, rate, first.shape)
            audio_track = None
            if sound is not None and waveform is not None:
                audio_track = _AudioTrack(output, waveform, sound.rate)
            track.add(first)
            for picture in pictures:
                if picture.shape != first.shape:
                    raise MediaError("media.frame_sizes")
                track.add(picture)
                if audio_track is not None:
                    audio_track.write_until(track.seconds)
            if audio_track is not None:
                audio_track.write_until(track.seconds)
                audio_track.finish()
            track.finish()
    except FFmpegError as error:
        raise MediaError("media.unwritable_video", reason=error.strerror) from error


def _colour(frame: np.ndarray) -> np.ndarray:
    if frame.ndim != 3 or not frame.size or not 1 <= frame.shape[2] <= 4:
        raise MediaError("media.not_a_frame", shape=list(frame.shape))
    if max(frame.shape) > _MAX_SIDE:
        raise MediaError("media.frame_too_large", shape=list(frame.shape), most=_MAX_SIDE)
    levels = frame if frame.dtype == np.uint8 else to_levels(frame)
    return levels[..., [0, 0, 0]] if frame.shape[2] < 3 else levels[..., :3]


def _even(levels: np.ndarray) -> np.ndarray:
    height, width, _ = levels.shape
    if height % 2 or width % 2:
        levels = np.pad(levels, ((0, height % 2), (0, width % 2), (0, 0)), "edge")
    return np.ascontiguousarray(levels)


class _VideoTrack:
    """The video track of a file."""

    def __init__(self, output: OutputContainer, rate: Fraction, shape: tuple[int, ...]) -> None:
        stream = cast("VideoStream", output.add_stream("libx264", rate=rate))
        stream.height, stream.width = shape[:2]
        stream.pix_fmt = "yuv420p"
        # x264's mbtree is not deterministic, and equal videos must be equal orders.
        stream.options = {"crf": _QUALITY, "x264-params": "mbtree=0"}
        _set_colour_space(stream.codec_context)
        self._output, self._stream, self._rate = output, stream, rate
        self._count = 0

    @property
    def seconds(self) -> Fraction:
        """The duration of the track so far."""
        return self._count / self._rate

    def add(self, levels: np.ndarray) -> None:
        frame = av.VideoFrame.from_ndarray(levels, format="rgb24")
        frame = frame.reformat(format="yuv420p", dst_colorspace=_BT709)
        _set_colour_space(frame)
        frame.pts, frame.time_base = self._count, 1 / self._rate
        self._output.mux(self._stream.encode(frame))
        self._count += 1

    def finish(self) -> None:
        self._output.mux(self._stream.encode(None))


def _set_colour_space(target: object) -> None:
    """Set the colour space; readers guess by size what is not set."""
    for name, value in (
        ("colorspace", _BT709),
        ("color_primaries", _BT709),
        ("color_trc", _SRGB),
        ("color_range", _STUDIO_RANGE),
    ):
        # A frame of PyAV 16 has the first and the last only; the encoder then uses its own.
        if hasattr(target, name):
            setattr(target, name, value)


class _AudioTrack:
    """The audio track of a file, interleaved with the video so that neither waits."""

    def __init__(self, output: OutputContainer, waveform: np.ndarray, rate: int) -> None:
        channels = len(waveform)
        if channels not in _LAYOUTS:
            raise MediaError("media.sound_channels", channels=channels, most=8)
        self._layout = _LAYOUTS[channels]
        aac_rate = min((hz for hz in _SOUND_RATES if hz >= rate), default=_SOUND_RATES[-1])
        stream = cast("AudioStream", output.add_stream("aac", rate=aac_rate, layout=self._layout))
        stream.bit_rate = min(_CHANNEL_BITS, 4 * aac_rate) * channels
        self._output, self._stream = output, stream
        self._waveform, self._rate = waveform, rate
        self._written = 0

    def write_until(self, seconds: Fraction) -> None:
        end = min(int(seconds * self._rate), self._waveform.shape[1])
        if end <= self._written:
            return
        block = np.array(self._waveform[:, self._written : end], np.float32, order="C")
        np.nan_to_num(block, copy=False, nan=0, posinf=1, neginf=-1)
        frame = av.AudioFrame.from_ndarray(block, format="fltp", layout=self._layout)
        frame.sample_rate = self._rate
        frame.pts, frame.time_base = self._written, Fraction(1, self._rate)
        # PyAV resamples it to the encoder's rate and frame size.
        self._output.mux(self._stream.encode(frame))
        self._written = end

    def finish(self) -> None:
        self._output.mux(self._stream.encode(None))
