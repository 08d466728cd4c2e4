"""AUDIO {waveform (n, channels, samples), sample_rate}: uploaded as float32 WAV, a file an item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from ....rh_api.client import Result, Source
from ....rh_api.wire.filetypes import Kind as FileKind
from ....rh_api.wire.uploads import SURE_UPLOAD_SIZE
from ..codecs import audio, flac
from ..codecs.audio import Sound
from ..codecs.codec import Kind
from ..codecs.errors import MediaError
from ..codecs.fitting import Limit
from ..codecs.tensors import digest, from_array, to_array
from .adapter import Adapter, Encoding, Fitted, Media, one_file

if TYPE_CHECKING:
    from ..result_files import TaskFiles

_KEYS = frozenset({"waveform", "sample_rate"})


class AudioAdapter(Adapter):
    kind = Kind.AUDIO
    file_kind = FileKind.AUDIO
    outputs = ("audio",)

    def detect(self, value: object) -> bool:
        return isinstance(value, Mapping) and cast("Mapping[object, object]", value).keys() >= _KEYS

    def count(self, value: Any) -> int:
        shape = _shape(value)
        return shape[0] if len(shape) > 2 else 1

    def channels(self, media: Media) -> int:
        return (1, 1, *_shape(media.value))[-2]  # a waveform of one axis is refused when encoded

    def encode(self, media: Media, encoding: Encoding) -> Source:
        waveform = to_array(media.part(media.value["waveform"]))
        return one_file(audio.encode(waveform, media.value["sample_rate"]), self.file_kind)

    def fit(self, encoded: Source, limit: Limit | None) -> Fitted | None:
        """Compress as FLAC above the documented limit, or above `limit` if that is higher."""
        packed = flac.fitted(cast("bytes", encoded.body), SURE_UPLOAD_SIZE, limit or Limit())
        return packed and Fitted(packed.file, packed.key, {"bits": packed.bits})

    def contents(self, media: Media) -> object:
        waveform = to_array(media.part(media.value["waveform"]))
        return media.value["sample_rate"], digest(waveform)

    def decode(self, results: Sequence[Result], task_files: TaskFiles) -> Any:
        """Join the files that a saver made of a batch into one AUDIO."""
        sounds = [_sound(result, task_files) for result in results]
        if len({(sound.rate, sound.waveform.shape) for sound in sounds}) > 1:
            raise task_files.unreadable(MediaError("segment.sounds_differ"), results)
        waveforms = [sound.waveform for sound in sounds]
        joined = waveforms[0] if len(waveforms) == 1 else np.concatenate(waveforms)
        return _value(Sound(joined, sounds[0].rate))

    def read(self, result: Result, task_files: TaskFiles) -> dict[str, Any]:
        return {"audio": _value(_sound(result, task_files))}


def _shape(value: Any) -> tuple[int, ...]:
    return getattr(value["waveform"], "shape", ())


def _sound(result: Result, task_files: TaskFiles) -> Sound:
    """Decode a file as ComfyUI's own LoadAudio does, and list it in the node's UI. Raises
    Unreadable."""
    with task_files.reading([result], "media.unreadable_sound"):
        sound = audio.read(task_files.put_in_temp(result))
    task_files.show("audio", result)
    return sound


def _value(sound: Sound) -> dict[str, Any]:
    return {"waveform": from_array(sound.waveform), "sample_rate": sound.rate}
