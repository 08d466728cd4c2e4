"""Selects the client for a request."""

from __future__ import annotations

from ...rh_api.client import Client
from ..runtime import cloud, config
from .body import Body, text_of


def client_of(body: Body) -> Client:
    """Return the client of the request's `profile`, "" for the default. Raises NoKey, BadInput."""
    return cloud.client(config.settings(text_of(body, "profile")))
