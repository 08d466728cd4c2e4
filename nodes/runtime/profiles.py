"""Keys and passwords that a person stored: one file that only its owner may read.

Nothing of it is ever sent to a browser but the names, the sites and four characters of a key.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from ...rh_api.disk import replace_bytes
from ...rh_api.errors import BadInput
from ...rh_api.graph.extra_data import read_route
from ...rh_api.settings import ENVIRONMENT, Secret, Settings, read_key, read_models, read_origin
from ...rh_api.switches import read_webhook_url
from . import demo_server

FILE = "profiles.json"
LOCK = "profiles.lock"
LOCKED_SECONDS = 5.0  # another process needs milliseconds
SANDBOX = demo_server.PROFILE
RESERVED = frozenset({ENVIRONMENT, SANDBOX})
NAME_LENGTH = 60
PASSWORD_LENGTH = 200
TAIL = 4  # characters of a key that tell a person which one it is


@dataclass(frozen=True, slots=True)
class Profile:
    """A key and the site that it is for.

    `workflow`: id of the saved workflow that marked parts go out under, "" for none of its own.
    `webhook`: public address of the webhook listener that its orders carry, "" for none of its own.
    `route`: how graphs go out that do not say it, one of ROUTES, "" for nothing said.
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
    """All that is stored. `passwords`: by origin and program, as the journal names it. `models`:
    what becomes of a model that the cloud does not list, as `Settings.models`. `renews_models`:
    whether new standard models are looked for once a day."""

    by_name: Mapping[str, Profile] = field(default_factory=dict[str, Profile])
    default: str = ""
    passwords: Mapping[tuple[str, str], Secret] = field(
        default_factory=dict[tuple[str, str], Secret]
    )
    models: str = ""
    renews_models: bool = True

    def get(self, name: str) -> Profile:
        """The profile of a name. Raises BadInput for one that is not here."""
        profile = self.by_name.get(name)
        if profile is None:
            raise BadInput("node.no_profile", value=name[:80])
        return profile

    def saved(self, name: str, origin: str, key: str) -> Profiles:
        """With a new or changed profile; a blank key keeps the old one, for the old site alone.

        Raises BadInput for what cannot work.
        """
        name, old = read_name(name), self.by_name.get(name.strip())
        try:
            site = read_origin(origin.strip())
        except BadInput:
            sentence = "node.bad_site" if origin.strip() else "node.no_site"
            raise BadInput(sentence, value=origin[:100]) from None
        secret = read_key(key)
        if not secret:
            # A key is never tried on a site that it was not entered for.
            if old is None or old.origin != site:
                raise BadInput("node.key_for_site", site=site)
            secret = old.key
        Settings(site, secret, Path()).require_key()
        # An id of one site means nothing on the other.
        workflow = old.workflow if old is not None and old.origin == site else ""
        base = Profile(site, secret) if old is None else old
        profile = replace(base, origin=site, key=secret, workflow=workflow)
        by_name = {**self.by_name, name: profile}
        return replace(self, by_name=by_name, default=_default(by_name, self.default))

    def with_workflow(self, name: str, number: str) -> Profiles:
        """Marked parts of a profile go out under this workflow; "" forgets it."""
        changed = replace(self.get(name), workflow=number)
        return replace(self, by_name={**self.by_name, name: changed})

    def with_webhook(self, name: str, address: str) -> Profiles:
        """Orders of a profile carry this address, none with "". BadInput for one that cannot be."""
        changed = replace(self.get(name), webhook=read_webhook_url(address))
        return replace(self, by_name={**self.by_name, name: changed})

    def with_route(self, name: str, word: str) -> Profiles:
        """Graphs of a profile go out by this route; BadInput for a word that is none."""
        changed = replace(self.get(name), route=read_route(word))
        return replace(self, by_name={**self.by_name, name: changed})

    def with_models(self, word: str) -> Profiles:
        """With "warn" or "strict" for models that the cloud does not list."""
        return replace(self, models=read_models(word))

    def with_renewal(self, *, on: bool) -> Profiles:
        """With the daily look for new standard models on or off."""
        return replace(self, renews_models=on)

    def without(self, name: str) -> Profiles:
        """Without a profile."""
        self.get(name)
        by_name = {stored: profile for stored, profile in self.by_name.items() if stored != name}
        return replace(self, by_name=by_name, default=_default(by_name, self.default))

    def defaulting_to(self, name: str) -> Profiles:
        self.get(name)
        return replace(self, default=name)

    def with_password(self, origin: str, program: str, password: str) -> Profiles:
        """With a program's access password; a blank one forgets it."""
        if len(password) > PASSWORD_LENGTH:
            raise BadInput("node.bad_password", most=PASSWORD_LENGTH)
        passwords = dict(self.passwords)
        passwords.pop((origin, program), None)
        if password:
            passwords[origin, program] = Secret(password)
        return replace(self, passwords=passwords)


Change = Callable[[Profiles], Profiles]


def _default(by_name: Mapping[str, Profile], chosen: str) -> str:
    """What was chosen while it is here, else the only one: of several a person says which pays."""
    if chosen in by_name:
        return chosen
    return next(iter(by_name)) if len(by_name) == 1 else ""


def read_name(text: str) -> str:
    """A profile's name, without spaces around it. Raises BadInput for one that cannot be."""
    name = text.strip()
    if not name or len(name) > NAME_LENGTH or not name.isprintable():
        raise BadInput("node.bad_profile_name", most=NAME_LENGTH)
    if name in RESERVED:
        raise BadInput("node.reserved_profile", value=name)
    return name


def load(folder: Path) -> Profiles:
    """What is stored in a folder. Raises BadInput for a file that cannot be read: it is left."""
    path = folder / FILE
    try:
        return _read(json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        return Profiles()
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError, BadInput):
        # The cause may quote a key.
        raise BadInput("node.profiles_unreadable", file=str(path)) from None


def change(folder: Path, how: Change) -> None:
    """Change what is stored, of which another ComfyUI of this folder loses nothing by that. Raises
    BadInput for what cannot be read, changed or written."""
    with _alone(folder):
        store(folder, how(load(folder)))


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        # A database locks on every system, and is free when its process has died. Where none can
        # be made, whoever writes says why.
        with contextlib.suppress(OSError, sqlite3.Error):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = sqlite3.connect(folder / LOCK, timeout=LOCKED_SECONDS, isolation_level=None)
            stack.callback(lock.close)
            lock.execute("BEGIN IMMEDIATE")
        yield


def store(folder: Path, profiles: Profiles) -> None:
    """Write it whole or not at all, for its owner alone. Raises BadInput when it cannot be."""
    path = folder / FILE
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        replace_bytes(path, json.dumps(_written(profiles), indent=1).encode("ascii"), mode=0o600)
    except OSError:
        raise BadInput("error.folder_not_writable", folder=str(folder)) from None


def _written(profiles: Profiles) -> dict[str, Any]:
    return {
        "v": 1,
        "default": profiles.default,
        "models": profiles.models,
        "renews_models": profiles.renews_models,
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


def _read(data: Any) -> Profiles:
    """Checked as what a person enters is: the file may have been edited."""
    document = cast("Mapping[str, Any]", data)
    by_name = {
        read_name(name): Profile(
            read_origin(entry["origin"]),
            read_key(entry["key"]),
            str(entry.get("workflow", "")),
            read_webhook_url(str(entry.get("webhook", ""))),
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
    )
