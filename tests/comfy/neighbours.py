"""A second pack for the tests' ComfyUI: neighbours that block, fail, hold odd values, or look."""

# ruff: noqa: N802  these names are ComfyUI's

from __future__ import annotations

import asyncio
import inspect
import io
import time
from fractions import Fraction
from itertools import zip_longest
from pathlib import Path

import folder_paths
import torch
from aiohttp import web
from comfy_api.latest import InputImpl, Types
from comfy_execution.graph_utils import GraphBuilder
from server import PromptServer

import nodes


class AnyType(str):
    """Equal to every type, as packs write it."""

    __slots__ = ()

    def __ne__(self, other: object) -> bool:
        return False


ANY = AnyType("*")


class Blocks:
    """A local node that keeps the prompt's loop busy, as a sampler does."""

    CATEGORY = "tests"
    FUNCTION = "execute"
    RETURN_TYPES = ("INT",)

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"seconds": ("FLOAT", {"default": 1.0}), "mark": ("INT", {})}}

    def execute(self, seconds, mark):
        time.sleep(seconds)
        return (mark,)


class Fails:
    """A neighbour that fails after a while."""

    CATEGORY = "tests"
    FUNCTION = "execute"
    RETURN_TYPES = ()
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"seconds": ("FLOAT", {"default": 1.0}), "mark": ("INT", {})}}

    async def execute(self, seconds, mark):
        await asyncio.sleep(seconds)
        raise ValueError("the neighbour failed")


class Leaves(Blocks):
    """The next prompt ends as all do where nest_asyncio is applied: what still waits goes on."""

    def execute(self, seconds, mark):
        usual = asyncio.run

        def run(main):
            asyncio.run, self.loop = usual, asyncio.new_event_loop()
            return self.loop.run_until_complete(main)

        asyncio.run, Leaves.left = run, self
        return (mark,)


class Holds:
    """Values that no other node of the tests makes."""

    CATEGORY = "tests"
    FUNCTION = "execute"
    RETURN_TYPES = (ANY,)

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"kind": ("STRING", {}), "mark": ("INT", {"max": 2**63})}}

    def execute(self, kind, mark):
        level = (mark % 251) / 255
        chance = torch.Generator().manual_seed(mark)
        picture = torch.randint(1, 255, (1, 6, 7, 3), generator=chance) / 255
        values = {
            "nothing": None,
            "latent": {"samples": torch.zeros(1, 4, 8, 8)},
            "batch": torch.cat([picture, 1 - picture, picture]),
            "bfloat16": picture.to(torch.bfloat16),
            "empty": torch.zeros(1, 0, 0, 3),
            "wild": torch.tensor([[[[float("nan"), 1.02, -3.0], [0.5, level, 1.0]]]]),
            "rgba": torch.cat([picture, torch.full((1, 6, 7, 1), 0.25)], dim=3),
            "mask": torch.linspace(0, 1, 256).reshape(1, 16, 16),
            # Other bytes: each test has a new service, and this ComfyUI knows what went up before.
            "mask down": torch.linspace(0, 1, 256).flip(0).reshape(1, 16, 16),
            "grey": picture[..., :1],
            "grey_alpha": picture[..., :2],
            "strided": picture.transpose(1, 2)[:, ::2],
            "five_channels": torch.cat([picture, picture[..., :2]], dim=3),
            "no_pictures": picture[:0],
            "big": 2**64 - 1,
            "pair": torch.cat([picture, 1 - picture]),
            "sized": picture[:, :, : 3 + mark % 5],
            "text": f"text {mark}",
            "number": 700 + mark % 3000,
            # Louder than full scale, which only floats keep.
            "sound": {
                "waveform": torch.rand((1, 2, 999), generator=chance) * 4 - 2,
                "sample_rate": 22050,
            },
            # 38 MB as float32, of 16 bits each.
            "song": {
                "waveform": ((torch.arange(9 * 2**20) + mark) % 4096 / 2**15).reshape(1, 2, -1),
                "sample_rate": 48000,
            },
            "sounds": {
                "waveform": torch.rand((3, 1, 500), generator=chance),
                "sample_rate": 8000,
            },
        }
        if kind in ("made", "trimmed", "cropped", "told"):
            return (_video(kind, mark),)
        return (values[kind],)


