"""Speaks to a running ComfyUI as its page does: queue a prompt, listen, read what came out."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import aiohttp

WAIT = 60.0  # seconds for one prompt; the slowest test's cloud task takes a few


@dataclass(frozen=True)
class Event:
    """One message of ComfyUI's socket.

    `type` is ComfyUI's own name. Two binary messages got names here: `progress_text` with
    `node` and `text`, `preview` with `node` and the picture's `bytes`.
    """

    type: str
    data: dict[str, Any]
    at: float
    """`time.monotonic()` of its arrival."""


@dataclass(frozen=True)
class Result:
    """The answer to POST /prompt and, if it was taken, all that followed."""

    status: int
    body: dict[str, Any]
    history: dict[str, Any] = field(default_factory=dict)
    events: tuple[Event, ...] = ()

    @property
    def prompt_id(self) -> str:
        return self.body["prompt_id"]

    @property
    def node_errors(self) -> dict[str, Any]:
        return self.body.get("node_errors") or {}

    @property
    def outcome(self) -> str:
        """`success`, `error`, `interrupted`, or `refused` if it was never queued."""
        ends = {"execution_success", "execution_error", "execution_interrupted"}
        types = [event.type for event in self.events if event.type in ends]
        return types[-1].removeprefix("execution_") if types else "refused"

    @property
    def outputs(self) -> dict[str, dict[str, Any]]:
        """What each output node shows, by node id, as ComfyUI keeps it in its history."""
        return self.history.get("outputs", {})

    @property
    def refusal(self) -> str:
        """Every sentence that says why the prompt was refused."""
        sentences = [str(self.body.get("error", ""))]
        for node in self.node_errors.values():
            sentences += [f"{error['message']} {error['details']}" for error in node["errors"]]
        return "\n".join(sentences)

    @property
    def failure(self) -> dict[str, Any]:
        """The data of `execution_error`: node_id, node_type, exception_message and more."""
        return next(event.data for event in self.events if event.type == "execution_error")

    @property
    def blocked(self) -> dict[str, str]:
        """What ComfyUI said of the nodes that a blocker kept from running, by node id."""
        return {
            event.data["node_id"]: event.data["exception_message"]
            for event in self.events
            if event.type == "execution_error"
            and event.data["exception_type"] == "ExecutionBlocked"
        }

    def texts(self, node_id: str) -> list[str]:
        """The lines that a node showed while it ran, in order."""
        return [
            event.data["text"]
            for event in self.events
            if event.type == "progress_text" and event.data["node"] == node_id
        ]


class ComfyClient:
    """One browser's worth of connection; an async context manager."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.client_id: str | None = uuid.uuid4().hex
        """None in prompts that name no page, as a program's may be."""
        self.events: list[Event] = []
        self._arrived = asyncio.Condition()

    async def __aenter__(self) -> ComfyClient:
        self._session = aiohttp.ClientSession(self.url)
        self._socket = await self._session.ws_connect(
            "/ws", params={"clientId": self.client_id or ""}, max_msg_size=0
        )
        await self._socket.send_json(
            {"type": "feature_flags", "data": {"supports_preview_metadata": True}}
        )
        self._listening = asyncio.create_task(self._listen())
        await self.event(lambda event: event.type == "feature_flags")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._socket.close()
        await self._listening
        await self._session.close()

    async def queue(
        self,
        prompt: dict[str, Any],
        extra_data: dict[str, Any] | None = None,
        targets: list[str] | None = None,
    ) -> Result:
        """Queues a prompt in API format and waits until it is over, however it ends.

        `targets`: ids of the output nodes that shall run alone.
        """
        queued = await self.submit(prompt, extra_data, targets)
        return queued if "prompt_id" not in queued.body else await self.finish(queued)

    async def submit(
        self,
        prompt: dict[str, Any],
        extra_data: dict[str, Any] | None = None,
        targets: list[str] | None = None,
    ) -> Result:
        """Queues a prompt and returns at once."""
        order = {"prompt": prompt, "client_id": self.client_id, "extra_data": extra_data or {}}
        if targets is not None:
            order["partial_execution_targets"] = targets
        async with self._session.post("/prompt", json=order) as answer:
            return Result(answer.status, await answer.json())

    async def queue_past_handlers(self, prompt: dict[str, Any], *outputs: str) -> Result:
        """As `queue`, the way of packs that put a prompt into ComfyUI's queue themselves."""
        body = {"prompt": prompt, "outputs": outputs, "id": str(uuid.uuid4())}
        order = {**body, "client_id": self.client_id}
        async with self._session.post("/tests/queue", json=order, raise_for_status=True) as answer:
            return await self.finish(Result(answer.status, await answer.json()))

    async def finish(self, queued: Result) -> Result:
        """Waits until a submitted prompt is over."""
        mine = queued.prompt_id
        await self.event(
            lambda event: (
                event.type == "executing"
                and event.data.get("prompt_id") == mine
                and event.data["node"] is None
            )
        )
        history = (await self.get("/history/" + mine))[mine]
        # ComfyUI runs one prompt at a time, so what has no prompt id lies between its two ends.
        marks = [i for i, event in enumerate(self.events) if event.data.get("prompt_id") == mine]
        between = self.events[marks[0] : marks[-1] + 1]
        return Result(queued.status, queued.body, history, tuple(between))

    async def event(self, is_wanted: Callable[[Event], bool]) -> Event:
        """The first event, past or to come, that is wanted."""
        at = 0

        def is_here() -> bool:
            nonlocal at
            while at < len(self.events) and not is_wanted(self.events[at]):
                at += 1
            return at < len(self.events) or self._listening.done()

        async with self._arrived:
            await asyncio.wait_for(self._arrived.wait_for(is_here), WAIT)
        assert at < len(self.events), "ComfyUI closed its socket"
        return self.events[at]

    async def closed(self) -> None:
        """Waits until ComfyUI's side of the socket is gone."""
        await asyncio.wait_for(asyncio.shield(self._listening), WAIT)

    async def delete(self, prompt_id: str) -> None:
        """Takes a prompt that does not run yet out of the queue."""
        body = {"delete": [prompt_id]}
        async with self._session.post("/queue", json=body, raise_for_status=True):
            pass

    async def cancel_job(self, prompt_id: str) -> None:
        """Cancels in the list of jobs, where waiting and running ones stand together."""
        path = f"/api/jobs/{prompt_id}/cancel"
        async with self._session.post(path, raise_for_status=True) as answer:
            assert (await answer.json())["cancelled"]

    async def interrupt(self, prompt_id: str | None = None) -> None:
        """Presses Stop."""
        body = {"prompt_id": prompt_id} if prompt_id else {}
        async with self._session.post("/interrupt", json=body, raise_for_status=True):
            pass

    async def get(self, path: str, **params: str) -> Any:
        async with self._session.get(path, params=params, raise_for_status=True) as answer:
            return await answer.json()

    async def text(self, path: str) -> str:
        async with self._session.get(path, raise_for_status=True) as answer:
            return await answer.text()

    async def view(self, file: dict[str, str]) -> bytes:
        """The bytes of a file that an output names by filename, subfolder and type."""
        async with self._session.get("/view", params=file, raise_for_status=True) as answer:
            return await answer.read()

    async def upload(self, name: str, data: bytes) -> str:
        """Puts a picture into the input folder; returns the name that LoadImage takes."""
        form = aiohttp.FormData({"overwrite": "true"})
        form.add_field("image", data, filename=name)
        async with self._session.post("/upload/image", data=form, raise_for_status=True) as answer:
            return (await answer.json())["name"]

    async def _listen(self) -> None:
        try:
            async for message in self._socket:
                event = _read(message)
                if event:
                    self.events.append(event)
                async with self._arrived:
                    self._arrived.notify_all()
        finally:
            async with self._arrived:
                self._arrived.notify_all()


def _read(message: aiohttp.WSMessage) -> Event | None:
    now = time.monotonic()
    if message.type is aiohttp.WSMsgType.TEXT:
        event = json.loads(message.data)
        return Event(event["type"], event["data"], now)
    kind, length = (int.from_bytes(message.data[i : i + 4], "big") for i in (0, 4))
    head, rest = message.data[8 : 8 + length], message.data[8 + length :]
    if kind == 3:
        return Event("progress_text", {"node": head.decode(), "text": rest.decode()}, now)
    if kind == 4:
        about = json.loads(head)
        return Event("preview", {"node": about["node_id"], "bytes": rest, **about}, now)
    return None
