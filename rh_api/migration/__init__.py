"""Graphs made with other RunningHub packs, and keys that graphs and files hold. Pure."""

from .migrate import Migration, migrate

__all__ = ["Migration", "migrate"]
