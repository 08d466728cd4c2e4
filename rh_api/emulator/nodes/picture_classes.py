"""Schemas of ComfyUI's core node classes for images, masks and latents."""

from __future__ import annotations

from .fields import (
    BATCH,
    FLAG,
    IMAGE,
    LATENT,
    MASK,
    PLACE,
    SIZE,
    TEXT,
    UNIT,
    UPLOAD,
    Field,
    NodeClass,
    combo,
    link,
)

UPSCALERS = ("nearest-exact", "bilinear", "area", "bicubic", "lanczos")
BLENDS = ("normal", "multiply", "screen", "overlay", "soft_light", "difference")
LATENT_UPSCALERS = ("nearest-exact", "bilinear", "area", "bicubic", "bislerp")
FLIPS = ("x-axis: vertically", "y-axis: horizontally")
ROTATIONS = ("none", "90 degrees", "180 degrees", "270 degrees")

_INDEX = Field("INT", -16384, 16384)
_FEW = Field("INT", 1, 64)

PICTURE_CLASSES: dict[str, NodeClass] = {
    # load and save
    "LoadImage": NodeClass({"image": UPLOAD}, ("IMAGE", "MASK")),
    "LoadImageMask": NodeClass(
        {"image": UPLOAD, "channel": combo(("alpha", "red", "green", "blue"))}, ("MASK",)
    ),
    "LoadImageFromUrl": NodeClass(
        {
            "url": Field("STRING", listing="urls", optional=True),
            "image": Field("STRING", listing="urls", optional=True),
        },
        ("IMAGE", "MASK"),
    ),
    "SaveImage": NodeClass({"images": IMAGE, "filename_prefix": TEXT}, ("IMAGE",), is_output=True),
    "PreviewImage": NodeClass({"images": IMAGE}, ("IMAGE",), is_output=True),
    # images
    "EmptyImage": NodeClass(
        {
            "width": SIZE,
            "height": SIZE,
            "batch_size": BATCH,
            "color": Field("INT", 0, 0xFFFFFF),
        },
        ("IMAGE",),
    ),
    "ImageInvert": NodeClass({"image": IMAGE}, ("IMAGE",)),
    "ImageScale": NodeClass(
        {
            "image": IMAGE,
            "upscale_method": combo(UPSCALERS),
            "width": PLACE,
            "height": PLACE,
            "crop": combo(("disabled", "center")),
        },
        ("IMAGE",),
    ),
    "ImageScaleBy": NodeClass(
        {
            "image": IMAGE,
            "upscale_method": combo(UPSCALERS),
            "scale_by": Field("FLOAT", 0.01, 8.0),
        },
        ("IMAGE",),
    ),
    "ImageBlend": NodeClass(
        {
            "image1": IMAGE,
            "image2": IMAGE,
            "blend_factor": UNIT,
            "blend_mode": combo(BLENDS),
        },
        ("IMAGE",),
    ),
    "ImageCrop": NodeClass(
        {"image": IMAGE, "width": SIZE, "height": SIZE, "x": PLACE, "y": PLACE}, ("IMAGE",)
    ),
    "ImagePadForOutpaint": NodeClass(
        {
            "image": IMAGE,
            "left": PLACE,
            "top": PLACE,
            "right": PLACE,
            "bottom": PLACE,
            "feathering": PLACE,
        },
        ("IMAGE", "MASK"),
    ),
    "ImageBatch": NodeClass({"image1": IMAGE, "image2": IMAGE}, ("IMAGE",)),
    "ImageCompositeMasked": NodeClass(
        {
            "destination": IMAGE,
            "source": IMAGE,
            "x": PLACE,
            "y": PLACE,
            "resize_source": FLAG,
            "mask": link("MASK", optional=True),
        },
        ("IMAGE",),
    ),
    "RepeatImageBatch": NodeClass({"image": IMAGE, "amount": BATCH}, ("IMAGE",)),
    "ImageFromBatch": NodeClass(
        {"image": IMAGE, "batch_index": _INDEX, "length": BATCH}, ("IMAGE",)
    ),
    "ImageFlip": NodeClass({"image": IMAGE, "flip_method": combo(FLIPS)}, ("IMAGE",)),
    "ImageRotate": NodeClass({"image": IMAGE, "rotation": combo(ROTATIONS)}, ("IMAGE",)),
    "GetImageSize": NodeClass({"image": IMAGE}, ("INT", "INT", "INT")),
    # masks
    "MaskToImage": NodeClass({"mask": MASK}, ("IMAGE",)),
    "ImageToMask": NodeClass(
        {"image": IMAGE, "channel": combo(("red", "green", "blue", "alpha"))}, ("MASK",)
    ),
    "InvertMask": NodeClass({"mask": MASK}, ("MASK",)),
    "SolidMask": NodeClass({"value": UNIT, "width": SIZE, "height": SIZE}, ("MASK",)),
    "JoinImageWithAlpha": NodeClass({"image": IMAGE, "alpha": MASK}, ("IMAGE",)),
    "SplitImageWithAlpha": NodeClass({"image": IMAGE}, ("IMAGE", "MASK")),
    "CropMask": NodeClass(
        {"mask": MASK, "x": PLACE, "y": PLACE, "width": SIZE, "height": SIZE}, ("MASK",)
    ),
    "ThresholdMask": NodeClass({"mask": MASK, "value": UNIT}, ("MASK",)),
    "GrowMask": NodeClass({"mask": MASK, "expand": _INDEX, "tapered_corners": FLAG}, ("MASK",)),
    "MaskComposite": NodeClass(
        {
            "destination": MASK,
            "source": MASK,
            "x": PLACE,
            "y": PLACE,
            "operation": combo(("multiply", "add", "subtract", "and", "or", "xor")),
        },
        ("MASK",),
    ),
    # latents
    "LatentUpscale": NodeClass(
        {
            "samples": LATENT,
            "upscale_method": combo(LATENT_UPSCALERS),
            "width": PLACE,
            "height": PLACE,
            "crop": combo(("disabled", "center")),
        },
        ("LATENT",),
    ),
    "LatentUpscaleBy": NodeClass(
        {
            "samples": LATENT,
            "upscale_method": combo(LATENT_UPSCALERS),
            "scale_by": Field("FLOAT", 0.01, 8.0),
        },
        ("LATENT",),
    ),
    "LatentFlip": NodeClass({"samples": LATENT, "flip_method": combo(FLIPS)}, ("LATENT",)),
    "LatentRotate": NodeClass({"samples": LATENT, "rotation": combo(ROTATIONS)}, ("LATENT",)),
    "LatentFromBatch": NodeClass(
        {"samples": LATENT, "batch_index": _INDEX, "length": _FEW}, ("LATENT",)
    ),
    "RepeatLatentBatch": NodeClass({"samples": LATENT, "amount": _FEW}, ("LATENT",)),
    "LatentBlend": NodeClass(
        {"samples1": LATENT, "samples2": LATENT, "blend_factor": UNIT}, ("LATENT",)
    ),
}
