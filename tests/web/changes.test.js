// What became of a program since a node was built from it.

import { expect, test, vi } from "vitest";
import { app } from "./host/app.js";
import { firstChoice, makeForm, fingerprint } from "../../web/js/lib/form.js";
import { checkChanges, compare } from "../../web/js/features/program/outdated.js";
import { merge } from "../../web/js/features/program/outdated.mjs";
import { field, node, output, program } from "./sample.js";

const then = program();
const form = makeForm(then, firstChoice(then, null, []), null);
const seen = fingerprint(then);

const withNodes = (act) => program({ hash: "two", nodes: act(program().nodes) });
const sampler = (fields) => (nodes) => nodes.map((remote) => (remote.id === "12" ? { ...remote, fields: fields(remote.fields) } : remote));

test("the same fields and outputs are nothing to tell", () => {
  expect(Object.values(compare(form, seen, program({ hash: "two" }))).flat()).toEqual([]);
});

test("a new node is told and its suggested fields come", () => {
  const now = withNodes((nodes) => [...nodes, node("20", "Size", "Empty", [field("20.width", "INT", 512, { suggested: true }), field("20.x", "INT", 0)])]);
  expect(compare(form, seen, now).added).toEqual([{ title: "Size", id: "20", count: 2 }]);
  expect(merge(form, seen, now).fields.map(({ name }) => name)).toContain("20.width");
  expect(merge(form, seen, now).fields.map(({ name }) => name)).not.toContain("20.x");
});

test("fields that were there and not chosen stay unchosen", () => {
  const now = withNodes((nodes) => nodes.filter(({ id }) => id !== "3"));
  const names = merge({ ...form, fields: form.fields.slice(0, 2) }, seen, now).fields.map(({ name }) => name);
  expect(names).toEqual(["10.image"]);
});

test("a chosen field that is gone is told and goes", () => {
  const now = withNodes(sampler((fields) => fields.slice(1)));
  expect(compare(form, seen, now).gone.map(({ name }) => name)).toEqual(["12.seed"]);
  expect(merge(form, seen, now).fields.map(({ name }) => name)).not.toContain("12.seed");
});

test("another kind and another stored value are told", () => {
  const now = withNodes(
    sampler(([seed, steps, ...rest]) => [{ ...seed, kind: "STRING", stored: "x" }, { ...steps, stored: 30 }, ...rest]),
  );
  const changes = compare(form, seen, now);
  expect(changes.other.map(({ field: { name }, kind }) => [name, kind])).toEqual([["12.seed", "STRING"]]);
  expect(changes.values.map(({ field: { name }, stored }) => [name, stored])).toEqual([["12.steps", 30]]);
});

test("outputs come and go", () => {
  const now = program({ outputs: [output("15", "Show", "STRING", false), output("30", "New", "VIDEO", true)] });
  const changes = compare(form, seen, now);
  expect(changes.goneOutputs.map(({ id }) => id)).toEqual(["14"]);
  expect(changes.addedOutputs.map(({ id }) => id)).toEqual(["30"]);
  expect(merge(form, seen, now).outputs.map(({ id }) => id)).toEqual(["30"]);
});

test("without a note of what was there nothing counts as new", () => {
  const now = withNodes((nodes) => [...nodes, node("20", "Size", "Empty", [field("20.width", "INT", 512)])]);
  expect(compare(form, undefined, now).added).toEqual([]);
});

test.each([[true, 1], [false, 0]])("a change that is read while the workflow is open (%s) is told", async (stays, count) => {
  const add = vi.spyOn(app.extensionManager.toast, "add").mockClear();
  const graph = {};
  const properties = { runninghub: { form: { ...form, hash: "before" } } };
  const widgets = [{ name: "workflow", value: then.id }, { name: "profile", value: "" }];
  // Older front ends leave `graph` of a node whose workflow was closed.
  const shown = { comfyClass: "RunningHubRemoteWorkflow", title: "Photo", graph, properties, widgets, isInputConnected: () => false, findInputSlot: () => -1 };
  app.rootGraph = Object.assign(graph, { nodes: [shown], groups: [] });
  let answer = (/** @type {any} */ _) => {};
  const asked = new Promise((resolve) =>
    vi.stubGlobal("fetch", async (path) => {
      if (path === "/api/runninghub/program") return new Promise((done) => resolve((answer = done)));
      const body = { "/api/i18n": {}, "/api/runninghub/session": { token: "t" }, "/api/runninghub/settings": { profiles: [{ name: "main" }], default: "main" } }[path];
      return { ok: true, status: 200, json: async () => body };
    }),
  );
  const checked = checkChanges();
  await asked;
  if (!stays) app.rootGraph = { nodes: [], groups: [] };
  answer({ ok: true, status: 200, json: async () => ({ ...then, hash: "now" }) });
  await checked;
  expect(add).toHaveBeenCalledTimes(count);
});
