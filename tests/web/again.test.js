// "Run again" on the way out.

import { beforeEach, expect, test, vi } from "vitest";
import { api } from "../../web/js/host/scripts.js";
import { app } from "../../web/js/host/scripts.js";
import { rerunNode } from "../../web/js/host/queue.js";

const node = { id: 3, type: "RunningHubRemoteWorkflow" };
let sent;

beforeEach(() => {
  sent = [];
  vi.stubGlobal("fetch", async (path, options) => {
    sent.push([path, JSON.parse(options.body)]);
    return { ok: true };
  });
  app.rootGraph = { nodes: [node, { id: 7, subgraph: { nodes: [node] } }] };
  // As ComfyUI does it: a prompt out of the graph, then one request.
  api.queuePrompt = async (number, { output }) => {
    const extra_data = { extra_pnginfo: {} };
    return api.fetchApi("/prompt", { method: "POST", body: JSON.stringify({ number, prompt: output, extra_data }) });
  };
  app.queuePrompt = () => api.queuePrompt(0, { output: { 3: {}, "7:3": {}, 4: {} } });
});

test("the next prompt says which node shall run anew, in every place where it is", async () => {
  const { queuePrompt, fetchApi } = api;
  await rerunNode(node);
  expect(sent[0][1].extra_data).toEqual({ extra_pnginfo: {}, runninghub: { again: ["3", "7:3"] } });
  expect(api.queuePrompt).toBe(queuePrompt);
  expect(api.fetchApi).toBe(fetchApi);
});

test("the prompt after it says nothing", async () => {
  await rerunNode(node);
  await app.queuePrompt(0);
  expect(sent[1][1].extra_data.runninghub).toBeUndefined();
});

test("a graph that makes no prompt leaves nothing behind", async () => {
  const { queuePrompt } = api;
  app.queuePrompt = async () => {
    throw new Error("no prompt");
  };
  await expect(rerunNode(node)).rejects.toThrow("no prompt");
  expect(api.queuePrompt).toBe(queuePrompt);
});
