"""What ComfyUI's own search of nodes makes of ours."""

from __future__ import annotations

from tests.browser.canvas import Canvas


def test_remote_workflow_is_found_first(either: Canvas) -> None:
    either.clear()
    either.command("Workspace.SearchBox.Toggle")
    either.page.get_by_role("combobox").last.fill("runninghub")
    results = either.search_results
    results.filter(has_text="RunningHub 任务" if either.classic else "RunningHub Task").wait_for()
    name = "RunningHub 远程工作流" if either.classic else "RunningHub Remote Workflow"
    assert name in results.first.inner_text()
