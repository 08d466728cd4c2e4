"""Browser tabs that serve many tests: the front end is 100 MB, and a fresh graph is as good.

A tab is kept with the address of its host. When a test ends its graph is closed with all else that
it may have opened or set; the next one finds the page as it was when it was loaded, on a host that
was started for it. What cannot be set back costs the tab, never a test.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, Request

SIZE = {"width": 1440, "height": 900}
PATIENCE = 30_000  # ms until a state must have come
TOOLS = """
    const stores = document.querySelector("#vue-app").__vue_app__.config.globalProperties.$pinia._s;
    const { api } = window.comfyAPI.api;
    const plain = (value) => value === null || ["boolean", "number", "string"].includes(typeof value);
    // What tells of the server or of time, and no test sets.
    const own = (id) => !["setting", "execution", "queue", "systemStats", "release", "auth",
        "versionCompatibility", "workflowDraftV2", "workflow", "telemetry"].includes(id);
    /** The plain values of all stores: what is open, chosen or in progress. */
    const plainValues = () => Object.fromEntries([...stores].filter(([id]) => own(id)).map(([id, store]) =>
        [id, Object.fromEntries(Object.entries(store.$state).filter(([, value]) => plain(value)))]));
    /** What tests may put something of their own in place of. */
    const replaceable = () => [window.fetch, window.Notification, window.open, navigator.clipboard?.writeText,
        Storage.prototype.setItem, api.fetchApi, api.queuePrompt, app.graphToPrompt, app.queuePrompt,
        app.loadGraphData, app.loadApiJson, app.handleFile, document.hidden, Math.random, Date.now,
        ...Object.values(Object.getOwnPropertyDescriptors(CanvasRenderingContext2D.prototype))
            .map(({ value }) => value), ...Object.keys(app.canvas.ctx)];
    const defined = async () => await (await fetch("/api/object_info", { signal: AbortSignal.timeout(20_000) })).text();
    const outside = () => [...document.body.children].map((part) => part.tagName + part.className)
        .filter((name) => !name.includes("p-toast")).sort().join();
    const wait = (time) => new Promise((done) => setTimeout(done, time));
