"""A result is what its own structure says, whatever length was announced; paid for,
it is delivered."""

from __future__ import annotations

import asyncio
import errno
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from rh_api.client import Client, Job, Outcome
from rh_api.emulator import Emulator, Fault
from rh_api.emulator.catalog import TEXT_OUT
from rh_api.wire.integrity import Verdict
from tests.client.conftest import MakeClient
from tests.support.jobs import paint
from tests.support.waiting import until

RESULTS = "/results/"


def path_of(outcome: Outcome) -> Path:
    (result,) = outcome.results
    assert result.path is not None
    return result.path


def made_by(emulator: Emulator) -> bytes:
    """The one picture that the emulated service made."""
    (task,) = emulator.tasks.values()
    (result,) = task.results
    assert result.file is not None
    return result.file.data


def files(outcome: Outcome) -> list[str]:
    return sorted(path.name for path in path_of(outcome).parent.iterdir())


async def test_a_cut_result_is_fetched_once_more(client: Client, emulator: Emulator) -> None:
    emulator.faults.append(Fault(RESULTS, "cut"))
    outcome = await client.run(paint())
    assert path_of(outcome).read_bytes() == made_by(emulator)
    assert files(outcome) == ["0000.png"]
    assert outcome.notices == ()
    entries = [entry for entry in emulator.journal if entry.path.startswith(RESULTS)]
    assert ["Range" in entry.headers for entry in entries] == [False, False]
    assert emulator.counters.orders == 1


