"""Models that a segment loads, held against what the cloud lists: a warning, or a refusal."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from rh_api.client import Client
from rh_api.emulator import Emulator, Fault
from rh_api.graph.prompt import read_nodes
from rh_api.offload import CannotOffload, LocalFile, LocalLora, ModelName, Ordering, Segment
from rh_api.offload.driver import LocalFiles, Models, check_early, find_dry_run_facts, job_of
from rh_api.offload.plan import Plan
from rh_api.texts import english
from tests.client.conftest import MakeClient

LIST = "/openapi/v2/resource/list"
STRICT = Ordering(models="strict")


class NoFiles:
    """A machine without files."""

    def file(self, file: LocalFile) -> Path:
        raise AssertionError(file)

    def lora(self, name: str) -> Path | None:
        return None


def loads(name: str, ordering: Ordering | None = None, kind: str = "CHECKPOINT") -> Segment:
    """A segment whose node 4 loads a model."""
    return Segment(
        "100",
        "",
        "default",
        {"4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": name}}},
        models=(ModelName("4", "ckpt_name", name, kind),),
        ordering=ordering or Ordering(),
    )


class AllLoras(NoFiles):
    """A machine with every LoRA."""

    def lora(self, name: str) -> Path | None:
        return Path(name)


async def warnings(
    client: Client, segment: Segment, models: Models | None = None, files: LocalFiles | None = None
) -> list[str]:
    models = models or Models(time.monotonic)
    notices = await check_early(client, segment, models=models, files=files or NoFiles())
    return [english(notice.key, notice.params) for notice in notices]


@pytest.mark.parametrize(
    "name",
    [
        "example_model.safetensors",
        "nocturne_xl_fp16.safetensors",  # its title says nothing of its file
        "Harbour by Night.safetensors",  # its title
    ],
)
async def test_a_model_is_found_by_its_file_or_its_title(
    client: Client, emulator: Emulator, name: str
) -> None:
    assert emulator.resource_filter == "title"
    assert await warnings(client, loads(name, STRICT)) == []


async def test_what_was_listed_for_another_model_is_not_asked_again(
    client: Client, emulator: Emulator
) -> None:
    models = Models(time.monotonic)
    await warnings(client, loads("nocturne_xl_fp16.safetensors"), models)
    listings = emulator.counters.under(LIST)
    assert await warnings(client, loads("second_model.safetensors", STRICT), models) == []
    assert emulator.counters.under(LIST) == listings


async def test_what_is_not_listed_is_a_warning_that_names_the_way_round(client: Client) -> None:
    (warning,) = await warnings(client, loads("exampel_model.safetensors"))
    for word in ("exampel_model", "example_model.safetensors", "strict", "may be billed"):
        assert word in warning


async def test_who_is_strict_is_refused_on_the_node(client: Client, emulator: Emulator) -> None:
    with pytest.raises(CannotOffload, match=r"example_model\.safetensors") as caught:
        await warnings(client, loads("exampel_model.safetensors", STRICT))
    assert caught.value.local_id == "4"
    assert emulator.counters.orders == 0


async def test_every_model_of_a_segment_is_looked_for_among_its_own_kind(client: Client) -> None:
    segment = loads("example_model.safetensors")
    lora = ModelName("4", "lora_name", "example_model.safetensors", "LORA")
    vae = ModelName("4", "vae_name", "unheard_of.safetensors", "VAE")  # nobody lists these
    models = (vae, *segment.models, lora)
    assert await warnings(client, replace(segment, models=(vae, *segment.models))) == []
    (warning,) = await warnings(client, replace(segment, models=models))
    assert "example_model" in warning


async def test_a_setting_is_strict_until_a_mark_says_otherwise(make_client: MakeClient) -> None:
    client = make_client(RUNNINGHUB_MODELS="strict")
    segment = loads("unheard_of.safetensors")
    with pytest.raises(CannotOffload):
        await warnings(client, segment)
    assert len(await warnings(client, replace(segment, ordering=Ordering(models="warn")))) == 1


async def test_a_lora_of_this_machine_that_does_not_go_up_is_asked_for(client: Client) -> None:
    segment = loads("only_here.safetensors", STRICT, kind="LORA")
    with pytest.raises(CannotOffload, match=r"only_here\.safetensors"):
        await warnings(client, segment, files=AllLoras())
    goes_up = LocalLora("4", "ckpt_name", "only_here.safetensors")
    assert await warnings(client, replace(segment, loras=(goes_up,)), files=AllLoras()) == []


async def test_only_loras_that_the_cloud_does_not_list_go_up(
    client: Client, tmp_path: Path
) -> None:
    class Folder(NoFiles):
        def lora(self, name: str) -> Path:
            path = tmp_path / name
            path.write_bytes(b"a style")
            return path

    names = {"4": "ink_v1.safetensors", "5": "only_here.safetensors"}
    loras = tuple(LocalLora(node_id, "lora_name", name) for node_id, name in names.items())
    graph = {
        lora.node_id: {"class_type": "LoraLoader", "inputs": {lora.input: lora.value}}
        for lora in loras
    }
    plan = Plan({}, (Segment("100", "", "default", graph, loras=loras),))
    models = Models(time.monotonic)
    job = await job_of(client, plan.segments[0], [], models=models, files=Folder())
    classes = {node.id: node.class_type for node in read_nodes(job.graph or {}).values()}
    assert classes == {"4": "LoraLoader", "5": "RHLoraLoader"}
    assert job.fields.keys() == {"5.file_name", "5.lora_name"}
    told = [
        (await find_dry_run_facts(who, plan, models=models, files=files)).loras.keys()
        for who, files in ((client, Folder()), (client, NoFiles()), (None, Folder()))
    ]
    ours, theirs = ("5", "lora_name"), ("4", "lora_name")
    assert told == [{ours}, set(), {ours, theirs}]


async def test_a_dry_run_looks_for_no_lora_that_cannot_go_up(
    client: Client, emulator: Emulator
) -> None:
    # The service takes twenty look-ups a minute, and the price is asked for at each change.
    lora = LocalLora("4", "lora_name", "nowhere.safetensors")
    graph = {"4": {"class_type": "LoraLoader", "inputs": {lora.input: lora.value}}}
    plan = Plan({}, (Segment("100", "", "default", graph, loras=(lora,)),))
    models = Models(time.monotonic)
    facts = await find_dry_run_facts(client, plan, models=models, files=NoFiles())
    assert not facts.loras
    assert emulator.counters.requests[LIST] == 0


async def test_a_list_that_does_not_answer_is_no_warning(
    client: Client, emulator: Emulator
) -> None:
    emulator.faults.append(Fault(LIST, "code", value=301, count=None))
    assert await warnings(client, loads("unheard_of.safetensors", STRICT)) == []
