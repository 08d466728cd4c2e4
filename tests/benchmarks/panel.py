"""The panel with 10,000 orders in a real browser: from a click to a usable list, a keystroke of the
search, what a frame takes while it is scrolled, and what a run takes beside it and under limits.

The browser draws without a graphics card here. What of each goes to the server is told beside it.
"""

from __future__ import annotations

import json
import sqlite3
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import requests

from benchmarks.rows import Row, timed
from rh_api.emulator import Emulator
from tests.browser.canvas import Canvas
from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.frontends import NEWEST
from tests.browser.hosts import running
from tests.browser.pages import Pages

ORDERS = 10_000
ROUNDS = 9
OPEN, KEY, FRAME = 0.200, 0.050, 0.050  # seconds
RUNS = 20  # of each way of running
NOISE = 1.1  # what a run may take beside one without limits and panel

# Each is answered in the page's clock: milliseconds, and those of them that our routes took.
ASKED = """(start) => performance.getEntriesByType("resource")
    .filter((call) => call.startTime >= start && call.name.includes("/runninghub/history"))"""
TO_OPEN = """async () => {
    const orders = () => document.querySelectorAll(".runninghub-panel .order").length > 0;
    const start = performance.now();
    app.extensionManager.command.execute("runninghub.panel.open");
    while (!orders()) await new Promise(requestAnimationFrame);
    const shown = performance.now() - start;
    const asked = (ASKED)(start)[0];
    return [shown, asked ? asked.duration : 0];
}""".replace("ASKED", ASKED)
CLOSE = """async () => {
    app.extensionManager.command.execute("runninghub.panel.open");
    while (document.querySelector(".runninghub-panel")) await new Promise(requestAnimationFrame);
}"""
# From a key's event to the frame with the list that it leads to.
TO_FOUND = """async ([text, title]) => {
    const box = document.querySelector(".runninghub-panel input[type=search]");
    const start = performance.now();
    box.value = text;
    box.dispatchEvent(new Event("input", {bubbles: true}));
    const first = () => document.querySelector(".runninghub-panel .order .text")?.textContent;
    while (first() !== title) await new Promise(requestAnimationFrame);
    const shown = performance.now() - start;
    const asked = (ASKED)(start)[0];
    return [shown, asked ? asked.duration : 0];
}""".replace("ASKED", ASKED)
# Frames of a scroll from top to bottom, and of those that took long what our scripts and the
# page's layout took in them.
SCROLL = """async () => {
    const long = [];
    const watch = new PerformanceObserver((list) => {
        for (const frame of list.getEntries()) {
            const ours = frame.scripts.filter((script) => script.sourceURL.includes("/some-name/"));
            const spent = ours.reduce((sum, script) => sum + script.duration, 0);
            const layout = frame.startTime + frame.duration - frame.styleAndLayoutStart;
            long.push([frame.duration, spent, frame.styleAndLayoutStart ? layout : 0]);
        }
    });
    watch.observe({type: "long-animation-frame", buffered: false});
    const list = document.querySelector(".runninghub-panel .orders");
    const frames = [];
    let before = performance.now();
    for (let step = 0; step < 200; step += 1) {
        list.scrollTop += 400;
        await new Promise(requestAnimationFrame);
        const now = performance.now();
        frames.push(now - before);
        before = now;
    }
    await new Promise((done) => setTimeout(done, 300));
    watch.disconnect();
    return [frames, long];
}"""


# From Run to its end, in the page's clock.
RUN = """async () => {
    const { api } = await import("/scripts/api.js");
    const over = new Promise((done) => {
        for (const end of ["success", "error", "interrupted"]) {
            api.addEventListener(`execution_${end}`, () => done(end), { once: true });
        }
    });
    const start = performance.now();
    await app.queuePrompt(0);
    const end = await over;
    return [performance.now() - start, end];
}"""


def rows() -> Iterator[Row]:
    with _canvas() as canvas:
        canvas.clear()
        node, _ = canvas.painting()
        canvas.run()
        fill(canvas.host.base, ORDERS)
        canvas.run_js("() => sessionStorage.setItem('runninghub.panel', 'history')")
        opened = [_opened(canvas) for _ in range(ROUNDS)]
        yield _row("panel, until its list is there, the first time", opened[:1], OPEN)
        yield _row("panel, until its list is there, later", opened[1:], OPEN)
        canvas.run_js(TO_OPEN)
        canvas.until(lambda: _unread(canvas.host.base) == 0)  # what follows a panel's opening
        searches = [_searched(canvas, number) for number in range(ROUNDS)]
        yield _row("panel, a keystroke of the search, the first", searches[:1], KEY)
        yield _row("panel, a keystroke of the search, later", searches[1:], KEY)
        canvas.run_js(TO_FOUND, ["", f"prompt number {ORDERS - 1}"])
        frames, long = canvas.run_js(SCROLL)
        ours = max((spent for _, spent, _ in long), default=0.0) / 1000
        yield timed(
            "panel, our share of the longest frame of a scroll",
            ours,
            FRAME,
            f"of {len(frames)} frames {len(long)} took over 50 ms, the longest"
            f" {max(frames) / 1000:.3f} s, the median {statistics.median(frames) / 1000:.3f} s;"
            f" layout in one at most {max((took for *_, took in long), default=0.0) / 1000:.3f} s",
        )

        canvas.run_js(CLOSE)
        yield from _overhead(canvas, node)


