"""Frozen settings (origin, API key, folder of the journal), read from environment variables."""

from __future__ import annotations

import hashlib
import ipaddress
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from .errors import BadInput, NoKey, WrongSite
from .graph.extra_data import read_models, read_route
from .money.amounts import CURRENCIES, read_sums
from .money.limits import VARIABLES, Limits
from .system.state_folders import find_state_folder, read_state
from .wire.run_v2 import SUBMIT_V1, SUBMIT_V2

DEFAULT_ORIGIN = "https://www.runninghub.ai"
OFFICIAL_HOSTS = tuple(CURRENCIES)
ENVIRONMENT = "environment"
"""The name of the account whose key is in the environment."""
RENEWS = "RUNNINGHUB_RENEW_MODELS"
KEY_LENGTH = 32  # characters, of every key seen in public samples

_SWITCHES = {"1": True, "on": True, "true": True, "0": False, "off": False, "false": False}
_ORIGIN = re.compile(r"(https?)://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?/?")
_OWN_NETWORK = re.compile(  # or loopback: addresses, and names that no public DNS has
    r"(127|10)(\.\d+){3}|(192\.168|172\.(1[6-9]|2\d|3[01])|169\.254)(\.\d+){2}|0\.0\.0\.0"
    r"|::1?|f[cd][0-9a-f]{2}:.+|fe[89ab][0-9a-f]:.+"
    r"|[a-z][a-z0-9-]*|.+\.(localhost|local|lan|internal|home\.arpa|test)"
)


class Secret:
    """A string whose repr is masked, so that no log or traceback of locals shows it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return "Secret(…)"


NO_SECRET = Secret("")


def no_passwords(_: str) -> Secret:
    """The default of `Settings.passwords`: no program has its own."""
    return NO_SECRET


@dataclass(frozen=True, slots=True)
class Settings:
    """One account on one site.

    `origin`: scheme://host[:port] without a path. `state`: the folder of the journal.
    `result_hosts`: further host names that results may be fetched from. `access_password`: for
    protected programs. `segment_workflow`: the id or link under which whole graphs are sent, ""
    for a placeholder. `models`: "strict" refuses a model that the cloud does not list, anything
    else only warns. `route`: default for graphs that name none, one of `graph.extra_data.ROUTES`,
    "" for a task. `renews_models`: whether new standard models are looked for once a day.
    `passwords`: returns a program's own password by its name in the journal (an id, or `app/` and
    an id); it is called each time that one is needed. `limits`: cost limits from the environment;
    `command`: from `--max-cost`, in place of a prompt's. `webhook_url`: passed on with each order,
    "" for none. `submit`: by which routes workflows and apps are ordered, `SUBMIT_V1` or
    `SUBMIT_V2`. `most_result_bytes`: of a result whose length is not announced, 0 for the default
    of its kind.
    `max_tasks`: how many tasks of the account this process runs at once, 0 for all it may.
    `is_sandbox`: it is the built-in emulator, whose orders are free.
    """

    origin: str
    key: Secret
    state: Path
    result_hosts: tuple[str, ...] = ()
    access_password: Secret = NO_SECRET
    segment_workflow: str = ""
    models: str = ""
    route: str = ""
    renews_models: bool = True
    passwords: Callable[[str], Secret] = field(default=no_passwords, compare=False, repr=False)
    limits: Limits = field(default_factory=Limits, hash=False)
    command: Limits = field(default_factory=Limits, hash=False)
    webhook_url: str = ""
    submit: str = SUBMIT_V1
    most_result_bytes: int = 0
    max_tasks: int = 0
    is_sandbox: bool = False

    @classmethod
    def from_mapping(cls, values: Mapping[str, str], state: Path | None = None) -> Settings:
        """Parse the RUNNINGHUB_* variables. A missing key is no error here but in `require_key`.

        `state`: default folder of the journal. Raises BadInput for an invalid value.
        """
        folder = values.get("RUNNINGHUB_STATE", "").strip()
        key = values.get("RUNNINGHUB_API_KEY", "").strip() or values.get("RH_API_KEY", "")
        hosts = re.split(r"[\s,;]+", values.get("RUNNINGHUB_RESULT_HOSTS", "").strip().lower())
        return cls(
            origin=read_origin(values.get("RUNNINGHUB_BASE_URL", "").strip() or DEFAULT_ORIGIN),
            key=read_key(key),
            state=read_state(folder) if folder else (state or find_state_folder(values)),
            result_hosts=tuple(host.strip(".") for host in hosts if host.strip(".")),
            access_password=Secret(values.get("RUNNINGHUB_ACCESS_PASSWORD", "")),
            segment_workflow=values.get("RUNNINGHUB_SEGMENT_WORKFLOW", "").strip(),
            models=(mode := values.get("RUNNINGHUB_MODELS", "")) and read_models(mode),
            route=(route := values.get("RUNNINGHUB_ROUTE", "")) and read_route(route),
            renews_models=not (on := values.get(RENEWS, "")) or read_switch(RENEWS, on),
            limits=Limits(*(_read_limit(name, values) for name in VARIABLES.values())),
            webhook_url=values.get("RUNNINGHUB_WEBHOOK_URL", "").strip(),
            most_result_bytes=read_most_bytes(most)
            if (most := values.get("RUNNINGHUB_MAX_RESULT_GB", "").strip())
            else 0,
            max_tasks=read_max_tasks(values.get("RUNNINGHUB_MAX_TASKS", "")),
            submit=read_submit(way) if (way := values.get("RUNNINGHUB_SUBMIT", "")) else SUBMIT_V1,
        )

    @property
    def host(self) -> str:
        return urlsplit(self.origin).hostname or ""

    @property
    def is_official(self) -> bool:
        return self.host in OFFICIAL_HOSTS

    @property
    def account(self) -> str:
        """One-way fingerprint of the key (16 hex digits), by which the journal knows accounts."""
        return hashlib.sha256(b"runninghub account\0" + self.key.reveal().encode()).hexdigest()[:16]

    @property
    def payer(self) -> tuple[str, str]:
        """Origin and account: equal for settings of one account on one site."""
        return self.origin, self.account

    def password_of(self, program: str) -> str:
        """Access password of a program, "" for none; `program` as the journal names it."""
        return (self.passwords(program) or self.access_password).reveal()

    def require_key(self) -> None:
        """Raise NoKey if there is no key, and BadInput if it would go in clear text (http) over
        a public network."""
        if not self.key:
            raise NoKey
        if self.origin.startswith("http:") and not _OWN_NETWORK.fullmatch(self.host):
            raise BadInput("error.key_in_clear", origin=self.origin, host=self.host)


def _read_limit(name: str, values: Mapping[str, str]) -> dict[str, int]:
    try:
        return read_sums(text) if (text := values.get(name, "")) else {}
    except BadInput as error:
        raise BadInput("error.in_variable", name=name, error=error) from None


def read_origin(text: str) -> str:
    """Normalize to scheme://host[:port], lower case, no default port; BadInput for all else."""
    match = _ORIGIN.fullmatch(text)
    if match is None or (match[3] and not 0 < int(match[3]) < 65536):
        raise BadInput("error.bad_origin", value=text[:100])
    scheme, host = match[1], match[2].lower()
    standard = {"http": 80, "https": 443}[scheme]
    port = int(match[3] or standard)
    if host.startswith("["):
        try:
            ipaddress.IPv6Address(host[1:-1])
        except ValueError as error:
            raise BadInput("error.bad_origin", value=text[:100]) from error
    return f"{scheme}://{host}" + ("" if port == standard else f":{port}")


