"""Files that change between their hash and their upload: no order gets, or is known by, another
content than its own."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from rh_api.client import Client, Job, LoraFile, Source
from rh_api.emulator import Emulator, Fault, catalog
from rh_api.errors import BadInput, Fate
from rh_api.settings import Settings
from tests.support.clocks import QuickClock
from tests.support.pictures import plain_png

MEDIA = "/openapi/v2/media/upload"
SLOT = "/api/openapi/getLoraUploadUrl"
RED, BLUE = plain_png((255, 0, 0), (64, 64)), plain_png((0, 0, 255), (64, 64))


class Saving(QuickClock):
    """Somebody else's program saves a file anew in the first pause."""

    def __init__(self, save: Callable[[], object]) -> None:
        super().__init__(8.0)
        self._save = [save]

    async def sleep(self, seconds: float) -> None:
        if self._save:
            self._save.pop()()
        await super().sleep(seconds)


@pytest.mark.parametrize("kind", ["picture", "lora"])
async def test_a_file_that_is_saved_anew_before_its_upload_is_refused(
    emulator: Emulator, base_url: str, tmp_path: Path, kind: str
) -> None:
    file = tmp_path / f"frame.{kind}"
    file.write_bytes(RED)
    settings = Settings.from_mapping(
        {
            "RUNNINGHUB_API_KEY": emulator.default_key,
            "RUNNINGHUB_BASE_URL": base_url,
            "RUNNINGHUB_STATE": str(tmp_path / "state"),
        }
    )

    def job() -> Job:
        if kind == "lora":
            return Job(catalog.LORA_TEXT_TO_IMAGE, {"20.file_name": LoraFile(file)})
        return Job(catalog.INVERT, {"10.image": Source.of_file(file)})

    path = MEDIA if kind == "picture" else SLOT
    emulator.faults.append(Fault(path, "status", value=503))
    clock = Saving(lambda: file.write_bytes(BLUE))
    async with Client(settings, clock=clock) as client:
        with pytest.raises(BadInput, match=r"changed before .* Nothing was started") as caught:
            await client.run(job())
        assert caught.value.fate is Fate.NOT_STARTED
        assert emulator.counters.orders == 0
        assert emulator.counters.put_bytes == 0
        assert await client.uploads.remote_copy(hashlib.sha256(RED).hexdigest()) is None
        assert (await client.run(job())).results
        file.write_bytes(RED)
        assert not (await client.run(job())).kept
    assert emulator.counters.orders == 2
