"""Cutting marked parts out of a prompt: as fast as ComfyUI's own look at it, and near linear."""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.rows import Row, timed
from rh_api.offload import Mark, core_class, cut, read_marks

SAMPLING = {
    "seed": 7,
    "steps": 20,
    "cfg": 8.0,
    "sampler_name": "euler",
    "scheduler": "normal",
    "denoise": 1.0,
}
SMALL, LARGE, HUGE, SEGMENTS = 300, 1_000, 10_000, 10
SMALL_SECONDS, LARGE_SECONDS = 0.005, 0.050
TIMES_SLOWER = 20.0  # ten times the steps; the rest is memory that no longer fits the cache


def rows() -> list[Row]:
    small, large, huge = (_best(*painting(size, SEGMENTS)) for size in (SMALL, LARGE, HUGE))
    few = _best(*painting(SMALL, 1))
    unmarked = painting(LARGE, SEGMENTS)[0]
    reading = _seconds(lambda: read_marks({}, unmarked))
    return [
        _row(f"cut {SMALL} nodes, 1 segment", few, SMALL_SECONDS),
        _row(f"cut {SMALL} nodes, {SEGMENTS} segments", small, SMALL_SECONDS),
        _row(f"cut {LARGE:,} nodes, {SEGMENTS} segments", large, LARGE_SECONDS),
        Row(
            f"cut {HUGE:,} nodes, {SEGMENTS} segments",
            f"{huge * 1e3:.0f} ms",
            f"{LARGE:,} nodes",
            huge / large,
            TIMES_SLOWER,
            "times as long for ten times as many",
        ),
        _row(f"look for marks in {LARGE:,} nodes without any", reading, SMALL_SECONDS),
    ]


def painting(size: int, segments: int) -> tuple[dict[str, Any], list[Mark]]:
    """Pictures painted, worked on here and painted over again, in rows of about equal length."""
    prompt: dict[str, Any] = {}
    marks: list[Mark] = []
    for part in range(segments):
        first = len(prompt)

        def add(class_type: str, **inputs: Any) -> str:
            node_id = str(len(prompt) + 1)
            prompt[node_id] = {
                "class_type": class_type,
                "inputs": inputs,
                "_meta": {"title": class_type},
            }
            return node_id

        marked: list[str] = []
        model = add("CheckpointLoaderSimple", ckpt_name="paint.safetensors")
        words = add("CLIPTextEncode", text="a cat", clip=[model, 1])
        picture = add("LoadImage", image="photo.png")
        while len(prompt) - first < size // segments - 5:
            latent = add("VAEEncode", pixels=[picture, 0], vae=[model, 2])
            sampled = add(
                "KSampler",
                model=[model, 0],
                positive=[words, 0],
                negative=[words, 0],
                latent_image=[latent, 0],
                **SAMPLING,
            )
            decoded = add("VAEDecode", samples=[sampled, 0], vae=[model, 2])
            picture = add("ImageInvert", image=[decoded, 0])
            marked += [sampled, decoded, picture]
        add("SaveImage", images=[picture, 0], filename_prefix="cat")
        marks.append(Mark(str(part), tuple(marked)))
    return prompt, marks


def _row(name: str, seconds: float, limit: float) -> Row:
    return timed(name, seconds, limit, clock=time.process_time)


def _best(prompt: dict[str, Any], marks: Sequence[Mark]) -> float:
    prompt = json.loads(json.dumps(prompt))  # as it comes: no two equal texts are one object
    plan = cut(prompt, marks, core_class)
    assert len(plan.segments) == len(marks)
    return min(_seconds(lambda: cut(prompt, marks, core_class)) for _ in range(9))


def _seconds(work: Callable[[], object]) -> float:
    gc.collect()
    start = time.process_time()  # nothing waits here, and neighbours do not count
    work()
    return time.process_time() - start
