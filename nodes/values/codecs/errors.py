"""Errors of codecs carry a text key, so that they are shown in the user's language."""

from __future__ import annotations


class MediaError(ValueError):
    """A tensor or a file that a codec refuses.

    `key` names the sentence (`media.…`), `params` fills it.
    """

    def __init__(self, key: str, **params: object) -> None:
        super().__init__(key, params)
        self.key = key
        self.params = params

    @classmethod
    def of(cls, error: Exception, key: str, file: str) -> MediaError:
        """Convert an exception of a library that read `file`; a MediaError stays as it is."""
        if isinstance(error, cls):
            return error
        # FFmpeg's message alone: PyAV's has the local path in it.
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return cls(key, file=file, reason=reason)

    def __str__(self) -> str:
        return f"{self.key} {self.params}" if self.params else self.key
