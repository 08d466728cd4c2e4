"""What this machine's classes say about a remote field, and where they have to keep silent."""

# ruff: noqa: N802  these names are ComfyUI's

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

Pack = Callable[[str], ModuleType]


class Sampler:
    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "steps": ("INT", {"min": 1}),
                "cfg": ("FLOAT",),
                "sampler": (["euler", "ddim"],),
                "ckpt": (["a.safetensors", "b.safetensors"],),
                "vae": (["pixel_space", "x.pt"],),
                "image": (["photo"], {"image_upload": True}),
                "remote": ("COMBO", {"remote": {"route": "/x"}, "options": ["a"]}),
                "none": ([],),
            },
            "optional": {
                "mode": ("COMBO", {"options": ["v1.5", "v2.0"]}),
                "dynamic": ("COMFY_DYNAMICCOMBO_V3", {"options": [{"key": "a"}]}),
            },
        }


class Draws(Sampler):
    @classmethod
    def IS_CHANGED(cls) -> float:
        return float("nan")


class DrawsToo(Sampler):
    @classmethod
    def fingerprint_inputs(cls) -> float:
        return float("nan")


class Broken:
    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        raise RuntimeError("needs a GPU")


@pytest.fixture
def classes(pack: Pack, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    mappings = {"Sampler": Sampler, "Broken": Broken, "Draws": Draws, "DrawsToo": DrawsToo}
    monkeypatch.setitem(sys.modules, "nodes", SimpleNamespace(NODE_CLASS_MAPPINGS=mappings))
    return pack("nodes.runtime.local_classes")


@pytest.mark.parametrize(
    ("field", "choices"),
    [
        ("sampler", ["euler", "ddim"]),
        ("mode", ["v1.5", "v2.0"]),
        ("ckpt", None),
        ("vae", None),
        ("image", None),
        ("remote", None),
        ("none", None),
        ("dynamic", None),
        ("steps", None),
        ("unheard", None),
    ],
)
def test_choices_are_those_that_list_no_files(
    classes: ModuleType, field: str, choices: list[str] | None
) -> None:
    assert classes.choices("Sampler", field) == choices


def test_declared_types(classes: ModuleType) -> None:
    assert classes.declared("Sampler", "steps") == "INT"
    assert classes.declared("Sampler", "cfg") == "FLOAT"
    assert classes.declared("Sampler", "sampler") is None


@pytest.mark.parametrize("class_type", ["Broken", "NotInstalled"])
def test_a_class_that_cannot_tell_tells_nothing(classes: ModuleType, class_type: str) -> None:
    assert classes.choices(class_type, "x") is None
    assert classes.declared(class_type, "x") is None


def test_a_class_that_decides_when_it_runs_again_is_known(classes: ModuleType) -> None:
    changes = {name: classes.info(name).changes for name in ("Sampler", "Draws", "DrawsToo")}
    assert changes == {"Sampler": False, "Draws": True, "DrawsToo": True}
