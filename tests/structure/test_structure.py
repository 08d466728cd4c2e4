"""No number of the table grows, and what counts them sees what it is to count."""

from __future__ import annotations

import ast

import pytest

from tests.structure import measures
from tests.structure.table import ROWS, Row


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_no_number_is_above_its_limit(row: Row) -> None:
    assert row.now() <= row.limit, "\n".join(row.listed())


def test_an_error_that_is_changed_is_seen() -> None:
    code = """
def caught():
    try:
        pass
    except ValueError as error:
        error.task_id = 1
        other.task_id = 1
def made(given: Refused):
    fresh = BadInput("error.x") if given else NoKey()
    fresh.hint += "a"
    fresh.params["title"] = "a"
    given.code: int = 3
    report.error.task_id = "1"
    fresh = 1
class NoKey(BadInput):
    @classmethod
    def of(cls):
        made = cls()
        made.errors = {}
        self.errors = {}
"""
    lines = [
        line
        for function, owner in measures.methods(ast.parse(code))
        for line in measures.changes(function, owner)
    ]
    assert sorted(lines) == [6, 10, 11, 12, 13, 19]


def test_a_circle_is_seen_however_far_round() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set[str](), "e": {"f"}, "f": {"e"}}
    assert measures.circles_of(graph) == ["2: e f", "3: a b c"]


def test_a_name_that_says_nothing_is_seen() -> None:
    code = """
rows = [one for one in two]
def found(path, *, each=1):
    made = each
    try:
        made.known = path
    except ValueError as one:
        raise
"""
    assert sorted(measures.vague_lines(ast.parse(code))) == [2, 3, 3, 4, 7]
