"""What a codec cannot take is named by a text key, so that a person reads it in their language."""

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
        """What to say of an error that something else made while it read `file`."""
        if isinstance(error, cls):
            return error
        # FFmpeg's own words alone: PyAV adds the path on this machine.
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return cls(key, file=file, reason=reason)

    def __str__(self) -> str:
        return f"{self.key} {self.params}" if self.params else self.key
