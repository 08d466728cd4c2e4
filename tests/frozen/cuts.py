"""Prompts with marked parts, as they were sent, and what they become: here and in the cloud."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rh_api.cli.entry import main
from rh_api.errors import BadInput
from rh_api.offload import (
    Inlet,
    Item,
    Segment,
    core_class,
    cut,
    read_marks,
    with_file,
    with_inlet,
    with_lora,
)
from tests.frozen.identities import JOURNAL, read_identities
from tests.frozen.jobs import picture, sound
from tests.frozen.service import ORIGIN, named, service

Case = dict[str, Any]
VALUES = {"INT": 2**53 + 1, "FLOAT": 1e-7, "STRING": "words, 词", "BOOLEAN": True}
SEVERAL = {"IMAGE": [Item(4)] * 3, "MASK": [Item()] * 2, "AUDIO": [Item(2)]}


def cut_case(case: Case) -> Case:
    """What a case becomes, as JSON values: the local prompt and the remote graphs, or a refusal."""
    prompt = case["prompt"]
    try:
        marks = read_marks(case["extra_data"], prompt)
        plan = cut(prompt, marks, core_class, case.get("targets"))
    except BadInput as error:
        return {"refused": error.key, "node": getattr(error, "local_id", "")}
    sent = {segment.id: [*_filled(segment)] for segment in plan.segments}
    whole = {"prompt": plan.prompt, "sent": sent, "split": plan.split}
    return json.loads(json.dumps(whole))


def _filled(segment: Segment) -> Iterator[Any]:
    """The graph for one item an inlet and for several, with the fields that uploads fill."""
    for several in (False, True):
        graph: Mapping[str, Any] = segment.graph
        fields: dict[str, int] = {}
        try:
            for inlet in segment.inlets:
                graph, places = with_inlet(graph, inlet, _items(inlet, several=several))
                fields |= places
        except BadInput as error:
            yield {"refused": error.key}
            continue
        for file in segment.files:
            graph = with_file(graph, file, "remote/file")
        for lora in segment.loras:
            graph = with_lora(graph, lora, "remote/lora")
        yield {"graph": graph, "fields": fields}


def _items(inlet: Inlet, *, several: bool) -> list[Item]:
    if inlet.type in VALUES:
        return [Item(value=VALUES[inlet.type])]
    single = [Item(3)]
    return SEVERAL.get(inlet.type, single) if several else single


# As orders


def ordered(folder: Path, case: Case) -> Case:
    """What the command line orders for a case: the texts that went out, and the identities."""
    folder.mkdir()
    (folder / "photo.png").write_bytes(_bytes(picture()))
    (folder / "sound.wav").write_bytes(_bytes(sound()))
    (folder / "style.safetensors").write_bytes(b"\x02\x00\x00\x00\x00\x00\x00\x00{}")
    file = folder / "prompt.json"
    file.write_text(json.dumps(case), "utf-8")
    emulator = service()
    variables = {
        "RUNNINGHUB_API_KEY": emulator.default_key,
        "RUNNINGHUB_BASE_URL": ORIGIN,
        "RUNNINGHUB_STATE": str(folder / "state"),
    }
    out, err = io.StringIO(), io.StringIO()
    with emulator.run_in_thread() as base_url, named(base_url):
        code = main(["offload", str(file), "--out", str(folder / "out")], out, err, variables)
    sent = [entry.json["workflow"] for entry in emulator.journal if entry.path.endswith("/create")]
    assert code == 0, err.getvalue()
    return {"sent": sorted(sent), "orders": read_identities(folder / "state" / JOURNAL)}


def _bytes(source: Any) -> bytes:
    assert isinstance(source.body, bytes)
    return source.body
