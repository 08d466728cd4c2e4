"""The execution context of nodes, and the outcome of a graph's run."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

ReadFile = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class Product:
    """One file or text that a node made. ``prefix``: the requested file name; a text has no data.

    ``name``: the file name that the service gives it.
    """

    node_id: str
    prefix: str
    extension: str
    data: bytes | None
    text: str | None = None
    temporary: bool = False
    name: str = ""


@dataclass
class Outcome:
    """The outcome of a run, in order. ``executed``: the nodes that were started."""

    executed: list[str] = field(default_factory=list[str])
    products: list[Product] = field(default_factory=list[Product])
    previews: dict[str, bytes] = field(default_factory=dict[str, bytes])
    failure: dict[str, str] | None = None


@dataclass
class NodeContext:
    """What a node's code may use: access to the service's files, and the outcome to add to."""

    read_input: ReadFile
    read_url: ReadFile
    metadata: str | None
    outcome: Outcome = field(default_factory=Outcome)
    node_id: str = ""

    def save_picture(self, prefix: str, picture: Image.Image, *, temporary: bool) -> None:
        from PIL.PngImagePlugin import PngInfo

        info = PngInfo()
        if self.metadata is not None:
            info.add_text("prompt", self.metadata)
        data = io.BytesIO()
        picture.save(data, "PNG", pnginfo=info, compress_level=1 if temporary else 4)
        product = Product(self.node_id, prefix, "png", data.getvalue(), temporary=temporary)
        self.outcome.products.append(product)

    def save_file(self, prefix: str, data: bytes, extension: str) -> None:
        self.outcome.products.append(Product(self.node_id, prefix, extension, data))

    def show_text(self, text: str) -> None:
        self.outcome.products.append(Product(self.node_id, "", "txt", None, text))

    def show_preview(self, picture: Image.Image) -> None:
        small = picture.copy()
        small.thumbnail((256, 256))
        data = io.BytesIO()
        small.convert("RGB").save(data, "JPEG", quality=70)
        self.outcome.previews[self.node_id] = data.getvalue()
