"""The node classes that the emulator knows: typed inputs and outputs, without any code of theirs.

Names, types, ranges and options are those of ComfyUI's core nodes, except for ``RHLoraLoader``
(RunningHub's own), ``SaveText``, ``LoadImageFromUrl`` and ``LoadImages(zip)`` (as common packs have
them), and ``EmulatorFile``, which makes a result of any kind from its base64 text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

WIDGETS = ("INT", "FLOAT", "STRING", "BOOLEAN", "COMBO")

Listing = Literal["", "checkpoints", "loras", "uploads", "uploaded_loras", "urls"]

SAMPLERS = (
    "euler",
    "euler_ancestral",
    "heun",
    "dpm_2",
    "dpmpp_2m",
    "dpmpp_2m_sde",
    "dpmpp_sde",
    "ddim",
    "uni_pc",
    "lcm",
)
SCHEDULERS = ("normal", "karras", "exponential", "sgm_uniform", "simple", "ddim_uniform", "beta")
UPSCALERS = ("nearest-exact", "bilinear", "area", "bicubic", "lanczos")
BLENDS = ("normal", "multiply", "screen", "overlay", "soft_light", "difference")


@dataclass(frozen=True, slots=True)
class Field:
    """One input. ``listing`` says where a combo's options come from when they are not fixed."""

    kind: str
    low: float | None = None
    high: float | None = None
    options: tuple[str, ...] = ()
    listing: Listing = ""
    optional: bool = False

    @property
    def is_widget(self) -> bool:
        return self.kind in WIDGETS


@dataclass(frozen=True, slots=True)
class NodeClass:
    """Inputs by name, the types of the outputs in order, and whether it is an output node."""

    inputs: dict[str, Field]
    outputs: tuple[str, ...] = ()
    is_output: bool = False


def _link(kind: str, *, optional: bool = False) -> Field:
    return Field(kind, optional=optional)


def _combo(options: tuple[str, ...]) -> Field:
    return Field("COMBO", options=options)


_IMAGE, _MASK, _LATENT = _link("IMAGE"), _link("MASK"), _link("LATENT")
_MODEL, _CLIP, _VAE, _COND = _link("MODEL"), _link("CLIP"), _link("VAE"), _link("CONDITIONING")
_SIZE = Field("INT", 1, 16384)
_TEXT, _FLAG = Field("STRING"), Field("BOOLEAN")
_LATENT_SIZE = Field("INT", 16, 16384)
_BATCH = Field("INT", 1, 4096)
_SEED = Field("INT", 0, 2**64 - 1)
_PLACE = Field("INT", 0, 16384)
_UPLOAD = Field("COMBO", listing="uploads")
_STRENGTH = Field("FLOAT", -100.0, 100.0)
_UNIT = Field("FLOAT", 0.0, 1.0)

