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
    by_class = {one.__name__: [one.default_key, one.default_fate.name] for one in classes}
    by_code = {str(code): error_for_code(code, "words") for code in (*BY_CODE, 99999)}
    return {
        "classes": by_class,
        "codes": {code: [type(one).__name__, one.key] for code, one in by_code.items()},
    }
