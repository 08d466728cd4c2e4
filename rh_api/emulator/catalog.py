"""Built-in content: workflows, AI apps, Quick Create modules, models and input pictures."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from .graphs import Graph

TEXT_TO_IMAGE = "1900000000000000101"
INVERT = "1900000000000000102"
INPAINT = "1900000000000000103"
TWO_PICTURES = "1900000000000000104"
LORA_TEXT_TO_IMAGE = "1900000000000000105"
URL_PICTURE = "1900000000000000106"
TEXT_OUT = "1900000000000000107"
SUBGRAPH = "1900000000000000108"
IMAGE_TO_IMAGE = "1900000000000000109"
NO_OUTPUT_FILES = "1900000000000000110"

CHECKPOINTS = (
    "example_model.safetensors",
    "second_model.safetensors",
    "nocturne_xl_fp16.safetensors",
)
UNLISTED = ("attic_xl.safetensors",)
"""Checkpoints that run but appear in no list of models: no source says that lists are complete."""
LORAS = ("ink_v1.safetensors", "watercolor_v2.safetensors")
TITLES = {"nocturne_xl_fp16.safetensors": "Harbour by Night"}
"""Models whose title on the site does not resemble their file name."""
EXAMPLE_LORA = "api-lora-cn/00000000000000000000000000000000.safetensors"
"""A LoRA in the store from the start: the stored value of RHLoraLoader."""

EXAMPLE_PICTURES = ("example.png", "example_mask.png", "example_small.png")


@dataclass
class Workflow:
    """A workflow on the website. Orders of a ``never_run`` one are refused with code 810."""

    id: str
    graph: Graph
    title: str = ""
    never_run: bool = False
    password: str | None = None


@dataclass
class App:
    """An AI app: a workflow with some exposed fields.

    ``fields`` are items of the call demo's ``nodeInfoList``; ``published`` holds further entries of
    its ``data``, such as covers and tags.
    """

    id: str
    name: str
    workflow_id: str
    fields: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    password: str | None = None
    published: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass
class Module:
    """A Quick Create module: a workflow with exposed fields, all of which must be sent.

    ``fields`` are the items of its call example, with the six required names.
    """

    webapp_id: str
    code: str
    name: str
    workflow_id: str
    fields: list[dict[str, str]]
    styles: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def example(self, key: str = "") -> str:
        """Return the call example of the site's "call API" button, as JSON."""
        head = {"webappId": self.webapp_id, "apiKey": key, "quickCreateCode": self.code}
        return json.dumps({**head, "nodeInfoList": self.fields}, ensure_ascii=False, indent=2)