"""
FIRST = f"""async () => {{
    {TOOLS}
    const {{ scale, offset }} = app.canvas.ds;
    window[Symbol.for("replaceable")] = replaceable();
    return {{
        settings: {{ ...stores.get("setting").settingValues }},
        local: {{ ...localStorage }},
        session: {{ ...sessionStorage }},
        graph: app.rootGraph.serialize(),
        view: [scale, ...offset],
        values: plainValues(),
        globals: Object.keys(window),
        defined: await defined(),
        outside: outside(),
    }};
}}"""
# Everything of a test is closed and set back, while its host is still there. Says what stays.
CLEARED = f"""async (first) => {{
    {TOOLS}
    for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
    for (const notices of document.querySelectorAll(".runninghub-notices")) notices.remove();
    for (const menu of document.querySelectorAll(".litecontextmenu, .graphdialog, .p-tooltip")) menu.remove();
    const dialogs = stores.get("dialog");
    for (const {{ key }} of [...dialogs.dialogStack]) dialogs.closeDialog({{ key }});
    document.activeElement?.blur?.();
    const settings = stores.get("setting");
    for (const name of Object.keys({{ ...settings.settingValues, ...first.settings }})) {{
        const value = name in first.settings ? first.settings[name] : settings.getDefaultValue(name);
        if (JSON.stringify(settings.get(name)) !== JSON.stringify(value)) await settings.set(name, value);
    }}
    const {{ mode }} = first.values.queueSettingsStore;
    stores.get("queueSettingsStore").mode = mode;
    app.canvas.deselectAll();
    const workflows = stores.get("workflow");
    for (const workflow of [...workflows.openWorkflows]) {{
        await workflows.closeWorkflow(workflow);
    }}
    const path = JSON.parse(first.session[Object.keys(first.session).find((key) => key.includes("ActivePath"))] ?? "{{}}").path;
    const blank = workflows.createTemporary(path?.split("/").pop(), first.graph);
    await app.loadGraphData(structuredClone(first.graph), true, true, blank);
    const [scale, x, y] = first.view;
    app.canvas.ds.scale = scale;
    app.canvas.ds.offset[0] = x;
    app.canvas.ds.offset[1] = y;
    app.canvas.setDirty(true, true);
    stores.get("nodeOutput").resetAllOutputsAndPreviews?.();
    const errors = stores.get("executionError");
    if (errors) errors.clearAllErrors?.();
    else Object.assign(stores.get("execution"), {{ lastNodeErrors: null, lastExecutionError: null }});
    stores.get("workflowDraftV2")?.reset?.();
    for (const [id, values] of Object.entries(first.values)) {{
        const store = stores.get(id);
        for (const [name, value] of Object.entries(values)) {{
            if (store && store[name] !== value) try {{ store[name] = value; }} catch {{ /* is computed */ }}
        }}
    }}
    await wait(0);
    const stays = [];
    const now = plainValues();
    for (const [id, values] of Object.entries(first.values)) {{
        for (const [name, value] of Object.entries(values)) {{
            if (now[id]?.[name] !== value) stays.push(`${{id}}.${{name}}: ${{now[id]?.[name]}}, not ${{value}}`);
        }}
    }}
    for (const name of Object.keys(window)) if (!first.globals.includes(name)) stays.push(`window.${{name}}`);
    const before = window[Symbol.for("replaceable")];
    if (before && replaceable().some((value, index) => value !== before[index])) stays.push("a replaced function");
    if (outside() !== first.outside) stays.push(outside());
    if (!stores.get("execution").isIdle) stays.push("a run");
    if (workflows.openWorkflows.length !== 1) stays.push(`${{workflows.openWorkflows.length}} workflows`);
    window[Symbol.for("socket")] = api.socket;
    return stays;
}}"""
# Once the page has met its new host.
CONNECTED = """() => {
    const { socket } = window.comfyAPI.api.api;
    return socket && socket !== window[Symbol.for("socket")] && socket.readyState === WebSocket.OPEN;
}"""
READY = f"""async (first) => {{
    {TOOLS}
    if (await defined() !== first.defined) {{
        await stores.get("command").execute("Comfy.RefreshNodeDefinitions");
        first.defined = await defined();
    }}
    await Promise.race([stores.get("workflow").syncWorkflows?.(), wait(20_000)]);
    await Promise.race([stores.get("queue").update(), wait(20_000)]);
    const toasts = stores.get("toast");
    (toasts.removeAll ?? toasts.dismissAll)();
    for (const notices of document.querySelectorAll(".runninghub-notices")) notices.remove();
    for (const [storage, kept] of [[localStorage, first.local], [sessionStorage, first.session]]) {{
        for (const name of Object.keys(storage)) if (!(name in kept)) storage.removeItem(name);
        for (const [name, value] of Object.entries(kept)) if (name !== "clientId") storage.setItem(name, value);
    }}
}}"""


@dataclass
class Kept:
    """A tab that waits for its next test. `first`: what it was like when it was loaded."""

    context: BrowserContext
    page: Page
    classic: bool
    first: Any

    def park(self) -> str:
        """Closes all that a test left; says what stays of it."""
        try:
            for other in self.context.pages:
                if other is not self.page:
                    other.close()
            self.page.unroute_all(behavior="ignoreErrors")
            self.context.clear_permissions()
            self.page.set_viewport_size(SIZE)  # type: ignore[arg-type]
            self.page.mouse.move(0, 0)
            return "; ".join(self.page.evaluate(CLEARED, self.first))
        except Exception as error:  # noqa: BLE001 - whatever it is, the next test gets another tab
            return str(error)

    def meet(self) -> None:
        """Waits until the page knows the host that was started for its next test."""
        under_way: set[Request] = set()

        def begun(request: Request) -> None:
            under_way.add(request)

        def over(request: Request) -> None:
            under_way.discard(request)

        page = self.page
        page.on("request", begun)
        page.on("requestfinished", over)
        page.on("requestfailed", over)
        page.wait_for_function(CONNECTED, timeout=PATIENCE)
        page.evaluate(READY, self.first)
        for _ in range(100):
            if not under_way:
                break
            page.wait_for_timeout(20)
        page.remove_listener("request", begun)
        page.remove_listener("requestfinished", over)
        page.remove_listener("requestfailed", over)


class Pages:
    """A browser, and by the address of their host the tabs that are kept in it."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.kept: dict[str, Kept] = {}

    def take(self, url: str, *, classic: bool) -> Kept | None:
        """The tab of that host, if one is kept and it can be used."""
        kept = self.kept.pop(url, None)
        if kept is None:
            return None
        if kept.classic == classic:
            try:
                kept.meet()
            except Exception as error:  # noqa: BLE001 - as above
                log(url, str(error))
            else:
                return kept
        kept.context.close()
        return None

    def keep(self, url: str, kept: Kept) -> None:
        if stays := kept.park():
            log(url, stays)
            kept.context.close()
        else:
            self.kept[url] = kept


def log(url: str, stays: str) -> None:
    """Shown where a test of the same module fails."""
    print(f"the page of {url} is not kept: {json.dumps(stays)}")  # noqa: T201
