"""Clients shared in the web server's event loop: the prompt's own loop is blocked by local
samplers and closed when the prompt ends."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, TypeVar

from comfy.model_management import InterruptProcessingException, processing_interrupted
from server import PromptServer

from ...rh_api.client import Client, History, Stopped, open_history
from ...rh_api.errors import BadInput, RunningHubError
from ...rh_api.settings import Settings
from .. import language
from ..values.codecs.errors import MediaError
from ..values.failures import as_node_failures
from . import comfyui, config, node_outcomes, shutdown
from .node_display import NodeDisplay

T = TypeVar("T")

Account = tuple[str, str]
"""Origin, and fingerprint of the key."""

STEP = 0.1  # seconds between polls of ComfyUI's interrupt flag
EARLY_SECONDS = 5.0  # timeout of the early check, which delays POST /prompt

_clients: dict[Account, Client] = {}
_keyless = contextlib.AsyncExitStack()
_history: History | None = None
_background: set[asyncio.Future[None]] = set()


class _Stopped(Exception):
    """The user pressed Stop (ComfyUI's interrupt flag is set)."""


async def run(
    work: Callable[[Client], Coroutine[Any, Any, T]], display: NodeDisplay, profile: str = ""
) -> T:
    """Run `work` in the server's loop with the client of a profile's account; return its result.

    However this exits (Stop, a failing sibling node), `work` is cancelled, and in the cloud each of
    its orders that nothing else awaits. Raises NodeFailure, InterruptProcessingException on Stop.
    """
    with as_node_failures():
        settings, loop = config.settings(profile), PromptServer.instance.loop
        if not loop.is_running():  # as where a program calls ComfyUI's executor itself
            raise BadInput("node.no_server")
        future = asyncio.run_coroutine_threadsafe(
            _until_stopped(_run_with_display(work, settings, display), display.prompt_id), loop
        )
        try:
            return await asyncio.wrap_future(future)
        except _Stopped:
            raise InterruptProcessingException from None
        finally:
            future.cancel()


def client(settings: Settings) -> Client:
    """Return the account's only client, created on first use. Call in the server's loop only."""
    shutdown.at_end(leave)
    account = settings.origin, settings.account
    own = _clients.get(account)
    if own is None:
        config.register_journal()
        own = _clients[account] = Client(settings, stopped=partial(_report_stopped, account))
    return own


async def keyless_history() -> History:
    """Return the journal's history, open until the server's end; for a machine without a key."""
    global _history
    if _history is None:
        shutdown.at_end(leave)
        config.register_journal()
        _history = await _keyless.enter_async_context(open_history(config.without_key()))
    return _history


def adopt(settings: Settings) -> Client:
    """Apply `settings` to the account's client, which two profiles may share; return it."""
    shared = client(settings)
    shared.adopt(settings)
    return shared


def _report_stopped(account: Account, report: Stopped) -> None:
    """Callback of a client: show on its node what became of a stopped task."""
    client = _clients.get(account)
    if client is not None:
        _in_background(node_outcomes.publish_stopped(client, report))


def _in_background(work: Coroutine[Any, Any, None]) -> None:
    """Start `work` as a background task, referenced until done: its node's run is over."""
    task = asyncio.ensure_future(work)
    _background.add(task)
    task.add_done_callback(_background.discard)


async def check_within_timeout(check: Awaitable[object]) -> None:
    """Await a check that raises for what cannot run; give up silently after EARLY_SECONDS.

    The run repeats the check before anything is paid.
    """
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(check, EARLY_SECONDS)


async def leave() -> None:
    """Close all clients at server shutdown without cancelling: tasks in the cloud go on.

    Ctrl-C and ComfyUI-Manager's restart kill the process without calling this. The effect is the
    same: the journal has every order that was sent, and the next start recovers it.
    """
    global _history
    while _clients:
        _, client = _clients.popitem()
        await client.leave()
    await _keyless.aclose()
    _history = None


async def ask(
    question: Callable[[Client], Coroutine[Any, Any, T]], seconds: float, profile: str = ""
) -> T:
    """Run a short query in the server's loop; asyncio.TimeoutError after `seconds`."""
    settings = config.settings(profile)

    async def answer() -> T:
        return await asyncio.wait_for(question(client(settings)), seconds)

    future = asyncio.run_coroutine_threadsafe(answer(), PromptServer.instance.loop)
    return await asyncio.wrap_future(future)


async def _run_with_display(
    work: Callable[[Client], Awaitable[T]], settings: Settings, display: NodeDisplay
) -> T:
    drawing = asyncio.ensure_future(display.keep_drawing())
    client = adopt(settings)
    try:
        done = await work(client)
    except (RunningHubError, MediaError) as error:
        drawing.cancel()  # or its next line would overwrite the failure
        await node_outcomes.tell(
            client, display.place, node_outcomes.End.failed(error, display.failed_at)
        )
        raise
    except asyncio.CancelledError:
        end = display.end or display.end_if_stopped
        if display.has_ordered_nothing:
            end = node_outcomes.End("stopped", language.in_languages([("node.stopped_before", {})]))
        if end is not None:
            _in_background(node_outcomes.tell(client, display.place, end))
        raise
    finally:
        drawing.cancel()
    if display.end is not None:
        await node_outcomes.tell(client, display.place, display.end)
    return done


async def _until_stopped(work: Coroutine[Any, Any, T], prompt_id: str) -> T:
    """Await `work`, or cancel it and raise _Stopped at the interrupt flag, which stays set.

    Also cancelled where the prompt ends first: where another pack applies nest_asyncio, ComfyUI's
    asyncio.run does not cancel the nodes that still wait.
    """
    task = asyncio.ensure_future(work)
    was_running = comfyui.is_running(prompt_id)
    try:
        while not task.done():
            if processing_interrupted():
                raise _Stopped
            if was_running and not comfyui.is_running(prompt_id):
                raise asyncio.CancelledError
            await asyncio.wait((task,), timeout=STEP)
        return task.result()
    finally:
        task.cancel()
