"""Frozen settings (origin, API key, folder of the journal), read from environment variables."""

from __future__ import annotations

import contextlib
import hashlib
import ipaddress
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from .errors import BadInput, NoKey, WrongSite
from .graph.extra_data import read_models, read_route
from .money.amounts import CURRENCIES, read_sums
from .money.limits import VARIABLES, Limits
from .switches import (
    SUBMIT_V1,
    read_most_bytes,
    read_registry,
    read_submit,
    read_switch,
)
from .system.disk import replace_bytes

DEFAULT_ORIGIN = "https://www.runninghub.ai"
OFFICIAL_HOSTS = tuple(CURRENCIES)
ENVIRONMENT = "environment"
"""The name of the account whose key is in the environment."""
RENEWS, REGISTRY = "RUNNINGHUB_RENEW_MODELS", "RUNNINGHUB_MODEL_REGISTRY"
KEY_LENGTH = 32  # characters, of every key seen in public samples

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

    `origin`: scheme://host[:port] without a path; `state`: the folder of the journal;
    `result_hosts`: further host names that results may be fetched from. `access_password`: for
    protected programs; `segment_workflow`: the id or link under which whole graphs are sent, ""
    for a placeholder; `models`: "strict" refuses a model that the cloud does not list, anything
    else only warns; `route`: default for graphs that name none, one of `graph.extra_data.ROUTES`,
    "" for a task; `renews_models`: whether new standard models are looked for once a day;
    `model_registry`: URL of the vendor's registry of models, "" to leave it out; `passwords`
    returns a program's own, by its name in the journal (an id, or `app/` and an id), called each
    time that it is needed. `limits`: cost limits from the environment; `command`: from
    `--max-cost`, in place of a prompt's. `webhook_url`: passed on with each order, "" for none.
    `submit`: by which routes workflows and apps are ordered, see `switches`. `most_result_bytes`:
    of a result whose length is not announced, 0 for the default of its kind.
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
    model_registry: str = ""
    passwords: Callable[[str], Secret] = field(default=no_passwords, compare=False, repr=False)
    limits: Limits = field(default_factory=Limits, hash=False)
    command: Limits = field(default_factory=Limits, hash=False)
    webhook_url: str = ""
    submit: str = SUBMIT_V1
    most_result_bytes: int = 0

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
            model_registry=(at := values.get(REGISTRY, "")) and read_registry(at),
            limits=Limits(*(_read_limit(name, values) for name in VARIABLES.values())),
            webhook_url=values.get("RUNNINGHUB_WEBHOOK_URL", "").strip(),
            most_result_bytes=read_most_bytes(most)
            if (most := values.get("RUNNINGHUB_MAX_RESULT_GB", "").strip())
            else 0,
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


def read_state(text: str) -> Path:
    """Parse a folder, expanding "~", which service and container files pass as it is. BadInput for
    a relative path: the journal would depend on the working directory."""
    try:
        folder = Path(text).expanduser()
    except RuntimeError:
        folder = Path(text)
    if not folder.is_absolute():
        raise BadInput("error.state_relative", value=text[:200])
    return folder


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


JOURNAL = "orders.sqlite3"
REGISTERED = "comfyui"
"""Subfolder of the platform's folder: a file for each ComfyUI of this user, with the path of its
journal's folder."""


CHOSEN = "journal"
"""Beside it: the file with the path of the journal's folder that the user chose of several."""


def register_state_folder(folder: Path, values: Mapping[str, str]) -> None:
    """Register the folder of a host's journal, so that the command line uses the same one.

    Idempotent; does nothing if `RUNNINGHUB_STATE` is set, which is for both. Raises OSError.
    """
    if values.get("RUNNINGHUB_STATE", "").strip():
        return
    content = str(folder.resolve()).encode("utf-8", "surrogateescape")
    name = hashlib.sha256(content).hexdigest()[:16]
    file = default_state_folder(values) / REGISTERED / name
    if not file.exists() or file.read_bytes() != content:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_bytes(file, content)


def find_state_folder(values: Mapping[str, str]) -> Path:
    """The folder of the only journal (a ComfyUI's or the platform's own), or of the one that the
    user chose; the platform's if there is none.

    Raises BadInput, listing all, if there are several and none is chosen: cost limits and paid
    orders belong to one journal.
    """
    own, there = default_state_folder(values), state_folders(values)
    with contextlib.suppress(OSError):
        if (chosen := _read_folder(own / CHOSEN)) in there:
            return chosen
    if len(there) > 1:
        raise BadInput("error.several_journals", folders=", ".join(map(str, there)))
    return there[0] if there else own


def state_folders(values: Mapping[str, str]) -> list[Path]:
    """All registered folders that contain a journal, or may, the platform's first."""
    own = default_state_folder(values)
    files: list[Path] = []
    with contextlib.suppress(PermissionError):  # for `own` as well, which then is listed
        files = sorted((own / REGISTERED).glob("*"))
    noted = map(_read_folder, files)
    # Deduplicated: a kill during `register_state_folder` leaves a second file that names it.
    return [folder for folder in dict.fromkeys((own, *noted)) if _may_hold_journal(folder)]


def _may_hold_journal(folder: Path) -> bool:
    try:
        (folder / JOURNAL).stat()
    except PermissionError:
        return True  # opening it tells why not: its limits and orders are not to be passed over
    except (OSError, ValueError):
        return False
    return True


def choose_state_folder(folder: Path, values: Mapping[str, str]) -> Path:
    """Make `folder` the chosen one of several; return the file that stores the choice."""
    file = default_state_folder(values) / CHOSEN
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_bytes(file, str(folder).encode("utf-8", "surrogateescape"))
    return file


def _read_folder(file: Path) -> Path:
    return Path(file.read_bytes().decode("utf-8", "surrogateescape"))


def default_state_folder(values: Mapping[str, str]) -> Path:
    """The platform's default folder for application state."""
    try:
        home = Path(values.get("HOME") or values.get("USERPROFILE") or "~").expanduser()
    except RuntimeError:  # a user whom the system does not know, as in a container
        home = Path("/")  # as container runtimes set HOME then
    if sys.platform == "win32":
        return Path(values.get("LOCALAPPDATA") or home / "AppData" / "Local") / "runninghub"
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "runninghub"
    return Path(values.get("XDG_STATE_HOME") or home / ".local" / "state") / "runninghub"


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
