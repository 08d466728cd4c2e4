"""The savers and previews that can run in the cloud, and their remote classes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Saver:
    """`input`: the input that it saves, `remote`: the class that saves it in the cloud.

    `passes`: its first output is its input unchanged, so readers can be relinked to the source.
    """

    input: str
    remote: str
    passes: bool = True


SAVERS = {
    "SaveImage": Saver("images", "SaveImage"),
    "PreviewImage": Saver("images", "SaveImage"),
    "MaskPreview": Saver("mask", "SaveImage"),
    "SaveImageAdvanced": Saver("images", "SaveImageAdvanced"),
    "SaveAnimatedPNG": Saver("images", "SaveAnimatedPNG"),
    "SaveAnimatedWEBP": Saver("images", "SaveAnimatedWEBP"),
    "SaveWEBM": Saver("images", "SaveWEBM"),
    "SaveSVGNode": Saver("svg", "SaveSVGNode"),
    "SaveAudio": Saver("audio", "SaveAudio"),
    "SaveAudioMP3": Saver("audio", "SaveAudioMP3"),
    "SaveAudioOpus": Saver("audio", "SaveAudioOpus"),
    "SaveAudioAdvanced": Saver("audio", "SaveAudioAdvanced"),
    "PreviewAudio": Saver("audio", "SaveAudio"),
    "SaveVideo": Saver("video", "SaveVideo"),
    "SaveGLB": Saver("mesh", "SaveGLB", passes=False),
    "SaveText": Saver("text", "SaveText"),
    "PreviewAny": Saver("source", "PreviewAny", passes=False),
}

PREFIX_INPUT = "filename_prefix"
WITHOUT_PREFIX = frozenset({"PreviewAny"})
"""Remote savers whose results have no file name."""
