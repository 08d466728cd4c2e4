"""The canvas in a real browser: from a link to a ready node, and long tasks.

The browser draws without a graphics card here, which makes some of ComfyUI's own frames long
tasks: ours are told from them by a page without our scripts that does the same.
"""

from __future__ import annotations

import json
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from benchmarks.rows import Row, timed
from rh_api.emulator import Emulator
from tests.browser.canvas import Canvas
from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.frontends import NEWEST
from tests.browser.hosts import running
from tests.browser.pages import Pages
from tests.browser.test_models import KLING, model
from tests.browser.test_programs import big

ROUNDS = 5
MODELS = 20
READY = 1.0  # seconds from a link to a ready node, beside the network
LONG = 0.1  # seconds that one task may hold up the page
BLAMED = "/extensions/some-name/"

# Frames that took long, with the share of them that ran in our scripts.
WATCH = """() => {
    window.longTasks = [];
    new PerformanceObserver((list) => {
        for (const frame of list.getEntries()) {
            const ours = frame.scripts.filter((script) => script.sourceURL.includes("BLAMED"));
            const spent = ours.reduce((sum, script) => sum + script.duration, 0);
            window.longTasks.push([frame.duration, spent]);
        }
    }).observe({type: "long-animation-frame", buffered: false});
}""".replace("BLAMED", BLAMED)

# From the text in the widget to the dialog, and from OK to the built node, in the page's clock.
TO_CHOOSER = """async ([id, link]) => {
    const node = app.graph.nodes.find((candidate) => String(candidate.id) === id);
    const widget = node.widgets.find(({name}) => name === "workflow");
    const start = performance.now();
    widget.value = link;
    widget.callback(link);
    while (!document.querySelector("dialog.runninghub-dialog[open] [role=treeitem]")) {
        await new Promise(requestAnimationFrame);
    }
    const shown = performance.now();
    const calls = performance.getEntriesByType("resource").filter(
        (call) => call.startTime >= start && call.name.includes("/runninghub/program"));
    const waited = calls.reduce((sum, call) => sum + call.duration, 0);
    return shown - start - waited;
}"""
TO_NODE = """async (id) => {
    const node = app.graph.nodes.find((candidate) => String(candidate.id) === id);
    const start = performance.now();
    document.querySelector("dialog.runninghub-dialog[open] button.primary").click();
    while (!node.widgets.some(({name}) => name === "6.text")) {
        await new Promise(requestAnimationFrame);
    }
    await new Promise(requestAnimationFrame);
    return performance.now() - start;
}"""


def rows() -> list[Row]:
    with _canvas() as (canvas, workflow):
        return [*_measured(canvas, workflow), _models(canvas)]


@contextmanager
def _canvas() -> Iterator[tuple[Canvas, str]]:
    from playwright.sync_api import sync_playwright

    emulator = Emulator(strict=True)
    emulator.account.kind, emulator.account.money = "SHARED", Decimal(100)
    with (
        tempfile.TemporaryDirectory() as folder,
        emulator.run_in_thread() as url,
        sync_playwright() as playwright,
    ):
        settings = {"RUNNINGHUB_BASE_URL": url, "RUNNINGHUB_API_KEY": emulator.default_key}
        workflow = emulator.add_workflow(big(300))
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        with (
            running("stage", NEWEST, Path(folder), settings) as host,
            Canvas.opened(Pages(browser), host, name="benchmark") as canvas,
        ):
            yield canvas, workflow
        browser.close()


def _measured(canvas: Canvas, workflow: str) -> Iterator[Row]:
    canvas.clear()
    canvas.run_js(WATCH)
    spent: list[float] = []
    for _ in range(ROUNDS):
        canvas.clear()
        node = canvas.add("RunningHubRemoteWorkflow")
        chooser = canvas.run_js(TO_CHOOSER, [node, workflow])
        spent.append((chooser + canvas.run_js(TO_NODE, node)) / 1000)
    ready = statistics.median(spent)
    name = "link to ready node, 300 remote nodes, beside network and person"
    yield Row(name, f"{ready:.2f} s", f"{READY:g} s", ready / READY, 1.0)
    yield _longest(canvas, "pasting")
    saved = json.dumps(canvas.workflow())
    for _ in range(ROUNDS):
        canvas.load(json.loads(saved))
    yield _longest(canvas, "loading")
    (node,) = canvas.nodes("RunningHubRemoteWorkflow")
    canvas.run()
    yield _longest(canvas, "running")


def _longest(canvas: Canvas, doing: str) -> Row:
    """Our scripts' share of the worst frame since the last look."""
    frames = canvas.run_js(
        "() => new Promise((done) => setTimeout(() => done(longTasks.splice(0)), 300))"
    )
    ours = max((own for _, own in frames), default=0.0) / 1000
    whole = max((frame for frame, _ in frames), default=0.0) / 1000
    note = f"the worst whole frame, ComfyUI's own work included: {whole:.2f} s"
    return Row(f"longest task while {doing}", f"{ours:.3f} s", f"{LONG} s", ours / LONG, 1.0, note)


def _models(canvas: Canvas) -> Row:
    """Our share of loading a graph with model nodes: samples of the processor in our scripts and
    in what they call, but for the front end's own `configure` that ours wraps; the best round."""
    canvas.clear()
    model(canvas, KLING)
    workflow = canvas.workflow()
    (node,) = workflow["nodes"]
    workflow["nodes"] = [{**node, "id": number} for number in range(1, MODELS + 1)]
    profiler = canvas.page.context.new_cdp_session(canvas.page)
    profiler.send("Profiler.enable")
    spent: list[float] = []
    for _ in range(ROUNDS):
        canvas.clear()
        profiler.send("Profiler.start")
        canvas.load(workflow)
        canvas.page.wait_for_timeout(1500)
        spent.append(_ours(profiler.send("Profiler.stop")["profile"]) / MODELS)
    took = min(spent)
    return timed(f"a node of {MODELS} models that are loaded", took, 0.01)


def _ours(profile: dict[str, Any]) -> float:
    """Seconds of a profile."""
    frames = {node["id"]: node["callFrame"] for node in profile["nodes"]}
    parents = {child: node["id"] for node in profile["nodes"] for child in node.get("children", ())}
    spent = 0
    for sample, took in zip(profile["samples"], profile["timeDeltas"], strict=True):
        at: int | None = sample
        while at is not None and frames[at]["functionName"] != "configure":
            if BLAMED in frames[at]["url"]:
                spent += took
                break
            at = parents.get(at)
    return spent / 1e6
