// When the sum beside Run asks for the graph's prompt.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { api, app } from "../../web/js/host/scripts.js";
import { placeOf, quoteBar, quoteText } from "../../web/js/features/quote_bar.js";
import { segments } from "../../web/js/features/segments.js";

const PAUSE = 1_000; // ms; longer than a change is waited for
const node = (values) => ({ id: 1, type: "ImageInvert", pos: [0, 0], size: [200, 50], properties: { runninghub: { segment: "1" } }, ...values });

/** A person's change: what is on the canvas, and ComfyUI's word for it. */
async function changed(...nodes) {
  Object.assign(app.rootGraph, { nodes });
  const state = JSON.parse(JSON.stringify({ id: "g", nodes, groups: app.rootGraph.groups.map(({ flags, bounding }) => ({ flags, bounding })) }));
  api.dispatchEvent(new CustomEvent("graphChanged", { detail: state }));
  await vi.advanceTimersByTimeAsync(PAUSE);
}

beforeEach(async () => {
  vi.useFakeTimers();
  vi.stubGlobal("fetch", async () => ({ ok: true, status: 200, json: async () => ({ token: "t", text: "", orders: [] }) }));
  let prompt = 0;
  app.graphToPrompt = vi.fn(async () => ({ workflow: {}, output: { 1: { class_type: "ImageInvert", inputs: { prompt: prompt++ } } } }));
  app.rootGraph = { id: "g", nodes: [], groups: [] };
  await changed(node());
  app.graphToPrompt.mockClear();
});

afterEach(() => vi.useRealTimers());

quoteBar.setup();

test("a marked node that was moved is no reason to ask, whose value changed is one", async () => {
  await changed(node({ pos: [500, 300], size: [240, 50] }));
  expect(app.graphToPrompt).not.toHaveBeenCalled();
  await changed(node({ pos: [500, 300], widgets_values: ["1024x1024"] }));
  expect(app.graphToPrompt).toHaveBeenCalledTimes(1);
});

test("what a marked group holds hangs on where things lie", async () => {
  app.rootGraph.groups = [{ flags: { runninghub: { segment: "2" } }, bounding: [0, 0, 9, 9], recomputeInsideNodes() {} }];
  await changed(node());
  await changed(node({ pos: [500, 300] }));
  expect(app.graphToPrompt).toHaveBeenCalledTimes(2);
});

test("a run's end is a reason to ask, and so is the next change", async () => {
  api.dispatchEvent(new CustomEvent("execution_success", { detail: {} }));
  await vi.advanceTimersByTimeAsync(PAUSE);
  expect(app.graphToPrompt).toHaveBeenCalledTimes(1);
  await changed(node({ pos: [500, 300] }));
  expect(app.graphToPrompt).toHaveBeenCalledTimes(2);
});

/** Requests for a quote are answered by hand, by the place in the order in which they came. */
function quotes() {
  const answers = [];
  const fetchRest = globalThis.fetch;
  vi.stubGlobal("fetch", (path, options) =>
    path.endsWith("/quote") ? new Promise((resolve) => answers.push((text) => resolve({ ok: true, status: 200, json: async () => ({ text, orders: [] }) }))) : fetchRest(path, options),
  );
  return async (at, text) => {
    answers[at](text);
    await vi.advanceTimersByTimeAsync(0);
  };
}

test("a graph whose prompt could not be made is not taken as quoted, nor has it the former sum", async () => {
  const answer = quotes();
  await changed(node({ widgets_values: ["a"] }));
  await answer(0, "about 14 coins");
  expect(quoteText()).toBe("about 14 coins");
  app.graphToPrompt.mockRejectedValueOnce(new Error("another pack"));
  await changed(node({ widgets_values: ["b"] }));
  expect(quoteText()).toBe("");
  await changed(node({ widgets_values: ["b"] }));
  await answer(1, "about 90 coins");
  expect(quoteText()).toBe("about 90 coins");
});

test("a sum stays that was told twice for a graph that was changed and changed back", async () => {
  const answer = quotes();
  app.graphToPrompt = vi.fn(async () => ({ workflow: {}, output: { 1: { class_type: "ImageInvert", inputs: { value: app.rootGraph.nodes[0].widgets_values[0] } } } }));
  for (const value of ["a", "b", "a"]) await changed(node({ widgets_values: [value] }));
  await answer(0, "about 14 coins");
  expect(quoteText()).toBe("about 14 coins");
  await vi.advanceTimersByTimeAsync(PAUSE);
  expect(quoteText()).toBe("about 14 coins");
});

test("a change that is taken back before its prompt is made leaves the sum", async () => {
  const answer = quotes();
  const prompts = [];
  app.graphToPrompt = vi.fn(() => new Promise((resolve) => prompts.push((value) => resolve({ workflow: {}, output: { 1: { class_type: "ImageInvert", inputs: { value } } } }))));
  const make = async (at, value) => {
    prompts[at](value);
    await vi.advanceTimersByTimeAsync(0);
  };
  await changed(node({ widgets_values: ["a"] }));
  await make(0, "a");
  await answer(0, "about 14 coins");
  await changed(node({ widgets_values: ["b"] }));
  await changed(node({ widgets_values: ["a"] }));
  await make(1, "b");
  await vi.advanceTimersByTimeAsync(2 * PAUSE); // so that a request for the other graph would hide it
  expect(quoteText()).toBe("about 14 coins");
});

test("what goes along with a marked part is told, with the subgraph that it is in", async () => {
  const inner = node({ id: 6 });
  const outer = node({ id: 7, subgraph: { nodes: [inner] } });
  const parts = [{ name: "2", nodes: ["1", "7:6"], pulled: ["7:6"] }];
  vi.stubGlobal("fetch", async () => ({ ok: true, status: 200, json: async () => ({ text: "1 order", orders: [], parts }) }));
  const first = node({ widgets_values: ["parts"] });
  Object.assign(app.rootGraph, { nodes: [first, outer] });
  api.dispatchEvent(new CustomEvent("graphChanged", { detail: { id: "g", nodes: [{ id: 99 }], groups: [] } }));
  await vi.advanceTimersByTimeAsync(PAUSE);
  expect([first, outer, inner].map(placeOf)).toEqual([
    { name: "2", isPulled: false },
    { name: "2", isPulled: true },
    { name: "2", isPulled: true },
  ]);
});

test("on a page that shows no bar beside Run the command switches the graph over, and back", () => {
  app.canvas = { setDirty() {} };
  const command = segments.commands?.find(({ id }) => id === "runninghub.segments.whole");
  command?.function();
  expect(app.rootGraph.extra).toEqual({ runninghub: { whole: {} } });
  command?.function();
  expect(app.rootGraph.extra).toEqual({});
});
