"""Calls our own routes as a page of ComfyUI does."""

from __future__ import annotations

from types import TracebackType
from typing import Any

import aiohttp


class Page:
    """Every call may be given headers of its own, to be hostile with."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.token = ""
        self._session = aiohttp.ClientSession()

    async def __aenter__(self) -> Page:
        await self.speak("en")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.speak("en")
        await self._session.close()

    async def speak(self, locale: str) -> None:
        self.token = (await self.post("session", locale=locale))["token"]

    async def post(self, path: str, **body: Any) -> dict[str, Any]:
        headers = {"X-RunningHub-Token": self.token, "Origin": self.url}
        url = f"{self.url}/runninghub/{path}"
        async with self._session.post(url, json=body, headers=headers) as answer:
            assert answer.status in (200, 400), await answer.text()
            return await answer.json()

    async def get(self, path: str) -> dict[str, Any]:
        async with self._session.get(f"{self.url}/runninghub/{path}") as answer:
            assert answer.status in (200, 400), await answer.text()
            return await answer.json()

    async def status(
        self, method: str, path: str, headers: dict[str, str], data: bytes = b"{}"
    ) -> int:
        """Of a request as it stands, without anything that a page of ours would add."""
        plain = {"Content-Type": "application/json", "X-RunningHub-Token": self.token}
        all_headers = {k: v for k, v in {**plain, **headers}.items() if v}
        body = data if method == "POST" else None
        async with self._session.request(
            method, self.url + path, headers=all_headers, data=body, allow_redirects=False
        ) as answer:
            await answer.read()
            return answer.status
