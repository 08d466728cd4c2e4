// How runs ended, told by events of ours and by what ComfyUI shows of a node.

import { beforeAll, beforeEach, expect, test, vi } from "vitest";
import { api } from "../../web/js/host/scripts.js";
import { app } from "../../web/js/host/scripts.js";
import { restore } from "../../web/js/features/restore.js";
import { failureNotices } from "../../web/js/features/failure_notices.js";
import { segments } from "../../web/js/features/segments.js";
import { hasEnded, listenToRuns, runState } from "../../web/js/features/run_state.js";
import { settleListeners } from "../../web/js/features/tasks.js";

const PAID = { en: "done in 1 s · 1 coin" };
const SHARED = { en: "done together with an identical node" };
const AGAIN = { en: "nothing was paid now" };
/** ComfyUI keeps one node's outputs for all equal ones. */
const output = { images: [{ filename: "a.png" }], runninghub: [JSON.stringify({ line: PAID, again: AGAIN })] };

const makeNode = (id) => ({
  id,
  comfyClass: "RunningHubRemoteWorkflow",
  widgets: [
    { name: "workflow", value: "1900000000000000101" },
    { name: "$$node-text-preview", value: "running" },
  ],
});
const lines = () => app.rootGraph.nodes.map(({ widgets }) => widgets[1].value);
const happen = (type, detail) => api.dispatchEvent(new CustomEvent(type, { detail }));
const end = (node, line, state) => happen("runninghub.ended", { node, graph: "g", line, state, unsure: [] });

let answers = {};

beforeAll(() => {
  api.queuePrompt = async () => ({ prompt_id: "p" });
  runState.setup();
  failureNotices.setup();
  vi.stubGlobal("fetch", async () => ({ ok: true, status: 200, json: async () => ({ token: "t" }) }));
  listenToRuns(); // as the first node of ours on a page has it
});

beforeEach(() => {
  app.rootGraph = { id: "g", nodes: [makeNode(1), makeNode(2)] };
  app.canvas = { setDirty() {} };
  vi.stubGlobal("fetch", async (path) => {
    const [, body] = Object.entries(answers).find(([start]) => path.startsWith(`/api${start}`)) ?? [];
    return { ok: body !== undefined, status: body ? 200 : 404, json: async () => body ?? {} };
  });
  answers = { "/runninghub/session": { token: "t" } };
  happen("execution_start", {});
  // What an earlier test's run left told.
  for (const card of document.querySelectorAll(".runninghub-notices [role=alert]")) {
    [...card.querySelectorAll("button")].find(({ textContent }) => textContent === "account.close")?.click();
  }
});

test("of equal nodes the one that ordered tells the cost, whatever ComfyUI shows on both", () => {
  end("1", PAID, "paid");
  happen("executed", { node: "1", output });
  end("2", SHARED, "kept");
  happen("executed", { node: "2", output });
  expect(lines()).toEqual([PAID.en, SHARED.en]);
});

test("a node that ComfyUI shows anew says that nothing was paid", () => {
  end("1", PAID, "paid");
  happen("execution_start", {});
  happen("execution_cached", { nodes: ["1"] });
  happen("executed", { node: "1", output });
  expect(lines()[0]).toBe(AGAIN.en);
});

test("a page that is opened later tells it the same", async () => {
  const ran = { class_type: "RunningHubRemoteWorkflow", program: "1900000000000000101", shown: {} };
  const nodes = Object.fromEntries(
    [1, 2].map((id) => [id, { class_type: ran.class_type, inputs: { workflow: ran.program } }]),
  );
  answers = {
    ...answers,
    "/history": { p: { prompt: [1, "p", nodes, { extra_pnginfo: { workflow: { id: "g" } } }], outputs: { 1: output, 2: output } } },
    "/queue": { queue_running: [] },
    "/runninghub/ends": {
      ends: { 1: { ...ran, line: PAID, state: "paid" }, 2: { ...ran, line: SHARED, state: "kept" } },
    },
  };
  restore.afterConfigureGraph();
  await vi.waitFor(() => expect(lines()).toEqual([PAID.en, SHARED.en]));
});

