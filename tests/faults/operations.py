"""The seven operations, each up to the moment when its fault may strike and on to its end."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from rh_api.client import Progress, Stage
from rh_api.emulator import catalog
from tests.faults.rig import World, poll_of
from tests.support.jobs import PAINTER, invert, paint, paint_by_model, with_lora
from tests.support.service import Meanwhile

UPLOAD = "/openapi/v2/media/upload/binary"
OLD_UPLOAD = "/task/openapi/upload"
CREATE = "/task/openapi/create"
RESULTS = "/results/"
SLOT = "/api/openapi/getLoraUploadUrl"
PUT = "/api-lora-cn/"
CANCEL = "/task/openapi/cancel"
ACCOUNT = "/uc/openapi/accountStatus"

LORA_BYTES = 200_000
LONG = 3600.0  # seconds that a task runs which somebody will stop

Operation = Callable[[World], Awaitable[None]]


def at(stage: Stage, act: Callable[[], None], fraction: float | None = None) -> object:
    """A watcher that acts when a stage begins, or has come to `fraction`."""

    def watch(news: Progress) -> None:
        if news.stage is stage and (fraction is None or news.fraction == fraction):
            act()

    return watch


async def upload(world: World) -> None:
    """A picture on its way to an order."""
    await world.client.programs.workflow(catalog.INVERT)
    world.arm()
    await world.client.run(invert())


async def create(world: World) -> None:
    """The one paid call."""
    if world.early:
        world.arm()
    await world.client.run(paint(), at(Stage.ORDERING, world.arm))  # type: ignore[arg-type]


async def follow(world: World) -> None:
    """A task that runs."""
    await world.client.run(paint(), at(Stage.ORDERING, world.arm, 1.0))  # type: ignore[arg-type]


async def download(world: World) -> None:
    """A picture that is made and paid for."""
    await world.client.run(paint(), at(Stage.DOWNLOADING, world.arm))  # type: ignore[arg-type]


async def lora(world: World) -> None:
    """A LoRA's bytes on their way to the object store, then an order that loads it."""
    path = a_lora(world.state.parent)
    await world.client.account.status()  # a connection that is there already
    world.emulator.faults.insert(0, Meanwhile(SLOT, world.arm))
    name = await world.client.uploads.send_lora(path)
    await world.client.run(with_lora(name))


async def cancel(world: World) -> None:
    """Stop is pressed while the task runs."""
    world.emulator.run_seconds = LONG
    running = asyncio.Event()
    job = asyncio.ensure_future(
        world.client.run(paint(), at(Stage.RUNNING, running.set))  # type: ignore[arg-type]
    )
    await running.wait()
    world.arm()
    job.cancel()
    await asyncio.wait([job])
    await world.client.close()


async def account(world: World) -> None:
    """What is left on the account; asked by itself, it is no condition of an order."""
    world.arm()
    await world.client.account.status()


def a_lora(folder: Path) -> Path:
    path = folder / "my style.safetensors"
    if not path.exists():
        path.write_bytes(os.urandom(LORA_BYTES))
    return path


async def create_model(world: World) -> None:
    """The one paid call of a standard model."""
    if world.early:
        world.arm()
    await world.client.run(paint_by_model(), at(Stage.ORDERING, world.arm))  # type: ignore[arg-type]


OPERATIONS: dict[str, Operation] = {
    "upload": upload,
    "create": create,
    "follow": follow,
    "download": download,
    "lora put": lora,
    "cancel": cancel,
    "account": account,
}

BESIDE: dict[str, Operation] = {"model create": create_model}
"""What has a part of the table alone: the same call as another, on a route of its own."""


def path_of(operation: str, route: str) -> str:
    """Where the emulator's faults strike an operation."""
    paths = {
        "upload": UPLOAD,
        "create": CREATE,
        "follow": poll_of(route),
        "download": RESULTS,
        "lora put": PUT,
        "cancel": CANCEL,
        "account": ACCOUNT,
        "model create": f"/openapi/v2/{PAINTER}",
    }
    return paths[operation]