class Turns:
    """Copies our node that it stands for, as a turn of ComfyUI's loop does with its body."""

    CATEGORY = "tests"
    FUNCTION = "execute"
    RETURN_TYPES = ("IMAGE",)

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"workflow": ("STRING", {}), "picture": ("IMAGE",)}}

    def execute(self, workflow, picture):
        graph = GraphBuilder()
        copy = graph.node("RunningHubRemoteWorkflow", "0_1", workflow=workflow)
        copy.set_input("10.image", picture)
        copy.set_override_display_id("2")
        return {"result": (copy.out(0),), "expand": graph.finalize()}


class Cropped(InputImpl.VideoFromFile):
    """The left half of a video, whose file is whole until it is saved."""

    def get_dimensions(self):
        width, height = super().get_dimensions()
        return width // 2, height

    def get_components(self):
        whole = super().get_components()
        half = whole.images[:, :, : whole.images.shape[2] // 2]
        return Types.VideoComponents(images=half, frame_rate=whole.frame_rate, audio=whole.audio)

    def save_to(self, path, **options):
        InputImpl.VideoFromComponents(self.get_components()).save_to(path, **options)


class Told(Cropped):
    def has_pending_frame_edits(self):
        return True

    def get_dimensions(self):
        return InputImpl.VideoFromFile.get_dimensions(self)


def _video(kind, mark):
    """Twelve grey frames, each lighter than the one before; "trimmed" leaves the last six.

    "cropped" leaves half of each frame, and "told" also says so, as of ComfyUI 0.35 and later.
    """
    odd = kind == "made"
    steps = torch.linspace(0.1, 0.9, 12).reshape(12, 1, 1, 1)
    frames = steps.expand(12, 33 if odd else 32, 51 + 2 * (mark % 9) if odd else 48, 3)
    sound = {"waveform": torch.zeros(1, 1, 12000), "sample_rate": 24000}
    clip = InputImpl.VideoFromComponents(
        Types.VideoComponents(images=frames, frame_rate=Fraction(24), audio=sound)
    )
    if odd:
        return clip
    file = io.BytesIO()
    clip.save_to(file)
    if kind in ("cropped", "told"):
        return (Told if kind == "told" else Cropped)(file)
    return InputImpl.VideoFromFile(file, start_time=0.25, duration=0.25)


class Holds3(Holds):
    """A list of three, each of another mark."""

    OUTPUT_IS_LIST = (True,)

    def execute(self, kind, mark):
        return ([super(Holds3, self).execute(kind, 10**7 + 10 * mark + n)[0] for n in range(3)],)


class Looks:
    """Shows what came through a link, item by item."""

    CATEGORY = "tests"
    FUNCTION = "execute"
    RETURN_TYPES = ()
    INPUT_IS_LIST = True
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"value": (ANY, {})}}

    def execute(self, value):
        return {"ui": {"text": [_described(item) for item in value]}}


class Compares:
    """How far two values, or two lists of them, are apart, item by item."""

    CATEGORY = "tests"
    FUNCTION = "execute"
    RETURN_TYPES = ()
    INPUT_IS_LIST = True
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"first": (ANY, {}), "second": (ANY, {})}}

    def execute(self, first, second):
        return {"ui": {"text": [_apart(a, b) for a, b in zip_longest(first, second)]}}


def _apart(first, second):
    if isinstance(first, dict) and isinstance(second, dict):
        if first["sample_rate"] != second["sample_rate"]:
            return "rates differ"
        first, second = first["waveform"], second["waveform"]
    if isinstance(first, torch.Tensor) and isinstance(second, torch.Tensor):
        if first.shape != second.shape:
            return f"{tuple(first.shape)} and {tuple(second.shape)}"
        return f"{(first - second).abs().max():.4f}"
    if hasattr(first, "get_stream_source") and hasattr(second, "get_stream_source"):
        first, second = (Path(video.get_stream_source()).read_bytes() for video in (first, second))
    return "equal" if first == second else f"{first!r:.80} and {second!r:.80}"


