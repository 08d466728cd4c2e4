"""`emulator`: serve an emulated RunningHub on this machine, to be used without a key."""

from __future__ import annotations

import asyncio
import contextlib
from argparse import Namespace
from collections.abc import Awaitable, Callable, Mapping

from ..emulator import Emulator
from ..errors import BadInput
from ..texts import english
from .demo import need_pillow
from .help_texts import PROGRAM
from .terminal import Terminal


async def emulator(arguments: Namespace, terminal: Terminal, environ: Mapping[str, str]) -> None:
    """Serve until Ctrl-C, its regular end."""
    del environ
    need_pillow()
    host, port = arguments.host, arguments.port
    # Users without a key compare what a graph paints.
    service = Emulator(
        comfyui=arguments.comfyui, strict=arguments.strict, reroll_inline_seeds=False
    )
    if service.comfyui is not None:
        await _check_comfyui(service.comfyui.url, service.comfyui.reach)
    async with contextlib.AsyncExitStack() as serving:
        try:
            address = await serving.enter_async_context(service.serve(port, host=host))
        except OSError as error:
            reason = error.strerror or str(error)
            raise BadInput("cli.port_taken", host=host, port=port, reason=reason) from error
        _tell(service, address, terminal)
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
    terminal.note(english("cli.emulator_ends", {}))


async def _check_comfyui(url: str, reach: Callable[[], Awaitable[None]]) -> None:
    try:
        await reach()
    except ConnectionError as error:
        raise BadInput("cli.no_comfyui", url=url, reason=str(error)) from error


def _tell(service: Emulator, address: str, terminal: Terminal) -> None:
    variables = {"RUNNINGHUB_BASE_URL": address, "RUNNINGHUB_API_KEY": service.default_key}
    terminal.say(english("cli.emulator_begins", {"address": address, "key": service.default_key}))
    if service.comfyui is not None:
        terminal.say(english("cli.emulator_comfyui", {"url": service.comfyui.url}))
    terminal.say("\nbash:")
    for name, value in variables.items():
        terminal.say(f"export {name}={value}")
    terminal.say("\nPowerShell:")
    for name, value in variables.items():
        terminal.say(f'$env:{name} = "{value}"')
    terminal.say("\n" + english("cli.emulator_workflows", {}))
    workflows = service.workflows.values()
    links = {workflow.id: f"{address}/workflow/{workflow.id}" for workflow in workflows}
    for workflow in workflows:
        terminal.say(f"{links[workflow.id]}  {workflow.title}")
    terminal.say("\n" + english("cli.emulator_accounts", {}))
    for key, account in service.accounts.items():
        terminal.say(f"{key}  {account.kind}")
    example = next(iter(links))
    terminal.say("\n" + english("cli.emulator_try", {}))
    terminal.say(f"{PROGRAM} workflow {example}")
    terminal.say(f'{PROGRAM} run {example} --set 6.text="a cat"')
    terminal.document(
        {
            "base_url": address,
            "key": service.default_key,
            "workflows": [
                {"id": workflow.id, "title": workflow.title, "link": links[workflow.id]}
                for workflow in workflows
            ],
            "accounts": [
                {"key": key, "kind": account.kind} for key, account in service.accounts.items()
            ],
        }
    )
