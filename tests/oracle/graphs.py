"""Random prompts of core node classes, and random marks on them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from random import Random
from typing import Any

Prompt = dict[str, dict[str, Any]]
Link = list[Any]

PICTURES = ("photo.png", "see_through.png", "tiny.png")
"""The local input folder, see `runs.py`."""
LOCAL_LORA = "mine.safetensors"
CLOUD_LORA = "ink_v1.safetensors"

UPSCALERS = ("nearest-exact", "bilinear", "area", "bicubic", "lanczos")
LATENT_UPSCALERS = (*UPSCALERS[:4], "bislerp")
BLENDS = ("normal", "multiply", "screen", "overlay", "soft_light", "difference")
FLIPS = ("x-axis: vertically", "y-axis: horizontally")
TURNS = ("none", "90 degrees", "180 degrees", "270 degrees")
OPERATIONS = ("multiply", "add", "subtract", "and", "or", "xor")
WORDS = ("a red hill", "Blue Sea", "", "no|mark", "naïve 图")

Fill = Callable[["Growing"], dict[str, Any]]


class Growing:
    """A prompt under way: `outputs` has those of each type so far."""

    def __init__(self, random: Random, subgraphs: list[str]) -> None:
        self.random = random
        self.prompt: Prompt = {}
        self.outputs: defaultdict[str, list[Link]] = defaultdict(list)
        self.read: set[str] = set()
        self._free = 1
        self._subgraphs = subgraphs

    def choose(self, options: Any) -> Any:
        return self.random.choice(list(options))

    def whole(self, low: int, high: int) -> int:
        return self.random.randint(low, high)

    def unit(self) -> Any:
        return self.choose((0.0, 0.25, 0.3, 0.5, 1.0, round(self.random.random(), 3)))

    def text(self) -> Any:
        texts = self.outputs["STRING"]
        if texts and self.random.random() < 0.5:
            return self.link("STRING")
        return self.choose(WORDS)

    def link(self, kind: str) -> Link:
        """Mostly something new, so that graphs are deep; sometimes again, so that they fan out."""
        options = self.outputs[kind]
        near = options[-4:] if self.random.random() < 0.7 else options
        link = self.choose(near)
        self.read.add(link[0])
        return list(link)

    def add(self, class_type: str, inputs: dict[str, Any], outputs: tuple[str, ...]) -> str:
        within = self.choose(self._subgraphs)
        node_id = f"{within}{self._free}"
        self._free += 1
        self.prompt[node_id] = {"class_type": class_type, "inputs": inputs}
        for slot, kind in enumerate(outputs):
            self.outputs[kind].append([node_id, slot])
        return node_id


def _scale(g: Growing) -> dict[str, Any]:
    return {
        "image": g.link("IMAGE"),
        "upscale_method": g.choose(UPSCALERS),
        "width": _size(g),
        "height": _size(g),
        "crop": g.choose(("disabled", "center")),
    }


def _size(g: Growing) -> Any:
    """A number, or a link to one that another node counts."""
    if g.outputs["SIZE"] and g.random.random() < 0.4:
        return g.link("SIZE")
    return g.whole(4, 20)


def _sampler(g: Growing) -> dict[str, Any]:
    return {
        "model": g.link("MODEL"),
        "positive": g.link("CONDITIONING"),
        "negative": g.link("CONDITIONING"),
        "latent_image": g.link("LATENT"),
        "seed": g.choose((0, 1, 2**64 - 1)),
        "steps": g.whole(1, 4),
        "cfg": 7.5,
        "sampler_name": "euler",
        "scheduler": "normal",
        "denoise": g.choose((0.0, 0.4, 1.0)),
    }


def _lora(g: Growing, *, clip: bool) -> dict[str, Any]:
    inputs = {
        "model": g.link("MODEL"),
        "lora_name": g.choose((LOCAL_LORA, CLOUD_LORA)),
        "strength_model": g.choose((0.0, 0.8)),
    }
    return {**inputs, "clip": g.link("CLIP"), "strength_clip": 0.5} if clip else inputs


def _switch(g: Growing, kind: str) -> dict[str, Any]:
    flags = g.outputs["BOOLEAN"]
    switch = g.link("BOOLEAN") if flags and g.random.random() < 0.7 else g.choose((True, False))
    return {"switch": switch, "on_false": g.link(kind), "on_true": g.link(kind)}


def _composite(g: Growing) -> dict[str, Any]:
    inputs = {
        "destination": g.link("IMAGE"),
        "source": g.link("IMAGE"),
        "x": g.whole(0, 6),
        "y": g.whole(0, 6),
        "resize_source": g.choose((True, False)),
    }
    return {**inputs, "mask": g.link("MASK")} if g.random.random() < 0.6 else inputs


CLASSES: tuple[tuple[str, tuple[str, ...], tuple[str, ...], Fill], ...] = (
    # class, the types it needs, the types it makes ("" for none that is read), its inputs
    ("LoadImage", (), ("IMAGE", "MASK"), lambda g: {"image": g.choose(PICTURES)}),
    (
        "LoadImageMask",
        (),
        ("MASK",),
        lambda g: {"image": g.choose(PICTURES), "channel": g.choose(("red", "blue", "alpha"))},
    ),
    (
        "EmptyImage",
        (),
        ("IMAGE",),
        lambda g: {
            "width": _size(g),
            "height": _size(g),
            "batch_size": g.choose((1, 1, 2)),
            "color": g.choose((0, 0x336699, 0xFFFFFF)),
        },
    ),
    ("ImageInvert", ("IMAGE",), ("IMAGE",), lambda g: {"image": g.link("IMAGE")}),
    ("ImageScale", ("IMAGE",), ("IMAGE",), _scale),
    (
        "ImageScaleBy",
        ("IMAGE",),
        ("IMAGE",),
        lambda g: {
            "image": g.link("IMAGE"),
            "upscale_method": g.choose(UPSCALERS),
            "scale_by": g.choose((0.5, 1.0, 1.3)),
        },
    ),
    (
        "ImageBlend",
        ("IMAGE",),
        ("IMAGE",),
        lambda g: {
            "image1": g.link("IMAGE"),
            "image2": g.link("IMAGE"),
            "blend_factor": g.unit(),
            "blend_mode": g.choose(BLENDS),
        },
    ),
    (
        "ImageBatch",
        ("IMAGE",),
        ("IMAGE",),
        lambda g: {"image1": g.link("IMAGE"), "image2": g.link("IMAGE")},
    ),
    (
        "ImageCrop",
        ("IMAGE",),
        ("IMAGE",),
        lambda g: {
            "image": g.link("IMAGE"),
            "width": _size(g),
            "height": _size(g),
            "x": g.whole(0, 5),
            "y": g.whole(0, 5),
        },
    ),
    (
        "ImagePadForOutpaint",
        ("IMAGE",),
        ("IMAGE", "MASK"),
        lambda g: {
            "image": g.link("IMAGE"),
            "left": g.choose((0, 3)),
            "top": g.choose((0, 2)),
            "right": 0,
            "bottom": g.choose((0, 2)),
            "feathering": g.choose((0, 2)),
        },
    ),
    ("ImageCompositeMasked", ("IMAGE", "MASK"), ("IMAGE",), _composite),
    (
        "RepeatImageBatch",
        ("IMAGE",),
        ("IMAGE",),
        lambda g: {"image": g.link("IMAGE"), "amount": g.whole(1, 2)},
    ),
    (
        "ImageFromBatch",
        ("IMAGE",),
        ("IMAGE",),
        lambda g: {"image": g.link("IMAGE"), "batch_index": g.whole(-1, 1), "length": 1},
    ),
    (
        "ImageFlip",
        ("IMAGE",),
        ("IMAGE",),
        lambda g: {"image": g.link("IMAGE"), "flip_method": g.choose(FLIPS)},
    ),
    (
        "ImageRotate",
        ("IMAGE",),
        ("IMAGE",),
        lambda g: {"image": g.link("IMAGE"), "rotation": g.choose(TURNS)},
    ),
    (
        "JoinImageWithAlpha",
        ("IMAGE", "MASK"),
        ("IMAGE",),
        lambda g: {"image": g.link("IMAGE"), "alpha": g.link("MASK")},
    ),
    (
        "SplitImageWithAlpha",
        ("IMAGE",),
        ("IMAGE", "MASK"),
        lambda g: {"image": g.link("IMAGE")},
    ),
    ("MaskToImage", ("MASK",), ("IMAGE",), lambda g: {"mask": g.link("MASK")}),
    (
        "ImageToMask",
        ("IMAGE",),
        ("MASK",),
        lambda g: {"image": g.link("IMAGE"), "channel": g.choose(("red", "green", "blue"))},
    ),
    ("InvertMask", ("MASK",), ("MASK",), lambda g: {"mask": g.link("MASK")}),
    (
        "SolidMask",
        (),
        ("MASK",),
        lambda g: {"value": g.unit(), "width": _size(g), "height": _size(g)},
    ),
    (
        "CropMask",
        ("MASK",),
        ("MASK",),
        lambda g: {"mask": g.link("MASK"), "x": 0, "y": 1, "width": _size(g), "height": _size(g)},
    ),
    (
        "ThresholdMask",
        ("MASK",),
        ("MASK",),
        lambda g: {"mask": g.link("MASK"), "value": g.unit()},
    ),
    (
        "GrowMask",
        ("MASK",),
        ("MASK",),
        lambda g: {
            "mask": g.link("MASK"),
            "expand": g.whole(-2, 2),
            "tapered_corners": g.choose((True, False)),
        },
    ),
    (
        "MaskComposite",
        ("MASK",),
        ("MASK",),
        lambda g: {
            "destination": g.link("MASK"),
            "source": g.link("MASK"),
            "x": g.whole(0, 5),
            "y": g.whole(0, 5),
            "operation": g.choose(OPERATIONS),
        },
    ),
    ("GetImageSize", ("IMAGE",), ("SIZE", "SIZE", ""), lambda g: {"image": g.link("IMAGE")}),
    ("PrimitiveInt", (), ("SIZE",), lambda g: {"value": g.whole(4, 16)}),
    ("PrimitiveBoolean", (), ("BOOLEAN",), lambda g: {"value": g.choose((True, False))}),
    ("PrimitiveString", (), ("STRING",), lambda g: {"value": g.choose(WORDS)}),
    (
        "StringConcatenate",
        ("STRING",),
        ("STRING",),
        lambda g: {"string_a": g.text(), "string_b": g.link("STRING"), "delimiter": ", "},
    ),
    (
        "CaseConverter",
        ("STRING",),
        ("STRING",),
        lambda g: {"string": g.link("STRING"), "mode": g.choose(("UPPERCASE", "Title Case"))},
    ),
    ("StringLength", ("STRING",), ("INT",), lambda g: {"string": g.link("STRING")}),
    (
        "ComfyMathExpression",
        ("SIZE",),
        ("FLOAT", "INT", "BOOLEAN"),
        lambda g: {
            "expression": g.choose(("a * 2 - 1", "a / 3", "a > 8")),
            "values.a": g.link("SIZE"),
        },
    ),
    ("ComfySwitchNode", ("IMAGE",), ("IMAGE",), lambda g: _switch(g, "IMAGE")),
    ("ComfySwitchNode", ("LATENT",), ("LATENT",), lambda g: _switch(g, "LATENT")),
    (
        "CheckpointLoaderSimple",
        (),
        ("MODEL", "CLIP", "VAE"),
        lambda g: {"ckpt_name": "example_model.safetensors"},
    ),
    ("LoraLoader", ("MODEL", "CLIP"), ("MODEL", "CLIP"), lambda g: _lora(g, clip=True)),
    ("LoraLoaderModelOnly", ("MODEL",), ("MODEL",), lambda g: _lora(g, clip=False)),
    (
        "CLIPTextEncode",
        ("CLIP",),
        ("CONDITIONING",),
        lambda g: {"text": g.text(), "clip": g.link("CLIP")},
    ),
    (
        "EmptyLatentImage",
        (),
        ("LATENT",),
        lambda g: {"width": 16, "height": g.choose((16, 24)), "batch_size": 1},
    ),
    (
        "VAEEncode",
        ("IMAGE", "VAE"),
        ("LATENT",),
        lambda g: {"pixels": g.link("IMAGE"), "vae": g.link("VAE")},
    ),
    (
        "VAEDecode",
        ("LATENT", "VAE"),
        ("IMAGE",),
        lambda g: {"samples": g.link("LATENT"), "vae": g.link("VAE")},
    ),
    (
        "SetLatentNoiseMask",
        ("LATENT", "MASK"),
        ("LATENT",),
        lambda g: {"samples": g.link("LATENT"), "mask": g.link("MASK")},
    ),
    ("KSampler", ("MODEL", "CONDITIONING", "LATENT"), ("LATENT",), _sampler),
    (
        "LatentFlip",
        ("LATENT",),
        ("LATENT",),
        lambda g: {"samples": g.link("LATENT"), "flip_method": g.choose(FLIPS)},
    ),
    (
        "LatentUpscaleBy",
        ("LATENT",),
        ("LATENT",),
        lambda g: {
            "samples": g.link("LATENT"),
            "upscale_method": g.choose(LATENT_UPSCALERS),
            "scale_by": 1.5,
        },
    ),
    (
        "LatentBlend",
        ("LATENT",),
        ("LATENT",),
        lambda g: {
            "samples1": g.link("LATENT"),
            "samples2": g.link("LATENT"),
            "blend_factor": g.unit(),
        },
    ),
)

MODELS = frozenset({"MODEL", "CLIP", "VAE", "CONDITIONING", "LATENT"})
"""What hangs on models, which a test without any leaves out."""


def random_prompt(random: Random, *, models: bool = True, most: int = 22) -> Prompt:
    """A prompt that validates. Without `models` it runs on a ComfyUI that has none."""
    subgraphs = ["", "", "", *random.sample(["90:", "91:", "90:92:"], random.randint(0, 3))]
    g = Growing(random, subgraphs)
    options = [row for row in CLASSES if models or not MODELS & {*row[1], *row[2]}]
    if models and random.random() < 0.6:
        for name in ("CheckpointLoaderSimple", "CLIPTextEncode", "EmptyLatentImage", "KSampler"):
            _grow(g, next(row for row in options if row[0] == name))
    _grow(g, options[0])
    for _ in range(random.randint(3, most)):
        ready = [row for row in options if all(g.outputs[kind] for kind in row[1])]
        fresh = [row for row in ready if row[1]]
        _grow(g, random.choice(fresh if fresh and random.random() < 0.8 else ready))
    _save(g)
    return g.prompt


def _grow(g: Growing, row: tuple[str, tuple[str, ...], tuple[str, ...], Fill]) -> None:
    class_type, _, outputs, fill = row
    g.add(class_type, fill(g), outputs)


def _save(g: Growing) -> None:
    """Savers and previews: on most of what nothing reads, on some of what something does."""
    count = 0
    for kind in ("IMAGE", "MASK", "STRING", "INT", "FLOAT", "BOOLEAN", "LATENT"):
        for link in list(g.outputs[kind]):
            if g.random.random() < (0.8 if link[0] not in g.read else 0.1):
                count += _saver(g, kind, link)
    if not count:
        _saver(g, "IMAGE", g.outputs["IMAGE"][-1])


def _saver(g: Growing, kind: str, link: Link) -> int:
    if kind == "LATENT":
        if not g.outputs["VAE"]:
            return 0
        link = [g.add("VAEDecode", {"samples": link, "vae": g.link("VAE")}, ()), 0]
    if kind == "MASK":
        link = [g.add("MaskToImage", {"mask": link}, ()), 0]
    if kind in ("IMAGE", "MASK", "LATENT"):
        if g.random.random() < 0.25:
            saver = g.add("PreviewImage", {"images": link}, ())
        else:
            saver = g.add("SaveImage", {"images": link, "filename_prefix": "kept"}, ())
        if g.random.random() < 0.15:
            _read_on(g, saver, "ImageInvert", "image")
    elif kind == "STRING" and g.random.random() < 0.3:
        g.add("SaveText", {"text": link, "filename_prefix": "words", "format": "txt"}, ())
    else:
        saver = g.add("PreviewAny", {"source": link}, ())
        if g.random.random() < 0.15:
            _read_on(g, saver, "StringLength", "string")
    return 1


def _read_on(g: Growing, saver: str, class_type: str, name: str) -> None:
    """Savers hand on what they saved; somebody reads it there."""
    reader = g.add(class_type, {name: [saver, 0]}, ())
    if class_type == "StringLength":
        g.add("PreviewAny", {"source": [reader, 0]}, ())
    else:
        g.add("SaveImage", {"images": [reader, 0], "filename_prefix": "kept"}, ())


def random_marks(random: Random, prompt: Prompt) -> list[dict[str, Any]]:
    """One to three marks, as a program writes them: regions, scattered nodes, whole subgraphs."""
    free = list(prompt)
    marks: list[dict[str, Any]] = []
    for number in range(random.choice((1, 1, 1, 2, 2, 3))):
        nodes = [node_id for node_id in _region(random, prompt) if node_id in free]
        if not nodes:
            continue
        free = [node_id for node_id in free if node_id not in nodes]
        mark: dict[str, Any] = {"nodes": nodes, "name": f"part {number}"}
        if random.random() < 0.1:
            mark["only"] = True
        marks.append(mark)
    return marks or [{"nodes": [next(iter(prompt))], "name": "one"}]


def _region(random: Random, prompt: Prompt) -> list[str]:
    ids = list(prompt)
    within = sorted({node_id.rpartition(":")[0] for node_id in ids} - {""})
    way = random.random()
    if within and way < 0.15:
        chosen = random.choice(within)
        return [node_id for node_id in ids if node_id.startswith(chosen + ":")]
    if way < 0.35:
        return [node_id for node_id in ids if random.random() < 0.5]
    near: defaultdict[str, list[str]] = defaultdict(list)
    for node_id, node in prompt.items():
        for value in node["inputs"].values():
            if isinstance(value, list):
                near[node_id].append(value[0])
                near[value[0]].append(node_id)
    chosen = [random.choice(ids)]
    edge = list(chosen)
    while edge and len(chosen) < 14:
        at = edge.pop(0)
        for neighbour in near[at]:
            if neighbour not in chosen and random.random() < 0.75:
                chosen.append(neighbour)
                edge.append(neighbour)
    # With holes in it, so that it is left and entered again.
    return [node_id for node_id in chosen if random.random() < 0.75] or chosen
