"""VIDEO: its file is uploaded as it is; result files become videos that are decoded when used."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ....rh_api.client import Result, Source
from ....rh_api.errors import BadInput
from ....rh_api.wire.filetypes import HEAD, MP4, by_suffix, sniff
from ....rh_api.wire.filetypes import Kind as FileKind
from ..codecs import video
from ..codecs.codec import Kind
from ..codecs.comfy_video import ResultVideo, file_of, has_file
from ..codecs.errors import MediaError
from .adapter import Adapter, Encoding, Media
from .audio import AudioAdapter

if TYPE_CHECKING:
    from ..result_files import TaskFiles


class VideoAdapter(Adapter):
    kind = Kind.VIDEO
    file_kind = FileKind.VIDEO
    outputs = ("video",)

    def detect(self, value: object) -> bool:
        return hasattr(value, "get_stream_source") or hasattr(value, "get_components")

    def inlet_refusal(self, value: Any) -> str:
        return "" if has_file(value) else "segment.video_made"

    def encode(self, media: Media, encoding: Encoding) -> Source:
        file = file_of(media.value, encoding.new_folder())
        if isinstance(file, Path):
            # By its suffix first: the magic bytes of some containers tell too little.
            file_type = by_suffix(file.suffix) or sniff(_head(file))
        else:
            file_type = sniff(file[:HEAD])
        file_type = file_type or MP4
        return Source(self.file_kind, file, file_type.suffix, file_type.mime)

    def decode(self, results: Sequence[Result], task_files: TaskFiles) -> Any:
        try:
            return _video(results[0], task_files)
        except MediaError as error:
            raise task_files.unreadable(error, results[:1]) from None

    def read(self, result: Result, task_files: TaskFiles) -> dict[str, Any]:
        """Decoded as audio if the container has no video: their magic bytes are the same."""
        try:
            return {"video": _video(result, task_files)}
        except MediaError as error:
            if error.key == "media.no_video":
                return AudioAdapter().read(result, task_files)
            raise task_files.unreadable(error, [result]) from None

    def size(self, path: Path) -> tuple[int, int]:
        return video.size(path)


def _video(result: Result, task_files: TaskFiles) -> ResultVideo:
    """A VIDEO decoded when used; its file is listed in the node's UI. Raises MediaError."""
    video.check(task_files.put_in_temp(result))
    return ResultVideo(str(task_files.show("video", result)))


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(HEAD)
    except OSError as error:
        raise BadInput("error.file_unreadable", name=path.name) from error
