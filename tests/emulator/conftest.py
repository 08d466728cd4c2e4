"""A served emulator and a small client that knows nothing of ours."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest

from rh_api.emulator import Emulator

TEXT_TO_IMAGE = "1900000000000000101"


class Remote:
    """The emulator as a client sees it: plain requests with the default key."""

    def __init__(self, emulator: Emulator, session: aiohttp.ClientSession) -> None:
        self.emulator = emulator
        self.session = session
        self.key = emulator.default_key
        self.bearer = {"Authorization": f"Bearer {self.key}"}

    async def post(self, path: str, body: dict[str, Any], **headers: str) -> Any:
        async with self.session.post(path, json=body, headers=headers) as answer:
            return await answer.json(content_type=None)

    async def v1(self, path: str, **body: Any) -> Any:
        return await self.post(path, {"apiKey": self.key, **body}, **self.bearer)

    async def create(self, workflow_id: str = TEXT_TO_IMAGE, **body: Any) -> Any:
        return await self.v1("/task/openapi/create", workflowId=workflow_id, **body)

    async def inline(self, graph: dict[str, Any], **body: Any) -> Any:
        return await self.create(workflow=json.dumps(graph), **body)

    async def query(self, task_id: str) -> Any:
        return await self.post("/openapi/v2/query", {"taskId": task_id}, **self.bearer)

    async def outputs(self, task_id: str) -> Any:
        return await self.v1("/task/openapi/outputs", taskId=task_id)

    async def finished(self, created: Any) -> Any:
        """The query's reply when the created task is over."""
        task_id = str(created["data"]["taskId"])
        runner = self.emulator.tasks[task_id].runner
        if runner:
            await runner
        return await self.query(task_id)

    async def get(self, url: str, **headers: str) -> tuple[int, bytes]:
        async with self.session.get(url, headers=headers) as answer:
            return answer.status, await answer.read()

    async def run(
        self, workflow_id: str, fields: dict[str, Any] | None = None
    ) -> list[tuple[str, bytes]]:
        """Run a workflow with ``{"6.text": value}``; (file name, bytes or text) of its results."""
        items = [
            {"nodeId": node, "fieldName": name, "fieldValue": value}
            for (node, _, name), value in (
                (place.rpartition("."), value) for place, value in (fields or {}).items()
            )
        ]
        reply = await self.finished(await self.create(workflow_id, nodeInfoList=items))
        assert reply["status"] == "SUCCESS", reply
        outputs: list[tuple[str, bytes]] = []
        for result in reply["results"] or []:
            if result["url"] is None:
                outputs.append(("", result["text"].encode()))
                continue
            status, data = await self.get(result["url"])
            assert status == 200
            outputs.append((result["url"].rpartition("/")[2], data))
        return outputs

    async def upload(self, data: bytes, name: str = "input.png") -> Any:
        form = aiohttp.FormData()
        form.add_field("file", data, filename=name)
        path = "/openapi/v2/media/upload/binary"
        async with self.session.post(path, data=form, headers=self.bearer) as answer:
            return await answer.json()


@pytest.fixture
def emulator() -> Emulator:
    return Emulator(strict=True, run_seconds=0)


@pytest.fixture
async def base_url(emulator: Emulator):
    async with emulator.serve() as base:
        yield base


@pytest.fixture
async def remote(emulator: Emulator, base_url: str):
    async with aiohttp.ClientSession(base_url) as session:
        yield Remote(emulator, session)
