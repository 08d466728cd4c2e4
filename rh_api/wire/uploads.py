"""Uploads: media by the recommended or the old endpoint, LoRA by presigned URL in three steps.

RunningHub docs, "Upload Resource" (old), its V2 successor, and "Upload Lora".
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ..errors import BadReply, Fate
from .call import MIB, Auth, Call, Request, Response
from .envelope import open_envelope, read_object, read_text

UPLOAD_PATH = "/openapi/v2/media/upload/binary"
OLD_UPLOAD_PATH = "/task/openapi/upload"
# Bytes a file, documented as 30 MB for the old endpoint only. No source says which megabyte counts:
# what is made to fit fits the smaller one, and only what is above the larger one is not tried.
SURE_UPLOAD_SIZE = 30_000_000
OLD_UPLOAD_LIMIT = 30 * MIB
BAD_PARAMETERS = 1007  # for an upload: its format is not a documented one
VALID_SECONDS = 24 * 3600  # documented for `download_url`; the name is treated the same


@dataclass(frozen=True, slots=True)
class Uploaded:
    """`name`: value for loader fields; `url` (may be ""): for fields that load from a URL."""

    name: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class LoraSlot:
    """`name`: value for RHLoraLoader; `put_url`: presigned URL, None if the content is known."""

    name: str
    put_url: str | None = field(default=None, repr=False)


def read_upload(response: Response) -> Uploaded:
    """Parse either upload endpoint's answer: `fileName`, or `filename` on the English page."""
    data = read_object(open_envelope(response))
    name = read_text(data.get("fileName")) or read_text(data.get("filename"))
    if not name:
        raise BadReply(status=response.status)
    return Uploaded(name, read_text(data.get("download_url")) or read_text(data.get("downloadUrl")))


def lora_slot(lora_name: str, md5_hex: str) -> Call[LoraSlot]:
    """Query where to PUT a LoRA file; the service identifies contents by MD5."""

    def read(response: Response) -> LoraSlot:
        data = read_object(open_envelope(response))
        name = read_text(data.get("fileName"))
        if not name:
            raise BadReply(status=response.status)
        return LoraSlot(name, read_text(data.get("url")) or None)

    body = {"loraName": lora_name, "md5Hex": md5_hex}
    request = Request("POST", "/api/openapi/getLoraUploadUrl", Auth.BODY, body)
    return Call(request, read, repeatable=True, fate=Fate.NOT_STARTED)
