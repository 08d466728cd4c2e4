"""Whose account a request is about."""

from __future__ import annotations

from ...rh_api.client import Client
from ..runtime import cloud, config
from .body import Body, text_of


def client_of(body: Body) -> Client:
    """The client of the profile that a request names, "" for the default one. Raises NoKey."""
    return cloud.client(config.settings(text_of(body, "profile")))
