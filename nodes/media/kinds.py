"""The table of media types: a type is a codec module and a row here."""

from __future__ import annotations

from . import audio, image, mask, video
from .codec import Codec, Kind

CODECS: dict[Kind, Codec] = {
    Kind.IMAGE: Codec(image.encode, image.decode),
    # A mask comes back as the alpha of a picture.
    Kind.MASK: Codec(mask.encode, image.decode),
    Kind.AUDIO: Codec(audio.encode, audio.decode),
    Kind.VIDEO: Codec(video.encode, video.decode),
}