test("how nodes in subgraphs and marked ones ended is asked for with their account", async () => {
  const asked = [];
  vi.stubGlobal("fetch", async (path, { body } = {}) => {
    if (path.startsWith("/api/runninghub/ends")) asked.push(JSON.parse(body).profile);
    const answer = path.startsWith("/api/queue") ? { queue_running: [] } : path.includes("session") ? { token: "t" } : { ends: {} };
    return { ok: true, status: 200, json: async () => answer };
  });
  const inner = { ...makeNode(3), widgets: [{ name: "profile", value: "studio" }] };
  const marked = { ...makeNode(3), properties: { runninghub: { segment: "1", profile: "sandbox" } } };
  for (const node of [inner, marked]) {
    app.rootGraph = { id: "g", nodes: [makeNode(1)], subgraphs: new Map([["a", { nodes: [node] }]]) };
    restore.afterConfigureGraph();
    await vi.waitFor(() => expect(asked.at(-1)).toBe(node === inner ? "studio" : "sandbox"));
  }
});

test("what was paid and did not come is told until it is brought or the node runs anew", async () => {
  const gaps = { en: "Result 2 of 2 could not be fetched." };
  const ended = (missing) => happen("runninghub.ended", { node: "1", graph: "g", line: PAID, state: "paid", unsure: [], gaps: missing, tasks: ["7"], profile: "" });
  const cards = () => [...document.querySelectorAll(".runninghub-notices [role=alert]")];
  ended(gaps);
  await vi.waitFor(() => expect(cards().map((card) => card.textContent).join()).toContain(gaps.en));
  happen("executed", { node: "1", output });
  expect(cards()).toHaveLength(1);
  answers["/runninghub/tasks/fetch"] = { gaps };
  const [fetching] = cards()[0].querySelectorAll("button");
  fetching.click();
  await vi.waitFor(() => expect(cards()[0].textContent.split(gaps.en)).toHaveLength(3));
  ended(gaps);
  await vi.waitFor(() => expect(cards()).toHaveLength(1));
  ended({ en: "" });
  expect(cards()).toHaveLength(0);
});

test("what failed before is not told beside a new run, and what may cost is", async () => {
  const cards = () => [...document.querySelectorAll(".runninghub-notices [role=alert]")].map((card) => card.textContent);
  const about = { node_id: "1", node_type: "RunningHubRemoteWorkflow" };
  happen("execution_error", { ...about, prompt_id: "former", exception_message: "no memory" });
  await vi.waitFor(() => expect(cards().join()).toContain("no memory"));
  happen("runninghub.ended", { node: "2", graph: "g", line: { en: "may run" }, state: "unsure", unsure: ["7"], profile: "" });
  await vi.waitFor(() => expect(cards()).toHaveLength(2));
  await api.queuePrompt(0, {});
  expect(cards()).toHaveLength(1);
  failureNotices.afterConfigureGraph((app.rootGraph.id = "another workflow"));
  app.rootGraph.id = "g";
  expect(cards()).toHaveLength(1);
  expect(cards()[0]).toContain("may run");
  happen("executed", { node: "2", output });
  expect(cards()).toHaveLength(0);
});

test("a stopped order without a task id is asked about until that is answered, and not cancelled again", async () => {
  const cards = () => [...document.querySelectorAll(".runninghub-notices [role=alert]")];
  happen("runninghub.ended", { node: "2", graph: "g", line: { en: "settle order 6" }, state: "unsure", unsure: [], order: 6, profile: "" });
  await vi.waitFor(() => expect(cards()).toHaveLength(1));
  expect(cards()[0].textContent).toContain("settle order 6");
  expect(cards()[0].textContent).toContain("tasks.look");
  expect(cards()[0].textContent).not.toContain("running.cancel_again");
  settleListeners.forEach((act) => act(6));
  expect(cards()).toHaveLength(0);
});

test("what failed before ComfyUI answered that it was queued stays told", async () => {
  const cards = () => [...document.querySelectorAll(".runninghub-notices [role=alert]")].map((card) => card.textContent);
  const about = { node_id: "1", node_type: "RunningHubRemoteWorkflow" };
  happen("execution_error", { ...about, prompt_id: "p", exception_message: "no memory" });
  await vi.waitFor(() => expect(cards().join()).toContain("no memory"));
  await api.queuePrompt(0, {});
  expect(cards().join()).toContain("no memory");
});

