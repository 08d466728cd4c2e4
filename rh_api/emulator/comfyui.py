"""Runs graphs on a real ComfyUI server: uploads inputs and fetches results."""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import aiohttp

from .graphs import Graph, Verdict, id_key, inputs_of
from .nodes.context import Outcome, Product
from .tasks.progress import Progress

POLL_SECONDS = 0.1
"""Poll interval for the history if the socket does not report the end."""

ANSWER_SECONDS = 30.0

_NUMBERED = re.compile(r"(.*?)_\d+_?$")

ReadInput = Callable[[str], bytes]


class ComfyUI:
    """One ComfyUI server. ``carried``: uploads already copied to its input folder."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self.carried: set[str] = set()
        self._savers: frozenset[str] | None = None

    async def reach(self) -> None:
        """Raise ConnectionError if no ComfyUI answers at the URL."""
        try:
            async with self.session() as session:
                await _json(session, "GET", "/system_stats")
        except (aiohttp.ClientError, OSError, asyncio.TimeoutError, ValueError) as problem:
            raise ConnectionError(str(problem)) from problem

    def session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            self.url, timeout=aiohttp.ClientTimeout(sock_connect=5, sock_read=ANSWER_SECONDS)
        )

    async def place(self, graph: Graph, read_input: ReadInput) -> tuple[Verdict, Hosted | None]:
        """Upload the graph's files and queue it; ``Hosted`` is None if no output can run."""
        client_id = uuid.uuid4().hex
        async with self.session() as session:
            await self._carry(session, graph, read_input)
            savers = await self._output_classes(session)
            hosted = Hosted(self, client_id)
            await hosted.listen()
            try:
                answer = await _json(
                    session,
                    "POST",
                    "/prompt",
                    json={"prompt": graph, "client_id": client_id, "prompt_id": hosted.prompt_id},
                )
            except BaseException:
                await hosted.close()
                raise
        verdict = _verdict(graph, savers, answer)
        if not verdict.ok:
            await hosted.close()
            return verdict, None
        hosted.prompt_id = str(answer["prompt_id"])
        return verdict, hosted

    async def _carry(
        self, session: aiohttp.ClientSession, graph: Graph, read_input: ReadInput
    ) -> None:
        for name in {name for node in graph.values() for name in _names(node)} - self.carried:
            try:
                data = read_input(name)
            except FileNotFoundError:
                continue
            folder, _, file = name.rpartition("/")
            form = aiohttp.FormData({"subfolder": folder, "type": "input", "overwrite": "true"})
            form.add_field("image", data, filename=file)
            await _json(session, "POST", "/upload/image", data=form)
            self.carried.add(name)

    async def _output_classes(self, session: aiohttp.ClientSession) -> frozenset[str]:
        if self._savers is None:
            classes = await _json(session, "GET", "/object_info")
            self._savers = frozenset(
                name for name, about in classes.items() if about.get("output_node")
            )
        return self._savers


def _names(node: dict[str, Any]) -> Iterator[str]:
    return (value for value in inputs_of(node).values() if isinstance(value, str) and value)


def _verdict(graph: Graph, savers: frozenset[str], answer: dict[str, Any]) -> Verdict:
    """Convert ComfyUI's reply to POST /prompt; outputs with errors are excluded."""
    errors: dict[str, dict[str, Any]] = answer.get("node_errors") or {}
    if "prompt_id" not in answer:
        error: Any = answer.get("error")
        if not isinstance(error, dict):
            error = {"message": str(answer)}
        return Verdict(error=cast("dict[str, Any]", error), node_errors=errors)
    broken: set[str] = {
        output for entry in errors.values() for output in entry["dependent_outputs"]
    }
    outputs = [
        node_id
        for node_id in sorted(graph, key=id_key)
        if graph[node_id].get("class_type") in savers and node_id not in broken
    ]
    return Verdict(outputs=outputs, node_errors=errors)


