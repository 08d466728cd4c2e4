"""Results of model runs: small valid files that depend on the body, texts, and issued ids."""

from __future__ import annotations

import hashlib
import io
import json
import math
import struct
import wave
from functools import cache
from pathlib import Path
from typing import Any

from ..codes import Json
from ..nodes.context import Product
from .catalogue import Model
from .prices import count_of

SIDE = 96
MAX_RESULTS = 9
RATE = 16_000
SECONDS_OF_SOUND = 0.4

_FILM = Path(__file__).with_name("film.mp4")


def make(model: Model, body: Json) -> list[Product]:
    """Return the products of one run, in order; imports Pillow for pictures."""
    text = json.dumps(body, sort_keys=True, ensure_ascii=False)
    run_seed = hashlib.sha256(f"{model.endpoint} {text}".encode()).digest()
    values = model.values(body)
    count = min(count_of(values), MAX_RESULTS)
    prefix = model.endpoint.rpartition("/")[2]
    products: list[Product] = []
    for index in range(count):
        seed = hashlib.sha256(run_seed + bytes([index])).digest()
        match model.output:
            case "image":
                extension, data = _picture(seed, values)
                products.append(Product("", prefix, extension, data))
            case "video":
                products.append(Product("", prefix, "mp4", film(seed)))
            case "audio":
                products.append(Product("", prefix, "wav", sound(seed)))
            case "3d":
                products.append(Product("", prefix, "glb", cube(seed)))
                products.append(Product("", prefix, "png", _picture(seed, {})[1]))
            case "text":
                products.append(Product("", "", "txt", None, _answer(model, values, seed)))
    return products


def _picture(seed: bytes, values: Json) -> tuple[str, bytes]:
    from ..procedural import paint

    choice = str(values.get("outputFormat") or "png").lower()  # also "webp(lossless)"
    extension = "jpg" if choice.startswith("jp") else "webp" if choice.startswith("webp") else "png"
    number = int.from_bytes(seed[:4], "big")
    prompt = str(values.get("prompt") or "")
    picture = paint((SIDE, SIDE), prompt=prompt, seed=number, detail=seed, contrast=0.5)
    data = io.BytesIO()
    form = {"jpg": "JPEG", "webp": "WEBP"}.get(extension, "PNG")
    picture.convert("RGB").save(data, form)
    return extension, data.getvalue()


def _answer(model: Model, values: Json, seed: bytes) -> str:
    subject = next(
        (str(values[name]) for name in ("prompt", "text", "lyrics", "name") if values.get(name)),
        model.task,
    )
    return f"{model.task}: {subject[:200]} ({seed.hex()[:8]})"


@cache
def _film() -> bytes:
    return _FILM.read_bytes()


def film(seed: bytes) -> bytes:
    """Return half a second of H.264 in an MP4; a trailing free box makes it unique per seed."""
    return _film() + struct.pack(">I4s", 8 + len(seed), b"free") + seed


def sound(seed: bytes) -> bytes:
    """Return a tone as 16-bit mono WAV; the seed selects its pitch."""
    pitch = 220 + int.from_bytes(seed[:2], "big") % 660
    frames = int(RATE * SECONDS_OF_SOUND)
    samples = (math.sin(2 * math.pi * pitch * at / RATE) for at in range(frames))
    data = io.BytesIO()
    with wave.open(data, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(b"".join(struct.pack("<h", int(8000 * sample)) for sample in samples))
    return data.getvalue()


_CORNERS = [(x, y, z) for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)]
_SIDES = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]


def cube(seed: bytes) -> bytes:
    """Return a cube as binary glTF 2.0: eight vertices, twelve triangles, colour from the seed."""
    corners = b"".join(struct.pack("<3f", *corner) for corner in _CORNERS)
    triangles = [part for a, b, c, d in _SIDES for part in (a, b, c, a, c, d)]
    indices = struct.pack(f"<{len(triangles)}H", *triangles)
    colour = [*(round(byte / 255, 3) for byte in seed[:3]), 1.0]
    scene: dict[str, Any] = {
        "asset": {"version": "2.0", "generator": "emulator"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1, "material": 0}]}],
        "materials": [{"pbrMetallicRoughness": {"baseColorFactor": colour}}],
        "buffers": [{"byteLength": len(corners) + len(indices)}],
        "bufferViews": [
            {"buffer": 0, "byteLength": len(corners), "target": 34962},
            {
                "buffer": 0,
                "byteOffset": len(corners),
                "byteLength": len(indices),
                "target": 34963,
            },
        ],
        "accessors": [
            {
                "bufferView": 0,
                "componentType": 5126,
                "count": len(_CORNERS),
                "type": "VEC3",
                "min": [-0.5, -0.5, -0.5],
                "max": [0.5, 0.5, 0.5],
            },
            {
                "bufferView": 1,
                "componentType": 5123,
                "count": len(triangles),
                "type": "SCALAR",
            },
        ],
    }
    text = json.dumps(scene, separators=(",", ":")).encode()
    chunks = _chunk(b"JSON", text, b" ") + _chunk(b"BIN\0", corners + indices, b"\0")
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def _chunk(kind: bytes, data: bytes, filler: bytes) -> bytes:
    data += filler * (-len(data) % 4)
    return struct.pack("<I4s", len(data), kind) + data