def _overhead(canvas: Canvas, node: str) -> Iterator[Row]:
    """What a run takes under limits, and with the panel open, beside one with neither; in turn, so
    that a busy machine slows all alike, by the lower quartile of each, which other work slows
    least. One with neither is measured twice: that is the noise."""
    ways = {"neither": (False, False), "neither again": (False, False)}
    ways |= {"limits": (True, False), "the panel open": (False, True), "both": (True, True)}
    took: dict[str, list[float]] = {way: [] for way in ways}
    for turn in range(RUNS + 1):
        # Nobody always comes after the same one.
        first = turn % len(ways)
        for way in [*ways][first:] + [*ways][:first]:
            limits, panel = ways[way]
            _limit(canvas, "1000 coins" if limits else "")
            if panel:
                canvas.run_js(TO_OPEN)
            canvas.ask_anew(node)
            spent, end = canvas.run_js(RUN)
            assert end == "success", (way, end)
            if panel:
                canvas.run_js(CLOSE)
            if turn:  # the first of each is for what is loaded once
                took[way].append(spent / 1000)
    quarter = {way: statistics.quantiles(spent)[0] for way, spent in took.items()}
    base = quarter["neither"]
    for way, ours in [*quarter.items()][1:]:
        note = f"{min(took[way]):.3f} to {max(took[way]):.3f} s"
        name = "a run beside the same again" if way == "neither again" else f"a run with {way}"
        yield Row(name, f"{ours:.3f} s", f"{base:.3f} s", ours / base, NOISE, note)


def _limit(canvas: Canvas, total: str) -> None:
    """Set the limits of an order, a prompt and a day, or none."""
    url = canvas.host.url + "/api/runninghub"
    token = requests.post(f"{url}/session", json={}, timeout=10).json()["token"]
    for scope in ("order", "prompt", "day"):
        body, headers = {"scope": scope, "sum": total}, {"X-RunningHub-Token": token}
        requests.post(
            f"{url}/limits/save", json=body, headers=headers, timeout=10
        ).raise_for_status()


def _opened(canvas: Canvas) -> list[float]:
    took = canvas.run_js(TO_OPEN)
    canvas.run_js(CLOSE)
    return took


def _searched(canvas: Canvas, number: int) -> list[float]:
    text = f"prompt number {4_711 + number}"
    return canvas.run_js(TO_FOUND, [text, text])


def _row(name: str, took: list[list[float]], goal: float) -> Row:
    whole = statistics.median(total for total, _ in took) / 1000
    server = statistics.median(share for _, share in took) / 1000
    best = min(total for total, _ in took) / 1000
    note = f"of it the server {server:.3f} s; at best {best:.3f} s"
    return timed(name, whole, goal, note)


def _unread(base: Path) -> int:
    """Orders that a search does not know yet."""
    (file,) = base.rglob("orders.sqlite3")
    with closing(sqlite3.connect(file, timeout=30)) as db:
        counted = "SELECT (SELECT max(id) FROM orders) - (SELECT max(order_id) FROM words)"
        (unread,) = db.execute(counted).fetchone()
        return ORDERS if unread is None else int(unread)


@contextmanager
def _canvas() -> Iterator[Canvas]:
    from playwright.sync_api import sync_playwright

    emulator = Emulator(strict=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        emulator.run_in_thread() as url,
        sync_playwright() as playwright,
    ):
        settings = {"RUNNINGHUB_BASE_URL": url, "RUNNINGHUB_API_KEY": emulator.default_key}
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        with (
            running("stage", NEWEST, Path(folder), settings) as host,
            Canvas.opened(Pages(browser), host, name="benchmark") as canvas,
        ):
            yield canvas
        browser.close()


def fill(base: Path, count: int) -> None:
    """Orders as other processes left them, beside one that is there."""
    (file,) = base.rglob("orders.sqlite3")
    with closing(sqlite3.connect(file, timeout=30)) as db, db:
        row = db.execute("SELECT * FROM orders ORDER BY id DESC LIMIT 1")
        names = [column[0] for column in row.description]
        values: dict[str, Any] = dict(zip(names, row.fetchone(), strict=True))
        del values["id"]
        marks = ", ".join("?" for _ in values)
        for number in range(count):
            what = json.dumps({"inputs": {"6.text": f"prompt number {number}"}, "name": ""})
            own = {"identity_digest": f"x{number}", "what": what, "task_id": f"7{number}"}
            order = {**values, **own}
            columns = ", ".join(order)
            db.execute(f"INSERT INTO orders ({columns}) VALUES ({marks})", tuple(order.values()))
