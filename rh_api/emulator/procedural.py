"""Paints a landscape of waves and discs as a deterministic function of its settings."""

from __future__ import annotations

import colorsys
import hashlib
import math
import random
import re

from PIL import Image, ImageChops, ImageDraw, ImageFilter

Colour = tuple[int, int, int]

_WAVES = 6

_HUES = {
    "red": (0.97, 0.08),
    "orange": (0.03, 0.08),
    "gold": (0.09, 0.06),
    "yellow": (0.11, 0.06),
    "green": (0.38, -0.14),
    "teal": (0.5, -0.06),
    "blue": (0.64, -0.1),
    "violet": (0.76, 0.1),
    "purple": (0.77, 0.12),
    "pink": (0.88, 0.08),
    "night": (0.66, 0.08),
    "dusk": (0.76, 0.29),
    "sunset": (0.8, 0.28),
    "forest": (0.42, -0.2),
    "sea": (0.6, -0.12),
    "ink": (0.62, 0.02),
}
"""Prompt words to (hue of the dark end, hue span to the light end)."""


def paint(
    size: tuple[int, int], *, prompt: str, seed: int, detail: bytes, contrast: float
) -> Image.Image:
    """Paint a picture of ``size``. The prompt selects the palette, the seed the composition.

    ``detail``: digest of all other settings, perturbs each shape slightly; ``contrast``: 0 to 1.
    """
    palette = _palette(prompt, contrast)
    wide = random.Random(f"{seed}/{prompt}")  # noqa: S311 - a picture, no secret
    fine = random.Random(detail + prompt.encode() + str(seed).encode())  # noqa: S311
    picture = _sky(size, palette, wide, fine)
    _draw_sun(picture, palette, wide, fine)
    for layer in range(_WAVES):
        _draw_wave(picture, layer, palette, wide, fine)
    return _grain(picture, fine)


def _palette(prompt: str, contrast: float) -> list[Colour]:
    """Return eight colours from dark to light between two hues selected by the prompt."""
    digest = hashlib.sha256(prompt.encode()).digest()
    named = [_HUES[word] for word in re.findall(r"[a-z]+", prompt.lower()) if word in _HUES]
    first, span = named[0] if named else (digest[0] / 255, 0.08 + digest[1] / 255 * 0.35)
    saturation = 0.35 + 0.4 * contrast + digest[2] / 255 * 0.2
    colours: list[Colour] = []
    for step in range(8):
        part = step / 7
        hue = (first + span * part) % 1
        light = 0.16 + 0.68 * part
        red, green, blue = colorsys.hls_to_rgb(hue, light, min(1.0, saturation))
        colours.append((round(red * 255), round(green * 255), round(blue * 255)))
    return colours


def _sky(
    size: tuple[int, int], palette: list[Colour], wide: random.Random, fine: random.Random
) -> Image.Image:
    """A smooth gradient: a few coloured cells, upscaled bicubically."""
    cells = Image.new("RGB", (5, 5))
    for y in range(5):
        for x in range(5):
            base = palette[min(7, 4 + y // 2 + wide.randrange(2))]
            cells.putpixel((x, y), _shifted(base, fine, 6))
    return cells.resize(size, Image.Resampling.BICUBIC)


def _shifted(colour: Colour, rng: random.Random, by: int) -> Colour:
    red, green, blue = (max(0, min(255, part + rng.randint(-by, by))) for part in colour)
    return red, green, blue


def _draw_sun(
    picture: Image.Image, palette: list[Colour], wide: random.Random, fine: random.Random
) -> None:
    width, height = picture.size
    radius = min(width, height) * (0.08 + 0.09 * wide.random())
    x = width * (0.2 + 0.6 * wide.random()) + fine.uniform(-2, 2)
    y = height * (0.15 + 0.3 * wide.random()) + fine.uniform(-2, 2)
    mask = Image.new("L", picture.size, 0)
    ImageDraw.Draw(mask).ellipse((x - radius, y - radius, x + radius, y + radius), fill=235)
    glow = mask.resize((max(1, width // 8), max(1, height // 8)))
    glow = glow.filter(ImageFilter.GaussianBlur(max(1.0, radius / 10))).resize(picture.size)
    picture.paste(palette[7], mask=ImageChops.lighter(mask, glow))


def _draw_wave(
    picture: Image.Image,
    layer: int,
    palette: list[Colour],
    wide: random.Random,
    fine: random.Random,
) -> None:
    width, height = picture.size
    level = height * (0.42 + 0.095 * layer)
    swell = height * (0.02 + 0.05 * wide.random())
    length = width * (0.35 + 0.9 * wide.random())
    phase = wide.uniform(0, math.tau) + fine.uniform(-0.15, 0.15)
    ripple = fine.uniform(0.15, 0.35)
    points: list[tuple[float, float]] = [(0, height)]
    for x in range(0, width + 4, 4):
        angle = math.tau * x / length + phase
        points.append((x, level + swell * (math.sin(angle) + ripple * math.sin(2.7 * angle))))
    points.append((width + 4, height))
    colour = _shifted(palette[max(0, 5 - layer)], fine, 8)
    mask = Image.new("L", picture.size, 0)
    ImageDraw.Draw(mask).polygon(points, fill=225)
    picture.paste(colour, mask=mask)


def _grain(picture: Image.Image, fine: random.Random) -> Image.Image:
    """Add a paper-like texture, so that every setting affects all areas."""
    tile = Image.frombytes("L", (64, 64), fine.randbytes(64 * 64))
    size = (max(1, picture.width // 2), max(1, picture.height // 2))
    sheet = Image.new("L", size)
    for y in range(0, size[1], 64):
        for x in range(0, size[0], 64):
            sheet.paste(tile, (x, y))
    paper = sheet.resize(picture.size, Image.Resampling.BILINEAR).convert("RGB")
    return Image.blend(picture, ImageChops.soft_light(picture, paper), 0.12)
