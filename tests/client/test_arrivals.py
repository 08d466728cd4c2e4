"""Results on their way are told by their number, and large ones by their megabytes."""

from __future__ import annotations

import pytest

from rh_api.client import Client, Job, Progress, Source, Stage
from rh_api.emulator import Emulator, Fault
from rh_api.texts import english
from rh_api.wire.filetypes import Kind
from tests.support.jobs import paint

RESULTS = "/results/"


def films(emulator: Emulator, *sizes: int) -> Job:
    """A workflow that gives back the files that it is given, of so many bytes each."""
    graph: dict[str, dict[str, object]] = {}
    fields: dict[str, object] = {}
    for number, size in enumerate(sizes, 1):
        loads, saves = str(number), str(number + 10)
        graph[loads] = {"class_type": "LoadVideo", "inputs": {"file": "stored.mp4"}}
        inputs = {"video": [loads, 0], "filename_prefix": saves}
        graph[saves] = {"class_type": "SaveVideo", "inputs": inputs}
        body = bytes([number]) * size
        fields[f"{loads}.file"] = Source(Kind.VIDEO, body, ".mp4", "video/mp4")
    return Job(emulator.add_workflow(graph), fields)


async def download_news(client: Client, job: Job) -> list[Progress]:
    news: list[Progress] = []
    await client.run(job, news.append)
    return [progress for progress in news if progress.stage is Stage.DOWNLOADING]


async def test_a_large_result_is_told_in_megabytes_as_it_comes(
    client: Client, emulator: Emulator
) -> None:
    emulator.faults.append(Fault(RESULTS, "drip", value=12_000_000))
    news = await download_news(client, films(emulator, 15_000_000))
    lines = [english(progress.stage.value, progress.params) for progress in news]
    assert lines[0] == "downloading 0 of 1"
    assert lines[-1] == "downloading 1 of 1 · 15 of 15 MB"
    between = lines[1:-1]
    assert between
    assert all(line.startswith("downloading 0 of 1 · ") for line in between)
    assert between == list(dict.fromkeys(between))
    shares = [progress.overall for progress in news]
    assert shares == sorted(shares)
    assert 0.95 < shares[1] < 1


async def test_several_are_one_sum_once_the_size_of_each_is_known(
    client: Client, emulator: Emulator
) -> None:
    emulator.faults.append(Fault(RESULTS, "drip", value=6_000_000, count=None))
    news = await download_news(client, films(emulator, 8_000_000, 7_000_000))
    lines = [english(progress.stage.value, progress.params) for progress in news]
    assert lines[-1] == "downloading 2 of 2 · 15 of 15 MB"
    assert any(line.startswith("downloading 0 of 2 · ") for line in lines)
    assert len(lines) < 25  # in well over a second


@pytest.mark.parametrize("kind", ["drip", "chunked"])
async def test_small_results_and_those_of_unknown_size_are_told_by_their_number(
    client: Client, emulator: Emulator, kind: str
) -> None:
    emulator.faults.append(Fault(RESULTS, kind, value=8_000))  # type: ignore[arg-type]
    job = paint() if kind == "drip" else films(emulator, 15_000_000)
    news = await download_news(client, job)
    lines = [english(progress.stage.value, progress.params) for progress in news]
    assert lines == ["downloading 0 of 1", "downloading 1 of 1"]
