"""A disk that is full for a moment or longer: nothing is paid twice, and what is said is so."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from rh_api.emulator import Emulator
from rh_api.errors import BadInput, DiskFull, Fate, Uncertain
from tests.client.conftest import MakeClient
from tests.support.jobs import invert, paint
from tests.support.pictures import plain_png
from tests.support.service import CREATE, Meanwhile, results_are, uploads

QUERY = "/openapi/v2/query"
PAGE_BYTES = 4096


@dataclass
class Disk:
    """`fill`: from now on no file grows to a page of the journal's; until `empty`."""

    fill: Callable[[], None]
    empty: Callable[[], None]


@pytest.fixture
def disk() -> Iterator[Disk]:
    resource = pytest.importorskip("resource", reason="no such limit on Windows")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(size: int) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))

    # A change of the journal first saves the page that it changes in a file of its own.
    yield Disk(lambda: limit(PAGE_BYTES), lambda: limit(limits[0]))
    limit(limits[0])


async def test_an_order_whose_task_could_not_be_noted_at_once_is_not_placed_again(
    make_client: MakeClient, emulator: Emulator, disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    emulator.faults += [Meanwhile(CREATE, disk.fill), Meanwhile(QUERY, disk.empty)]
    with caplog.at_level(logging.WARNING, "runninghub"):
        first = await make_client().run(paint())
    again = await make_client().run(paint())

    assert (again.task_id, again.kept) == (first.task_id, True)
    assert emulator.counters.orders == 1
    assert "No order is placed without it" not in caplog.text  # one was placed
    assert "What is under way goes on" in caplog.text


async def test_what_a_full_disk_says_of_a_task_that_it_could_not_note_is_so(
    make_client: MakeClient, emulator: Emulator, disk: Disk
) -> None:
    large = results_are(plain_png() + bytes(1_000_000))
    emulator.faults += [Meanwhile(CREATE, disk.fill), large]
    client = make_client()
    with pytest.raises(DiskFull) as caught:
        await client.run(paint())
    (task_id,) = emulator.tasks
    order = caught.value.params["order"]
    assert f"task --order {order} --is {task_id}" in str(caught.value)
    assert "run again" not in str(caught.value)

    disk.empty()
    await client.close()
    client = make_client()
    with pytest.raises(Uncertain):
        await client.run(paint())
    assert (await client.task(task_id).fetch()).results
    await client.settle_uncertain(int(str(order)), task_id=task_id)
    assert (await client.run(paint())).task_id == task_id
    assert emulator.counters.orders == 1


async def test_a_results_folder_that_cannot_be_written_is_found_before_anything_is_sent(
    make_client: MakeClient, emulator: Emulator, tmp_path: Path
) -> None:
    folder = tmp_path / "state" / "runninghub-results"
    folder.parent.mkdir()
    folder.write_bytes(b"no folder")
    client = make_client()
    with pytest.raises(BadInput) as caught:
        await client.run(invert())
    assert str(folder) in str(caught.value)
    assert caught.value.fate is Fate.NOT_STARTED
    assert (uploads(emulator), emulator.counters.orders) == (0, 0)

    folder.unlink()
    assert (await client.run(invert())).results
    assert [path.name for path in folder.iterdir()] == ["1"]
