"""Each standard model with a full schema is run by the client; a result of its kind comes back."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from unit.models.sampling import required_values, seed_rows, shipped

from rh_api.client import Client, Job, Result, Source
from rh_api.emulator import Emulator
from rh_api.emulator.accounts import Account, example_key
from rh_api.emulator.models.issued import IssuedId
from rh_api.errors import BadInput, RunningHubError
from rh_api.graph.fields import FieldKind
from rh_api.models.schema import Completeness, Model, Parameter, Status
from rh_api.settings import Settings
from rh_api.wire.filetypes import Kind
from tests.support.clocks import QuickClock
from tests.support.jobs import picture

FULL = [
    model
    for model in shipped().models.values()
    if model.is_usable and model.completeness is Completeness.FULL
]
"""Those of the documentation's rows that can be run are among them."""
FAMILIES: dict[str, list[Model]] = {}
for _model in FULL:
    FAMILIES.setdefault(re.split(r"[^a-z]", _model.endpoint)[0], []).append(_model)
LOST = [endpoint for _, endpoint, status in seed_rows() if status != "active"]
KINDS = {"image": Kind.IMAGE, "video": Kind.VIDEO, "audio": Kind.AUDIO}
KEY = example_key("shared")


@pytest.fixture(scope="module")
def world() -> Iterator[tuple[Emulator, str]]:
    emulator = Emulator(strict=True, run_seconds=0)
    emulator.accounts[KEY] = Account(kind="SHARED", money=10**6, limit=50)
    with emulator.run_in_thread() as url:
        yield emulator, url


FILM = Path(__file__).parents[2] / "rh_api" / "emulator" / "models" / "film.mp4"
WAV = Source(Kind.AUDIO, b"RIFF\x24\0\0\0WAVEfmt " + bytes(30), ".wav", "audio/wav")
MP3 = Source(Kind.AUDIO, b"ID3\x04" + bytes(60), ".mp3", "audio/mpeg")


def file_for(parameter: Parameter) -> Source:
    match parameter.kind:
        case FieldKind.VIDEO:
            return Source.of_file(FILM)
        case FieldKind.AUDIO:
            return WAV if "wav" in parameter.formats or not parameter.formats else MP3
        case _:
            return picture()


def issued_id(emulator: Emulator, endpoint: str, name: str) -> str | None:
    """An id that another model gave, where the parameter wants one."""
    parameter = next(entry for entry in emulator.models[endpoint].parameters if entry.name == name)
    if not parameter.made_by:
        return None
    value = emulator.next_id()
    lasts = time.time() + 60
    emulator.issued_ids[value] = IssuedId(KEY, parameter.made_by[0], parameter.purpose or "", lasts)
    return value


def least(emulator: Emulator, model: Model) -> dict[str, Any]:
    """The least that a model needs, with a file or an id at each parameter that takes one."""
    body = required_values(model)
    for param in model.parameters:
        if param.name not in body:
            continue
        if param.is_media:
            body[param.name] = [file_for(param)] if param.is_array else file_for(param)
        else:
            body[param.name] = issued_id(emulator, model.endpoint, param.name) or body[param.name]
    return body


def test_all_rows_of_the_documentation_that_are_active_run_here() -> None:
    active = {endpoint for _, endpoint, status in seed_rows() if status == "active"}
    assert (len(seed_rows()), len(active), len(LOST)) == (225, 213, 12)
    assert active <= {model.endpoint for model in FULL}


@pytest.mark.parametrize("endpoint", LOST)
async def test_a_row_that_is_not_active_costs_nothing_and_says_what_follows(
    endpoint: str, world: tuple[Emulator, str], tmp_path: Path
) -> None:
    emulator, url = world
    catalogue = shipped()
    model = catalogue.models[endpoint]
    before = emulator.counters.orders
    with pytest.raises(BadInput) as refused:
        await run(url, tmp_path, Job(model=endpoint, fields=least(emulator, model)))
    following = catalogue.successor(model)
    assert (following.endpoint if following else "no successor is known") in str(refused.value)
    if model.status is Status.WITHDRAWN:
        # The service itself, when it is asked all the same.
        job = Job(model=endpoint, fields=least(emulator, model), send_anyway=True)
        with pytest.raises(RunningHubError) as refusal:
            await run(url, tmp_path, job)
        assert refusal.value.code == 1000
    assert emulator.counters.orders == before


@pytest.mark.parametrize("family", sorted(FAMILIES))
async def test_a_model_runs_with_the_least_that_it_needs(
    family: str, world: tuple[Emulator, str], tmp_path: Path
) -> None:
    emulator, url = world
    failed: dict[str, object] = {}
    async with client_of(url, tmp_path) as client:
        for model in FAMILIES[family]:
            job = Job(model=model.endpoint, fields=least(emulator, model))
            try:
                outcome = await client.run(job)
            except RunningHubError as error:
                failed[model.endpoint] = error
            else:
                if not is_of(model.output, outcome.results):
                    failed[model.endpoint] = outcome
    assert failed == {}


def is_of(output: str, results: Sequence[Result]) -> bool:
    if output == "text":
        return bool(results[0].text)
    if output == "3d":
        return results[0].path is not None and results[0].path.suffix == ".glb"
    return KINDS[output] in [result.type.kind if result.type else None for result in results]


async def run(url: str, state: Path, job: Job) -> Any:
    async with client_of(url, state) as client:
        return await client.run(job)


def client_of(url: str, state: Path) -> Client:
    values = {
        "RUNNINGHUB_API_KEY": KEY,
        "RUNNINGHUB_BASE_URL": url,
        "RUNNINGHUB_STATE": str(state),
    }
    return Client(Settings.from_mapping(values), clock=QuickClock(8.0))
