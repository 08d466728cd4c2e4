"""What tests ask of the emulator, and what they make it do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from rh_api.emulator import Emulator, Fault

CREATE = "/task/openapi/create"
UPLOAD = "/openapi/v2/media/upload/binary"
QUESTIONS = ("/openapi/v2/query", "/task/openapi/outputs")


def asked(emulator: Emulator) -> list[str]:
    """Paths of what a shared ComfyUI requested, but for questions about tasks: what those of the
    test before did cost, it may still want to know."""
    return [path for path in emulator.counters.requests.elements() if path not in QUESTIONS]


def uploads(emulator: Emulator) -> int:
    """How often something was uploaded."""
    return emulator.counters.requests[UPLOAD]


def bodies(emulator: Emulator, endpoint: str) -> list[dict[str, Any]]:
    """What was ordered of a standard model, one body an order."""
    path = f"/openapi/v2/{endpoint}"
    return [request.json for request in emulator.journal if request.path == path]


def results_are(body: bytes, content_type: str = "image/png") -> Fault:
    """Every result is these bytes."""
    return Fault("/results/", "body", count=None, value=body, content_type=content_type)


def api_balance_empty() -> Fault:
    """Orders are refused for money, with the code that a wrong graph has too."""
    text = "Your API balance is insufficient, please top up"
    return Fault(CREATE, "code", count=None, value=433, text=text)


def pages_are_shells() -> Fault:
    """The documentation's pages are the site's empty app shell."""
    shell = "<!DOCTYPE html><html><body><div id='root'></div></body></html>"
    path = "/runninghub-api-doc-cn/api-"
    return Fault(path, "body", count=None, value=shell, content_type="text/html", status=200)


class Meanwhile(Fault):
    """No fault at all: something that happens here when the first request of a path arrives."""

    def __init__(self, path: str, act: Callable[[], None]) -> None:
        super().__init__(path, "delay", value=0)
        self._act = act

    def strikes(self) -> bool:
        if super().strikes():
            self._act()
        return False


class Explodes:
    """What a pickle can do to who loads it."""

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (Path("exploded"),)