async def test_a_result_that_comes_cut_twice_is_delivered_and_remembered(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.faults.append(Fault(RESULTS, "cut", count=None))
    outcome = await make_client().run(paint())
    whole = made_by(emulator)
    assert path_of(outcome).read_bytes() == whole[: len(whole) // 2]
    assert [notice.key for notice in outcome.notices] == ["progress.looks_cut"]
    assert files(outcome) == ["0000.png"]
    assert emulator.counters.under(RESULTS) == 2

    again = await make_client().run(paint())
    assert again.kept
    assert [notice.key for notice in again.notices] == ["progress.looks_cut"]
    assert emulator.counters.under(RESULTS) == 2
    assert emulator.counters.orders == 1


async def test_a_cut_result_that_cannot_be_asked_for_again_is_kept_and_asked_for_another_time(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.faults += [Fault(RESULTS, "cut"), Fault(RESULTS, "status", value=404)]
    outcome = await make_client().run(paint())
    assert path_of(outcome).stat().st_size == len(made_by(emulator)) // 2
    assert [notice.key for notice in outcome.notices] == ["progress.looks_cut"]
    again = await make_client().run(paint())
    assert path_of(again).read_bytes() == made_by(emulator)
    assert again.notices == ()
    assert emulator.counters.orders == 1


async def test_what_comes_twice_alike_without_its_length_is_taken(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.faults.append(Fault(RESULTS, "unmeasured", count=None))
    for _ in range(2):
        outcome = await make_client().run(Job(TEXT_OUT))
        assert {file.verdict for file in outcome.results if file.path} == {Verdict.CANNOT_TELL}
        assert outcome.notices == ()
    assert emulator.counters.under(RESULTS) == 2


@pytest.mark.parametrize("parts", [(0.3, 0.6), (0.6, 0.3)])
async def test_the_longer_of_two_cut_results_stays(
    client: Client, emulator: Emulator, parts: tuple[float, float]
) -> None:
    emulator.faults += [Fault(RESULTS, "cut", value=part) for part in parts]
    outcome = await client.run(paint())
    assert path_of(outcome).stat().st_size == int(len(made_by(emulator)) * 0.6)
    assert outcome.notices
    assert files(outcome) == ["0000.png"]


async def test_a_cut_result_that_somebody_has_open_is_delivered_as_it_is(
    client: Client, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Windows says of a film that a player shows."""
    replace = Path.replace

    def locked(source: Path, target: Path) -> Path:
        if target.exists():
            raise OSError(errno.EACCES, "Sharing violation")
        return replace(source, target)

    monkeypatch.setattr(Path, "replace", locked)
    emulator.faults.append(Fault(RESULTS, "cut"))
    outcome = await client.run(paint())
    assert path_of(outcome).stat().st_size == len(made_by(emulator)) // 2
    assert emulator.counters.orders == 1


async def test_what_an_earlier_version_kept_cut_is_fetched_again_for_nothing(
    make_client: MakeClient, emulator: Emulator, tmp_path: Path
) -> None:
    """Only a structure tells: its length is the one that was announced."""
    first = make_client()
    path = path_of(await first.run(paint()))
    await first.close()
    path.write_bytes(path.read_bytes()[:100])
    with closing(sqlite3.connect(tmp_path / "state" / "orders.sqlite3")) as db, db:
        db.execute("UPDATE results SET verdict = '', size = 100")
    outcome = await make_client().run(paint())
    assert outcome.kept
    assert path_of(outcome).read_bytes() == made_by(emulator)
    assert emulator.counters.orders == 1
    requests = emulator.counters.total
    await make_client().run(paint())
    assert emulator.counters.under(RESULTS) == 2
    assert emulator.counters.total <= requests + 1


async def test_what_cannot_be_decoded_is_fetched_again_and_the_old_file_stays_until_then(
    make_client: MakeClient, emulator: Emulator
) -> None:
    client = make_client()
    outcome = await client.run(paint())
    whole = made_by(emulator)
    damaged = whole[:60] + bytes(len(whole) - 70) + whole[-10:]
    path_of(outcome).write_bytes(damaged)

    emulator.faults.append(Fault(RESULTS, "status", value=404))
    same = await client.fetch_again(outcome, outcome.results)
    assert path_of(same).read_bytes() == damaged
    renewed = await client.fetch_again(outcome, outcome.results)
    assert path_of(renewed).read_bytes() == whole
    assert renewed.results[0].verdict is Verdict.WHOLE
    assert emulator.counters.orders == 1
    again = await make_client().run(paint())
    assert path_of(again).read_bytes() == whole


@pytest.mark.parametrize("count", [1, 3])
async def test_a_half_file_is_not_gone_on_with_another_content(
    client: Client, emulator: Emulator, count: int
) -> None:
    emulator.faults += [
        Fault(RESULTS, "truncated"),
        Fault(RESULTS, "other_etag", count=count),
    ]
    outcome = await client.run(paint())
    assert path_of(outcome).read_bytes() == made_by(emulator)
    assert outcome.notices == ()
    assert emulator.counters.under(RESULTS) == 3  # half, the rest of another, all of it


async def test_a_line_that_always_breaks_does_not_give_a_result_up(
    make_client: MakeClient, emulator: Emulator
) -> None:
    """Seven times nothing but a beginning comes, each time a little more."""
    emulator.faults += [Fault(RESULTS, "truncated", value=0.1 + 0.1 * n) for n in range(7)]
    outcome = await make_client(pace=50.0).run(paint())
    assert path_of(outcome).read_bytes() == made_by(emulator)
    assert emulator.counters.orders == 1


async def test_a_stop_amid_a_second_fetch_leaves_the_result_owed(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.faults += [Fault(RESULTS, "cut"), Fault(RESULTS, "hang")]
    client = make_client()
    running = asyncio.ensure_future(client.run(paint()))
    await until(lambda: emulator.counters.under(RESULTS) == 2)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await client.close()

    emulator.faults.clear()
    outcome = await make_client().run(paint())
    assert path_of(outcome).read_bytes() == made_by(emulator)
    assert files(outcome) == ["0000.png"]
    assert outcome.notices == ()
    assert emulator.counters.orders == 1


async def test_half_of_a_second_fetch_does_not_outlive_a_whole_result(
    client: Client, tmp_path: Path
) -> None:
    """A process was killed while it fetched a cut result once more."""
    folder = tmp_path / "state" / "runninghub-results" / "1"
    await client.run(paint())
    (folder / "0000.png").unlink()
    (folder / "0000-again.part").touch()
    (folder / "0000-again.part.tag").write_text("0\n")
    assert files(await client.run(paint())) == ["0000.png"]
