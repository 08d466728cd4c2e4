"""Converts graphs of other RunningHub packs to ours, and finds API keys in files. Pure."""

from .migrate import Migration, migrate

__all__ = ["Migration", "migrate"]
