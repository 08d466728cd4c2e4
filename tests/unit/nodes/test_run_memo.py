"""What is known of a node's earlier executions in one run of its prompt."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.unit.nodes.conftest import load_pack
from tests.unit.nodes.host import Host, hosted


@pytest.fixture
async def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Host]:
    async with hosted(tmp_path, monkeypatch) as host:
        yield host


class Registry:
    """Stands in for ComfyUI's, of which there is one for each prompt."""


async def test_a_node_knows_what_it_ordered_in_the_run_of_its_prompt_alone(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another pack's executor may serve several prompts with one registry, and who posts prompts
    may give several the same id."""
    run_memo, running = load_pack("nodes.runtime.run_memo"), SimpleNamespace()
    monkeypatch.setattr(run_memo, "get_executing_context", lambda: running)
    monkeypatch.setattr(run_memo, "get_progress_state", lambda: running.registry)

    def memo(registry: Registry, prompt: str, node: str) -> object:
        running.registry, running.prompt_id, running.node_id = registry, prompt, node
        return run_memo.of_running_node()

    first, second = Registry(), Registry()
    earlier = memo(first, "p", "1")
    assert memo(first, "p", "1") is earlier
    assert memo(first, "p", "2") is not earlier
    assert memo(first, "q", "1") is not earlier
    assert memo(second, "p", "1") is not earlier
    del first
    assert list(run_memo._memos) == [second]  # nothing is kept of a prompt that is over
