// The dialogs of old nodes and of keys in a graph: what has the focus, and what an answer may change.

import { beforeEach, expect, test, vi } from "vitest";

import english from "../../locales/en/main.json";
import { app } from "./host/app.js";
import { loadTexts } from "../../web/js/host/texts.js";
import { openKeys, openReplace } from "../../web/js/features/migration.mjs";

const TEXTS = english.runninghub.canvas.migration;
const KEYS = ["a", "b"];

/** @type {(value?: any) => void} */
let answer = () => {};
let graph;

beforeEach(async () => {
  document.body.replaceChildren();
  graph = { keys: [...KEYS] };
  app.rootGraph = { id: "g", nodes: [], groups: [], serialize: () => structuredClone(graph), clear() {}, configure: (read) => (graph = read), change() {} };
  app.canvas = { setDirty() {} };
  const reply = (body) => ({ ok: true, status: 200, json: async () => body });
  vi.stubGlobal("fetch", async (path, options) => {
    const sent = options?.body ? JSON.parse(options.body) : {};
    if (path.endsWith("/migration/replace")) return new Promise((resolve) => (answer = (body) => resolve(reply(body))));
    if (path.endsWith("/keys/find")) return reply({ keys: sent.graph.keys.map((key) => ({ id: key, key, surety: "likely", places: [] })) });
    if (path.endsWith("/keys/clean")) return reply({ graph: { keys: sent.graph.keys.filter((key) => !sent.keys.includes(key)) } });
    return reply({ "/api/i18n": { en: english }, "/api/runninghub/session": { token: "t" }, "/api/runninghub/migration/look": { old: 0, keys: 0 } }[path]);
  });
  await loadTexts();
});

test("a dialog that has nothing to replace keeps the focus, from its first moment", async () => {
  const opened = openReplace();
  const focused = () => [document.activeElement?.textContent, Boolean(document.activeElement?.closest("dialog"))];
  expect(focused()).toEqual(["Cancel", true]);
  await vi.waitFor(() => {
    answer({ replaced: [], stays: [] });
    expect(document.querySelector("dialog").textContent).toContain(TEXTS.none);
  });
  await opened;
  expect(focused()).toEqual(["Cancel", true]);
});

test("a node that replaces old ones is called as the canvas calls it", async () => {
  vi.stubGlobal("LiteGraph", { registered_node_types: { RunningHubRemoteWorkflow: { title: "RunningHub Remote Workflow" } } });
  const opened = openReplace();
  const becomes = { nodes: [{ id: "2", class: "RH_ExecuteNode", title: "" }], becomes: "RunningHubRemoteWorkflow", program: "7", notes: [] };
  await vi.waitFor(() => {
    answer({ replaced: [becomes], stays: [] });
    expect(document.querySelector("dialog p:not(.muted, .said)").textContent).toBe("becomes RunningHub Remote Workflow · program 7");
  });
  await opened;
});

test("of two keys that are removed at once none comes back", async () => {
  await openKeys();
  const buttons = () => [...document.querySelectorAll("dialog button")].filter(({ textContent }) => /take it out/i.test(textContent ?? ""));
  const [first, second] = /** @type {any[]} */ (buttons());
  for (const button of [first, second]) {
    button.click();
    button.click();
  }
  await vi.waitFor(() => expect(document.querySelector("dialog").textContent).toContain(TEXTS.no_keys));
  expect(graph.keys).toEqual([]);
});
