"""Random prompts of core classes, and what a prompt means: each output as a term,
without running it."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from typing import Any

from rh_api.graph.constants import SEGMENT_CLASS
from rh_api.graph.prompt import is_link
from rh_api.offload import FILES, Segment, core_class, load
from rh_api.offload.savers import PREFIX_INPUT, SAVERS

# What a node of these classes is given beside its links.
LITERALS: dict[str, dict[str, Any]] = {
    "CheckpointLoaderSimple": {"ckpt_name": "model.safetensors"},
    "LoraLoader": {"lora_name": "style.safetensors", "strength_model": 0.5, "strength_clip": 1.0},
    "CLIPTextEncode": {"text": "a cat"},
    "EmptyLatentImage": {"width": 64, "height": 64, "batch_size": 1},
    "KSampler": {
        "seed": 1,
        "steps": 4,
        "cfg": 2.0,
        "sampler_name": "euler",
        "scheduler": "normal",
        "denoise": 0.5,
    },
    "VAEDecode": {},
    "VAEEncode": {},
    "LatentBlend": {"blend_factor": 0.5},
    "LoadImage": {"image": "photo.png"},
    "EmptyImage": {"width": 8, "height": 8, "batch_size": 1, "color": 0},
    "ImageInvert": {},
    "ImageBatch": {},
    "ImageBlend": {"blend_factor": 0.5, "blend_mode": "normal"},
    "ImageScale": {"upscale_method": "area", "width": 8, "height": 8, "crop": "disabled"},
    "GetImageSize": {},
    "ImageToMask": {"channel": "red"},
    "MaskToImage": {},
    "InvertMask": {},
    "SolidMask": {"value": 0.5, "width": 8, "height": 8},
    "JoinImageWithAlpha": {},
    "PrimitiveInt": {"value": 7},
    "PrimitiveFloat": {"value": 0.5},
    "PrimitiveString": {"value": "x"},
    "StringConcatenate": {"string_a": "a", "string_b": "b", "delimiter": ""},
    "ComfyNotNode": {},
    "ComfySwitchNode": {"switch": True},
    "RebatchImages": {"batch_size": 1},
    "ImageFromBatch": {"batch_index": 0, "length": 1},
    "LoadAudio": {"audio": "sound.wav"},
    "TrimAudioDuration": {"start_index": 0.0, "duration": 1.0},
    "CreateVideo": {"fps": 24.0},
    "GetVideoComponents": {},
    "LoadVideo": {"file": "clip.mp4"},
    "RandomNoise": {"noise_seed": 1},
    "BasicScheduler": {"scheduler": "normal", "steps": 4, "denoise": 1.0},
}
OUTPUTS: dict[str, dict[str, Any]] = {
    "SaveImage": {"filename_prefix": "out"},
    "PreviewImage": {},
    "MaskPreview": {},
    "SaveAudio": {"filename_prefix": "sound"},
    "SaveVideo": {"filename_prefix": "video", "format": "auto", "codec": "auto"},
    "PreviewAny": {},
}
PLAIN = ("INT", "FLOAT", "STRING", "BOOLEAN")
OFTEN = ("KSampler", "VAEDecode", "VAEEncode", "ImageBlend", "ImageScale", "ImageToMask") * 3
MATCHED = "COMFY_MATCHTYPE_V3"


class Sketch:
    """A random prompt under construction."""

    def __init__(self, seed: int, size: int) -> None:
        self.random = random.Random(seed)
        self.prompt: dict[str, Any] = {}
        self.sources: dict[str, list[list[Any]]] = {}
        for _ in range(size):
            self.add(self.random.choice([*LITERALS, *OFTEN]))
        for _ in range(self.random.randint(1, 4)):
            self.add(self.random.choice(list(OUTPUTS)), OUTPUTS)

    def add(self, class_type: str, literals: dict[str, dict[str, Any]] = LITERALS) -> str | None:
        info = core_class(class_type)
        assert info is not None, class_type
        inputs = dict(literals[class_type])
        matched = self.random.choice(["IMAGE", "MASK", "LATENT", "MODEL"])
        for name, about in info.inputs.items():
            kind = matched if about.type == MATCHED else about.type
            if kind == "*":
                kind = self.random.choice([*PLAIN, "IMAGE", "LATENT"])
            optional = name in inputs or not about.required
            if optional and (kind not in self.sources or self.random.random() > 0.25):
                continue
            if kind == "COMBO":
                continue
            link = self.link(kind)
            if link is None:
                return None
            inputs[name] = link
        node_id = self.new_id()
        self.prompt[node_id] = {"class_type": class_type, "inputs": inputs}
        for slot, kind in enumerate(info.outputs):
            kind = matched if kind == MATCHED else kind
            self.sources.setdefault(kind, []).append([node_id, slot])
        return node_id

    def link(self, kind: str) -> list[Any] | None:
        if kind not in self.sources:
            makers = [
                name
                for name in LITERALS
                if (info := core_class(name)) is not None and kind in info.outputs
            ]
            if not makers or self.add(self.random.choice(makers)) is None:
                return None
        return list(self.random.choice(self.sources[kind][-3:]))

    def new_id(self) -> str:
        number = len(self.prompt) + 1
        return self.random.choice([f"{number}", f"{number}", f"900:{number}", f"900:77:{number}"])

    def shuffled(self) -> dict[str, Any]:
        """The same prompt with its keys in another order."""
        ids = list(self.prompt)
        self.random.shuffle(ids)
        return {node_id: self._turned(self.prompt[node_id]) for node_id in ids}

    def _turned(self, entry: Any) -> Any:
        names = list(entry["inputs"])
        self.random.shuffle(names)
        return {
            "inputs": {name: entry["inputs"][name] for name in names},
            "class_type": entry["class_type"],
        }


class Meaning:
    """What each output of a prompt is, as a term; segments are run by their graphs."""

    def __init__(self, prompt: Mapping[str, Any]) -> None:
        self.prompt = prompt
        self.terms: dict[tuple[str, int], Any] = {}
        self.runs: dict[str, _Run] = {}

    def inputs(self, node_id: str) -> dict[str, Any]:
        return {
            name: self.term(value[0], value[1]) if is_link(value) else value
            for name, value in self.prompt[node_id]["inputs"].items()
        }

    def term(self, node_id: str, slot: int) -> Any:
        key = (node_id, slot)
        if key not in self.terms:
            self.terms[key] = self._term(node_id, slot)
        return self.terms[key]

    def _term(self, node_id: str, slot: int) -> Any:
        entry = self.prompt[node_id]
        if entry["class_type"] == SEGMENT_CLASS:
            if node_id not in self.runs:
                self.runs[node_id] = _Run(load(entry["inputs"]["segment"]), self.inputs(node_id))
            return self.runs[node_id].out(slot)
        return applied(entry["class_type"], slot, self.inputs(node_id))


class _Run(Meaning):
    def __init__(self, segment: Segment, brought: Mapping[str, Any]) -> None:
        super().__init__(segment.graph)
        self.segment = segment
        self.brought = {
            target: brought[f"in_{inlet.number}"]
            for inlet in segment.inlets
            for target in inlet.targets
        }

    def inputs(self, node_id: str) -> dict[str, Any]:
        inputs = super().inputs(node_id)
        brought = {name: term for (node, name), term in self.brought.items() if node == node_id}
        assert not brought.keys() & inputs.keys()
        return {**inputs, **brought}

    def out(self, slot: int) -> Any:
        outlet = self.segment.outlets[slot]
        if outlet.type != FILES:
            return self.term(*outlet.source)
        inputs = self.inputs(outlet.saver)
        inputs.pop(PREFIX_INPUT, None)
        return self.prompt[outlet.saver]["class_type"], inputs


def applied(class_type: str, slot: int, inputs: Mapping[str, Any]) -> Any:
    """What a node makes of its inputs; savers hand on, a plain switch has chosen."""
    saver = SAVERS.get(class_type)
    if saver is not None and saver.passes:
        return inputs[saver.input]
    if class_type == "ComfySwitchNode" and isinstance(inputs["switch"], bool):
        return inputs["on_true" if inputs["switch"] else "on_false"]
    return class_type, slot, tuple(sorted((name, _frozen(term)) for name, term in inputs.items()))


def _frozen(value: Any) -> Any:
    return value if isinstance(value, tuple) else ("=", json.dumps(value))


def unread(entry: Mapping[str, Any]) -> str:
    """The input that a plain switch has not chosen: it is lazy, so nobody reads it."""
    chosen = entry["inputs"].get("switch")
    return {True: "on_false", False: "on_true"}[chosen] if isinstance(chosen, bool) else ""


def lists(prompt: Mapping[str, Any]) -> set[tuple[str, int]]:
    """The outputs that are lists, by ComfyUI's rule."""
    outputs: set[tuple[str, int]] = set()
    changed = True
    while changed:
        before = len(outputs)
        for node_id, entry in prompt.items():
            info = core_class(entry["class_type"])
            assert info is not None
            mapped = not info.input_is_list and any(
                is_link(value) and (value[0], value[1]) in outputs
                for name, value in entry["inputs"].items()
                if name != unread(entry)
            )
            for slot in range(len(info.outputs)):
                own = slot < len(info.output_is_list) and info.output_is_list[slot]
                if mapped or own:
                    outputs.add((node_id, slot))
        changed = len(outputs) > before
    return outputs
