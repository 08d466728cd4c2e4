"""What a journal keeps of an error: a class's key and fate,
and what a code of the service becomes."""

from __future__ import annotations

from typing import Any

import rh_api.errors
from rh_api.errors import BY_CODE, RunningHubError, error_for_code


def errors() -> dict[str, Any]:
    """By class its key and fate; by code of the service the key that an order's row gets."""
    classes = [
        value
        for value in vars(rh_api.errors).values()
        if isinstance(value, type) and issubclass(value, RunningHubError)
    ]
    by_class = {kind.__name__: [kind.default_key, kind.default_fate.name] for kind in classes}
    by_code = {str(code): error_for_code(code, "words") for code in (*BY_CODE, 99999)}
    return {
        "classes": by_class,
        "codes": {code: [type(error).__name__, error.key] for code, error in by_code.items()},
    }
