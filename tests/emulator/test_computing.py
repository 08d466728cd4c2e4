"""Node by node, the emulator computes what core ComfyUI computes."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from rh_api.emulator.nodes.classes import NODE_CLASSES
from rh_api.emulator.nodes.interpreter import node_functions
from tests.support.graphs import node
from tests.support.pictures import png

if TYPE_CHECKING:
    from conftest import Remote

RNG = np.random.default_rng(5)
PICTURE = RNG.integers(0, 256, (24, 32, 4), dtype=np.uint8)
SMALL = RNG.integers(0, 256, (12, 16, 3), dtype=np.uint8)


class Lab:
    """Runs small graphs on two uploaded pictures: node 1 is RGBA, node 2 smaller and RGB."""

    def __init__(self, remote: Remote, names: list[str]) -> None:
        self.remote = remote
        self.loaders = {
            "1": node("LoadImage", image=names[0]),
            "2": node("LoadImage", image=names[1]),
        }
        self.name = names[0]

    async def run(self, **nodes: dict[str, Any]) -> list[np.ndarray]:
        """``n3=node(…)`` is node 3; the last one is saved. Returns the saved pictures."""
        graph = {**self.loaders, **{name[1:]: entry for name, entry in nodes.items()}}
        last = list(nodes)[-1][1:]
        graph["9"] = node("SaveImage", images=[last, 0], filename_prefix="out")
        reply = await self.remote.finished(await self.remote.inline(graph))
        assert reply["status"] == "SUCCESS", reply
        pictures = []
        for result in reply["results"]:
            _, data = await self.remote.get(result["url"])
            pictures.append(np.asarray(Image.open(io.BytesIO(data))))
        return pictures


@pytest.fixture
async def lab(remote: Remote) -> Lab:
    uploads = [await remote.upload(png(picture)) for picture in (PICTURE, SMALL)]
    return Lab(remote, [upload["data"]["fileName"] for upload in uploads])


AS_IT_IS = {"upscale_method": "nearest-exact", "scale_by": 1.0}
RGB, ALPHA = PICTURE[..., :3], PICTURE[..., 3]


def grey(values: np.ndarray) -> np.ndarray:
    return np.repeat(values[..., None], 3, axis=2)


def inverted(levels: np.ndarray) -> np.ndarray:
    """1 - x of core, in float32, and saved: SaveImage cuts levels off."""
    return cut(1 - levels.astype(np.float32) / 255)


def cut(numbers: np.ndarray) -> np.ndarray:
    return np.clip(255 * numbers.astype(np.float32), 0, 255).astype(np.uint8)


async def test_a_loaded_picture_is_saved_as_it_was(lab: Lab) -> None:
    [saved] = await lab.run(n3=node("ImageCrop", image=["1", 0], width=32, height=24, x=0, y=0))

    assert np.array_equal(saved, RGB)


async def test_a_loaded_mask_is_one_minus_alpha(lab: Lab) -> None:
    [saved] = await lab.run(n3=node("MaskToImage", mask=["1", 1]))

    assert np.array_equal(saved, grey(inverted(ALPHA)))


async def test_a_picture_without_alpha_has_core_s_empty_mask(lab: Lab) -> None:
    [saved] = await lab.run(n3=node("MaskToImage", mask=["2", 1]))

    assert saved.shape == (64, 64, 3)
    assert not saved.any()


@pytest.mark.parametrize(
    ("channel", "expected"),
    [("red", PICTURE[..., 0]), ("blue", PICTURE[..., 2]), ("alpha", None)],
)
async def test_load_image_mask_reads_a_channel(
    lab: Lab, channel: str, expected: np.ndarray | None
) -> None:
    [saved] = await lab.run(
        n3=node("LoadImageMask", image=lab.name, channel=channel),
        n4=node("MaskToImage", mask=["3", 0]),
    )

    assert np.array_equal(saved, grey(inverted(ALPHA) if expected is None else expected))


async def test_invert_is_that_of_core_and_of_its_saver(lab: Lab) -> None:
    [saved] = await lab.run(n3=node("ImageInvert", image=["1", 0]))

    assert np.array_equal(saved, inverted(RGB))


async def test_masks_come_from_channels_and_invert(lab: Lab) -> None:
    [saved] = await lab.run(
        n3=node("ImageToMask", image=["1", 0], channel="green"),
        n4=node("InvertMask", mask=["3", 0]),
        n5=node("MaskToImage", mask=["4", 0]),
    )

    assert np.array_equal(saved, grey(inverted(RGB[..., 1])))


async def test_alpha_joins_and_splits_as_in_core(lab: Lab) -> None:
    [joined] = await lab.run(n3=node("JoinImageWithAlpha", image=["1", 0], alpha=["1", 1]))
    [mask] = await lab.run(
        n3=node("JoinImageWithAlpha", image=["1", 0], alpha=["1", 1]),
        n4=node("SplitImageWithAlpha", image=["3", 0]),
        n5=node("MaskToImage", mask=["4", 1]),
    )

    # Twice inverted, alpha lies a hair below its level or on it.
    assert np.array_equal(joined[..., :3], RGB)
    twice = 1 - (1 - ALPHA.astype(np.float32) / 255)
    assert np.array_equal(joined[..., 3], cut(twice))
    assert np.array_equal(mask, grey(cut(1 - twice)))


async def test_crop_is_clamped_to_the_picture(lab: Lab) -> None:
    [saved] = await lab.run(n3=node("ImageCrop", image=["1", 0], width=99, height=9, x=20, y=8))

    assert np.array_equal(saved, RGB[8:17, 20:])


async def test_nearest_scaling_repeats_pixels(lab: Lab) -> None:
    [saved] = await lab.run(
        n3=node("ImageScaleBy", image=["2", 0], upscale_method="nearest-exact", scale_by=2.0)
    )

    assert np.array_equal(saved, SMALL.repeat(2, axis=0).repeat(2, axis=1))


async def test_scaling_keeps_the_ratio_when_one_side_is_zero(lab: Lab) -> None:
    [saved] = await lab.run(
        n3=node(
            "ImageScale",
            image=["2", 0],
            upscale_method="area",
            width=8,
            height=0,
            crop="disabled",
        )
    )

    expected = SMALL.reshape(6, 2, 8, 2, 3).mean(axis=(1, 3))
    assert np.abs(saved - expected).max() <= 1


def soft_light(dst: np.ndarray, src: np.ndarray) -> np.ndarray:
    root = np.where(dst <= 0.25, ((16 * dst - 12) * dst + 4) * dst, np.sqrt(dst))
    darker = dst - (1 - 2 * src) * dst * (1 - dst)
    return np.where(src <= 0.5, darker, dst + (2 * src - 1) * (root - dst))


@pytest.mark.parametrize(
    ("mode", "formula"),
    [
        ("normal", lambda dst, src: src),
        ("multiply", lambda dst, src: dst * src),
        ("screen", lambda dst, src: 1 - (1 - dst) * (1 - src)),
        (
            "overlay",
            lambda dst, src: np.where(dst <= 0.5, 2 * dst * src, 1 - 2 * (1 - dst) * (1 - src)),
        ),
        ("soft_light", soft_light),
        ("difference", lambda dst, src: dst - src),
    ],
)
async def test_blending_is_that_of_core(lab: Lab, mode: str, formula: Any) -> None:
    [saved] = await lab.run(
        n3=node("ImageInvert", image=["1", 0]),
        n4=node("ImageBlend", image1=["1", 0], image2=["3", 0], blend_factor=0.25, blend_mode=mode),
    )

    picture = RGB.astype(np.float32) / 255
    inverse = 1 - picture
    mixed = picture * np.float32(0.75) + formula(picture, inverse) * np.float32(0.25)
    apart = np.abs(saved.astype(int) - cut(mixed))
    assert apart.max() <= 1
    assert np.count_nonzero(apart) <= 3  # a last bit of float32 at the border of two levels


async def test_half_a_level_before_saving_makes_it_round(lab: Lab) -> None:
    """Without it 159 of the 256 levels of a mask come out one too low."""
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
    reply = await lab.remote.upload(png(np.dstack([grey(ramp), 255 - ramp])))
    half = {
        "n3": node("LoadImage", image=reply["data"]["fileName"]),
        "n4": node("MaskToImage", mask=["3", 1]),
    }
    [plain] = await lab.run(**half, n5=node("ImageScaleBy", image=["4", 0], **AS_IT_IS))
    [lifted] = await lab.run(
        **half,
        n5=node("ImageInvert", image=["4", 0]),
        n6=node("SolidMask", value=0.5 / 255, width=64, height=64),
        n7=node("MaskToImage", mask=["6", 0]),
        n8=node(
            "ImageBlend",
            image1=["5", 0],
            image2=["7", 0],
            blend_factor=1.0,
            blend_mode="difference",
        ),
        n10=node("ImageInvert", image=["8", 0]),
    )

    assert np.count_nonzero(plain[..., 0] != ramp) == 159
    assert np.array_equal(lifted, grey(ramp))


async def test_composite_pastes_at_a_place_and_through_a_mask(lab: Lab) -> None:
    plain = {"x": 4, "y": 6, "resize_source": False}
    [pasted] = await lab.run(
        n3=node("ImageCompositeMasked", destination=["1", 0], source=["2", 0], **plain)
    )
    [masked] = await lab.run(
        n3=node("SolidMask", value=0.0, width=16, height=12),
        n4=node(
            "ImageCompositeMasked",
            destination=["1", 0],
            source=["2", 0],
            mask=["3", 0],
            **plain,
        ),
    )

    expected = RGB.copy()
    expected[6:18, 4:20] = SMALL
    assert np.array_equal(pasted, expected)
    assert np.array_equal(masked, RGB)


async def test_a_batch_saves_one_file_a_picture(lab: Lab) -> None:
    saved = await lab.run(
        n3=node("EmptyImage", width=32, height=24, batch_size=2, color=0x102030),
        n4=node("ImageBatch", image1=["3", 0], image2=["1", 0]),
    )

    assert [picture.shape for picture in saved] == [(24, 32, 3)] * 3
    assert saved[1][0, 0].tolist() == [0x10, 0x20, 0x30]
    assert np.array_equal(saved[2], RGB)


async def test_outpainting_pads_and_masks_the_border(lab: Lab) -> None:
    sides = {"left": 8, "top": 0, "right": 0, "bottom": 4, "feathering": 0}
    [padded] = await lab.run(n3=node("ImagePadForOutpaint", image=["2", 0], **sides))
    [mask] = await lab.run(
        n3=node("ImagePadForOutpaint", image=["2", 0], **sides),
        n4=node("MaskToImage", mask=["3", 1]),
    )

    assert np.array_equal(padded[:12, 8:], SMALL)
    assert padded[13, 0].tolist() == [127, 127, 127]
    assert not mask[:12, 8:].any()
    assert mask[:, :8].min() == 255


async def test_pictures_turn_and_flip_as_in_core(lab: Lab) -> None:
    [turned] = await lab.run(n3=node("ImageRotate", image=["1", 0], rotation="90 degrees"))
    [flipped] = await lab.run(
        n3=node("ImageFlip", image=["1", 0], flip_method="x-axis: vertically")
    )

    assert np.array_equal(turned, np.rot90(RGB, -1))
    assert np.array_equal(flipped, RGB[::-1])


async def test_batches_are_repeated_and_picked_from(lab: Lab) -> None:
    saved = await lab.run(
        n3=node("EmptyImage", width=32, height=24, batch_size=1, color=0x102030),
        n4=node("ImageBatch", image1=["3", 0], image2=["1", 0]),
        n5=node("RepeatImageBatch", image=["4", 0], amount=2),
        n6=node("ImageFromBatch", image=["5", 0], batch_index=-1, length=5),
    )

    assert len(saved) == 1
    assert np.array_equal(saved[0], RGB)


@pytest.mark.parametrize(
    ("operation", "formula"),
    [
        ("multiply", lambda dst, src: dst * src),
        ("add", lambda dst, src: dst + src),
        ("subtract", lambda dst, src: dst - src),
        ("and", lambda dst, src: (dst > 0.5) & (src > 0.5)),
        ("or", lambda dst, src: (dst > 0.5) | (src > 0.5)),
        ("xor", lambda dst, src: (dst > 0.5) ^ (src > 0.5)),
    ],
)
async def test_masks_are_combined_where_they_overlap(
    lab: Lab, operation: str, formula: Any
) -> None:
    [saved] = await lab.run(
        n3=node("ImageToMask", image=["1", 0], channel="red"),
        n4=node("ImageToMask", image=["2", 0], channel="green"),
        n5=node(
            "MaskComposite",
            destination=["3", 0],
            source=["4", 0],
            x=20,
            y=3,
            operation=operation,
        ),
        n6=node("MaskToImage", mask=["5", 0]),
    )

    under, over = (levels.astype(np.float32) / 255 for levels in (RGB[..., 0], SMALL[..., 1]))
    under[3:15, 20:32] = formula(under[3:15, 20:32], over[:, :12])
    assert np.array_equal(saved, grey(cut(under)))


async def test_masks_grow_are_cut_and_decided(lab: Lab) -> None:
    dot = {"width": 9, "height": 9, "value": 0.0}
    [saved] = await lab.run(
        n3=node("SolidMask", **dot),
        n4=node("SolidMask", value=0.6, width=1, height=1),
        n5=node(
            "MaskComposite",
            destination=["3", 0],
            source=["4", 0],
            x=4,
            y=4,
            operation="add",
        ),
        n6=node("GrowMask", mask=["5", 0], expand=2, tapered_corners=True),
        n7=node("ThresholdMask", mask=["6", 0], value=0.5),
        n8=node("CropMask", mask=["7", 0], x=0, y=4, width=9, height=3),
        n10=node("MaskToImage", mask=["8", 0]),
    )

    rows = ["001111100", "000111000", "000010000"]
    assert saved[..., 0].tolist() == [[255 * int(digit) for digit in row] for row in rows]


async def test_text_and_numbers_are_those_of_core(remote: Remote) -> None:
    graph = {
        "1": node("PrimitiveString", value="a Cat"),
        "2": node("StringConcatenate", string_a=["1", 0], string_b="b", delimiter="-"),
        "3": node("StringReplace", string=["2", 0], find="Cat", replace="dog"),
        "4": node("CaseConverter", string=["3", 0], mode="Title Case"),
        "5": node("StringLength", string=["4", 0]),
        "6": node(
            "ComfyMathExpression",
            expression="(a + 1) / 4 if b else -a",
            **{"values.a": ["5", 0], "values.b": True},
        ),
        "7": node("ComfySwitchNode", switch=["6", 2], on_false="no", on_true=["4", 0]),
        "10": node("PreviewAny", source=["7", 0]),
        "11": node("PreviewAny", source=["6", 0]),
        "12": node("PreviewAny", source=["6", 1]),
    }
    reply = await remote.finished(await remote.inline(graph))

    shown = {result["nodeId"]: result["text"] for result in reply["results"]}
    assert shown == {"10": "A Dog-B", "11": "2.0", "12": "2"}


@pytest.mark.parametrize("formula", ["a +", "__import__('os')", "a.b", "'x'", "1e308 * 10"])
async def test_what_is_no_formula_fails(remote: Remote, formula: str) -> None:
    graph = {
        "1": node("ComfyMathExpression", expression=formula, **{"values.a": 2}),
        "2": node("PreviewAny", source=["1", 0]),
    }
    reply = await remote.finished(await remote.inline(graph))

    assert reply["status"] == "FAILED"
    assert "Math Expression" in reply["failedReason"]["exception_message"]


async def test_latents_move_with_their_pictures(lab: Lab) -> None:
    [saved] = await lab.run(
        n3=node("CheckpointLoaderSimple", ckpt_name="example_model.safetensors"),
        n4=node("VAEEncode", pixels=["1", 0], vae=["3", 2]),
        n5=node("LatentFlip", samples=["4", 0], flip_method="y-axis: horizontally"),
        n6=node("RepeatLatentBatch", samples=["5", 0], amount=3),
        n7=node("LatentFromBatch", samples=["6", 0], batch_index=1, length=1),
        n8=node("VAEDecode", samples=["7", 0], vae=["3", 2]),
    )

    assert np.array_equal(saved, RGB[:, ::-1])


async def sampled(lab: Lab, *, denoise: float, mask: float) -> np.ndarray:
    [saved] = await lab.run(
        n3=node("CheckpointLoaderSimple", ckpt_name="example_model.safetensors"),
        n4=node("CLIPTextEncode", text="a hill", clip=["3", 1]),
        n5=node("VAEEncode", pixels=["1", 0], vae=["3", 2]),
        n6=node("SolidMask", value=mask, width=32, height=24),
        n7=node("SetLatentNoiseMask", samples=["5", 0], mask=["6", 0]),
        n8=node(
            "KSampler",
            model=["3", 0],
            positive=["4", 0],
            negative=["4", 0],
            latent_image=["7", 0],
            seed=1,
            steps=4,
            cfg=7.0,
            sampler_name="euler",
            scheduler="normal",
            denoise=denoise,
        ),
        n10=node("VAEDecode", samples=["8", 0], vae=["3", 2]),
    )
    return saved


async def test_the_sampler_changes_only_what_denoise_and_mask_allow(lab: Lab) -> None:
    assert np.array_equal(await sampled(lab, denoise=0.0, mask=1.0), RGB)
    assert np.array_equal(await sampled(lab, denoise=1.0, mask=0.0), RGB)
    little = np.abs((await sampled(lab, denoise=0.1, mask=1.0)).astype(int) - RGB).mean()
    much = np.abs((await sampled(lab, denoise=0.9, mask=1.0)).astype(int) - RGB).mean()
    assert 0 < little < much


async def test_a_lora_of_strength_zero_changes_nothing(remote: Remote) -> None:
    remote.emulator.reroll_inline_seeds = False
    workflow = "1900000000000000105"
    off = {"3.seed": 1, "20.strength_model": 0, "20.strength_clip": 0}
    plain = {
        name: entry
        for name, entry in remote.emulator.workflows[workflow].graph.items()
        if name != "20"
    }
    plain["3"] = {**plain["3"], "inputs": {**plain["3"]["inputs"], "model": ["4", 0], "seed": 1}}
    for name in ("6", "7"):
        plain[name] = {**plain[name], "inputs": {**plain[name]["inputs"], "clip": ["4", 1]}}

    with_lora = await remote.run(workflow, off)
    reply = await remote.finished(await remote.inline(plain))
    _, without = await remote.get(reply["results"][0]["url"])

    def pixels(data: bytes) -> bytes:
        return Image.open(io.BytesIO(data)).tobytes()

    assert pixels(with_lora[0][1]) == pixels(without)


async def test_what_a_node_raises_is_the_task_s_failure(remote: Remote) -> None:
    reply = await remote.upload(b"no picture at all", "broken.png")
    name = reply["data"]["fileName"]

    failed = await remote.finished(
        await remote.create(
            "1900000000000000102",
            nodeInfoList=[{"nodeId": "10", "fieldName": "image", "fieldValue": name}],
        )
    )

    reason = failed["failedReason"]
    assert failed["status"] == "FAILED"
    assert (reason["node_id"], reason["node_name"]) == ("10", "LoadImage")
    assert reason["exception_type"] == "UnidentifiedImageError"
    assert "cannot identify" in reason["exception_message"]
    assert "UnidentifiedImageError" in reason["traceback"]


async def test_a_sandbox_draws_whatever_its_loaders_name(remote: Remote) -> None:
    graph = {
        "1": node("CheckpointLoaderSimple", ckpt_name="my own.ckpt"),
        "2": node("LoraLoaderModelOnly", model=["1", 0], lora_name="mine", strength_model=1.0),
        "3": node("VAELoader", vae_name="ae.safetensors"),
        "4": node("CLIPTextEncode", clip=["1", 1], text="a fox"),
        "5": node("EmptyLatentImage", width=64, height=64, batch_size=1),
        "6": node(
            "KSampler",
            model=["2", 0],
            seed=1,
            steps=2,
            cfg=7.0,
            sampler_name="res_multistep",
            scheduler="kl_optimal",
            positive=["4", 0],
            negative=["4", 0],
            latent_image=["5", 0],
            denoise=1.0,
        ),
        "7": node("VAEDecode", samples=["6", 0], vae=["3", 0]),
        "8": node("SaveImage", images=["7", 0], filename_prefix="x"),
    }
    refused = await remote.inline(graph)
    assert "my own.ckpt" in str(refused)
    remote.emulator.any_model = True
    drawn = await remote.finished(await remote.inline(graph))
    assert drawn["status"] == "SUCCESS", drawn


def test_every_known_class_has_code() -> None:
    assert set(node_functions()) == set(NODE_CLASSES)
