"""Cloud work lives in the web server's loop: a local sampler blocks the prompt's own loop, and
that one ends with its prompt."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from comfy.model_management import InterruptProcessingException, processing_interrupted
from server import PromptServer

from ...rh_api.client import Client, Stopped
from ...rh_api.errors import RunningHubError
from ...rh_api.settings import Settings
from .. import language
from ..values.codecs.errors import MediaError
from ..values.failures import told_plainly
from . import config, node_outcomes, shutdown
from .node_display import NodeDisplay

T = TypeVar("T")

Account = tuple[str, str]
"""Site and fingerprint of the key."""

STEP = 0.1  # seconds between looks at the stop flag
EARLY_SECONDS = 5.0  # that a look at what will be ordered may hold up POST /prompt

# Two: more gain nothing on pictures of usual size, and leave nothing for a local sampler.
_WORKERS = ThreadPoolExecutor(2, thread_name_prefix="runninghub-media")
_clients: dict[Account, Client] = {}
_telling: set[asyncio.Future[None]] = set()


class _Stopped(Exception):
    """The person pressed Stop."""


async def run(
    work: Callable[[Client], Coroutine[Any, Any, T]], display: NodeDisplay, profile: str = ""
) -> T:
    """The result of `work`, done in the server's loop with the client of a profile's account.

    Every way out of here, Stop and a failing neighbour included, cancels it there, and with it
    the task in the cloud. Raises NodeFailure, and InterruptProcessingException after Stop.
    """
    with told_plainly():
        settings = config.settings(profile)
        future = asyncio.run_coroutine_threadsafe(
            _until_stopped(_begin(work, settings, display)), PromptServer.instance.loop
        )
        try:
            return await asyncio.wrap_future(future)
        except _Stopped:
            raise InterruptProcessingException from None
        finally:
            future.cancel()


async def in_worker(work: Callable[..., T], *args: object) -> T:
    """The result of something that computes, in a thread of its own."""
    return await asyncio.get_running_loop().run_in_executor(_WORKERS, work, *args)


def client(settings: Settings) -> Client:
    """The one client of an account. To be called in the server's loop only."""
    shutdown.at_end(leave)
    account = settings.origin, settings.account
    own = _clients.get(account)
    if own is None:
        config.register_journal()
        own = _clients[account] = Client(settings, stopped=partial(_stopped, account))
    return own


def ordering(settings: Settings) -> Client:
    """The account's client, whose orders go out as `settings` say: two profiles may share it."""
    shared = client(settings)
    shared.adopt(settings)
    return shared


def _stopped(account: Account, report: Stopped) -> None:
    """What became of a task that was stopped goes to its node."""
    client = _clients.get(account)
    if client is not None:
        _tell(node_outcomes.stopped(client, report))


def _tell(work: Coroutine[Any, Any, None]) -> None:
    """What goes to a node after its run is over."""
    telling = asyncio.ensure_future(work)
    _telling.add(telling)
    telling.add_done_callback(_telling.discard)


async def early(look: Awaitable[object]) -> None:
    """A look that refuses what cannot run; after EARLY_SECONDS it is given up.

    The run looks again, before anything is paid.
    """
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(look, EARLY_SECONDS)


async def leave() -> None:
    """End as a process does, when the server shuts down: what runs in the cloud goes on.

    Ctrl-C and ComfyUI-Manager's restart end the process without a word to the server. That comes
    to the same: the journal knows all that was sent, and the next start takes it up.
    """
    while _clients:
        _, client = _clients.popitem()
        await client.leave()


async def ask(
    question: Callable[[Client], Coroutine[Any, Any, T]], seconds: float, profile: str = ""
) -> T:
    """The answer to a short question; asyncio.TimeoutError when it takes too long."""
    settings = config.settings(profile)

    async def answer() -> T:
        return await asyncio.wait_for(question(client(settings)), seconds)

    future = asyncio.run_coroutine_threadsafe(answer(), PromptServer.instance.loop)
    return await asyncio.wrap_future(future)


async def _begin(
    work: Callable[[Client], Awaitable[T]], settings: Settings, display: NodeDisplay
) -> T:
    drawing = asyncio.ensure_future(display.keep_drawing())
    client = ordering(settings)
    try:
        done = await work(client)
    except (RunningHubError, MediaError) as error:
        drawing.cancel()  # or it would write its line over what is told now
        await node_outcomes.tell(client, display.place, node_outcomes.failed(error))
        raise
    except asyncio.CancelledError:
        if display.has_ordered_nothing:
            line = language.in_each([("node.stopped_before", {})])
            display.end = node_outcomes.End("stopped", line)
        if display.end is not None:
            _tell(node_outcomes.tell(client, display.place, display.end))
        raise
    finally:
        drawing.cancel()
    if display.end is not None:
        await node_outcomes.tell(client, display.place, display.end)
    return done


async def _until_stopped(work: Coroutine[Any, Any, T]) -> T:
    """`work`, unless the stop flag is up. The flag is not cleared: others want to see it too."""
    task = asyncio.ensure_future(work)
    try:
        while not task.done():
            if processing_interrupted():
                raise _Stopped
            await asyncio.wait((task,), timeout=STEP)
        return task.result()
    finally:
        task.cancel()
