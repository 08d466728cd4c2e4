"""Where the service is, whose account it is, and where the order book lies: a frozen value."""

from __future__ import annotations

import hashlib
import ipaddress
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from .errors import BadInput, NoKey

DEFAULT_ORIGIN = "https://www.runninghub.ai"
OFFICIAL_HOSTS = ("www.runninghub.ai", "www.runninghub.cn")
KEY_LENGTH = 32  # of every key seen in public samples

_ORIGIN = re.compile(r"(https?)://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?/?")


class Secret:
    """A text that no repr, log line or traceback of locals shows."""

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
    """No program has an access password of its own."""
    return NO_SECRET


@dataclass(frozen=True, slots=True)
class Settings:
    """One account on one site.

    `origin` is scheme://host[:port] without a path; `state` the folder of the order book;
    `result_hosts` further host names that results may be fetched from. `access_password` is for
    protected programs; `segment_workflow` is the id or link under which whole graphs go out, ""
    for a placeholder; `passwords` gives a program's own, by its name in the order book (an id,
    or `app/` and an id), each time that it is needed.
    """

    origin: str
    key: Secret
    state: Path
    result_hosts: tuple[str, ...] = ()
    access_password: Secret = NO_SECRET
    segment_workflow: str = ""
    passwords: Callable[[str], Secret] = field(default=no_passwords, compare=False, repr=False)

    @classmethod
    def from_mapping(cls, values: Mapping[str, str], state: Path | None = None) -> Settings:
        """Read the contract's variables. A missing key is no error here: `require_key` says it.

        Raises BadInput for an origin or a key that cannot work.
        """
        folder = values.get("RUNNINGHUB_STATE", "").strip()
        key = values.get("RUNNINGHUB_API_KEY", "").strip() or values.get("RH_API_KEY", "")
        hosts = re.split(r"[\s,;]+", values.get("RUNNINGHUB_RESULT_HOSTS", "").strip().lower())
        return cls(
            origin=read_origin(values.get("RUNNINGHUB_BASE_URL", "").strip() or DEFAULT_ORIGIN),
            key=read_key(key),
            state=Path(folder) if folder else (state or default_state_folder(values)),
            result_hosts=tuple(host.strip(".") for host in hosts if host.strip(".")),
            access_password=Secret(values.get("RUNNINGHUB_ACCESS_PASSWORD", "")),
            segment_workflow=values.get("RUNNINGHUB_SEGMENT_WORKFLOW", "").strip(),
        )

    @property
    def host(self) -> str:
        return urlsplit(self.origin).hostname or ""

    @property
    def is_official(self) -> bool:
        return self.host in OFFICIAL_HOSTS

    @property
    def account(self) -> str:
        """A fingerprint that tells keys apart in the store and cannot be turned back."""
        digest = hashlib.sha256(b"runninghub account\0" + self.key.reveal().encode())
        return digest.hexdigest()[:16]

    def password_of(self, program: str) -> str:
        """What opens a protected program, "" for none; `program` as the order book names it."""
        return (self.passwords(program) or self.access_password).reveal()

    def require_key(self) -> None:
        """Raise NoKey where there is none: nothing works without."""
        if not self.key:
            raise NoKey


def read_origin(text: str) -> str:
    """`text` as scheme://host[:port], lower case; BadInput when it is anything else."""
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
    """A pasted key: white space and a copied `Bearer ` go; what cannot be a key is refused."""
    key = text.strip().removeprefix("Bearer ").strip()
    if key and (not key.isascii() or not key.isalnum() or len(key) != KEY_LENGTH):
        raise BadInput("error.bad_key", length=len(key), expected=KEY_LENGTH)
    return Secret(key)


def default_state_folder(values: Mapping[str, str]) -> Path:
    """The platform's folder for state of a program that was not told another."""
    home = Path(values.get("HOME") or values.get("USERPROFILE") or "~").expanduser()
    if sys.platform == "win32":
        return Path(values.get("LOCALAPPDATA") or home / "AppData" / "Local") / "runninghub"
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "runninghub"
    return Path(values.get("XDG_STATE_HOME") or home / ".local" / "state") / "runninghub"
