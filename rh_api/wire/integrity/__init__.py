"""Truncation check of a file by its own structure, since Content-Length proves nothing.

A service that truncated a file announces the truncated length. Only CUT has consequences (another
download), so a file that a decoder may accept is never CUT: trailing bytes are WHOLE, and what a
format leaves open (streamed sizes, fragments) is CANNOT_TELL.
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
    """Judge whether a seekable file of `size` bytes is complete, as the type of its magic bytes.

    Memory stays within some blocks; only a JPEG's scans are read completely. Raises OSError if
    the file cannot be read. Blocking."""
    reading = Reading(file, size)
    judge_type = _JUDGES.get(sniff(reading.at(0, HEAD)))
    return Verdict.CANNOT_TELL if judge_type is None else judge_type(reading)
