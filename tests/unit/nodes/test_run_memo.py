"""What a display knows of its node's earlier runs."""

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
    display, running = load_pack("nodes.runtime.node_display"), SimpleNamespace()
    server = SimpleNamespace(instance=SimpleNamespace(client_id=""))
    monkeypatch.setattr(display, "PromptServer", server)
    monkeypatch.setattr(display, "get_executing_context", lambda: running)
    monkeypatch.setattr(display, "get_progress_state", lambda: running.registry)

    def ordered(registry: Registry, prompt: str, node: str) -> object:
        running.registry, running.prompt_id, running.node_id = registry, prompt, node
        return display.NodeDisplay.of_running_node().ordered

    first, second = Registry(), Registry()
    noted = ordered(first, "p", "1")
    assert ordered(first, "p", "1") is noted
    assert ordered(first, "p", "2") is not noted
    assert ordered(first, "q", "1") is not noted
    assert ordered(second, "p", "1") is not noted
    del first
    assert list(display._ordered) == [second]  # nothing is kept of a prompt that is over
