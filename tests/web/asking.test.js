// The prompt that a price is asked for: Run's, and nothing of the graph is changed for it.

import { beforeEach, expect, test } from "vitest";
import { app } from "../../web/js/host/scripts.js";
import { toPrompt } from "../../web/js/host/graph.js";

const drawing = () => ({
  value: -1,
  serializeValue() {
    if (this.value === -1) this.value = 77;
    return this.value;
  },
});
let widgets;

beforeEach(() => {
  widgets = [drawing(), drawing()];
  const inner = { nodes: [{ widgets: [widgets[1]] }] };
  app.rootGraph = { nodes: [{ widgets: [widgets[0], { value: 5 }] }, {}], subgraphs: new Map([["a", inner]]) };
  app.graphToPrompt = async () => ({ workflow: {}, output: { seeds: widgets.map((widget) => widget.serializeValue()) } });
  delete app.ue_modified_prompt;
});

test("a seed that another pack draws for it is drawn anew by the next run", async () => {
  expect((await toPrompt()).prompt).toEqual({ seeds: [77, 77] });
  expect(widgets.map(({ value }) => value)).toEqual([-1, -1]);
});

test("what a person types meanwhile stays", async () => {
  const text = { value: "a cat", serializeValue: () => text.value };
  app.rootGraph.nodes[0].widgets.push(text);
  const { graphToPrompt } = app;
  app.graphToPrompt = async () => {
    const prompt = await graphToPrompt();
    text.value = "a cat in the fog";
    return prompt;
  };
  await toPrompt();
  expect(text.value).toBe("a cat in the fog");
});

test("it stays so where the graph makes no prompt", async () => {
  const { graphToPrompt } = app;
  app.graphToPrompt = async () => {
    await graphToPrompt();
    throw new Error("no prompt");
  };
  await expect(toPrompt()).rejects.toThrow("no prompt");
  expect(widgets.map(({ value }) => value)).toEqual([-1, -1]);
});

test("links that another pack makes only for a run are in it", async () => {
  app.ue_modified_prompt = async () => ({ workflow: { id: "w" }, output: { 3: { inputs: { image: ["1", 0] } } } });
  const { prompt, extra_data } = await toPrompt();
  expect(prompt).toEqual({ 3: { inputs: { image: ["1", 0] } } });
  expect(extra_data).toEqual({ extra_pnginfo: { workflow: { id: "w" } } });
});

test("what that pack cannot say is asked of ComfyUI", async () => {
  app.ue_modified_prompt = async () => undefined;
  expect((await toPrompt()).prompt).toEqual({ seeds: [77, 77] });
});
