"""Every kind of value, into the cloud and back, compared by value in a real ComfyUI."""

from __future__ import annotations

import base64
import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from nodes.values.codecs import video
from rh_api.emulator import Emulator
from tests.comfy.client import ComfyClient
from tests.comfy.graphs import Prompt, apart, decoded, hollow_png, looks, mark, pixels, remote, save
from tests.comfy.media import moving, sounding
from tests.comfy.server import Server
from tests.comfy.test_results import AUDIO, FILES, IMAGES, MASKS, OUT_1, OUT_2, TEXT, VIDEO
from tests.support.graphs import node
from tests.support.pictures import png

pytestmark = pytest.mark.comfy

EQUAL, EXACT = "equal", "0.0000"
AUTO = {"format": "auto", "codec": "auto"}


def passes(emulator: Emulator, loader: str, field: str, saver: str, target: str) -> str:
    """A workflow that gives back the file that it was given."""
    return emulator.add_workflow(
        {
            "1": node(loader, **{field: "stored.bin"}),
            "2": node(saver, **{target: ["1", 0]}, filename_prefix="kept"),
        }
    )


def cut(data: bytes) -> bytes:
    """The first half: headers, and values that end in the middle."""
    return data[: len(data) // 2]


def through_video(emulator: Emulator, source: list[Any]) -> dict[str, Any]:
    workflow = passes(emulator, "LoadVideo", "file", "SaveVideo", "video")
    return remote(workflow, {"1.file": source})


def through_audio(emulator: Emulator, source: list[Any]) -> dict[str, Any]:
    workflow = passes(emulator, "LoadAudio", "audio", "SaveAudio", "audio")
    return remote(workflow, {"1.audio": source})


def made_of(**files: tuple[str, bytes]) -> Prompt:
    """A workflow of savers: node id, such as `n3`, to an extension and the bytes of its file."""
    return {
        name.removeprefix("n"): node(
            "EmulatorFile",
            extension=extension,
            content=base64.b64encode(data).decode(),
            filename_prefix=f"file{name}",
        )
        for name, (extension, data) in files.items()
    }


def uploaded(emulator: Emulator) -> bytes:
    (stored,) = emulator.uploads.values()
    return stored.data


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
async def test_a_video_file_goes_up_as_it_is_and_comes_back_as_a_file(
    comfyui: ComfyClient, emulator: Emulator, server: Server, suffix: str
) -> None:
    name = f"clip_{mark()}{suffix}"
    (server.base / "input" / name).write_bytes(clip := moving())
    result = await comfyui.queue(
        {
            "1": node("LoadVideo", file=name),
            "2": through_video(emulator, ["1", 0]),
            "3": apart(["2", VIDEO], ["1", 0]),
            "4": apart(["2", OUT_1], ["1", 0]),
        }
    )

    assert result.outputs["3"]["text"] == result.outputs["4"]["text"] == [EQUAL]
    (stored,) = emulator.uploads.values()
    assert (stored.data, "." + stored.extension) == (clip, suffix)
    (shown,) = result.outputs["2"]["images"]
    assert result.outputs["2"]["animated"] == [True]
    assert await comfyui.view(shown) == clip
    assert emulator.counters.download_bytes == len(clip)


@pytest.mark.since("0.26.0")
async def test_a_trimmed_video_goes_up_trimmed(
    comfyui: ComfyClient, emulator: Emulator, tmp_path: Path
) -> None:
    result = await comfyui.queue(
        {
            "1": node("TestHolds", kind="trimmed", mark=mark()),
            "2": through_video(emulator, ["1", 0]),
        }
    )

    assert result.outcome == "success", result.failure
    (file := tmp_path / "sent.mp4").write_bytes(uploaded(emulator))
    frames = video.read(file).frames
    assert len(frames) == 6
    assert abs(frames[0].mean() - (0.1 + 0.8 * 6 / 11)) < 0.02


@pytest.mark.parametrize("kind", ["cropped", "told"])
async def test_a_cropped_video_goes_up_cropped(
    kind: str, comfyui: ComfyClient, emulator: Emulator, tmp_path: Path
) -> None:
    result = await comfyui.queue(
        {"1": node("TestHolds", kind=kind, mark=mark()), "2": through_video(emulator, ["1", 0])}
    )

    assert result.outcome == "success", result.failure
    (file := tmp_path / "sent.mp4").write_bytes(uploaded(emulator))
    assert video.read(file).frames.shape == (12, 32, 24, 3)


async def test_a_video_made_of_odd_pictures_is_encoded(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    result = await comfyui.queue(
        {
            "1": node("TestHolds", kind="made", mark=(number := mark())),
            "2": through_video(emulator, ["1", 0]),
            "3": node("GetVideoComponents", video=["2", VIDEO]),
            "4": looks("3", 0),
            "5": looks("3", 1),
        }
    )

    (frames,) = result.outputs["4"]["text"]
    # Odd sides grow by the line that H.264 wants.
    assert frames.startswith(f"(12, 34, {52 + 2 * (number % 9)}, 3) torch.float32 0.10")
    assert result.outputs["5"]["text"][0].startswith("['sample_rate', 'waveform'] (1, 1, 12")


async def test_a_sound_goes_there_and_back_sample_for_sample(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    result = await comfyui.queue(
        {
            "1": node("TestHolds", kind="sound", mark=mark()),
            "2": through_audio(emulator, ["1", 0]),
            "3": apart(["2", AUDIO], ["1", 0]),
        }
    )

    assert result.outputs["3"]["text"] == [EXACT]
    (shown,) = result.outputs["2"]["audio"]
    assert await comfyui.view(shown) == uploaded(emulator)


async def test_a_batch_of_sounds_is_an_order_a_sound(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    result = await comfyui.queue(
        {
            "1": node("TestHolds", kind="sounds", mark=mark()),
            "2": through_audio(emulator, ["1", 0]),
            "3": looks("2", AUDIO),
        }
    )

    assert result.outputs["3"]["text"] == ["['sample_rate', 'waveform'] (1, 1, 500)"] * 3
    assert emulator.counters.orders == 3


async def test_a_picture_of_four_channels_keeps_its_alpha(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    workflow = emulator.add_workflow(
        {
            "1": node("LoadImage", image="example.png"),
            "2": node("JoinImageWithAlpha", image=["1", 0], alpha=["1", 1]),
            "3": node("SaveImage", images=["2", 0], filename_prefix="rgba"),
        }
    )
    result = await comfyui.queue(
        {
            "1": node("TestHolds", kind="rgba", mark=mark()),
            "2": remote(workflow, {"1.image": ["1", 0]}),
            "3": node("SplitImageWithAlpha", image=["1", 0]),
            "4": apart(["2", IMAGES], ["3", 0]),
            "5": looks("2", MASKS),
        }
    )

    assert result.outputs["4"]["text"] == [EXACT]
    # LoadImage and JoinImageWithAlpha turn alpha over twice, SaveImage cuts off: 64 comes as 63.
    assert result.outputs["5"]["text"] == ["(1, 6, 7) torch.float32 0.7529..0.7529"]


async def test_every_kind_of_result_comes_from_one_task(
    comfyui: ComfyClient, emulator: Emulator, server: Server
) -> None:
    opaque, see_through = pixels((20, 10)), pixels((12, 8), channels=4)
    clips = [moving(), moving()]
    sound, text = sounding(), f"a text, 漢字 {mark()}"
    model = b"glTF" + bytes(40) + str(mark()).encode()
    bundle = io.BytesIO()
    with zipfile.ZipFile(bundle, "w") as archive:
        archive.writestr("../../evil.py", f"print({mark()})")
    unknown = b"\0\1\2" + str(mark()).encode()
    data = f'{{"n": {mark()}}}'
    workflow = emulator.add_workflow(
        made_of(
            n1=("png", png(opaque)),
            n2=("png", png(see_through)),
            n3=("mp4", clips[0]),
            n4=("mp4", clips[1]),
            n5=("wav", sound),
            n6=("txt", text.encode()),
            n7=("json", data.encode()),
            n8=("glb", model),
            n9=("zip", bundle.getvalue()),
            n10=("xyz", unknown),
        )
    )
    slots = {"2": IMAGES, "3": MASKS, "4": VIDEO, "5": AUDIO, "6": TEXT, "7": FILES}
    result = await comfyui.queue(
        {
            "1": remote(workflow),
            **{name: looks("1", slot) for name, slot in slots.items()},
            "8": looks("1", OUT_2),
            "9": looks("1", OUT_1 + 9),
            "10": looks("1", OUT_1 + 11),
            "11": node(
                "SaveVideo",
                video=["1", VIDEO],
                filename_prefix="again",
                format="auto",
                codec="auto",
            ),
        }
    )

    texts = {name: result.outputs[name]["text"] for name in slots if name in result.outputs}
    sizes = ["(1, 10, 20", "(1, 8, 12"]
    assert [line.partition(", 3)")[0] for line in texts["2"]] == sizes
    assert [line.partition(") ")[0] for line in texts["3"]] == sizes
    assert texts["4"] == ["ResultVideo"] * 2
    assert texts["5"] == ["['sample_rate', 'waveform'] (1, 2, 1200)"]
    assert texts["6"] == [repr(text), repr(data)]
    paths = {Path(name.strip("'").removesuffix(" [output]")) for name in texts["7"]}
    files = {path.suffix: (server.base / "output" / path).read_bytes() for path in paths}
    assert files == {
        ".txt": text.encode(),
        ".json": data.encode(),
        ".glb": model,
        ".zip": bundle.getvalue(),
        ".bin": unknown,
    }
    assert {path.parent.as_posix() for path in paths} == {"runninghub"}
    assert result.outputs["8"]["text"] == texts["2"][1:]
    assert "runninghub" in result.outputs["9"]["text"][0]
    # The task has ten nodes: what hangs on out_12 is blocked, all else ran.
    assert "10" not in result.outputs
    assert "out_11, out_12" in result.outputs["1"]["text"][1]
    assert len(result.outputs["11"]["images"]) == 2
    shown = result.outputs["1"]
    assert len(shown["images"]) == 2
    assert await comfyui.view(shown["audio"][0]) == sound
    pictures = [await comfyui.view(file) for file in shown["images"]]
    assert pictures == [png(opaque), png(see_through)]


async def test_two_hundred_pictures_of_one_task(comfyui: ComfyClient, emulator: Emulator) -> None:
    workflow = emulator.add_workflow(
        {
            "1": node("EmptyImage", width=16, height=16, batch_size=200, color=0),
            "2": node("SaveImage", images=["1", 0], filename_prefix="many"),
        }
    )
    result = await comfyui.queue(
        {"1": remote(workflow, {"1.color": mark()}), "2": looks("1", IMAGES)}
    )

    assert result.outputs["2"]["text"][0].startswith("(200, 16, 16, 3)")
    assert len(result.outputs["1"]["images"]) == 200


async def test_a_workflow_of_three_hundred_nodes(comfyui: ComfyClient, emulator: Emulator) -> None:
    chain = {str(n): node("ImageInvert", image=[str(n - 1), 0]) for n in range(2, 300)}
    workflow = emulator.add_workflow(
        {
            "1": node("EmptyImage", width=16, height=16, batch_size=1, color=0),
            **chain,
            "300": node("SaveImage", images=["299", 0], filename_prefix="long"),
        }
    )
    colour = 255 << 16 | mark()
    result = await comfyui.queue(
        {"1": remote(workflow, {"1.color": colour}), "2": looks("1", IMAGES)}
    )

    # 298 times is twice: 1 - (1 - x) may lose the last bit of a float, and SaveImage cuts off.
    levels = np.array([255, colour >> 8 & 255, colour & 255], np.float32) / 255
    low = (255 * (1 - (1 - levels))).astype(np.uint8).min() / 255
    assert result.outputs["2"]["text"] == [f"(1, 16, 16, 3) torch.float32 {low:.4f}..1.0000"]


async def test_uploads_of_video_and_audio_reach_their_fields(
    comfyui: ComfyClient, emulator: Emulator, server: Server
) -> None:
    name = f"clip_{mark()}.mp4"
    (server.base / "input" / name).write_bytes(moving())
    result = await comfyui.queue(
        {
            "1": node("LoadVideo", file=name),
            "2": node("RHUploadVideo", video=["1", 0]),
            "3": through_video(emulator, ["2", 0]),
            "4": apart(["3", VIDEO], ["1", 0]),
            "5": node("TestHolds", kind="sounds", mark=mark()),
            "6": node("RHUploadAudio", audio=["5", 0]),
            "7": through_audio(emulator, ["6", 0]),
            "8": looks("7", AUDIO),
            "9": looks("2", 1),
        }
    )

    assert result.outputs["4"]["text"] == [EQUAL]
    assert result.outputs["8"]["text"] == ["['sample_rate', 'waveform'] (1, 1, 500)"] * 3
    (url,) = result.outputs["9"]["text"]
    assert "http" in url
    assert len(emulator.uploads) == 4


async def test_a_song_whose_wav_is_too_large_goes_up_as_flac_without_loss(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    prompt = {
        "1": node("TestHolds", kind="song", mark=mark()),
        "2": through_audio(emulator, ["1", 0]),
        "3": apart(["2", AUDIO], ["1", 0]),
    }
    result = await comfyui.queue(prompt)

    assert result.outputs["3"]["text"] == [EXACT]
    (line,) = [line for line in result.outputs["2"]["text"] if "37.7 MB as WAV" in line]
    assert '"1.audio"' in line
    assert "FLAC of 16 bits" in line
    assert uploaded(emulator).startswith(b"fLaC")
    assert any(line.startswith("reading results") for line in result.texts("2"))


async def test_a_batch_of_pictures_with_one_mask_is_uploaded_picture_by_picture(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    result = await comfyui.queue(
        {
            "1": node("TestHolds", kind="pair", mark=mark()),
            "2": node("SolidMask", value=0.25, width=7, height=6),
            "3": node("RHUploadImage", image=["1", 0], mask=["2", 0]),
            "4": looks("3", 0),
        }
    )

    names = [name.strip("'") for name in result.outputs["4"]["text"]]
    assert sorted(names) == sorted(emulator.uploads)
    assert len(names) == 2
    for stored in emulator.uploads.values():
        alpha = np.asarray(Image.open(io.BytesIO(stored.data)))[..., 3]
        assert (alpha == 191).all()


async def test_masks_that_do_not_fit_the_pictures_are_counted(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    result = await comfyui.queue(
        {
            "1": node("TestHolds", kind="batch", mark=mark()),
            "2": node("TestHolds", kind="pair", mark=mark()),
            "3": node("ImageToMask", image=["2", 0], channel="red"),
            "4": node("RHUploadImage", image=["1", 0], mask=["3", 0]),
            "5": looks("4", 0),
        }
    )

    assert "2 masks do not fit 3 pictures" in result.failure["exception_message"]
    assert not emulator.counters.upload_bytes


async def test_what_cannot_be_decoded_withholds_nothing_else(
    comfyui: ComfyClient, emulator: Emulator, server: Server
) -> None:
    picture = pixels()
    damaged = {"n2": hollow_png(), "n4": cut(moving()), "n6": b"fLaC" + b"\0" * 90}
    workflow = emulator.add_workflow(
        made_of(
            n1=("png", png(picture)),
            n2=("png", damaged["n2"]),
            n3=("mp4", moving()),
            n4=("mp4", damaged["n4"]),
            n5=("wav", sounding()),
            n6=("flac", damaged["n6"]),
            n7=("txt", b"a caption"),
        )
    )
    typed = ("images", "video", "audio")
    result = await comfyui.queue(
        {
            "1": remote(workflow, outputs="1,2,3,4,5,6,7"),
            "images": save(["1", IMAGES]),
            "video": node("SaveVideo", video=["1", VIDEO], filename_prefix="v", **AUTO),
            "audio": node("SaveAudio", audio=["1", AUDIO], filename_prefix="a"),
            "text": looks("1", TEXT),
            "files": looks("1", FILES),
            **{f"out_{n}": looks("1", OUT_1 + n - 1) for n in range(1, 8)},
        }
    )

    shown = result.outputs.pop("1")
    assert set(result.outputs) == {*typed, "text", "files", "out_1", "out_3", "out_5", "out_7"}
    assert set(result.blocked) == {*typed, "out_2", "out_4", "out_6"}
    for name, kind in zip(typed, ("images", "images", "audio"), strict=True):
        assert len(result.outputs[name][kind]) == 1
        assert "cannot be used" in result.blocked[name]
    (file,) = result.outputs["images"]["images"]
    assert np.array_equal(await decoded(comfyui, file), picture)
    (task_id,) = emulator.tasks
    files = {path.read_bytes() for path in (server.base / "output/runninghub").glob(f"{task_id}*")}
    assert files >= set(damaged.values())
    assert len(result.outputs["files"]["text"]) == 4
    for word in ("as a picture", "as a video", "as sound"):
        assert len([line for line in shown["text"] if word in line and task_id in line]) == 1
    assert len(shown["images"]) == 1
