"""Fields whose models the service lists."""

from __future__ import annotations

from typing import cast

import pytest

from rh_api.graph.suggest import About, listed, workflow_offer
from tests.support.graphs import node

LOCAL = About(choices=["mine.safetensors", "other.safetensors"])


@pytest.mark.parametrize(
    ("class_type", "name", "resource"),
    [
        ("CheckpointLoaderSimple", "ckpt_name", "CHECKPOINT"),
        ("UNETLoader", "unet_name", "UNET"),
        ("UnetLoaderGGUF", "unet_name", "GGUF"),
        ("LoraLoaderModelOnly", "lora_name", "LORA"),
        ("CR LoRA Stack", "lora_name_2", "LORA"),
        ("VAELoader", "vae_name", ""),
        ("KSampler", "sampler_name", ""),
    ],
)
def test_a_model_is_chosen_from_the_clouds_list_and_not_from_this_machines(
    class_type: str, name: str, resource: str
) -> None:
    graph = {"4": node(class_type, **{name: "mine.safetensors"})}
    (entry,) = listed(workflow_offer(graph, lambda *_: LOCAL))
    (field,) = cast("list[dict[str, object]]", entry["fields"])
    assert field["resource"] == resource
    assert (field["options"] is None) == bool(resource)


def test_a_weight_is_no_model() -> None:
    (entry,) = listed(workflow_offer({"4": node("LoraLoader", lora=0.5)}))
    (field,) = cast("list[dict[str, object]]", entry["fields"])
    assert field["resource"] == ""
