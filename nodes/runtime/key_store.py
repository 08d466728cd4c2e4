"""Stored profiles (API keys) and access passwords: one JSON file of mode 600.

Keys and passwords are never sent to a browser, except for the last four characters of a key.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from ...rh_api.errors import BadInput
from ...rh_api.graph.extra_data import read_route
from ...rh_api.settings import (
    ENVIRONMENT,
    Secret,
    Settings,
    read_key,
    read_max_tasks,
    read_models,
    read_origin,
)
from ...rh_api.system.disk import replace_bytes
from ...rh_api.wire.webhooks import check_address
from . import demo_server

FILE = "profiles.json"
LOCK = "profiles.lock"
LOCKED_SECONDS = 5.0  # lock timeout; another process holds it for milliseconds
SANDBOX = demo_server.PROFILE
RESERVED = frozenset({ENVIRONMENT, SANDBOX})
NAME_LENGTH = 60
PASSWORD_LENGTH = 200
TAIL = 4  # last characters of a key, by which the user recognizes it


@dataclass(frozen=True, slots=True)
class Profile:
    """A key and the origin that it is for.

    `workflow`: id of the saved workflow that marked parts are sent under, "" for none of its own.
    `webhook`: URL that is passed on with its orders, "" for none of its own.
    `route`: default route of graphs, one of ROUTES, "" if not set.
    """

    origin: str
    key: Secret
    workflow: str = ""
    webhook: str = ""
    route: str = ""

    @property
    def key_tail(self) -> str:
        return self.key.reveal()[-TAIL:]


@dataclass(frozen=True, slots=True)
class Profiles:
    """The file's content. `passwords`: by (origin, program as the journal names it). `models`:
    policy for models that the cloud does not list, as `Settings.models`. `renews_models`:
    whether the catalogue of standard models is refreshed daily. `max_tasks`: how many tasks of an
    account run at once, 0 for all it may."""

    by_name: Mapping[str, Profile] = field(default_factory=dict[str, Profile])
    default: str = ""
    passwords: Mapping[tuple[str, str], Secret] = field(
        default_factory=dict[tuple[str, str], Secret]
    )
    models: str = ""
    renews_models: bool = True
    max_tasks: int = 0

    def get(self, name: str) -> Profile:
        """Return a profile by name. Raises BadInput if there is none."""
        profile = self.by_name.get(name)
        if profile is None:
            raise BadInput("node.no_profile", value=name[:80])
        return profile

    def saved(self, name: str, origin: str, key: str) -> Profiles:
        """Return a copy with a profile upserted; a blank key keeps the old one, same site only.

        Raises BadInput for an invalid name, origin or key.
        """
        name = read_name(name)
        by_name = {**self.by_name, name: self.entered(name, origin, key)}
        return replace(self, by_name=by_name, default=_default(by_name, self.default))

    def entered(self, name: str, origin: str, key: str) -> Profile:
        """Return the profile that `saved` would store. Raises BadInput for an invalid origin or
        key, and for a blank key of another site."""
        old = self.by_name.get(name.strip())
        try:
            site = read_origin(origin.strip())
        except BadInput:
            sentence = "node.bad_site" if origin.strip() else "node.no_site"
            raise BadInput(sentence, value=origin[:100]) from None
        secret = read_key(key)
        if not secret:
            # A key is never sent to a site that it was not entered for.
            if old is None or old.origin != site:
                raise BadInput("node.key_for_site", site=site)
            secret = old.key
        Settings(site, secret, Path()).require_key()
        # Workflow ids are per site.
        workflow = old.workflow if old is not None and old.origin == site else ""
        base = Profile(site, secret) if old is None else old
        return replace(base, origin=site, key=secret, workflow=workflow)

    def with_workflow(self, name: str, number: str) -> Profiles:
        """Return a copy with the workflow id for a profile's marked parts; "" removes it."""
        changed = replace(self.get(name), workflow=number)
        return replace(self, by_name={**self.by_name, name: changed})

    def with_webhook(self, name: str, address: str) -> Profiles:
        """Return a copy with a profile's webhook URL; "" removes it. BadInput if it is invalid."""
        if address := address.strip():
            check_address(address)
        changed = replace(self.get(name), webhook=address)
        return replace(self, by_name={**self.by_name, name: changed})

    def with_route(self, name: str, word: str) -> Profiles:
        """Return a copy with a profile's default route; "" removes it. BadInput if unknown."""
        changed = replace(self.get(name), route=read_route(word))
        return replace(self, by_name={**self.by_name, name: changed})

    def with_models(self, word: str) -> Profiles:
        """Return a copy with the policy for unlisted models: "warn" or "strict"."""
        return replace(self, models=read_models(word))

    def with_renewal(self, *, on: bool) -> Profiles:
        """Return a copy with the daily catalogue refresh on or off."""
        return replace(self, renews_models=on)

    def with_max_tasks(self, text: str) -> Profiles:
        """Return a copy with a limit of tasks at once; blank removes it. BadInput if no number."""
        return replace(self, max_tasks=read_max_tasks(text))

    def without(self, name: str) -> Profiles:
        """Return a copy without a profile. Raises BadInput if there is none."""
        self.get(name)
        by_name = {stored: profile for stored, profile in self.by_name.items() if stored != name}
        return replace(self, by_name=by_name, default=_default(by_name, self.default))

    def defaulting_to(self, name: str) -> Profiles:
        self.get(name)
        return replace(self, default=name)

    def with_password(self, origin: str, program: str, password: str) -> Profiles:
        """Return a copy with a program's access password; "" removes it. BadInput if too long."""
        if len(password) > PASSWORD_LENGTH:
            raise BadInput("node.bad_password", most=PASSWORD_LENGTH)
        passwords = dict(self.passwords)
        passwords.pop((origin, program), None)
        if password:
            passwords[origin, program] = Secret(password)
        return replace(self, passwords=passwords)


