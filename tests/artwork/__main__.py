"""Draws the Registry's pictures, docs/icon.png and docs/banner.png: ``python -m tests.artwork``.

A small canvas of the laptop's sends one node up into a cloud and gets a picture back. The Registry
wants an icon of at most 400 by 400 pixels and a banner of 21 : 9
(docs.comfy.org/registry/specifications).
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

DOCS = Path(__file__).parents[2] / "docs"
NIGHT, DESK, EDGE = (18, 24, 38), (30, 40, 62), (92, 112, 156)
CLOUD, LINK, SUN = (226, 236, 255), (72, 196, 160), (255, 184, 76)
SMOOTH = 4  # everything is drawn so much larger, and made smaller once


class Pen:
    """Draws on a square of 400 units whose corner is at ``(left, top)``."""

    def __init__(self, draw: ImageDraw.ImageDraw, left: float, top: float) -> None:
        self._draw, self._left, self._top = draw, left, top

    def _at(self, *xy: float) -> list[float]:
        corner = (self._left, self._top)
        return [(value + corner[index % 2]) * SMOOTH for index, value in enumerate(xy)]

    def box(self, *xy: float, fill: object, round_by: float, edge: object = None) -> None:
        self._draw.rounded_rectangle(
            self._at(*xy), round_by * SMOOTH, fill=fill, outline=edge, width=5 * SMOOTH
        )

    def disc(self, x: float, y: float, radius: float, fill: object) -> None:
        self._draw.ellipse(self._at(x - radius, y - radius, x + radius, y + radius), fill=fill)

    def line(self, *xy: float, fill: object) -> None:
        self._draw.line(self._at(*xy), fill=fill, width=10 * SMOOTH, joint="curve")

    def shape(self, *xy: float, fill: object) -> None:
        self._draw.polygon(self._at(*xy), fill=fill)


def emblem(pen: Pen) -> None:
    """A laptop below a cloud, a link up from a node, a picture on the way down."""
    for x, y, radius in ((132, 126, 46), (196, 98, 66), (264, 122, 52), (228, 138, 40)):
        pen.disc(x, y, radius, CLOUD)
    pen.box(110, 118, 292, 174, fill=CLOUD, round_by=28)
    pen.box(84, 226, 316, 338, fill=DESK, round_by=14, edge=EDGE)
    pen.box(52, 338, 348, 356, fill=EDGE, round_by=9)
    pen.box(112, 262, 172, 306, fill=LINK, round_by=8)
    pen.box(228, 254, 290, 312, fill=CLOUD, round_by=6)
    pen.disc(272, 270, 7, SUN)
    pen.shape(234, 306, 252, 280, 264, 294, 272, 286, 284, 306, fill=LINK)
    pen.line(142, 262, 142, 150, fill=LINK)
    pen.shape(124, 160, 160, 160, 142, 132, fill=LINK)
    pen.line(259, 150, 259, 228, fill=SUN)
    pen.shape(241, 222, 277, 222, 259, 248, fill=SUN)


def icon() -> Image.Image:
    """RGBA, 400 by 400."""
    image = Image.new("RGBA", (400 * SMOOTH, 400 * SMOOTH))
    draw = ImageDraw.Draw(image)
    Pen(draw, 0, 0).box(0, 0, 399, 399, fill=NIGHT, round_by=72)
    emblem(Pen(draw, 0, 0))
    return image.resize((400, 400), Image.Resampling.LANCZOS)


def banner() -> Image.Image:
    """RGB, 1,260 by 540."""
    image = Image.new("RGB", (1260 * SMOOTH, 540 * SMOOTH), NIGHT)
    draw = ImageDraw.Draw(image)
    emblem(Pen(draw, 60, 70))
    for text, y, size, fill in (
        ("RunningHub Remote", 190, 72, CLOUD),
        ("Part of your graph in the cloud,", 292, 38, LINK),
        ("the rest at home", 344, 38, LINK),
    ):
        font = ImageFont.load_default(size * SMOOTH)
        draw.text((500 * SMOOTH, y * SMOOTH), text, fill=fill, font=font)
    return image.resize((1260, 540), Image.Resampling.LANCZOS)


def main() -> None:
    icon().save(DOCS / "icon.png", optimize=True)
    banner().save(DOCS / "banner.png", optimize=True)


if __name__ == "__main__":
    main()
