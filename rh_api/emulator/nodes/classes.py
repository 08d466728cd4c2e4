"""The schemas of the emulator's node classes: typed inputs and outputs, without code.

Names, types, ranges and options are those of ComfyUI's core nodes. ``RHLoraLoader`` is
RunningHub's own; ``LoadImageFromUrl`` and ``LoadImages(zip)`` are as common packs have them.
``EmulatorFile`` makes a result of any kind from its base64 text.
"""

from __future__ import annotations

from .fields import (
    ANY,
    BATCH,
    FLAG,
    IMAGE,
    LATENT,
    MASK,
    TEXT,
    UNIT,
    UPLOAD,
    Field,
    NodeClass,
    combo,
    link,
)
from .picture_classes import PICTURE_CLASSES

SAMPLERS = (
    "euler",
    "euler_cfg_pp",
    "euler_ancestral",
    "euler_ancestral_cfg_pp",
    "heun",
    "heunpp2",
    "exp_heun_2_x0",
    "exp_heun_2_x0_sde",
    "dpm_2",
    "dpm_2_ancestral",
    "lms",
    "dpm_fast",
    "dpm_adaptive",
    "dpmpp_2s_ancestral",
    "dpmpp_2s_ancestral_cfg_pp",
    "dpmpp_sde",
    "dpmpp_sde_gpu",
    "dpmpp_2m",
    "dpmpp_2m_cfg_pp",
    "dpmpp_2m_sde",
    "dpmpp_2m_sde_gpu",
    "dpmpp_2m_sde_heun",
    "dpmpp_2m_sde_heun_gpu",
    "dpmpp_3m_sde",
    "dpmpp_3m_sde_gpu",
    "ddpm",
    "lcm",
    "ipndm",
    "ipndm_v",
    "deis",
    "res_multistep",
    "res_multistep_cfg_pp",
    "res_multistep_ancestral",
    "res_multistep_ancestral_cfg_pp",
    "gradient_estimation",
    "gradient_estimation_cfg_pp",
    "er_sde",
    "seeds_2",
    "seeds_3",
    "sa_solver",
    "sa_solver_pece",
    "ddim",
    "uni_pc",
    "uni_pc_bh2",
)
SCHEDULERS = (
    "simple",
    "sgm_uniform",
    "karras",
    "exponential",
    "ddim_uniform",
    "beta",
    "normal",
    "linear_quadratic",
    "kl_optimal",
)
CASES = ("UPPERCASE", "lowercase", "Capitalize", "Title Case")

_MODEL, _CLIP, _VAE, _COND = link("MODEL"), link("CLIP"), link("VAE"), link("CONDITIONING")
_LATENT_SIZE = Field("INT", 16, 16384)
_SEED = Field("INT", 0, 2**64 - 1)
_STRENGTH = Field("FLOAT", -100.0, 100.0)
_SHIFT = Field("FLOAT", 0.0, 100.0)
_FILE = Field("COMBO", listing="models")