test("a question that was answered is not asked on the node any more", async () => {
  answers["/runninghub/report"] = { graph: "g", question: 5 };
  happen("runninghub.ended", { node: "1", graph: "g", line: { en: "answer it first" }, state: "failed", unsure: [] });
  happen("execution_error", { node_id: "1", node_type: "RunningHubRemoteWorkflow", prompt_id: "p", exception_message: "answer it first" });
  const isAsked = () => document.querySelector(".runninghub-notices").textContent.includes("answer it first");
  await vi.waitFor(() => expect(isAsked()).toBe(true));
  failureNotices.afterConfigureGraph((app.rootGraph.id = "another workflow"));
  app.rootGraph.id = "g";
  settleListeners.forEach((act) => act(4));
  expect(hasEnded(app.rootGraph.nodes[0])).toBe(true);
  settleListeners.forEach((act) => act(5));
  expect([hasEnded(app.rootGraph.nodes[0]), isAsked()]).toEqual([false, false]);
});

test("what nodes say is read again once a step of undo has put their values back", () => {
  const shared = {}; // as Nodes 2.0 follows it
  const page = Object.assign(document.createElement("div"), { id: "vue-app" });
  page.__vue_app__ = { config: { globalProperties: { $pinia: { state: { value: shared } } } } };
  document.body.append(page);
  runState.afterConfigureGraph();
  expect(shared.runninghub).toEqual({ changes: 1 });
  page.remove();
});

test("an estimate that could not be asked for is asked for again later, while it is drawn", async () => {
  let asked = 0;
  vi.useFakeTimers();
  vi.stubGlobal("fetch", async (path) => {
    const fails = path.endsWith("/estimate") && ++asked === 1;
    return { ok: !fails, status: fails ? 500 : 200, json: async () => ({ token: "t", runs: 4, seconds: 34 }) };
  });
  vi.stubGlobal("LGraphBadge", class { constructor(badge) { Object.assign(this, badge); } });
  app.canvas.ctx = { save() {}, restore() {}, measureText: ({ length }) => ({ width: 6 * length }) };
  const node = { ...makeNode(3), size: [300, 100], widgets: [{ name: "workflow", value: "1900000000000000177" }], badges: [] };
  Object.assign(node, { findInputSlot: () => -1, properties: { runninghub: { form: { v: 1, id: "1900000000000000178" } } } });
  runState.nodeCreated(node);
  const draw = () => node.badges.map((read) => read().text).join();
  for (let second = 0; second < 10; second += 1) {
    draw();
    await vi.advanceTimersByTimeAsync(1_000);
    // What it names has not been read yet, or is not there: nothing is said of its cost.
    if (second === 4) expect(asked).toBe(0);
    if (second === 4) node.properties.runninghub.form.id = node.widgets[0].value;
  }
  expect([asked, draw()]).toEqual([1, ""]);
  await vi.advanceTimersByTimeAsync(30_000);
  draw();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(asked).toBe(2);
  expect(draw()).not.toBe("");
  vi.useRealTimers();
});

test("a part that shall run here again says no more how it ended in the cloud, on a later page neither", async () => {
  const node = { id: 5, comfyClass: "ImageInvert", inputs: [], properties: { runninghub: { segment: "1" } } };
  app.rootGraph.nodes.push(node);
  segments.afterConfigureGraph();
  end("5", PAID, "paid");
  expect(hasEnded(node)).toBe(true);
  segments.commands.find(({ id }) => id.endsWith("unmark_all")).function();
  expect([node.properties.runninghub, hasEnded(node)]).toEqual([undefined, false]);
  const ran = { class_type: "RunningHubSegment", shown: {}, line: PAID, state: "paid" };
  const seen = { class_type: "RunningHubRemoteWorkflow", program: "1900000000000000101", shown: {}, line: SHARED, state: "kept" };
  answers = { ...answers, "/history": {}, "/queue": { queue_running: [] }, "/runninghub/ends": { ends: { 5: ran, 2: seen } } };
  restore.afterConfigureGraph();
  await vi.waitFor(() => expect(hasEnded(app.rootGraph.nodes[1])).toBe(true));
  expect(hasEnded(node)).toBe(false);
});