def _node(class_type: str, title: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": class_type, "inputs": inputs, "_meta": {"title": title}}


def _link(node_id: str, slot: int = 0) -> list[Any]:
    return [node_id, slot]


def _sampler(
    *, latent: list[Any], model: list[Any], positive: str, negative: str, denoise: float = 1
) -> dict[str, Any]:
    return _node(
        "KSampler",
        "KSampler",
        seed=42,
        steps=20,
        cfg=7,
        sampler_name="euler",
        scheduler="normal",
        denoise=denoise,
        model=model,
        positive=_link(positive),
        negative=_link(negative),
        latent_image=latent,
    )


def _text_to_image(size: int = 512) -> Graph:
    return {
        "3": _sampler(latent=_link("5"), model=_link("4"), positive="6", negative="7"),
        "4": _node("CheckpointLoaderSimple", "Load Checkpoint", ckpt_name=CHECKPOINTS[0]),
        "5": _node("EmptyLatentImage", "Empty Latent Image", width=size, height=size, batch_size=1),
        "6": _node("CLIPTextEncode", "Positive", text="a lighthouse at dusk", clip=_link("4", 1)),
        "7": _node("CLIPTextEncode", "Negative", text="blurry", clip=_link("4", 1)),
        "8": _node("VAEDecode", "VAE Decode", samples=_link("3"), vae=_link("4", 2)),
        "9": _node("SaveImage", "Save Image", filename_prefix="ComfyUI", images=_link("8")),
    }


def _invert() -> Graph:
    return {
        "10": _node("LoadImage", "Load Image", image="example.png"),
        "11": _node("ImageInvert", "Invert Image", image=_link("10")),
        "12": _node(
            "ImageScaleBy",
            "Upscale Image By",
            upscale_method="nearest-exact",
            scale_by=1.0,
            image=_link("11"),
        ),
        "13": _node("SaveImage", "Save Image", filename_prefix="inverted", images=_link("12")),
    }


def _inpaint() -> Graph:
    return {
        "1": _node("CheckpointLoaderSimple", "Load Checkpoint", ckpt_name=CHECKPOINTS[0]),
        "2": _node("CLIPTextEncode", "Positive", text="a red door", clip=_link("1", 1)),
        "3": _node("CLIPTextEncode", "Negative", text="blurry", clip=_link("1", 1)),
        "4": _node("LoadImage", "Picture", image="example.png"),
        "5": _node("LoadImageMask", "Mask", image="example_mask.png", channel="red"),
        "6": _node("VAEEncode", "VAE Encode", pixels=_link("4"), vae=_link("1", 2)),
        "7": _node(
            "SetLatentNoiseMask", "Set Latent Noise Mask", samples=_link("6"), mask=_link("5")
        ),
        "8": _sampler(latent=_link("7"), model=_link("1"), positive="2", negative="3", denoise=0.9),
        "9": _node("VAEDecode", "VAE Decode", samples=_link("8"), vae=_link("1", 2)),
        "10": _node("SaveImage", "Save Image", filename_prefix="inpainted", images=_link("9")),
    }


def _two_pictures() -> Graph:
    return {
        "1": _node("LoadImage", "First picture", image="example.png"),
        "2": _node("LoadImage", "Second picture", image="example_small.png"),
        "3": _node(
            "ImageBlend",
            "Blend Images",
            blend_factor=0.5,
            blend_mode="normal",
            image1=_link("1"),
            image2=_link("2"),
        ),
        "4": _node("SaveImage", "Save blended", filename_prefix="blended", images=_link("3")),
        "5": _node(
            "ImageScale",
            "Upscale Image",
            upscale_method="bilinear",
            width=200,
            height=120,
            crop="disabled",
            image=_link("2"),
        ),
        "12": _node("SaveImage", "Save scaled", filename_prefix="scaled", images=_link("5")),
    }


def _lora_text_to_image() -> Graph:
    graph = _text_to_image(256)
    graph["20"] = _node(
        "RHLoraLoader",
        "RH Load LoRA",
        file_name=EXAMPLE_LORA,
        strength_model=0.8,
        strength_clip=1.0,
        model=_link("4"),
        clip=_link("4", 1),
    )
    graph["3"]["inputs"]["model"] = _link("20")
    graph["6"]["inputs"]["clip"] = _link("20", 1)
    graph["7"]["inputs"]["clip"] = _link("20", 1)
    return graph


def _url_picture() -> Graph:
    return {
        "1": _node("LoadImageFromUrl", "Load Image From URL", url="example.png"),
        "2": _node("ImageInvert", "Invert Image", image=_link("1")),
        "3": _node("SaveImage", "Save Image", filename_prefix="from_url", images=_link("2")),
    }


def _text_out() -> Graph:
    return {
        "21": _node("PrimitiveStringMultiline", "Text", value="a caption"),
        "22": _node("PreviewAny", "Preview Any", source=_link("21")),
        "23": _node("SaveText", "Save Text", text=_link("21"), filename_prefix="caption"),
    }


def _subgraph() -> Graph:
    """A graph with a subgraph's two-part node ids, and pictures with alpha."""
    return {
        "5": _node("LoadImage", "Load Image", image="example.png"),
        "12:3": _node("ImageCrop", "Crop", width=96, height=64, x=40, y=32, image=_link("5")),
        "12:4": _node("EmptyImage", "Patch", width=24, height=16, batch_size=1, color=0x3366CC),
        "12:5": _node(
            "ImageCompositeMasked",
            "Composite",
            x=8,
            y=4,
            resize_source=False,
            destination=_link("12:3"),
            source=_link("12:4"),
        ),
        "12:6": _node("ImageBatch", "Batch", image1=_link("12:5"), image2=_link("12:4")),
        "12:7": _node("SolidMask", "Mask", value=0.25, width=96, height=64),
        "12:8": _node("JoinImageWithAlpha", "Join", image=_link("12:6"), alpha=_link("12:7")),
        "12:9": _node("MaskToImage", "Mask as picture", mask=_link("12:7")),
        "13": _node("SaveImage", "Save pictures", filename_prefix="patched", images=_link("12:8")),
        "14": _node("SaveImage", "Save mask", filename_prefix="mask", images=_link("12:9")),
    }


def _image_to_image() -> Graph:
    return {
        "1": _node("CheckpointLoaderSimple", "Load Checkpoint", ckpt_name=CHECKPOINTS[0]),
        "2": _node(
            "LoraLoader",
            "Load LoRA",
            lora_name=LORAS[0],
            strength_model=1.0,
            strength_clip=1.0,
            model=_link("1"),
            clip=_link("1", 1),
        ),
        "3": _node("CLIPTextEncode", "Positive", text="ink drawing", clip=_link("2", 1)),
        "4": _node("CLIPTextEncode", "Negative", text="", clip=_link("2", 1)),
        "10": _node("LoadImage", "Load Image", image="example.png"),
        "11": _node("VAEEncode", "VAE Encode", pixels=_link("10"), vae=_link("1", 2)),
        "12": _sampler(
            latent=_link("11"), model=_link("2"), positive="3", negative="4", denoise=0.6
        ),
        "13": _node("VAEDecode", "VAE Decode", samples=_link("12"), vae=_link("1", 2)),
        "14": _node("SaveImage", "Save Image", filename_prefix="redrawn", images=_link("13")),
    }


def _no_output_files() -> Graph:
    return {
        "1": _node("LoadImage", "Load Image", image="example.png"),
        "2": _node("PreviewImage", "Preview Image", images=_link("1")),
    }


def workflows() -> dict[str, Workflow]:
    """Return fresh copies of the built-in workflows, by id."""
    built = (
        Workflow(TEXT_TO_IMAGE, _text_to_image(), "Text to image"),
        Workflow(INVERT, _invert(), "Invert a picture"),
        Workflow(INPAINT, _inpaint(), "Inpaint"),
        Workflow(TWO_PICTURES, _two_pictures(), "Two pictures"),
        Workflow(LORA_TEXT_TO_IMAGE, _lora_text_to_image(), "Text to image with your LoRA"),
        Workflow(URL_PICTURE, _url_picture(), "Picture from an address"),
        Workflow(TEXT_OUT, _text_out(), "Text"),
        Workflow(SUBGRAPH, _subgraph(), "Subgraph"),
        Workflow(IMAGE_TO_IMAGE, _image_to_image(), "Image to image"),
        Workflow(NO_OUTPUT_FILES, _no_output_files(), "Preview only"),
    )
    return {workflow.id: workflow for workflow in built}


def _exposed(
    node_id: str, name: str, value: object, data: object, kind: str, texts: tuple[str, str]
) -> dict[str, Any]:
    node_name, field_name = name.split(".")
    return {
        "nodeId": node_id,
        "nodeName": node_name,
        "fieldName": field_name,
        "fieldValue": value,
        "fieldData": json.dumps(data, separators=(",", ":"), ensure_ascii=False),
        "fieldType": kind,
        "description": texts[0],
        "descriptionEn": texts[1],
    }


def apps() -> dict[str, App]:
    """Return fresh copies of the built-in AI apps, by id, with all three dialects of ``fieldData``.

    Numbers in their forms are strings, as on the site.
    """
    text = ["STRING", {"default": "", "multiline": True}]
    samplers = [
        {"name": "euler", "index": "euler", "description": "euler"},
        {"name": "ddim", "index": "ddim", "description": "ddim"},
        {"default": "euler"},
    ]
    picture = [["example.png"], {"image_upload": True}]
    methods = ["COMBO", {"options": ["nearest-exact", "bilinear", "bicubic"]}]
    seed = ["INT", {"default": 0, "min": 0, "max": 2**64 - 1}]
    steps = ["INT", {"default": 20, "min": 1, "max": 10000}]
    denoise = ["FLOAT", {"default": 1.0, "min": 0.0, "max": 1.0, "step": 0.01}]
    lora = [{}, {"tooltip": "The name of the LoRA."}]
    built = (
        App(
            "1900000000000000201",
            "Example app",
            TEXT_TO_IMAGE,
            [
                _exposed("6", "CLIPTextEncode.text", "a cat", text, "STRING", ("提示词", "Prompt")),
                _exposed(
                    "3", "KSampler.sampler_name", "euler", samplers, "LIST", ("采样", "Sampler")
                ),
            ],
        ),
        App(
            "1900000000000000202",
            "Invert a picture",
            INVERT,
            [
                _exposed(
                    "10",
                    "LoadImage.image",
                    "example.png",
                    picture,
                    "IMAGE",
                    ("上传图像", "Upload image"),
                ),
                _exposed(
                    "12",
                    "ImageScaleBy.upscale_method",
                    "nearest-exact",
                    methods,
                    "LIST",
                    ("算法", "Method"),
                ),
            ],
        ),
        App(
            "1900000000000000203",
            "Redraw a picture",
            IMAGE_TO_IMAGE,
            [
                _exposed(
                    "10", "LoadImage.image", "example.png", picture, "IMAGE", ("图", "Picture")
                ),
                _exposed("3", "CLIPTextEncode.text", "ink", text, "STRING", ("提示词", "Prompt")),
                _exposed("2", "LoraLoader.lora_name", LORAS[0], lora, "LORA", ("风格", "Style")),
                _exposed("12", "KSampler.seed", "42", seed, "INT", ("种子", "Seed")),
                _exposed("12", "KSampler.steps", "20", steps, "INT", ("步数", "Steps")),
                _exposed("12", "KSampler.denoise", "0.6", denoise, "FLOAT", ("强度", "Strength")),
            ],
        ),
    )
    return {app.id: app for app in built}


def _entry(node_id: str, name: str, kind: str, value: str, description: str) -> dict[str, str]:
    node_name, field_name = name.split(".")
    return {
        "nodeId": node_id,
        "nodeName": node_name,
        "fieldName": field_name,
        "fieldType": kind,
        "fieldValue": value,
        "description": description,
    }


def _style(number: int, webapp_id: str, name: str, lora: str) -> dict[str, Any]:
    return {
        "id": str(number),
        "type": 2,
        "webappId": webapp_id,
        "modelCategory": 1,
        "modelName": name,
        "modelKey": f"input{number}",
        "modelPreviewUrl": f"/results/covers/{webapp_id}{number}.png",
        "content": "a lighthouse",
        "modelTrigger": f"{name} style",
        "modelLoar1FileName": lora,
        "modelLoar1Weight": 0.7,
        "modelLoar2FileName": None,
        "modelLoar2Weight": None,
    }


def modules() -> dict[str, Module]:
    """Return fresh copies of the built-in Quick Create modules, by ``webappId``."""
    styled = "1900000000000000302"
    names = zip(("ink", "watercolor"), LORAS, strict=True)
    built = (
        Module(
            "1900000000000000301",
            "001",
            "Text to image",
            TEXT_TO_IMAGE,
            [
                _entry("6", "CLIPTextEncode.text", "STRING", "a cat", "提示词"),
                _entry("5", "EmptyLatentImage.batch_size", "INT", "1", "生成张数"),
                _entry("3", "KSampler.sampler_name", "LIST", "euler", "采样"),
                _entry("3", "KSampler.seed", "INT", "42", "种子"),
            ],
        ),
        Module(
            styled,
            "002",
            "Redraw in a style",
            IMAGE_TO_IMAGE,
            [
                _entry("10", "LoadImage.image", "IMAGE", "example.png", "上传图像"),
                _entry("3", "CLIPTextEncode.text", "STRING", "ink", "提示词"),
                _entry("2", "LoraLoader.lora_name", "LORA", LORAS[0], "风格"),
                _entry("12", "KSampler.steps", "INT", "20", "步数"),
            ],
            [_style(n, styled, name, lora) for n, (name, lora) in enumerate(names, 1)],
        ),
        Module(
            "1900000000000000303",
            "003",
            "Blend two pictures",
            TWO_PICTURES,
            [
                _entry("1", "LoadImage.image", "IMAGE", "example.png", "图一"),
                _entry("2", "LoadImage.image", "IMAGE", "example_small.png", "图二"),
                _entry("5", "ImageScale.crop", "SWITCH", "disabled", "裁剪"),
            ],
        ),
    )
    return {module.webapp_id: module for module in built}


@cache
def example_picture(name: str) -> bytes:
    """Return a built-in input picture as PNG; imports Pillow."""
    from PIL import Image, ImageDraw

    from .procedural import paint

    if name == "example_mask.png":
        picture = Image.new("RGB", (256, 192), (0, 0, 0))
        ImageDraw.Draw(picture).ellipse((64, 48, 192, 144), fill=(255, 200, 120))
        alpha = Image.new("L", picture.size, 200)
        ImageDraw.Draw(alpha).rectangle((0, 0, 128, 192), fill=40)
        picture.putalpha(alpha)
    else:
        size = (256, 192) if name == "example.png" else (96, 96)
        picture = paint(size, prompt=name, seed=7, detail=b"example", contrast=0.4)
    data = io.BytesIO()
    picture.save(data, "PNG")
    return data.getvalue()
