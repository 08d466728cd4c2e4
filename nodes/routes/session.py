"""A page says hello: it gets the token of this start, and we learn which language it speaks."""

from __future__ import annotations

from .. import language
from . import Body, Route, guard, text_of


async def session(body: Body) -> dict[str, object]:
    """Only a page of this ComfyUI gets this far, and can read the answer."""
    language.speak(text_of(body, "locale", "en"))
    return {"token": guard.token()}


ROUTES = (Route("POST", "/runninghub/session", session, open=True),)