NODE_CLASSES: dict[str, NodeClass] = {
    **PICTURE_CLASSES,
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
            "clip": link("CLIP", optional=True),
            "file_name": Field("STRING", listing="uploaded_loras", optional=True),
            "lora_name": Field("STRING", listing="uploaded_loras", optional=True),
            "strength_model": _STRENGTH,
            "strength_clip": Field("FLOAT", -100.0, 100.0, optional=True),
        },
        ("MODEL", "CLIP"),
    ),
    "UNETLoader": NodeClass({"unet_name": _FILE, "weight_dtype": TEXT}, ("MODEL",)),
    "CLIPLoader": NodeClass({"clip_name": _FILE, "type": TEXT}, ("CLIP",)),
    "DualCLIPLoader": NodeClass(
        {"clip_name1": _FILE, "clip_name2": _FILE, "type": TEXT}, ("CLIP",)
    ),
    "VAELoader": NodeClass({"vae_name": _FILE}, ("VAE",)),
    "CLIPSetLastLayer": NodeClass(
        {"clip": _CLIP, "stop_at_clip_layer": Field("INT", -24, -1)}, ("CLIP",)
    ),
    "ModelSamplingSD3": NodeClass({"model": _MODEL, "shift": _SHIFT}, ("MODEL",)),
    "ModelSamplingAuraFlow": NodeClass({"model": _MODEL, "shift": _SHIFT}, ("MODEL",)),
    "CLIPTextEncode": NodeClass({"text": TEXT, "clip": _CLIP}, ("CONDITIONING",)),
    "ConditioningZeroOut": NodeClass({"conditioning": _COND}, ("CONDITIONING",)),
    "FluxGuidance": NodeClass(
        {"conditioning": _COND, "guidance": Field("FLOAT", 0.0, 100.0)}, ("CONDITIONING",)
    ),
    # sampling
    "EmptyLatentImage": NodeClass(
        {"width": _LATENT_SIZE, "height": _LATENT_SIZE, "batch_size": BATCH}, ("LATENT",)
    ),
    "EmptySD3LatentImage": NodeClass(
        {"width": _LATENT_SIZE, "height": _LATENT_SIZE, "batch_size": BATCH}, ("LATENT",)
    ),
    "VAEEncode": NodeClass({"pixels": IMAGE, "vae": _VAE}, ("LATENT",)),
    "VAEDecode": NodeClass({"samples": LATENT, "vae": _VAE}, ("IMAGE",)),
    "SetLatentNoiseMask": NodeClass({"samples": LATENT, "mask": MASK}, ("LATENT",)),
    "KSampler": NodeClass(
        {
            "model": _MODEL,
            "seed": _SEED,
            "steps": Field("INT", 1, 10000),
            "cfg": Field("FLOAT", 0.0, 100.0),
            "sampler_name": combo(SAMPLERS),
            "scheduler": combo(SCHEDULERS),
            "positive": _COND,
            "negative": _COND,
            "latent_image": LATENT,
            "denoise": UNIT,
        },
        ("LATENT",),
    ),
    # whole files
    "LoadVideo": NodeClass({"file": UPLOAD}, ("VIDEO",)),
    "LoadAudio": NodeClass({"audio": UPLOAD}, ("AUDIO",)),
    "LoadImages(zip)": NodeClass({"upload": UPLOAD}, ("IMAGE",)),
    "AudioAdjustVolume": NodeClass(
        {"audio": link("AUDIO"), "volume": Field("INT", -100, 100)}, ("AUDIO",)
    ),
    "Video Slice": NodeClass(
        {
            "video": link("VIDEO"),
            "start_time": Field("FLOAT"),
            "duration": Field("FLOAT", 0.0),
            "strict_duration": FLAG,
        },
        ("VIDEO",),
    ),
    "SaveVideo": NodeClass(
        {"video": link("VIDEO"), "filename_prefix": TEXT}, ("VIDEO",), is_output=True
    ),
    "SaveAudio": NodeClass(
        {"audio": link("AUDIO"), "filename_prefix": TEXT}, ("AUDIO",), is_output=True
    ),
    "EmulatorFile": NodeClass(
        {"content": TEXT, "extension": TEXT, "filename_prefix": TEXT}, is_output=True
    ),
    # text and values
    "PreviewAny": NodeClass({"source": ANY}, ("STRING",), is_output=True),
    "SaveText": NodeClass({"text": TEXT, "filename_prefix": TEXT}, ("STRING",), is_output=True),
    "PrimitiveInt": NodeClass({"value": Field("INT")}, ("INT",)),
    "PrimitiveFloat": NodeClass({"value": Field("FLOAT")}, ("FLOAT",)),
    "PrimitiveString": NodeClass({"value": TEXT}, ("STRING",)),
    "PrimitiveStringMultiline": NodeClass({"value": TEXT}, ("STRING",)),
    "PrimitiveBoolean": NodeClass({"value": FLAG}, ("BOOLEAN",)),
    "StringConcatenate": NodeClass(
        {"string_a": TEXT, "string_b": TEXT, "delimiter": TEXT}, ("STRING",)
    ),
    "StringReplace": NodeClass({"string": TEXT, "find": TEXT, "replace": TEXT}, ("STRING",)),
    "CaseConverter": NodeClass({"string": TEXT, "mode": combo(CASES)}, ("STRING",)),
    "StringLength": NodeClass({"string": TEXT}, ("INT",)),
    "ComfySwitchNode": NodeClass({"switch": FLAG, "on_false": ANY, "on_true": ANY}, ("*",)),
    "ComfyNotNode": NodeClass({"value": ANY}, ("BOOLEAN",)),
    "ComfyMathExpression": NodeClass(
        {
            "expression": TEXT,
            **{f"values.{name}": Field("*", optional=name != "a") for name in "abcd"},
        },
        ("FLOAT", "INT", "BOOLEAN"),
    ),
}

SEED_FIELDS = ("seed", "noise_seed")
"""Fields that the service redraws if nodeInfoList does not set them."""