class Everything:
    """Any input, and each is lazy."""

    def __contains__(self, _):
        return True

    def __getitem__(self, _):
        return (ANY, {"lazy": True})


class Picks:
    """A switch that grows inputs: it declares the first, and to ComfyUI's validation all."""

    CATEGORY = "tests"
    FUNCTION = "execute"
    RETURN_TYPES = (ANY,)

    @classmethod
    def INPUT_TYPES(cls):
        is_listed = inspect.stack()[1].function == "get_input_info"
        grown = Everything() if is_listed else {"input1": (ANY, {"lazy": True})}
        return {"required": {"select": ("INT", {"min": 1})}, "optional": grown}

    def check_lazy_status(self, select, **_):
        return [f"input{select}"]

    def execute(self, select, **inputs):
        return (inputs[f"input{select}"],)


class Border:
    """What crossing to the cloud and back may change of a value: it is rounded to 8 bits."""

    CATEGORY = "tests"
    FUNCTION = "execute"
    RETURN_TYPES = (ANY,)

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"value": (ANY, {}), "kind": ("STRING", {}), "way": ("STRING", {})}}

    def execute(self, value, kind, way):
        if kind not in ("IMAGE", "MASK"):
            return (value,)
        if kind == "MASK" and way == "out":
            # As the half level in front of SaveImage does it: float32 decides at a tie.
            value = 1 - ((1 - value) - 0.5001 / 255).clamp(0, 1)
        half = 0.5 if way == "in" else 0
        rounded = (value * 255 + half).clamp(0, 255).floor() / 255
        if kind == "IMAGE" and way == "in" and rounded.shape[-1] == 4:
            # LoadImage gives 1 - alpha, and JoinImageWithAlpha takes it so.
            rounded[..., 3] = 1 - (1 - rounded[..., 3])
        return (rounded,)


def _described(value):
    if isinstance(value, torch.Tensor):
        return f"{tuple(value.shape)} {value.dtype} {value.min():.4f}..{value.max():.4f}"
    if isinstance(value, dict):
        return f"{sorted(value)} {tuple(value['waveform'].shape)}"
    if hasattr(value, "get_dimensions"):
        return type(value).__name__
    return repr(value)


class Inverts:
    """Pictures as they come back from a cloud that inverts and saves them.

    They go up rounded, and SaveImage there cuts off.
    """

    CATEGORY = "tests"
    FUNCTION = "execute"
    RETURN_TYPES = ("IMAGE",)

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"image": ("IMAGE",)}}

    def execute(self, image):
        sent = (255 * image).round() / 255
        return ((255 * (1 - sent)).to(torch.uint8).float() / 255,)


class Bools:
    """A mask of bools, as many packs give them."""

    CATEGORY = "tests"
    FUNCTION = "execute"
    RETURN_TYPES = ("MASK",)

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"mask": ("MASK",)}}

    def execute(self, mask):
        return (mask > 0.5,)


class TinyModels:
    """What a checkpoint gives, small enough for a test: random weights,
    the same on each machine."""

    CATEGORY = "tests"
    FUNCTION = "execute"
    RETURN_TYPES = ("MODEL", "CONDITIONING", "CONDITIONING", "VAE")

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"seed": ("INT", {})}}

    def execute(self, seed):
        chance = torch.Generator().manual_seed(seed)
        words = [
            [[torch.randn(1, 7, WIDTH, generator=chance), {"pooled_output": None}]] for _ in "+-"
        ]
        return (_tiny_model(chance), *words, _tiny_vae(chance))


WIDTH = 32  # of a layer; groups of norms are 32


