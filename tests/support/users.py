"""Users whom the system does not know."""

from __future__ import annotations

import os

import pytest


def become_unknown_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run under a number that no list of users has, without HOME, as containers may."""
    for name in ("HOME", "USERPROFILE", "HOMEPATH"):
        monkeypatch.delenv(name, raising=False)

    def unknown(number: int) -> None:
        raise KeyError(number)

    if os.name == "posix":
        monkeypatch.setattr("pwd.getpwuid", unknown)
