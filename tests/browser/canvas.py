"""ComfyUI's canvas as a person has it: what can be done there, and what can be seen."""

from __future__ import annotations

import contextlib
import itertools
import json
import re
from typing import TYPE_CHECKING, Any

from playwright.sync_api import TimeoutError as Late

from rh_api.emulator import catalog
from tests.browser.tab import Tab

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Locator

EMPTY = {
    "last_node_id": 0,
    "last_link_id": 0,
    "nodes": [],
    "links": [],
    "groups": [],
    "config": {},
    "extra": {},
    "version": 0.4,
}

_seeds = itertools.count(20_001)  # that no test asks for by itself


class Canvas(Tab):
    """What is on the canvas of one tab; nodes are named by their id."""

    def load(self, workflow: dict[str, Any]) -> None:
        """Opens a workflow, as Open does."""
        # As text: the bridge would turn undefined into null.
        self.run_js(
            "async (text) => { await app.loadGraphData(JSON.parse(text)); }", json.dumps(workflow)
        )

    def graph_id(self) -> str:
        """Of the workflow that is open."""
        return self.run_js("() => app.rootGraph.id")

    def clear(self) -> None:
        self.load(EMPTY)

    def add(self, kind: str, x: float = 100, y: float = 150) -> str:
        """A new node; its id."""
        return self.run_js(
            """([kind, x, y]) => {
                const node = LiteGraph.createNode(kind);
                node.pos = [x, y];
                app.canvas.graph.add(node);
                return String(node.id);
            }""",
            [kind, x, y],
        )

    def connect(self, source: str, slot: str, target: str, field: str) -> None:
        """By the names of an output and an input."""
        done = self.run_js(
            """([source, slot, target, field]) => {
                const graph = app.canvas.graph;
                const find = (id) => graph.nodes.find((node) => String(node.id) === id);
                const [from, to] = [find(source), find(target)];
                const named = ({ name, label }) => name === slot || label === slot;
                const link = from.connect(from.outputs.findIndex(named), to, to.findInputSlot(field));
                return Boolean(link);
            }""",
            [source, slot, target, field],
        )
        assert done, f"{source}.{slot} -> {target}.{field}"

    def socket(self, node_id: str, side: str, name: str) -> tuple[float, float]:
        """Where on the page the dot of an input or output is; `side` is "inputs" or "outputs"."""
        at = self.page.wait_for_function(
            """([id, side, name]) => {
                const node = app.canvas.graph.nodes.find((node) => String(node.id) === id);
                const named = (socket) => socket.name === name || socket.label === name;
                const slot = node[side].findIndex(named);
                if (slot === -1) throw new Error(`${name} of ${node[side].map(({name}) => name)}`);
                if (LiteGraph.vueNodesMode) {
                    const key = `${id}-${side === "inputs" ? "in" : "out"}-${slot}`;
                    const box = document.querySelector(`[data-slot-key="${key}"]`)
                        ?.getBoundingClientRect();
                    return box?.width && [box.x + box.width / 2, box.y + box.height / 2];
                }
                app.canvas.draw(true, true);
                const at = side === "inputs" ? node.getInputPos(slot) : node.getOutputPos(slot);
                const [x, y] = app.canvas.ds.convertOffsetToCanvas(at);
                const box = app.canvas.canvas.getBoundingClientRect();
                return [box.x + x, box.y + y];
            }""",
            arg=[node_id, side, name],
        )
        x, y = at.json_value()
        return x, y

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """With the mouse, as a person draws a link."""
        self.drag_to(start, lambda: end)

    def drag_to(self, start: tuple[float, float], end: Callable[[], tuple[float, float]]) -> None:
        """To where `end` is by then: a price that arrives shifts the rows of its node."""
        mouse = self.page.mouse
        mouse.move(*start)
        mouse.down()
        mouse.move(start[0] + 12, start[1] + 12, steps=3)
        reached = None
        while (aim := end()) != reached:
            mouse.move(*aim, steps=8)
            reached = aim
        mouse.up()

    def draw_link(self, source: str, output: str, target: str, field: str) -> None:
        start = self.socket(source, "outputs", output)
        self.drag_to(start, lambda: self.socket(target, "inputs", field))

    def node(self, node_id: str) -> dict[str, Any]:
        """A node as it stands: its widgets' values, its inputs and outputs with type and links."""
        return json.loads(
            self.run_js(
                """(id) => {
                    const node = app.canvas.graph.nodes.find((node) => String(node.id) === id);
                    const linked = (slot) => node.isInputConnected(slot);
                    return JSON.stringify(!node ? null : {
                        type: node.type, title: node.title, mode: node.mode,
                        widgets: Object.fromEntries(
                            (node.widgets ?? []).map(({ name, value }) => [name, value])),
                        labels: Object.fromEntries(
                            (node.widgets ?? []).map(({ name, label }) => [name, label ?? name])),
                        inputs: Object.fromEntries((node.inputs ?? []).map(
                            ({ name, type }, slot) => [name, {type, linked: linked(slot)}])),
                        outputs: (node.outputs ?? []).map(({ name, label, type }, slot) => ({
                            name, label: label ?? name, type,
                            links: node.getOutputNodes(slot)?.length ?? 0})),
                        properties: node.properties,
                        images: node.imgs?.length ?? 0,
                    }, (key, value) => typeof value === "bigint" ? String(value) : value);
                }""",
                node_id,
            )
        )

    def nodes(self, kind: str) -> list[str]:
        """The ids of a class's nodes in the graph that is open."""
        return self.run_js(
            """(kind) => app.canvas.graph.nodes
                .filter((node) => node.type === kind).map((node) => String(node.id))""",
            kind,
        )

    def set_widget(self, node_id: str, name: str, value: Any) -> None:
        """A value as the widget's own control would set it, as soon as the node has the widget."""
        self.wait_for(
            """([id, name, value]) => {
                const node = app.canvas.graph.nodes.find((node) => String(node.id) === id);
                const widget = node.widgets?.find((widget) => widget.name === name);
                if (!widget) return false;
                widget.value = value;
                widget.callback?.(value, app.canvas, node);
                app.canvas.setDirty(true, true);
                return true;
            }""",
            [node_id, name, value],
        )

    def watch_progress(self) -> None:
        """From now on notes which nodes were shown as running; `progressed` tells."""
        self.run_js(
            """() => {
                window.progressed = new Set();
                window.comfyAPI.api.api.addEventListener("progress_state", ({detail}) => {
                    for (const node of Object.values(detail.nodes)) {
                        if (node.state === "running") window.progressed.add(node.display_node_id);
                    }
                });
            }"""
        )

    def progressed(self) -> set[str]:
        return set(self.run_js("() => [...window.progressed]"))

    def select(self, *node_ids: str) -> None:
        self.run_js(
            """(ids) => {
                const graph = app.canvas.graph;
                const nodes = graph.nodes.filter((node) => ids.includes(String(node.id)));
                app.canvas.deselectAll();
                app.canvas.selectItems(nodes);
            }""",
            list(node_ids),
        )

    def show_advanced(self, node_id: str) -> None:
        """What few people touch, as Nodes 2.0's button and the classic canvas's menu show it."""
        if self.classic:
            self.run_js(
                """(id) => app.canvas.graph.nodes.find((node) => String(node.id) === id)
                    .toggleAdvanced()""",
                node_id,
            )
        else:
            # The map of the graph may lie over it.
            words = re.compile("(Show|Hide) advanced inputs")
            self.shown(node_id).get_by_text(words).dispatch_event("click")

    def shown(self, node_id: str) -> Locator:
        """A node as Nodes 2.0 draws it."""
        return self.page.locator(f'[data-node-id="{node_id}"]')

    def painted(self) -> list[str]:
        """The texts that the canvas itself draws, and those that Nodes 2.0 writes: labels and
        badges of ours among them."""
        return self.run_js(
            """() => {
                const brush = CanvasRenderingContext2D.prototype;
                const { fillText } = brush;
                const texts = [];
                brush.fillText = function (text, ...more) {
                    texts.push(text);
                    fillText.call(this, text, ...more);
                };
                app.canvas.draw(true, true);
                brush.fillText = fillText;
                for (const node of document.querySelectorAll("[data-node-id]")) {
                    texts.push(...node.innerText.split("\\n"));
                }
                return texts;
            }"""
        )

    def prompt(self) -> dict[str, Any]:
        """What Run would send, in API format."""
        return json.loads(
            self.run_js("async () => JSON.stringify((await app.graphToPrompt()).output)")
        )

    def would_send(self, prompt: dict[str, Any]) -> None:
        """Waits until Run would send this: a graph that loads has its nodes before its links."""
        self.until(lambda: self.prompt() == prompt)

    def workflow(self) -> dict[str, Any]:
        """What Save would write."""
        return json.loads(self.run_js("() => JSON.stringify(app.rootGraph.serialize())"))

    def settle(self) -> None:
        """Lets the change tracker see the graph as it is, as it does when a person pauses."""
        self.run_js(
            """() => {
                const tracker = app.extensionManager.workflow.activeWorkflow.changeTracker;
                (tracker.captureCanvasState ?? tracker.checkState).call(tracker);
            }"""
        )

    def reload(self) -> None:
        """Loads the page anew, once ComfyUI keeps the graph: it does so a while after a change."""
        self.settle()
        self.wait_for(
            """() => {
                const told = ({ id, nodes, links }) => JSON.stringify(
                    [id, nodes.map((node) => [node.id, node.widgets_values]), links]);
                const now = told(app.rootGraph.serialize());
                // One by one, or all in one place.
                const drafts = Object.entries(localStorage)
                    .filter(([key]) => /^Comfy.Workflow.Draft([.]|s$)/.test(key))
                    .map(([, text]) => JSON.parse(text))
                    .flatMap((kept) => typeof kept.data === "string" ? kept : Object.values(kept));
                return drafts.some(({ data }) => told(JSON.parse(data)) === now);
            }"""
        )
        self.open()

    def shows_picture(self, node_id: str) -> None:
        """Waits until a node shows a picture."""
        self.wait_for(
            """(id) => {
                // A graph that is being opened is empty for a moment.
                const { imgs } = app.canvas.graph.nodes.find((node) => String(node.id) === id) ?? {};
                // Nodes 2.0 of 1.39 keeps them to itself.
                const shown = document.querySelectorAll(`[data-node-id="${id}"] img`);
                return [...(imgs ?? []), ...shown].some((picture) => picture.naturalWidth > 0);
            }""",
            node_id,
        )

    def says(self, node_id: str, text: str) -> None:
        """Waits until the line of text below a running node holds this."""
        self.wait_for(
            """([id, text]) => app.canvas.graph.nodes.find((node) => String(node.id) === id)
                .widgets?.some((widget) => widget.name === "$$node-text-preview"
                    && String(widget.value).includes(text))""",
            [node_id, text],
        )

    @property
    def generic_error(self) -> Locator:
        """What ComfyUI itself says of an error: a card, or a dialog in its older front ends."""
        return self.page.locator("[data-testid=error-overlay], [aria-labelledby$=error]")

    @property
    def bar(self) -> Locator:
        """Where the buttons beside Run are, which has no name of its own in older front ends."""
        unnamed = r".actionbar-container > .empty\:hidden"
        return self.page.locator(f"[data-testid=action-bar-buttons], {unnamed}").first

    @property
    def search_results(self) -> Locator:
        """What ComfyUI's own search of nodes has found."""
        return self.page.locator(".p-autocomplete-option, [data-testid=result-item]")

    # The pack's own

    @property
    def dialog(self) -> Locator:
        """The dialog of ours that is open."""
        return self.page.locator("dialog.runninghub-dialog[open]").last

    def type_into(self, node_id: str, widget: str, text: str) -> None:
        """Types into a text widget of one line, as each renderer has it."""
        if not self.classic:
            box = self.shown(node_id).get_by_label(widget, exact=True)
            box.fill(text)
            box.blur()
            return
        x, y = self.run_js(
            """([id, name]) => {
                const node = app.canvas.graph.nodes.find((node) => String(node.id) === id);
                const widget = node.widgets.find((widget) => widget.name === name);
                app.canvas.draw(true, true);
                const at = [node.pos[0] + 60, node.pos[1] + widget.last_y + 8];
                const [x, y] = app.canvas.ds.convertOffsetToCanvas(at);
                const box = app.canvas.canvas.getBoundingClientRect();
                return [box.x + x, box.y + y];
            }""",
            [node_id, widget],
        )
        self.page.mouse.dblclick(x, y)
        box = self.page.locator(".graphdialog input")
        box.fill(text)
        box.press("Enter")

    def widget_at(self, node_id: str, widget: str) -> tuple[float, float]:
        """Where on the page the classic canvas draws a widget."""
        x, y = self.run_js(
            """([id, name]) => {
                const node = app.canvas.graph.nodes.find((node) => String(node.id) === id);
                const widget = node.widgets.find((widget) => widget.name === name);
                app.canvas.draw(true, true);
                const at = [node.pos[0] + node.size[0] / 2, node.pos[1] + widget.last_y + 8];
                const [x, y] = app.canvas.ds.convertOffsetToCanvas(at);
                const box = app.canvas.canvas.getBoundingClientRect();
                return [box.x + x, box.y + y];
            }""",
            [node_id, widget],
        )
        return x, y

    def press_widget(self, node_id: str, widget: str) -> None:
        """A button that is on the node, with the mouse."""
        if self.classic:
            self.page.mouse.click(*self.widget_at(node_id, widget))
            return
        label = self.node(node_id)["labels"][widget]
        self.shown(node_id).get_by_role("button", name=label, exact=True).click()

    def open_list(self, node_id: str, widget: str) -> Locator:
        """Opens the list of a widget with the mouse; its entries."""
        if self.classic:
            entries = self.page.locator(".litecontextmenu .litemenu-entry")
        else:
            label = self.node(node_id)["labels"][widget]
            box = self.shown(node_id).get_by_role("combobox", name=label, exact=True)
            box.scroll_into_view_if_needed()
            entries = self.page.get_by_role("option")

        def opened() -> bool:
            if self.classic:
                self.page.mouse.click(*self.widget_at(node_id, widget))
            else:
                box.click()
            with contextlib.suppress(Late):
                entries.first.wait_for(timeout=5_000)
            return entries.count() > 0

        # On a busy machine a click came to nothing, once; why is not known. A person clicks again.
        self.until(opened)
        return entries

    def pick(self, node_id: str, widget: str, entry: str) -> None:
        """An entry of a widget's list, with the mouse."""
        entries = self.open_list(node_id, widget)
        entries.filter(has_text=entry).first.click()

    def paste(self, node_id: str, link: str, widget: str = "workflow") -> None:
        """A link into the node; the chooser is there when this returns."""
        self.type_into(node_id, widget, link)
        self.dialog.get_by_role("tree").first.wait_for()

    def tick(self, *keys: str) -> None:
        """Rows of the dialog by their key: `6.text`, `out 9`, `typed 0`."""
        for key in keys:
            self.dialog.locator(f'[role=treeitem][data-key="{key}"]').click()

    def primary(self) -> None:
        """Presses the dialog's main button and waits until it is gone."""
        dialog = self.dialog
        dialog.locator("button.primary").click()
        dialog.wait_for(state="detached")

    def program(self, link: str, x: float = 100, y: float = 150) -> str:
        """A Remote Workflow that shows what the chooser offers first."""
        node_id = self.add("RunningHubRemoteWorkflow", x, y)
        self.paste(node_id, link)
        self.primary()
        return node_id

    def painting(self, y: float = 150) -> tuple[str, str]:
        """A program with inputs that no run had before, and the node that shows its picture."""
        node = self.program(catalog.TEXT_TO_IMAGE, 100, y)
        self.ask_anew(node)
        preview = self.add("PreviewImage", 800, y)
        self.connect(node, "out_1", preview, "images")
        return node, preview

    def marked_part(self, width: int) -> tuple[str, str, str]:
        """A picture that is made and turned round in the cloud, and the node that shows it here."""
        self.clear()
        source = self.add("EmptyImage", 100, 200)
        inverted = self.add("ImageInvert", 500, 200)
        shown = self.add("PreviewImage", 800, 200)
        self.connect(source, "IMAGE", inverted, "image")
        self.connect(inverted, "IMAGE", shown, "images")
        self.set_widget(source, "width", width)
        self.select(source, inverted)
        self.command("runninghub.segments.mark")
        return source, inverted, shown

    def ask_anew(self, node_id: str) -> None:
        """Gives such a program other inputs."""
        self.set_widget(node_id, "3.seed", next(_seeds))
        self.set_widget(node_id, "3.seed control_after_generate", "fixed")

    def open_subgraph(self) -> None:
        """Goes into the graph's one subgraph."""
        self.run_js(
            """() => {
                const outer = app.graph.nodes.find((node) => node.subgraph);
                if (app.canvas.openSubgraph) app.canvas.openSubgraph(outer.subgraph, outer);
                else app.canvas.setGraph(outer.subgraph);
            }"""
        )

    def node_menu(self, node_id: str, entry: str) -> None:
        """Opens the dialog behind an entry of the node's context menu."""
        self.menu_entry(node_id, entry)
        self.dialog.wait_for()

    def menu_entry(self, node_id: str, entry: str) -> None:
        """Choose an entry of the node's context menu by its first words, once texts are here."""
        find = """([id, entry]) => {
            const node = app.canvas.graph.nodes.find((node) => String(node.id) === id);
            const all = app.extensions.flatMap((ext) => ext.getNodeMenuItems?.(node) ?? []);
            return all.find((item) => item?.content.startsWith(entry));
        }"""
        self.page.wait_for_function(find, arg=[node_id, entry])
        self.run_js(f"(named) => ({find})(named).callback()", [node_id, entry])

    def press_button(self, name: str) -> None:
        """A button of the dialog that is open."""
        self.dialog.get_by_role("button", name=name, exact=True).click()

    # Running

    def run(self, ends: str = "execution_success") -> str:
        """Presses Run; the id of the prompt when it is over, which it must be in this way."""
        prompt_id = self.start()
        event, about = self.finished(prompt_id)["status"]["messages"][-1]
        assert event == ends, about
        return prompt_id

    def start(self) -> str:
        """Presses Run; the id of the prompt that the server took."""
        with self.page.expect_response(is_prompt) as answer:
            self.command("Comfy.QueuePrompt")
        body = answer.value.json()
        assert answer.value.status == 200, body
        return body["prompt_id"]

    def answer_late(self) -> None:
        """From now on ComfyUI's answer that a run was queued reaches the page after the end of that
        run, as that of a short one may from afar. The page counts them in `answered`."""
        self.run_js(
            """(late) => {
                const { fetch } = window;
                const { api } = window.comfyAPI.api;
                const over = new Set();
                for (const end of ["success", "error", "interrupted"]) {
                    api.addEventListener(`execution_${end}`, ({ detail }) => over.add(detail.prompt_id));
                }
                const wait = (time) => new Promise((done) => setTimeout(done, time));
                window.answered = 0;
                window.fetch = async (address, options) => {
                    const answer = await fetch(address, options);
                    if (options?.method !== "POST" || !String(address).endsWith("/prompt")) return answer;
                    const { prompt_id: id } = await answer.clone().json();
                    while (id && !over.has(id)) await wait(20);
                    await wait(late);
                    // Once who waits for it went on.
                    setTimeout(() => (answered += 1), 100);
                    return answer;
                };
            }""",
            1_000,
        )

    def refused(self) -> dict[str, Any]:
        """Presses Run, which the server must refuse; its answer."""
        self.forgive(r"status of 400 .*api/prompt|PromptExecutionError")
        with self.page.expect_response(is_prompt) as answer:
            self.command("Comfy.QueuePrompt")
        assert answer.value.status == 400
        return answer.value.json()

    def come_back(self, way: str) -> None:
        """The page goes away and comes again with the open workflow: "reloaded", or "reopened" as
        a tab of its own, which ComfyUI does not know for the same."""
        saved = self.run_js("() => JSON.stringify(app.rootGraph.serialize())")
        name = "() => window.comfyAPI.api.api.clientId"
        before = self.run_js(name)
        if way == "reopened":
            # Both hold the page's name over a reload, the second in another tab's place too.
            self.run_js("() => { sessionStorage.clear(); window.name = ''; }")
            self.page.goto("about:blank")
        self.open()
        with self.page.expect_response(lambda answer: "/history?max_items" in answer.url):
            self.load(json.loads(saved))
        self.wait_for("() => window.comfyAPI.api.api.clientId")
        assert (self.run_js(name) == before) == (way == "reloaded")

    def finished(self, prompt_id: str) -> dict[str, Any]:
        """Waits for the end of a prompt; its entry of the history."""
        return json.loads(
            self.run_js(
                """async (id) => {
                    for (;;) {
                        const history = await (await fetch(`/api/history/${id}`)).json();
                        if (id in history) return JSON.stringify(history[id]);
                        await new Promise((next) => setTimeout(next, 50));
                    }
                }""",
                prompt_id,
            )
        )


def is_prompt(response: Any) -> bool:
    return response.url.endswith("/api/prompt") and response.request.method == "POST"
