"""Request checks before any processing: JSON, key, blank or mistyped fields."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

from aiohttp import web

from ..codes import Json, Refused

if TYPE_CHECKING:
    from ..accounts import Account
    from ..state import State


async def read_json(request: web.Request) -> Json:
    """Return the request's body as a JSON object; 301 if it is none."""
    try:
        body = json.loads(await request.read() or b"{}")
    except ValueError:
        raise Refused(301) from None
    if not isinstance(body, dict):
        raise Refused(301)
    return cast("Json", body)


def account_of_body(
    state: State, request: web.Request, body: Json, *, field: str = "apiKey"
) -> tuple[str, Account]:
    """Return key and account of an older request, whose key is ``body[field]``.

    Newer pages of the documentation want it in the header too, which had no effect in a live log of
    2026-03. What a strict service answers without it is made up: 412, as on the V2 paths.
    """
    key = body.get(field)
    if not isinstance(key, str) or not key.strip():
        raise Refused(301, "must not be blank")
    account = account_of_key(state, key, 802)
    if state.strict and bearer(request) != key:
        raise Refused(412)
    return key, account


def account_of_key(state: State, key: str, unknown: int) -> Account:
    account = state.accounts.get(key)
    if account is None:
        raise Refused(unknown)
    if code := account.refusal_of_key():
        raise Refused(code)
    return account


def bearer(request: web.Request) -> str:
    """Return the key in a V2 request's header; 412 without one."""
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme != "Bearer" or not key.strip():
        raise Refused(412)
    return key.strip()


def text_field(body: Json, name: str) -> str:
    """Return a non-blank field as a string; numbers are accepted, as ids come both ways."""
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, (str, int)) or not str(value).strip():
        raise Refused(301, f"{name} must not be blank")
    return str(value).strip()


def positive_id(body: Json, name: str, message: str) -> str:
    value = text_field(body, name)
    if not value.isdigit():
        raise Refused(301)
    if int(value) <= 0:
        raise Refused(301, message)
    return value


def flag(body: Json, name: str, *, default: bool) -> bool:
    """Return a boolean, also from text, as the documentation's own example sends it."""
    value = body.get(name, default)
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if value is None:
        return default
    if not isinstance(value, bool):
        raise Refused(301)
    return value