NODE_CLASSES: dict[str, NodeClass] = {
    # pictures in and out
    "LoadImage": NodeClass({"image": _UPLOAD}, ("IMAGE", "MASK")),
    "LoadImageMask": NodeClass(
        {"image": _UPLOAD, "channel": _combo(("alpha", "red", "green", "blue"))}, ("MASK",)
    ),
    "LoadImageFromUrl": NodeClass(
        {
            "url": Field("STRING", listing="urls", optional=True),
            "image": Field("STRING", listing="urls", optional=True),
        },
        ("IMAGE", "MASK"),
    ),
    "SaveImage": NodeClass({"images": _IMAGE, "filename_prefix": _TEXT}, is_output=True),
    "PreviewImage": NodeClass({"images": _IMAGE}, is_output=True),
    # pictures
    "EmptyImage": NodeClass(
        {
            "width": _SIZE,
            "height": _SIZE,
            "batch_size": _BATCH,
            "color": Field("INT", 0, 0xFFFFFF),
        },
        ("IMAGE",),
    ),
    "ImageInvert": NodeClass({"image": _IMAGE}, ("IMAGE",)),
    "ImageScale": NodeClass(
        {
            "image": _IMAGE,
            "upscale_method": _combo(UPSCALERS),
            "width": _PLACE,
            "height": _PLACE,
            "crop": _combo(("disabled", "center")),
        },
        ("IMAGE",),
    ),
    "ImageScaleBy": NodeClass(
        {
            "image": _IMAGE,
            "upscale_method": _combo(UPSCALERS),
            "scale_by": Field("FLOAT", 0.01, 8.0),
        },
        ("IMAGE",),
    ),
    "ImageBlend": NodeClass(
        {
            "image1": _IMAGE,
            "image2": _IMAGE,
            "blend_factor": _UNIT,
            "blend_mode": _combo(BLENDS),
        },
        ("IMAGE",),
    ),
    "ImageCrop": NodeClass(
        {"image": _IMAGE, "width": _SIZE, "height": _SIZE, "x": _PLACE, "y": _PLACE}, ("IMAGE",)
    ),
    "ImagePadForOutpaint": NodeClass(
        {
            "image": _IMAGE,
            "left": _PLACE,
            "top": _PLACE,
            "right": _PLACE,
            "bottom": _PLACE,
            "feathering": _PLACE,
        },
        ("IMAGE", "MASK"),
    ),
    "ImageBatch": NodeClass({"image1": _IMAGE, "image2": _IMAGE}, ("IMAGE",)),
    "ImageCompositeMasked": NodeClass(
        {
            "destination": _IMAGE,
            "source": _IMAGE,
            "x": _PLACE,
            "y": _PLACE,
            "resize_source": _FLAG,
            "mask": _link("MASK", optional=True),
        },
        ("IMAGE",),
    ),
    # masks
    "MaskToImage": NodeClass({"mask": _MASK}, ("IMAGE",)),
    "ImageToMask": NodeClass(
        {"image": _IMAGE, "channel": _combo(("red", "green", "blue", "alpha"))}, ("MASK",)
    ),
    "InvertMask": NodeClass({"mask": _MASK}, ("MASK",)),
    "SolidMask": NodeClass({"value": _UNIT, "width": _SIZE, "height": _SIZE}, ("MASK",)),
    "JoinImageWithAlpha": NodeClass({"image": _IMAGE, "alpha": _MASK}, ("IMAGE",)),
    "SplitImageWithAlpha": NodeClass({"image": _IMAGE}, ("IMAGE", "MASK")),
    # models
    "CheckpointLoaderSimple": NodeClass(
        {"ckpt_name": Field("COMBO", listing="checkpoints")}, ("MODEL", "CLIP", "VAE")
    ),
    "LoraLoader": NodeClass(
        {
            "model": _MODEL,
            "clip": _CLIP,
            "lora_name": Field("COMBO", listing="loras"),
            "strength_model": _STRENGTH,
            "strength_clip": _STRENGTH,
        },
        ("MODEL", "CLIP"),
    ),
    "LoraLoaderModelOnly": NodeClass(
        {
            "model": _MODEL,
            "lora_name": Field("COMBO", listing="loras"),
            "strength_model": _STRENGTH,
        },
        ("MODEL",),
    ),
    "RHLoraLoader": NodeClass(
        {
            "model": _MODEL,
            "clip": _link("CLIP", optional=True),
            "file_name": Field("STRING", listing="uploaded_loras", optional=True),
            "lora_name": Field("STRING", listing="uploaded_loras", optional=True),
            "strength_model": _STRENGTH,
            "strength_clip": Field("FLOAT", -100.0, 100.0, optional=True),
        },
        ("MODEL", "CLIP"),
    ),
    "CLIPTextEncode": NodeClass({"text": _TEXT, "clip": _CLIP}, ("CONDITIONING",)),
    # sampling
    "EmptyLatentImage": NodeClass(
        {"width": _LATENT_SIZE, "height": _LATENT_SIZE, "batch_size": _BATCH}, ("LATENT",)
    ),
    "VAEEncode": NodeClass({"pixels": _IMAGE, "vae": _VAE}, ("LATENT",)),
    "VAEDecode": NodeClass({"samples": _LATENT, "vae": _VAE}, ("IMAGE",)),
    "SetLatentNoiseMask": NodeClass({"samples": _LATENT, "mask": _MASK}, ("LATENT",)),
    "KSampler": NodeClass(
        {
            "model": _MODEL,
            "seed": _SEED,
            "steps": Field("INT", 1, 10000),
            "cfg": Field("FLOAT", 0.0, 100.0),
            "sampler_name": _combo(SAMPLERS),
            "scheduler": _combo(SCHEDULERS),
            "positive": _COND,
            "negative": _COND,
            "latent_image": _LATENT,
            "denoise": _UNIT,
        },
        ("LATENT",),
    ),
    # whole files
    "LoadVideo": NodeClass({"file": _UPLOAD}, ("VIDEO",)),
    "LoadAudio": NodeClass({"audio": _UPLOAD}, ("AUDIO",)),
    "LoadImages(zip)": NodeClass({"upload": _UPLOAD}, ("IMAGE",)),
    "SaveVideo": NodeClass({"video": _link("VIDEO"), "filename_prefix": _TEXT}, is_output=True),
    "SaveAudio": NodeClass({"audio": _link("AUDIO"), "filename_prefix": _TEXT}, is_output=True),
    "EmulatorFile": NodeClass(
        {"content": _TEXT, "extension": _TEXT, "filename_prefix": _TEXT}, is_output=True
    ),
    # text and values
    "PreviewAny": NodeClass({"source": _link("*")}, is_output=True),
    "SaveText": NodeClass({"text": _TEXT, "filename_prefix": _TEXT}, is_output=True),
    "PrimitiveInt": NodeClass({"value": Field("INT")}, ("INT",)),
    "PrimitiveFloat": NodeClass({"value": Field("FLOAT")}, ("FLOAT",)),
    "PrimitiveString": NodeClass({"value": _TEXT}, ("STRING",)),
    "PrimitiveStringMultiline": NodeClass({"value": _TEXT}, ("STRING",)),
    "PrimitiveBoolean": NodeClass({"value": _FLAG}, ("BOOLEAN",)),
}

SEED_FIELDS = ("seed", "noise_seed")
"""Fields that the service draws anew when nodeInfoList does not name them."""