def read_key(text: str) -> Secret:
    """Parse a pasted key, without white space and `Bearer `; BadInput if it cannot be a key."""
    key = text.strip().removeprefix("Bearer ").strip()
    if key and (not key.isascii() or not key.isalnum() or len(key) != KEY_LENGTH):
        raise BadInput("error.bad_key", length=len(key), expected=KEY_LENGTH)
    return Secret(key)


def read_switch(name: str, text: str) -> bool:
    """Parse a boolean such as `on` or `0`; BadInput for anything else. `name`: for the error."""
    word = text.strip().lower()
    if word not in _SWITCHES:
        raise BadInput("error.bad_switch", name=name, value=word[:40])
    return _SWITCHES[word]


def read_most_bytes(text: str) -> int:
    """Parse a number of gigabytes to bytes; BadInput unless it is above zero."""
    try:
        most = float(text) * 10**9
    except ValueError:
        most = 0.0
    if not 1 <= most < math.inf:
        raise BadInput("error.bad_most_bytes", value=text[:40])
    return int(most)


def read_max_tasks(text: str) -> int:
    """Parse a number of tasks, 0 for none given; BadInput unless it is a whole one above zero."""
    text = text.strip()
    if text and not (text.isascii() and text.isdecimal() and 0 < int(text[:10]) < 10**6):
        raise BadInput("error.bad_max_tasks", value=text[:40])
    return int(text or 0)


def read_submit(text: str) -> str:
    """Parse one of the two, V1 if empty or `auto`, a former setting; BadInput for anything else."""
    word = text.strip().lower()
    if word not in ("", "auto", SUBMIT_V1, SUBMIT_V2):
        raise BadInput("error.bad_submit", value=word[:40])
    return SUBMIT_V2 if word == SUBMIT_V2 else SUBMIT_V1


def check_site(host: str, settings: Settings) -> None:
    """Raise BadInput or WrongSite for a link to another site than the account's.

    Accounts, keys and workflows are not shared between the sites. An origin that is none of
    the official ones (an emulator, a proxy) takes links of both. `host`: of the link, or "".
    """
    own = urlsplit(settings.origin).netloc
    if host in ("", own):
        return
    official = host in OFFICIAL_HOSTS or f"www.{host}" in OFFICIAL_HOSTS
    if not official:
        raise BadInput("error.foreign_link", host=host)
    if settings.is_official and f"www.{host.removeprefix('www.')}" != own:
        raise WrongSite(host=host, configured=own)
