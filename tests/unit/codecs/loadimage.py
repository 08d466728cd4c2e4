"""How ComfyUI's LoadImage and LoadImageMask read a picture file: a witness for the codecs."""

import io

import numpy as np
from PIL import Image, ImageOps


def load_image(data: bytes) -> tuple[np.ndarray, np.ndarray]:
    """IMAGE (1, h, w, 3) and MASK (1, h, w), the latter (1, 64, 64) zeros for an opaque picture."""
    with Image.open(io.BytesIO(data)) as file:
        turned = ImageOps.exif_transpose(file)
    image = np.array(turned.convert("RGB")).astype(np.float32) / 255.0
    if "A" in turned.getbands():
        alpha = np.array(turned.getchannel("A")).astype(np.float32) / 255.0
        return image[None], (np.float32(1.0) - alpha)[None]
    return image[None], np.zeros((1, 64, 64), np.float32)


def load_image_mask(data: bytes, channel: str) -> np.ndarray:
    image, mask = load_image(data)
    return mask if channel == "alpha" else image[..., ["red", "green", "blue"].index(channel)]
