"""A task's progress as ComfyUI's socket messages, spread over its run time."""

from __future__ import annotations

import asyncio
import json
import struct
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..graphs import Graph, execution_order
from ..knobs import POLL_SECONDS

if TYPE_CHECKING:
    from ..knobs import Knobs
    from ..nodes.context import Outcome

Frame = str | bytes

SAMPLER_WEIGHT = 8
"""Run time of a sampler relative to other nodes."""

PREVIEW_HEADER = struct.pack(">II", 1, 1)
"""ComfyUI's binary frame header: event 1 (preview image), format 1 (JPEG)."""


def _message(kind: str, **data: Any) -> str:
    return json.dumps({"type": kind, "data": data})


def _now() -> int:
    return int(time.time() * 1000)


@dataclass
class Progress:
    """Messages so far, and a queue per subscribed socket. None in a queue marks the end.

    ``outputs``: the output nodes of ``graph`` that run.
    """

    graph: Graph
    outputs: list[str]
    client_id: str
    prompt_id: str
    frames: list[Frame] = field(default_factory=list[Frame])
    watchers: set[asyncio.Queue[Frame | None]] = field(
        default_factory=set["asyncio.Queue[Frame | None]"]
    )
    current: str | None = None
    done: list[str] = field(default_factory=list[str])
    closed: bool = False

    def send(self, frame: Frame) -> None:
        self.frames.append(frame)
        for queue in self.watchers:
            queue.put_nowait(frame)

    def relay(self, frame: Frame, node: str | None = None) -> None:
        """Relay a real ComfyUI's message; ``node``: the one that starts with it."""
        self._step_to(node)
        self.send(frame)

    def close(self) -> None:
        self.closed = True
        for queue in self.watchers:
            queue.put_nowait(None)

    def watch(self, *, replay: bool) -> asyncio.Queue[Frame | None]:
        """Subscribe a socket: it gets the status and the current node, no history, as from ComfyUI.

        With ``replay``, or before the first node, it gets all messages.
        """
        queue: asyncio.Queue[Frame | None] = asyncio.Queue()
        status = {"exec_info": {"queue_remaining": 0 if self.closed else 1}}
        queue.put_nowait(_message("status", status=status, sid=self.client_id))
        if replay or self.current is None:
            for frame in self.frames:
                queue.put_nowait(frame)
        elif not self.closed:
            queue.put_nowait(self._executing(self.current))
        if self.closed:
            queue.put_nowait(None)
        self.watchers.add(queue)
        return queue

    def begin(self, *, cached: list[str]) -> None:
        self.send(_message("execution_start", prompt_id=self.prompt_id, timestamp=_now()))
        self.done.extend(cached)
        self.send(
            _message("execution_cached", nodes=cached, prompt_id=self.prompt_id, timestamp=_now())
        )

    async def play(self, outcome: Outcome, *, until: float, knobs: Knobs) -> None:
        """Send the messages of ``outcome``'s nodes, weighted over the time until ``until``."""
        clock = asyncio.get_running_loop().time
        steps = self._steps(outcome, knobs)
        total = sum(weight for weight, _ in steps)
        began, passed = clock(), 0.0
        for weight, frames in steps:
            for frame, node in frames:
                if node not in (None, self.current):
                    await self._hold(knobs)
                self._step_to(node)
                self.send(frame)
            passed += weight
            due = began + (until - began) * (passed / total)
            if due > clock():
                await asyncio.sleep(due - clock())
        await self._hold(knobs)

    async def _hold(self, knobs: Knobs) -> None:
        while self.current is not None and self.current == knobs.hold_at:  # noqa: ASYNC110 - see there
            await asyncio.sleep(POLL_SECONDS)

    def _step_to(self, node: str | None) -> None:
        if node is not None and node != self.current:
            if self.current is not None:
                self.done.append(self.current)
            self.current = node

    def _steps(
        self, outcome: Outcome, knobs: Knobs
    ) -> list[tuple[float, list[tuple[Frame, str | None]]]]:
        """Return (weight, [(frame, node that starts with it)]): sent first, then waited for."""
        steps: list[tuple[float, list[tuple[Frame, str | None]]]] = []
        for node_id in outcome.executed:
            if node_id in self.done:
                continue
            start = (self._executing(node_id), node_id)
            failing = bool(outcome.failure and outcome.failure["node_id"] == node_id)
            node = self.graph[node_id]
            if node["class_type"] == "KSampler":
                shown = outcome.previews.get(node_id) if knobs.previews else None
                steps.append((0.5, [start]))
                steps.extend(self._sampling(node_id, shown, knobs, failing=failing))
                continue
            frames: list[tuple[Frame, str | None]] = [start]
            if output := self._output(outcome, node_id):
                executed = _message(
                    "executed",
                    node=node_id,
                    display_node=node_id,
                    output=output,
                    prompt_id=self.prompt_id,
                )
                steps.append((1.0, frames))
                frames = [(executed, None)]
                steps.append((0.0, frames))
                continue
            steps.append((1.0, frames))
        return steps or [(1.0, [])]

    def _sampling(
        self, node_id: str, shown: bytes | None, knobs: Knobs, *, failing: bool
    ) -> list[tuple[float, list[tuple[Frame, str | None]]]]:
        top = self.graph[node_id]["inputs"]["steps"]
        top = top if isinstance(top, int) else 20
        values = sorted({1, *(max(1, top * part // 4) for part in (1, 2, 3, 4))})
        if failing:
            values = values[:1]
        steps: list[tuple[float, list[tuple[Frame, str | None]]]] = []
        for value in values:
            counts: dict[str, Any] = {"value": value, "max": top}
            frames: list[tuple[Frame, str | None]] = []
            if knobs.progress_state:
                state = {
                    **counts,
                    "state": "running",
                    "node_id": node_id,
                    "prompt_id": self.prompt_id,
                    "display_node_id": node_id,
                    "parent_node_id": None,
                    "real_node_id": node_id,
                }
                frames.append(
                    (
                        _message(
                            "progress_state", prompt_id=self.prompt_id, nodes={node_id: state}
                        ),
                        None,
                    )
                )
            frames.append(
                (_message("progress", **counts, prompt_id=self.prompt_id, node=node_id), None)
            )
            if shown and value == values[len(values) // 2]:
                frames.append((PREVIEW_HEADER + shown, None))
            steps.append((SAMPLER_WEIGHT / len(values), frames))
        return steps

    def _executing(self, node_id: str) -> str:
        return _message("executing", node=node_id, display_node=node_id, prompt_id=self.prompt_id)

    @staticmethod
    def _output(outcome: Outcome, node_id: str) -> dict[str, Any]:
        output: dict[str, list[Any]] = {}
        for product in outcome.products:
            if product.node_id != node_id:
                continue
            if product.data is None:
                output.setdefault("text", []).append(product.text)
                continue
            kind = "images" if product.extension == "png" else "files"
            output.setdefault(kind, []).append(
                {
                    "filename": product.name,
                    "subfolder": "",
                    "type": "temp" if product.temporary else "output",
                }
            )
        return dict(output)

    def succeeded(self) -> None:
        self.send(_message("execution_success", prompt_id=self.prompt_id, timestamp=_now()))
        self.send(_message("executing", node=None, prompt_id=self.prompt_id))
        self._idle()

    def failed(self, reason: dict[str, str] | None) -> None:
        if not reason:
            self._idle()
            return
        order = execution_order(self.graph, self.outputs)
        self.send(
            _message(
                "execution_error",
                prompt_id=self.prompt_id,
                node_id=reason["node_id"],
                node_type=reason["node_name"],
                executed=order[: order.index(reason["node_id"])],
                exception_message=reason["exception_message"],
                exception_type=reason["exception_type"],
                traceback=json.loads(reason["traceback"]),
                current_inputs={},
                current_outputs=[],
            )
        )

    def interrupted(self) -> None:
        if self.current is None:
            return
        self.send(
            _message(
                "execution_interrupted",
                prompt_id=self.prompt_id,
                node_id=self.current,
                node_type=self.graph.get(self.current, {}).get("class_type", ""),
                executed=list(self.done),
            )
        )

    def _idle(self) -> None:
        self.send(_message("status", status={"exec_info": {"queue_remaining": 0}}))
