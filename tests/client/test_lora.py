"""LoRA files: hashed once, sent once, never when the service knows them."""

from __future__ import annotations

import hashlib
import os
from contextlib import closing
from pathlib import Path

import pytest

from rh_api.client import Client, Job, Progress, Stage
from rh_api.emulator import Emulator, Fault, catalog
from rh_api.errors import BadInput
from rh_api.journal import FileStamp, Store
from tests.client.conftest import MakeClient

SLOT = "/api/openapi/getLoraUploadUrl"


@pytest.fixture
def lora(tmp_path: Path) -> Path:
    path = tmp_path / "my style.safetensors"
    path.write_bytes(os.urandom(300_000))
    return path


async def test_a_lora_is_usable_in_the_clouds_loader(
    client: Client, emulator: Emulator, lora: Path
) -> None:
    news: list[Progress] = []
    name = await client.uploads.send_lora(lora, news.append)
    assert hashlib.md5(lora.read_bytes()).hexdigest() in name
    assert emulator.counters.put_bytes == lora.stat().st_size
    assert Stage.UPLOADING in {item.stage for item in news}
    outcome = await client.run(Job(catalog.LORA_TEXT_TO_IMAGE, {"20.file_name": name}))
    assert outcome.results


async def test_a_known_lora_is_not_sent_and_not_hashed_again(
    make_client: MakeClient, emulator: Emulator, tmp_path: Path, lora: Path
) -> None:
    first = await make_client().uploads.send_lora(lora)
    assert await make_client().uploads.send_lora(lora) == first
    assert emulator.counters.put_bytes == lora.stat().st_size
    # The hash at hand is trusted, so the content is not read.
    with closing(Store.open(tmp_path / "state")) as store:
        store.caches.remember_hash(lora.resolve(), FileStamp.of(lora.stat()), "md5", "f" * 32)
    assert "f" * 32 in await make_client().uploads.send_lora(lora)


async def test_a_lora_that_was_overwritten_in_place_is_another_one(
    make_client: MakeClient, lora: Path
) -> None:
    first = await make_client().uploads.send_lora(lora)
    about = lora.stat()
    lora.write_bytes(b"?" * about.st_size)
    os.utime(lora, ns=(about.st_atime_ns, about.st_mtime_ns))
    assert (lora.stat().st_size, lora.stat().st_ino) == (about.st_size, about.st_ino)
    assert await make_client().uploads.send_lora(lora) != first


async def test_a_changed_lora_is_another_one(client: Client, lora: Path) -> None:
    first = await client.uploads.send_lora(lora)
    lora.write_bytes(os.urandom(300_001))
    assert await client.uploads.send_lora(lora) != first


async def test_an_expired_address_is_asked_for_anew(
    client: Client, emulator: Emulator, lora: Path
) -> None:
    emulator.faults.append(Fault("/", "status", value=403, method="PUT"))
    name = await client.uploads.send_lora(lora)
    assert emulator.counters.requests[SLOT] == 2
    assert name in emulator.loras or any(name.endswith(key) for key in emulator.loras)


async def test_a_broken_put_is_sent_again_from_its_beginning(
    client: Client, emulator: Emulator, lora: Path
) -> None:
    emulator.faults.append(Fault("/", "reset", method="PUT"))
    await client.uploads.send_lora(lora)
    assert emulator.counters.put_bytes >= lora.stat().st_size


@pytest.mark.parametrize("kind", ["missing", "empty", "folder"])
async def test_what_is_no_lora_file_is_refused_without_a_request(
    client: Client, emulator: Emulator, tmp_path: Path, kind: str
) -> None:
    path = tmp_path / f"{kind}.safetensors"
    if kind == "empty":
        path.touch()
    if kind == "folder":
        path.mkdir()
    with pytest.raises(BadInput, match=kind):
        await client.uploads.send_lora(path)
    assert emulator.counters.total == 0
