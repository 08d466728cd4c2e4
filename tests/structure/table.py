"""The structure of the code in numbers: what is counted, and its limit today."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.structure import measures


@dataclass(frozen=True)
class Row:
    """`limit`: follows the number down and never goes up without a reason beside it."""

    name: str
    count: Callable[[], Sequence[object]]
    limit: int

    def now(self) -> int:
        return len(self.count())

    def listed(self) -> list[str]:
        return [str(entry) for entry in self.count()]


ROWS = (
    Row("circles of imports", lambda: measures.circles("rh_api", "nodes"), 0),
    # One for the names of models, which a page asks for and no start waits for; one for the
    # emulator, which a page need not wait for either; one for keys, which only prompts with a node
    # of ours are searched for; one for the forms of models, and one for what ComfyUI's classes say,
    # which only some prompts ask for.
    Row("import statements in functions of nodes/", measures.local_imports, 10),
    Row("places that change an error", measures.changed_errors, 0),
    Row("lambdas over the journal", measures.journal_lambdas, 0),
    Row("names that say nothing", measures.vague_names, 0),
)
