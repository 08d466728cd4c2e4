// When the sum beside Run asks for the graph's prompt.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { api, app } from "../../web/js/host/scripts.js";
import { quoteBar } from "../../web/js/features/quote_bar.js";

const PAUSE = 1_000; // ms; longer than a change is waited for
const node = (values) => ({ id: 1, type: "ImageInvert", pos: [0, 0], size: [200, 50], properties: { runninghub: { segment: "1" } }, ...values });

/** A person's change: what is on the canvas, and ComfyUI's word for it. */
async function changed(...nodes) {
  Object.assign(app.graph, { nodes });
  const state = JSON.parse(JSON.stringify({ id: "g", nodes, groups: app.graph.groups.map(({ flags, bounding }) => ({ flags, bounding })) }));
  api.dispatchEvent(new CustomEvent("graphChanged", { detail: state }));
  await vi.advanceTimersByTimeAsync(PAUSE);
}

beforeEach(async () => {
  vi.useFakeTimers();
  vi.stubGlobal("fetch", async () => ({ ok: true, status: 200, json: async () => ({ token: "t", text: "", orders: [] }) }));
  let prompt = 0;
  app.graphToPrompt = vi.fn(async () => ({ workflow: {}, output: { 1: { class_type: "ImageInvert", inputs: { prompt: prompt++ } } } }));
  app.graph = { id: "g", nodes: [], groups: [] };
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
  app.graph.groups = [{ flags: { runninghub: { segment: "2" } }, bounding: [0, 0, 9, 9], recomputeInsideNodes() {} }];
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
