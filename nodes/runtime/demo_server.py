"""The sandbox: the built-in emulator in a thread of this process, for users without a key."""

from __future__ import annotations

import atexit
from collections.abc import Collection
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ...rh_api.errors import BadInput
from ...rh_api.settings import Secret, Settings
from ...rh_api.texts import ENGLISH
from ...rh_api.wire.workflows import APP, WORKFLOW, read_page
from .. import language

if TYPE_CHECKING:
    from types import ModuleType

    from ...rh_api.emulator import Emulator

PROFILE = "sandbox"
"""The profile name that selects it in nodes."""

LOOPBACK = ("127.0.0.1", "localhost")
RUN_SECONDS = 2.0  # long enough that a user sees it run

_running: tuple[str, str, Emulator, ExitStack] | None = None


def start() -> tuple[str, str]:
    """Start it unless it is running; return its origin and its key."""
    global _running
    if _running is None:
        emulator = _package().Emulator(
            run_seconds=RUN_SECONDS,
            reroll_inline_seeds=False,
            is_free=True,
            any_model=True,
            model_cancel="works",
        )
        # Of the kind that may run standard models, which asks for a wallet; nothing is charged.
        account = emulator.account
        account.kind, account.money, account.coins = "SHARED", Decimal(1_000_000), 0
        stack = ExitStack()
        address = stack.enter_context(emulator.run_in_thread())
        _running = (address, emulator.default_key, emulator, stack)
        atexit.register(stop)
    return _running[:2]


def stop() -> None:
    """Stop it and discard its state; idempotent."""
    global _running
    if _running is not None:
        running, _running = _running, None
        running[3].close()
        atexit.unregister(stop)


def is_running() -> bool:
    return _running is not None


def samples() -> list[dict[str, str]]:
    """Return the sample programs (kind, id, name) that it offers, also while it is stopped."""
    running = _running[2] if _running else None
    catalog = _package().catalog
    workflows = running.workflows if running else catalog.workflows()
    apps = running.apps if running else catalog.apps()
    modules = running.modules if running else catalog.modules()
    return [
        *({"kind": "module", "id": m.example(), "name": _said(m.name)} for m in modules.values()),
        *(
            {"kind": "workflow", "id": w.id, "name": _said(w.title)}
            for w in workflows.values()
            if w.id != catalog.NO_OUTPUT_FILES  # it always fails: it is there for tests
        ),
        *({"kind": "app", "id": app.id, "name": _said(app.name)} for app in apps.values()),
    ]


def _said(title: str) -> str:
    """A built-in title in the browser's language; any other title as it is."""
    key = f"sample.{title.lower().replace(' ', '_')}"
    return language.say(key, {}) if key in ENGLISH else title


def name_of(kind: str, number: str) -> str:
    """Return the name of a sample; "" if there is none."""
    names = {(sample["kind"], sample["id"]): sample["name"] for sample in samples()}
    return names.get((kind, number), "")


def is_emulated(origin: str, account: str) -> bool:
    """Whether an order was placed with an emulator, of this or an earlier start: a loopback origin,
    and the account of the default key that all emulators share."""
    if urlsplit(origin).hostname not in LOOPBACK:
        return False
    key = Secret(_package().Emulator.default_key)
    return account == Settings(origin, key, Path()).account


def known_classes() -> Collection[str]:
    """The node classes that it can draw."""
    return _package().NODE_CLASSES.keys()


def refuse_link(settings: Settings, text: str, *, is_app: bool) -> None:
    """Raise BadInput for a sample's id or link if the account is one of an official site."""
    if not settings.is_official:
        return
    try:
        number, host = read_page(text, APP if is_app else WORKFLOW)
    except BadInput:
        return  # the next parser of it reports the error
    catalog = _package().catalog
    programs = catalog.apps() if is_app else catalog.workflows()
    name = host.partition(":")[0]
    if name in LOOPBACK or (not name and number in programs):
        raise BadInput("error.sandbox_link", value=number)


def _package() -> ModuleType:
    # Imported on use: it takes 0.1 s, which pages that show no samples need not wait.
    from ...rh_api import emulator

    return emulator