def _tiny_model(chance):
    """A U-Net of one level that is built as that of SD 1.5."""
    import comfy.model_management
    import comfy.model_patcher
    import comfy.supported_models

    config = comfy.supported_models.SD15(
        {
            "image_size": 32,
            "in_channels": 4,
            "out_channels": 4,
            "model_channels": WIDTH,
            "num_res_blocks": [1],
            "channel_mult": [1],
            "transformer_depth": [1],
            "transformer_depth_middle": 1,
            "transformer_depth_output": [1, 1],
            "context_dim": WIDTH,
            "num_heads": 2,
            "use_spatial_transformer": True,
            "use_linear_in_transformer": False,
            "use_temporal_attention": False,
            "adm_in_channels": None,
            "use_checkpoint": False,
            "legacy": False,
        }
    )
    config.set_inference_dtype(torch.float32, None)
    model = config.get_model({}, "", device=torch.device("cpu"))
    _fill(model.diffusion_model, chance)
    cpu = torch.device("cpu")
    return comfy.model_patcher.ModelPatcher(model, load_device=cpu, offload_device=cpu)


def _tiny_vae(chance):
    import comfy.sd
    from comfy.taesd.taesd import TAESD

    taesd = TAESD(latent_channels=4)
    _fill(taesd.taesd_encoder, chance)
    _fill(taesd.taesd_decoder, chance)
    return comfy.sd.VAE(sd=taesd.state_dict())


def _fill(module, chance):
    """ComfyUI leaves weights as they lie in memory until a file fills them."""
    with torch.no_grad():
        for weight in module.parameters():
            weight.copy_(torch.randn(weight.shape, generator=chance) * 0.08)


def changes(moment):
    """A prompt handler of another pack: it does what `extra_data.tests` says for its moment.

    That is {node id: the inputs to set, or None to drop the node}.
    """

    def handler(data):
        edits = (data.get("extra_data") or {}).get("tests", {}).get(moment, {})
        for node_id, inputs in edits.items():
            if inputs is None:
                del data["prompt"][node_id]
            else:
                data["prompt"][node_id]["inputs"].update(inputs)
        return data

    return handler


async def surround(_):
    """Handlers before and after all others; which pack is loaded first is the file system's."""
    handlers = PromptServer.instance.on_prompt_handlers
    before, after = changes("before"), changes("after")

    def first(data):
        if handlers[-1] is not after:  # whoever else goes last has its place by the first prompt
            handlers.append(after)
        return before(data)

    handlers.insert(0, first)


PromptServer.instance.app.on_startup.append(surround)


@PromptServer.instance.routes.post("/tests/queue")
async def queue(request):
    """Queues a prompt past /prompt and its handlers, as some packs do."""
    body, server = await request.json(), PromptServer.instance
    extra = {"client_id": body["client_id"]}
    server.prompt_queue.put((0, body["id"], body["prompt"], extra, body["outputs"], {}))
    return web.json_response({"prompt_id": body["id"]})


def runs_out(kind, name):
    """Core's class runs out of memory where a test says so, as on a small card."""
    core, small = getattr(kind, name), Path(folder_paths.base_path, "out_of_memory")

    def run(self, *inputs, **named):
        for line in small.read_text().splitlines() if small.is_file() else ():
            failing, _, message = line.partition(": ")
            if failing == kind.__name__:
                raise RuntimeError(message) if message else torch.OutOfMemoryError("Allocation")
        return core(self, *inputs, **named)

    setattr(kind, name, run)


runs_out(nodes.ImageInvert, "invert")
runs_out(nodes.SaveImage, "save_images")

NODE_CLASS_MAPPINGS = {
    "TestBlocks": Blocks,
    "TestBorder": Border,
    "TestFails": Fails,
    "TestHolds": Holds,
    "TestHolds3": Holds3,
    "TestBools": Bools,
    "TestTurns": Turns,
    "TestInverts": Inverts,
    "TestLeaves": Leaves,
    "TestLooks": Looks,
    "TestPicks": Picks,
    "TestTinyModels": TinyModels,
    "TestCompares": Compares,
}
