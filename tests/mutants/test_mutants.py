"""The table of mutants fits the code as it is; `python -m tests.mutants` runs them."""

from __future__ import annotations

import ast
import re

import pytest

from tests.mutants.table import MUTANTS, ROOT, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.test.partition("::")[2])
def test_a_mutant_can_be_made_and_its_test_is_there(mutant: Mutant) -> None:
    source = (ROOT / mutant.file).read_text("utf-8")
    assert source.count(mutant.text) == 1
    mutated = source.replace(mutant.text, mutant.instead)
    if mutant.file.endswith(".py"):
        assert ast.dump(ast.parse(mutated)) != ast.dump(ast.parse(source))
    file, _, name = mutant.test.partition("::")
    function = name.rpartition("::")[2].partition("[")[0]
    assert re.search(rf"def {function}\b", (ROOT / file).read_text("utf-8"))


def test_there_are_thirty() -> None:
    assert len({(mutant.file, mutant.text) for mutant in MUTANTS}) >= 30
