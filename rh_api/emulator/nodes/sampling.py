"""Loaders, text encoders and a sampler that paints deterministically by its settings."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from PIL import Image

from ..procedural import paint
from .pictures import Batch, from_levels, to_levels

if TYPE_CHECKING:
    from collections.abc import Callable

    from .context import NodeContext

Loras = tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Model:
    """A diffusion model or text encoder: its name and the LoRAs patched into it."""

    name: str
    loras: Loras = ()

    def patched(self, lora: str, strength: float) -> Model:
        return replace(self, loras=(*self.loras, (lora, strength))) if strength else self


@dataclass(frozen=True, slots=True)
class Conditioning:
    text: str
    clip: Model


@dataclass(frozen=True, slots=True)
class Latent:
    """8-bit pictures in place of latents: what VAEDecode would show. Sizes are multiples of 8."""

    pictures: tuple[Image.Image, ...]
    noise_mask: tuple[Image.Image, ...] | None = None


def load_checkpoint(_context: NodeContext, ckpt_name: str) -> tuple[Model, Model, str]:
    return Model(ckpt_name), Model(ckpt_name), ckpt_name


def load_lora(
    _context: NodeContext,
    model: Model,
    clip: Model,
    lora_name: str,
    strength_model: float,
    strength_clip: float,
) -> tuple[Model, Model]:
    return model.patched(lora_name, strength_model), clip.patched(lora_name, strength_clip)


def load_lora_model_only(
    _context: NodeContext, model: Model, lora_name: str, strength_model: float
) -> tuple[Model]:
    return (model.patched(lora_name, strength_model),)


def load_uploaded_lora(
    _context: NodeContext,
    model: Model,
    strength_model: float,
    clip: Model | None = None,
    file_name: str | None = None,
    lora_name: str | None = None,
    strength_clip: float = 1.0,
) -> tuple[Model, Model | None]:
    name = file_name or lora_name
    if not name:
        raise ValueError("RHLoraLoader: no LoRA named")
    patched = clip.patched(name, strength_clip) if clip else None
    return model.patched(name, strength_model), patched


def load_unet(_context: NodeContext, unet_name: str, weight_dtype: str) -> tuple[Model]:
    del weight_dtype
    return (Model(unet_name),)


def load_clip(_context: NodeContext, clip_name: str, type: str) -> tuple[Model]:  # noqa: A002
    del type
    return (Model(clip_name),)


def load_two_clips(
    _context: NodeContext,
    clip_name1: str,
    clip_name2: str,
    type: str,  # noqa: A002
) -> tuple[Model]:
    del type
    return (Model(f"{clip_name1} {clip_name2}"),)


def load_vae(_context: NodeContext, vae_name: str) -> tuple[str]:
    return (vae_name,)


def same_model(_context: NodeContext, model: Model, shift: float) -> tuple[Model]:
    del shift
    return (model,)


def same_clip(_context: NodeContext, clip: Model, stop_at_clip_layer: int) -> tuple[Model]:
    del stop_at_clip_layer
    return (clip,)


def same_guidance(
    _context: NodeContext, conditioning: Conditioning, guidance: float
) -> tuple[Conditioning]:
    del guidance
    return (conditioning,)


def zero_out(_context: NodeContext, conditioning: Conditioning) -> tuple[Conditioning]:
    return (replace(conditioning, text=""),)


def encode_text(_context: NodeContext, text: str, clip: Model) -> tuple[Conditioning]:
    return (Conditioning(text, clip),)


def empty_latent(_context: NodeContext, width: int, height: int, batch_size: int) -> tuple[Latent]:
    blank = Image.new("RGB", (width // 8 * 8, height // 8 * 8), (127, 127, 127))
    return (Latent((blank,) * batch_size),)


def vae_encode(_context: NodeContext, pixels: Batch, vae: str) -> tuple[Latent]:
    del vae
    pictures = [to_levels(picture, add=0.5).convert("RGB") for picture in pixels]
    return (Latent(tuple(_multiple_of_8(picture) for picture in pictures)),)


def _multiple_of_8(picture: Image.Image) -> Image.Image:
    width, height = picture.width // 8 * 8, picture.height // 8 * 8
    if not width or not height:
        raise ValueError("picture too small for the VAE: at least 8 x 8 pixels are needed")
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    return picture.crop((left, top, left + width, top + height))


def vae_decode(_context: NodeContext, samples: Latent, vae: str) -> tuple[Batch]:
    del vae
    return ([from_levels(picture) for picture in samples.pictures],)


def set_noise_mask(_context: NodeContext, samples: Latent, mask: Batch) -> tuple[Latent]:
    return (replace(samples, noise_mask=tuple(to_levels(picture, add=0.5) for picture in mask)),)


def sample(
    context: NodeContext,
    model: Model,
    seed: int,
    steps: int,
    cfg: float,
    sampler_name: str,
    scheduler: str,
    positive: Conditioning,
    negative: Conditioning,
    latent_image: Latent,
    denoise: float,
) -> tuple[Latent]:
    """Paint over the latent's pictures, blended by ``denoise``, inside the noise mask."""
    if denoise == 0.0:
        return (latent_image,)
    drawn: list[Image.Image] = []
    for index, start in enumerate(latent_image.pictures):
        settings = (
            model.name,
            model.loras,
            positive.clip.loras,
            negative.clip.loras,
            negative.text,
            steps,
            float(cfg),
            sampler_name,
            scheduler,
            float(denoise),
        )
        picture = paint(
            start.size,
            prompt=positive.text,
            seed=seed + index,
            detail=_digest(settings),
            contrast=min(1.0, cfg / 20),
        )
        picture = Image.blend(start, picture, denoise)
        if latent_image.noise_mask:
            masks = latent_image.noise_mask
            mask = masks[min(index, len(masks) - 1)].resize(start.size)
            picture = Image.composite(picture, start, mask)
        drawn.append(picture)
    context.show_preview(drawn[0])
    return (replace(latent_image, pictures=tuple(drawn)),)


def _digest(settings: tuple[Any, ...]) -> bytes:
    return hashlib.sha256(json.dumps(settings).encode()).digest()


FUNCTIONS: dict[str, Callable[..., tuple[Any, ...]]] = {
    "CheckpointLoaderSimple": load_checkpoint,
    "LoraLoader": load_lora,
    "LoraLoaderModelOnly": load_lora_model_only,
    "RHLoraLoader": load_uploaded_lora,
    "UNETLoader": load_unet,
    "CLIPLoader": load_clip,
    "DualCLIPLoader": load_two_clips,
    "VAELoader": load_vae,
    "CLIPSetLastLayer": same_clip,
    "ModelSamplingSD3": same_model,
    "ModelSamplingAuraFlow": same_model,
    "ConditioningZeroOut": zero_out,
    "FluxGuidance": same_guidance,
    "EmptySD3LatentImage": empty_latent,
    "CLIPTextEncode": encode_text,
    "EmptyLatentImage": empty_latent,
    "VAEEncode": vae_encode,
    "VAEDecode": vae_decode,
    "SetLatentNoiseMask": set_noise_mask,
    "KSampler": sample,
}