Change = Callable[[Profiles], Profiles]


def _default(by_name: Mapping[str, Profile], chosen: str) -> str:
    """Return `chosen` if it exists, else the only profile; "" for several: the user chooses."""
    if chosen in by_name:
        return chosen
    return next(iter(by_name)) if len(by_name) == 1 else ""


def read_name(text: str) -> str:
    """Strip and validate a profile name. Raises BadInput for an invalid or reserved one."""
    name = text.strip()
    if not name or len(name) > NAME_LENGTH or not name.isprintable():
        raise BadInput("node.bad_profile_name", most=NAME_LENGTH)
    if name in RESERVED:
        raise BadInput("node.reserved_profile", value=name)
    return name


def load(folder: Path) -> Profiles:
    """Read the file in `folder`; empty if missing. Raises BadInput if it cannot be read."""
    path = folder / FILE
    try:
        return _from_json(json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        return Profiles()
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError, BadInput):
        # `from None`: the cause may quote a key.
        raise BadInput("node.profiles_unreadable", file=str(path)) from None


def change(folder: Path, how: Change) -> None:
    """Change the file under a cross-process lock (best effort, see `_locked`). Raises BadInput if
    it cannot be read, and then leaves it, or written, and whatever `how` raises."""
    with _locked(folder):
        store(folder, how(load(folder)))


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        # SQLite as a portable lock, released when its process dies. If it cannot be opened, or
        # taken in LOCKED_SECONDS, go on without: the write reports an unwritable folder.
        with contextlib.suppress(OSError, sqlite3.Error):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = sqlite3.connect(folder / LOCK, timeout=LOCKED_SECONDS, isolation_level=None)
            stack.callback(lock.close)
            lock.execute("BEGIN IMMEDIATE")
        yield


def store(folder: Path, profiles: Profiles) -> None:
    """Write the file atomically, mode 600. Raises BadInput if the folder is not writable."""
    path = folder / FILE
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        replace_bytes(path, json.dumps(_to_json(profiles), indent=1).encode("ascii"), mode=0o600)
    except OSError:
        raise BadInput("error.folder_not_writable", folder=str(folder)) from None


def _to_json(profiles: Profiles) -> dict[str, Any]:
    return {
        "v": 1,
        "default": profiles.default,
        "models": profiles.models,
        "renews_models": profiles.renews_models,
        "max_tasks": profiles.max_tasks,
        "profiles": {
            name: {
                "origin": profile.origin,
                "key": profile.key.reveal(),
                "workflow": profile.workflow,
                "webhook": profile.webhook,
                "route": profile.route,
            }
            for name, profile in profiles.by_name.items()
        },
        "passwords": [
            {"origin": origin, "program": program, "password": password.reveal()}
            for (origin, program), password in profiles.passwords.items()
        ],
    }


def _from_json(data: Any) -> Profiles:
    """Parse the file; validates as for user input, since it may have been edited by hand."""
    document = cast("Mapping[str, Any]", data)
    by_name = {
        read_name(name): Profile(
            read_origin(entry["origin"]),
            read_key(entry["key"]),
            str(entry.get("workflow", "")),
            str(entry.get("webhook", "")),
            read_route(str(entry.get("route", ""))),
        )
        for name, entry in document["profiles"].items()
    }
    return Profiles(
        by_name,
        _default(by_name, str(document.get("default", ""))),
        {
            (entry["origin"], entry["program"]): Secret(str(entry["password"]))
            for entry in document.get("passwords", ())
        },
        read_models(str(document.get("models", ""))),
        document.get("renews_models") is not False,
        read_max_tasks(str(document.get("max_tasks") or "")),
    )
