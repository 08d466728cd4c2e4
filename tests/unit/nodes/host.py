"""The little of ComfyUI that our routes need, in place of ComfyUI itself."""

from __future__ import annotations

import contextlib
import sys
from argparse import Namespace
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from rh_api.emulator import Account, Emulator
from tests.unit.nodes.conftest import PACK, load_pack


class Server(TestServer):
    """Serves as ComfyUI does: a client that leaves cancels no handler."""

    async def _make_runner(self, **options: Any) -> web.AppRunner:
        return web.AppRunner(self.app, access_log=None)


class Host:
    """Our routes as a page of this machine calls them. `user`: ComfyUI's user folder."""

    def __init__(self, user: Path, page: ClientSession, server: TestServer) -> None:
        self.user = user
        self.state = user / "__runninghub"
        self.page = page
        self.server = server
        self.token = ""
        self.said = ""
        """Every answer of every route."""

    async def post(self, path: str, **body: Any) -> dict[str, Any]:
        """The answer, or what is said of an error."""
        headers = {"X-RunningHub-Token": self.token}
        url = self.server.make_url("/runninghub/" + path)
        async with self.page.post(url, json=body, headers=headers) as answer:
            return await self._read(answer)

    async def get(self, path: str) -> dict[str, Any]:
        async with self.page.get(self.server.make_url("/runninghub/" + path)) as answer:
            return await self._read(answer)

    async def error(self, path: str, **body: Any) -> dict[str, Any]:
        return (await self.post(path, **body))["error"]

    async def speak(self, locale: str) -> None:
        self.token = (await self.post("session", locale=locale))["token"]

    async def _read(self, answer: Any) -> dict[str, Any]:
        text = await answer.text()
        self.said += text
        body = await answer.json()
        assert answer.status in ((400, 500) if "error" in body else (200,)), text
        return body


def stand_in_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, classes: dict[str, type] | None = None
) -> None:
    """ComfyUI's modules for what is loaded of the pack from here on; its user folder is `user`."""
    user = tmp_path / "user"
    folders = SimpleNamespace(
        get_system_user_directory=lambda name="system": str(user / f"__{name}"),
        get_user_directory=lambda: str(user),
        get_temp_directory=lambda: str(tmp_path / "temp"),
        get_output_directory=lambda: str(tmp_path / "output"),
        get_input_directory=lambda: str(tmp_path / "input"),
        get_filename_list=lambda kind: [file.name for file in (tmp_path / kind).glob("*")],
        get_full_path=lambda kind, name: str(tmp_path / kind / name),
    )
    stand_ins: dict[str, Any] = {
        "folder_paths": folders,
        "nodes": SimpleNamespace(NODE_CLASS_MAPPINGS=classes or {}),
        "server": SimpleNamespace(PromptServer=SimpleNamespace(instance=None)),
        "comfy": SimpleNamespace(),
        "comfy.cli_args": SimpleNamespace(args=Namespace(listen="127.0.0.1")),
        "comfy.model_management": SimpleNamespace(
            InterruptProcessingException=type("Interrupted", (BaseException,), {}),
            processing_interrupted=lambda: False,
        ),
        "comfy_execution": SimpleNamespace(),
        "comfy_execution.progress": SimpleNamespace(get_progress_state=None),
        "comfy_execution.utils": SimpleNamespace(get_executing_context=None),
    }
    for name in ("XDG_STATE_HOME", "HOME", "USERPROFILE", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    for name, module in stand_ins.items():
        monkeypatch.setitem(sys.modules, name, module)
    # Modules that were loaded before know another host.
    load_pack("rh_api")
    for name in [name for name in sys.modules if name.startswith(f"{PACK}.nodes")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr(sys.modules[PACK], "nodes", raising=False)


@contextlib.asynccontextmanager
async def hosted(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    classes: dict[str, type] | None = None,
    emulator: Emulator | None = None,
) -> AsyncIterator[Host]:
    """The routes on a server of their own; `classes` are the local node classes.

    `emulator`: the site whose key the environment has.
    """
    user = tmp_path / "user"
    if emulator is not None:
        for name in ("RH_API_KEY", "RUNNINGHUB_STATE"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("RUNNINGHUB_API_KEY", emulator.default_key)
        monkeypatch.setenv("RUNNINGHUB_BASE_URL", emulator.base_url)
    stand_in_host(tmp_path, monkeypatch, classes)
    routes, cloud = load_pack("nodes.routes"), load_pack("nodes.runtime.cloud")
    app, table = web.Application(client_max_size=2**26), web.RouteTableDef()
    routes.install(table, load_pack("nodes.runtime.comfyui").host_names())
    app.add_routes(table)
    async with Server(app) as server, ClientSession() as page:
        host = Host(user, page, server)
        await host.speak("en")
        try:
            yield host
        finally:
            load_pack("nodes.runtime.demo_server").stop()
            for client in cloud._clients.values():
                await client.close()


@contextlib.asynccontextmanager
async def hosted_without_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, classes: dict[str, type] | None = None
) -> AsyncIterator[Host]:
    """`hosted` where the environment names no account, so that stored ones count."""
    for name in ("RUNNINGHUB_API_KEY", "RH_API_KEY", "RUNNINGHUB_BASE_URL", "RUNNINGHUB_STATE"):
        monkeypatch.delenv(name, raising=False)
    async with hosted(tmp_path, monkeypatch, classes) as host:
        yield host


@contextlib.asynccontextmanager
async def stored_site(
    host: Host, key: str, account: Account | None = None
) -> AsyncIterator[Emulator]:
    """A service whose key is stored as the only profile, `e`."""
    emulator = Emulator(strict=True, run_seconds=0)
    emulator.accounts[key] = account or emulator.account
    async with emulator.serve() as url:
        await host.post("profiles/save", name="e", origin=url, key=key)
        yield emulator


def fields_by_name(program: dict[str, Any]) -> dict[str, Any]:
    """The fields that a page is told of a program."""
    return {field["name"]: field for node in program["nodes"] for field in node["fields"]}
