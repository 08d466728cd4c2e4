"""Whether a file is all there, by its own structure: a length that was announced proves nothing.

A service that cut a file itself announces the length of the cut. Only *cut* sets anything in
motion, so it is said of nothing that a decoder may take for complete: bytes behind the end are
whole, and what a format leaves open (streamed sizes, fragments) cannot be told.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO

from ..filetypes import (
    HEAD,
    JPEG,
    MP4,
    PNG,
    WAV,
    WEBP,
    ZIP,
    FileType,
    Reading,
    Verdict,
    by_suffix,
    sniff,
)
from .archives import judge_glb, judge_zip
from .movies import judge_movie
from .pictures import judge_jpeg, judge_png
from .riff import judge_avi, judge_wav, judge_webp

__all__ = ["Verdict", "judge"]

_JUDGES: dict[FileType | None, Callable[[Reading], Verdict]] = {
    PNG: judge_png,
    JPEG: judge_jpeg,
    WEBP: judge_webp,
    WAV: judge_wav,
    by_suffix(".avi"): judge_avi,
    MP4: judge_movie,
    by_suffix(".mov"): judge_movie,
    by_suffix(".m4a"): judge_movie,
    by_suffix(".glb"): judge_glb,
    ZIP: judge_zip,
}


def judge(file: BinaryIO, size: int) -> Verdict:
    """Whether the `size` bytes of a seekable file are a whole one of the type that they prove.

    Memory stays within some blocks; only the scans of a JPEG are read from end to end. Raises
    OSError where the file cannot be read.
    """
    reading = Reading(file, size)
    judge_type = _JUDGES.get(sniff(reading.at(0, HEAD)))
    return Verdict.CANNOT_TELL if judge_type is None else judge_type(reading)
