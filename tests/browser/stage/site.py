"""The HTTP side: the front end's files, ComfyUI's routes that it needs, and the pack's own."""

from __future__ import annotations

import asyncio
import json
import queue
import threading
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import folder_paths
from aiohttp import WSMsgType, web
from comfy.model_management import interrupt_current_processing
from server import PromptServer

from nodes import NODE_CLASS_MAPPINGS
from tests.browser.stage import core_nodes, pack
from tests.browser.stage.executor import Executor, Queued
from tests.browser.stage.validation import refusal

PACK = "some-name"
FEATURES = {"supports_preview_metadata": True, "max_upload_size": 104857600}
EMPTY_LISTS = ("embeddings", "experiment/models", "v2/userdata", "jobs/none")
EMPTY_OBJECTS = ("workflow_templates", "node_replacements", "internal/folder_paths")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Stage:
    """A ComfyUI small enough to start in a moment."""

    def __init__(self, server: PromptServer, static: Path) -> None:
        self._server = server
        self._static = static
        self._settings: dict[str, Any] = {}
        self._files: dict[str, bytes] = {}
        self._pending: queue.Queue[Queued] = queue.Queue()
        self._waiting: dict[str, Queued] = {}
        self._running: Queued | None = None
        self._done: dict[str, Queued] = {}
        self._count = 0
        self._ours: dict[str, Any] = {}

    async def load(self) -> None:
        """The node classes, ours as ComfyUI would have them."""
        NODE_CLASS_MAPPINGS.update(core_nodes.classes())
        self._ours = await pack.load()

    async def install(self) -> None:
        await self.load()
        self._add_routes()
        threading.Thread(target=self._work, daemon=True).start()

    def object_info(self) -> dict[str, Any]:
        ours = {name: node.GET_NODE_INFO_V1() for name, node in self._ours.items()}
        core = json.loads(json.dumps(core_nodes.DESCRIBED))
        pictures = sorted(p.name for p in Path(folder_paths.get_input_directory()).iterdir())
        core["LoadImage"]["input"]["required"]["image"][1]["options"] = pictures
        return {**core, **ours}

    # Routes

    def _add_routes(self) -> None:
        get, post = self._get, self._post
        get("/", self._index)
        get("/ws", self._socket)
        get("/users", _answer({"storage": "server", "migrated": True}))
        get("/settings", self._get_settings)
        get("/settings/{id}", self._get_setting)
        post("/settings", self._set_settings)
        post("/settings/{id}", self._set_setting)
        get("/extensions", self._extensions)
        get("/object_info", self._object_info)
        get("/object_info/{name}", self._object_info)
        get("/i18n", self._i18n)
        get("/features", _answer(FEATURES))
        get("/system_stats", _answer(SYSTEM))
        get("/view", self._view)
        post("/upload/image", self._upload)
        post("/prompt", self._prompt)
        get("/queue", self._queue)
        post("/queue", self._clear)
        post("/interrupt", self._interrupt)
        get("/history", self._history)
        get("/history/{id}", self._history)
        get("/jobs", self._jobs)
        get("/jobs/{id}", self._job)
        get("/global_subgraphs", self._blueprints)
        get("/global_subgraphs/{id}", self._blueprints)
        get("/userdata", self._list_files)
        get("/userdata/{file}", self._read_file)
        post("/userdata/{file}", self._write_file)
        get("/internal/logs", _answer(""))
        for path in EMPTY_LISTS:
            get(f"/{path}", _answer([]))
        for path in EMPTY_OBJECTS:
            get(f"/{path}", _answer({}))
        app, routes = self._server.app, self._server.routes
        twins = [web.route(r.method, f"/api{r.path}", r.handler, **r.kwargs) for r in routes]
        app.add_routes([*routes, *twins])
        app.router.add_static(f"/extensions/{PACK}", pack.ROOT / "web", follow_symlinks=False)
        app.router.add_static("/", self._static)

    def _get(self, path: str, handler: Handler) -> None:
        self._server.routes.get(path)(handler)

    def _post(self, path: str, handler: Handler) -> None:
        self._server.routes.post(path)(handler)

    async def _blueprints(self, request: web.Request) -> web.StreamResponse:
        """Of the packs that are installed; without their text unless one is asked for."""
        name = request.match_info.get("id")
        source = {"source": "custom_node", "info": {"node_pack": f"custom_nodes.{PACK}"}}
        files = {path.stem: path for path in (pack.ROOT / "subgraphs").glob("*.json")}
        if name is not None:
            return web.json_response(
                {**source, "name": name, "data": files[name].read_text("utf-8")}
            )
        return web.json_response({name: {**source, "name": name} for name in files})

    async def _index(self, _: web.Request) -> web.StreamResponse:
        return web.FileResponse(
            self._static / "index.html", headers={"Cache-Control": "no-store, must-revalidate"}
        )

    async def _extensions(self, _: web.Request) -> web.Response:
        """Every script below the web folder, as ComfyUI lists them."""
        web_root = pack.ROOT / "web"
        own = sorted(path.relative_to(web_root).as_posix() for path in web_root.rglob("*.js"))
        core = sorted(
            path.relative_to(self._static).as_posix()
            for path in (self._static / "extensions").rglob("*.js")
        )
        scripts = [*(f"/{name}" for name in core), *(f"/extensions/{PACK}/{n}" for n in own)]
        return web.json_response(scripts)

    async def _object_info(self, request: web.Request) -> web.Response:
        info = self.object_info()
        name = request.match_info.get("name")
        return web.json_response(info if name is None else {name: info[name]})

    async def _i18n(self, _: web.Request) -> web.Response:
        languages: dict[str, Any] = {}
        for folder in (pack.ROOT / "locales").iterdir():
            texts = (
                json.loads((folder / "main.json").read_text("utf-8"))
                if (folder / "main.json").is_file()
                else {}
            )
            for name in ("nodeDefs", "commands", "settings"):
                file = folder / f"{name}.json"
                if file.is_file():
                    texts[name] = json.loads(file.read_text("utf-8"))
            languages[folder.name] = texts
        return web.json_response(languages)

    # Settings and the person's files

    async def _get_settings(self, _: web.Request) -> web.Response:
        return web.json_response(self._settings)

    async def _get_setting(self, request: web.Request) -> web.Response:
        return web.json_response(self._settings.get(request.match_info["id"]))

    async def _set_settings(self, request: web.Request) -> web.Response:
        self._settings.update(await request.json())
        return web.Response()

    async def _set_setting(self, request: web.Request) -> web.Response:
        self._settings[request.match_info["id"]] = await request.json()
        return web.Response()

    async def _list_files(self, request: web.Request) -> web.Response:
        folder = request.query.get("dir", "").strip("/") + "/"
        entries = [
            {"path": name.removeprefix(folder), "size": len(data), "modified": 0, "created": 0}
            for name, data in sorted(self._files.items())
            if name.startswith(folder)
        ]
        full = request.query.get("full_info", "false") == "true"
        return web.json_response(entries if full else [entry["path"] for entry in entries])

    async def _read_file(self, request: web.Request) -> web.Response:
        data = self._files.get(request.match_info["file"])
        # ComfyUI says 404; the front end asks for files that need not be there.
        return web.Response(status=404) if data is None else web.Response(body=data)

    async def _write_file(self, request: web.Request) -> web.Response:
        name = request.match_info["file"]
        self._files[name] = await request.read()
        about = {"path": name, "size": len(self._files[name]), "modified": 0, "created": 0}
        return web.json_response(about)

    # Pictures

    async def _view(self, request: web.Request) -> web.StreamResponse:
        query = request.query
        root = folder_paths.get_directory_by_type(query.get("type", "output"))
        if root is None:
            return web.Response(status=400)
        path = (Path(root) / query.get("subfolder", "") / query["filename"]).resolve()
        if not path.is_relative_to(Path(root).resolve()) or not path.is_file():
            return web.Response(status=404)
        return web.FileResponse(path)

    async def _upload(self, request: web.Request) -> web.Response:
        form = await request.post()
        image = form["image"]
        assert isinstance(image, web.FileField)
        name = Path(image.filename).name
        (Path(folder_paths.get_input_directory()) / name).write_bytes(image.file.read())
        return web.json_response({"name": name, "subfolder": "", "type": "input"})

    # Prompts

    async def _prompt(self, request: web.Request) -> web.Response:
        data = self._server.trigger_on_prompt(await request.json())
        prompt = data["prompt"]
        reason, node_errors, outputs = await refusal(prompt)
        if reason is not None:
            return web.json_response({"error": reason, "node_errors": node_errors}, status=400)
        targets = data.get("partial_execution_targets")
        if targets is not None:
            outputs = [output for output in outputs if output in targets]
        extra = {**data.get("extra_data", {}), "client_id": data.get("client_id")}
        self._count += 1
        prompt_id = data.get("prompt_id") or str(uuid.uuid4())
        queued = Queued(self._count, prompt_id, prompt, extra, outputs)
        self._waiting[prompt_id] = queued
        self._pending.put(queued)
        self._tell_status()
        answer = {"prompt_id": prompt_id, "number": self._count, "node_errors": node_errors}
        return web.json_response(answer)

    def _work(self) -> None:
        executor = Executor(self._server)
        while True:
            queued = self._pending.get()
            if self._waiting.pop(queued.prompt_id, None) is None:
                continue
            self._running = queued
            self._tell_status()
            try:
                executor.run(queued)
            finally:
                self._running, self._done[queued.prompt_id] = None, queued
                self._tell_status()

    def _status(self) -> dict[str, Any]:
        remaining = len(self._waiting) + (self._running is not None)
        return {"status": {"exec_info": {"queue_remaining": remaining}}}

    def _tell_status(self) -> None:
        self._server.send_sync("status", self._status())

    async def _queue(self, _: web.Request) -> web.Response:
        running = [self._running.item()] if self._running else []
        waiting = [queued.item() for queued in self._waiting.values()]
        return web.json_response({"queue_running": running, "queue_pending": waiting})

    async def _clear(self, request: web.Request) -> web.Response:
        body = await request.json()
        for prompt_id in list(self._waiting) if body.get("clear") else body.get("delete", ()):
            self._waiting.pop(prompt_id, None)
        self._tell_status()
        return web.Response()

    async def _interrupt(self, request: web.Request) -> web.Response:
        text = await request.text()
        prompt_id = json.loads(text).get("prompt_id") if text else None
        if self._running is not None and prompt_id in (None, self._running.prompt_id):
            interrupt_current_processing()
        return web.Response()

    async def _history(self, request: web.Request) -> web.Response:
        prompt_id = request.match_info.get("id")
        ended = {i: queued.history() for i, queued in self._done.items() if prompt_id in (None, i)}
        return web.json_response(ended)

    async def _jobs(self, request: web.Request) -> web.Response:
        states = request.query.get("status", "").split(",")
        every = [*self._waiting.values(), *([self._running] if self._running else [])]
        every += self._done.values()
        jobs = [job for job in map(self._as_job, reversed(every)) if job["status"] in states]
        page = {"offset": 0, "limit": len(jobs), "total": len(jobs), "has_more": False}
        return web.json_response({"jobs": jobs, "pagination": page})

    async def _job(self, request: web.Request) -> web.Response:
        queued = self._done.get(request.match_info["id"])
        if queued is None:
            return web.json_response({"error": "Job not found"}, status=404)
        workflow = {"prompt": queued.prompt, "extra_data": queued.extra_data}
        return web.json_response(
            {**self._as_job(queued), "outputs": queued.outputs, "workflow": workflow}
        )

    def _as_job(self, queued: Queued) -> dict[str, Any]:
        if queued.prompt_id in self._done:
            status = "completed" if queued.success else "failed"
        else:
            status = "in_progress" if queued is self._running else "pending"
        return queued.job(status)

    # Messages

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        sid = request.query.get("clientId") or uuid.uuid4().hex
        server = self._server
        server.sockets[sid] = socket
        try:
            await socket.send_json({"type": "status", "data": {**self._status(), "sid": sid}})
            if server.client_id == sid and server.last_node_id is not None:
                at = {"node": server.last_node_id}
                await socket.send_json({"type": "executing", "data": at})
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    event = json.loads(message.data)
                    if event.get("type") == "feature_flags":
                        await socket.send_json({"type": "feature_flags", "data": FEATURES})
        finally:
            if server.sockets.get(sid) is socket:
                del server.sockets[sid]
        return socket


def _answer(body: Any) -> Handler:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response(body)

    return answer


SYSTEM = {
    "system": {
        "os": "linux",
        "ram_total": 1,
        "ram_free": 1,
        "comfyui_version": "0.33.0",
        "required_frontend_version": "1.39.19",
        "python_version": "3",
        "pytorch_version": "2",
        "embedded_python": False,
        "argv": ["main.py"],
    },
    "devices": [],
}


async def serve(static: Path, port: int) -> tuple[Stage, int]:
    """A stage on a port of this machine (0: any free one), until its loop ends."""
    server = PromptServer(asyncio.get_running_loop())
    stage = Stage(server, static)
    await stage.install()
    runner = web.AppRunner(server.app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    return stage, runner.addresses[0][1]