@dataclass
class Hosted:
    """A prompt in ComfyUI's queue, and the WebSocket with its progress."""

    server: ComfyUI
    client_id: str
    prompt_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    _session: aiohttp.ClientSession | None = None
    _socket: aiohttp.ClientWebSocketResponse[bool] | None = None

    async def listen(self) -> None:
        """Connect before the prompt is queued, so that no message is missed."""
        self._session = self.server.session()
        try:
            self._socket = await self._session.ws_connect(
                "/ws", params={"clientId": self.client_id}, max_msg_size=0
            )
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
        self._session = self._socket = None

    async def abandon(self) -> None:
        """Delete the prompt from the queue, or interrupt it if it is running."""
        async with self.server.session() as session:
            await _json(session, "POST", "/queue", json={"delete": [self.prompt_id]})
            await _json(session, "POST", "/interrupt", json={"prompt_id": self.prompt_id})

    async def follow(self, progress: Progress) -> Outcome:
        """Relay socket messages until the prompt is over; returns its products and failure.

        A success message is withheld until the results are available.
        """
        if self._socket is not None:
            async for message in self._socket:
                if message.type is aiohttp.WSMsgType.BINARY:
                    progress.relay(message.data)
                elif message.type is aiohttp.WSMsgType.TEXT and self._pass_on(
                    message.data, progress
                ):
                    break
        async with self.server.session() as session:
            entry = await self._ended(session)
            outcome = Outcome(failure=_failure(entry))
            if outcome.failure is None:
                async for product in _products(session, entry):
                    outcome.products.append(product)
        return outcome

    def _pass_on(self, text: str, progress: Progress) -> bool:
        """Relay one message; returns True if the prompt is over."""
        message: dict[str, Any] = json.loads(text)
        kind: str = message.get("type", "")
        data: dict[str, Any] = message.get("data") or {}
        if data.get("prompt_id") != self.prompt_id:
            return False
        node = data.get("node") if kind == "executing" else None
        if kind == "executing" and node is None:
            return True
        if kind != "execution_success":
            progress.relay(text, node)
        return False

    async def _ended(self, session: aiohttp.ClientSession) -> dict[str, Any]:
        path = f"/history/{self.prompt_id}"
        history: dict[str, Any] = {}
        while self.prompt_id not in history:
            history = await _json(session, "GET", path)
            await asyncio.sleep(0 if history else POLL_SECONDS)
        return history[self.prompt_id]


async def _json(session: aiohttp.ClientSession, method: str, path: str, **sent: Any) -> Any:
    """Return the response as JSON, {} if empty; status 400 is no error: its body is the reply."""
    async with session.request(method, path, **sent) as answer:
        if answer.status != 400:
            answer.raise_for_status()
        return json.loads(await answer.read() or b"{}")


async def _products(
    session: aiohttp.ClientSession, entry: dict[str, Any]
) -> AsyncIterator[Product]:
    """Yield files in the order in which the nodes ended; a node's text only if it made no file."""
    for node_id, shown in entry["outputs"].items():
        files = [
            cast("dict[str, Any]", item)
            for items in shown.values()
            if isinstance(items, list)
            for item in cast("list[Any]", items)
            if isinstance(item, dict) and "filename" in item
        ]
        for file in files:
            place = {name: str(file.get(name, "")) for name in ("filename", "subfolder", "type")}
            async with session.get("/view", params=place, raise_for_status=True) as answer:
                yield _product(node_id, place, await answer.read())
        if not files:
            for text in shown.get("text") or ():
                yield Product(node_id, "", "txt", None, str(text))


def _product(node_id: str, place: dict[str, str], data: bytes) -> Product:
    stem, _, extension = place["filename"].rpartition(".")
    match = _NUMBERED.match(stem)
    prefix = match[1] if match else stem
    if place["subfolder"]:
        prefix = f"{place['subfolder']}/{prefix}"
    temporary = place["type"] == "temp"
    return Product(node_id, prefix, extension, data, temporary=temporary)


def _failure(entry: dict[str, Any]) -> dict[str, str] | None:
    """Return ``failedReason`` as the service sends it, from the prompt's final message."""
    for kind, data in entry["status"]["messages"]:
        if kind in ("execution_error", "execution_interrupted"):
            return {
                "current_outputs": json.dumps(data.get("current_outputs", []), default=str),
                "exception_type": str(data.get("exception_type", "InterruptProcessingException")),
                "node_name": str(data.get("node_type", "")),
                "current_inputs": json.dumps(data.get("current_inputs", {}), default=str),
                "traceback": json.dumps(data.get("traceback", [])),
                "node_id": str(data.get("node_id", "")),
                "exception_message": str(data.get("exception_message", "interrupted")),
            }
    return None
