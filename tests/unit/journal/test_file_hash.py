"""What stands for a file in an order's inputs."""

from __future__ import annotations

import pytest

from rh_api.journal.history import file_hash


@pytest.mark.parametrize(
    ("value", "file"),
    [
        ({"sha256": "ab"}, ("sha256", "ab")),
        ({"md5": "cd"}, ("md5", "cd")),
        ({"sha256": 3}, None),
        ({"sha256": "ab", "more": 1}, None),
        ({"points": [[0, 0], [1, 1]]}, None),
        ({}, None),
        ("sha256", None),
        (None, None),
    ],
)
def test_an_object_that_is_no_hash_is_a_plain_value(
    value: object, file: tuple[str, str] | None
) -> None:
    assert file_hash(value) == file
