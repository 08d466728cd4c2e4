// How many orders a node is, by what its graph tells.

import { expect, test } from "vitest";
import { orderKey, countOrders } from "../../web/js/lib/orders.js";

/** A graph of `id: [class, widgets, links, more]`, where a link is `[id, slot]` and its type; each node has an output of each type. */
function graph(nodes) {
  const byId = new Map();
  const self = { getNodeById: (id) => byId.get(id) ?? null };
  for (const [id, [type, values = {}, links = {}, more = {}]] of Object.entries(nodes)) {
    const inputs = Object.entries(links).map(([name, [origin, kind]]) => ({ name, type: kind, link: { origin_id: origin, origin_slot: 0 } }));
    byId.set(id, {
      id,
      type,
      mode: 0,
      graph: self,
      widgets: Object.entries(values).map(([name, value]) => ({ name, value })),
      inputs,
      outputs: [{ type: more.out ?? "IMAGE" }],
      findInputSlot: (name) => inputs.findIndex((input) => input.name === name),
      getInputLink: (slot) => inputs[slot].link,
      isInputConnected: (slot) => Boolean(inputs[slot].link),
      constructor: { nodeData: { output_is_list: [more.list ?? false] } },
      ...more,
    });
  }
  return byId.get("end");
}

const fields = (...names) => names.map((name) => ({ name, kind: "IMAGE" }));
const ordersFor = (nodes, widgets = {}, ...more) => countOrders(graph({ ...nodes, end: ["Program", widgets, { "1.image": ["last", "IMAGE"] }] }), [...fields("1.image"), ...more]);

const sampled = {
  empty: ["EmptyLatentImage", { batch_size: 4 }, {}, { out: "LATENT" }],
  model: ["CheckpointLoaderSimple", {}, {}, { out: "MODEL" }],
  sample: ["KSampler", {}, { model: ["model", "MODEL"], latent_image: ["empty", "LATENT"] }, { out: "LATENT" }],
  last: ["VAEDecode", {}, { samples: ["sample", "LATENT"] }],
};
const exactly = (count) => ({ count, least: false });
const atLeast = (count) => ({ count, least: true });

test("a batch that is sampled here is an order each", () => {
  expect(ordersFor(sampled)).toEqual(exactly(4));
  expect(ordersFor(sampled, { batch: "first" })).toEqual(exactly(1));
});

test("what lies on the way and keeps their number counts for nothing", () => {
  const scaled = { ...sampled, reroute: ["Reroute", {}, { "": ["last", "*"] }, { out: "*" }] };
  const bypassed = { last: ["SomebodysNode", {}, { image: ["scale", "IMAGE"] }, { mode: 4 }], scale: ["ImageScale", {}, { image: ["decode", "IMAGE"] }], decode: sampled.last };
  expect(ordersFor({ ...sampled, ...bypassed })).toEqual(exactly(4));
  expect(ordersFor({ ...scaled, last: ["ImageInvert", {}, { image: ["reroute", "IMAGE"] }], decode: sampled.last, reroute: ["Reroute", {}, { "": ["decode", "*"] }, { out: "*" }] })).toEqual(exactly(4));
});

test("equal items are one order, unless each run wants new seeds", () => {
  const repeated = { load: ["LoadImage", { image: "a.png" }], last: ["RepeatImageBatch", { amount: 3 }, { image: ["load", "IMAGE"] }] };
  expect(ordersFor(repeated)).toEqual(exactly(1));
  expect(ordersFor(repeated, { reroll_seeds: true })).toEqual(exactly(3));
});

test("two batches are joined", () => {
  const joined = { load: ["LoadImage", { image: "a.png [input]" }], decode: sampled.last, last: ["ImageBatch", {}, { image1: ["decode", "IMAGE"], image2: ["load", "IMAGE"] }] };
  expect(ordersFor({ ...sampled, ...joined })).toEqual(exactly(5));
});

test.each([
  ["a class that nobody here knows", { last: ["SomebodysNode"] }],
  ["a file of several frames", { last: ["LoadImage", { image: "a.gif" }] }],
  ["a number that comes over a link", { ...sampled, empty: ["EmptyLatentImage", { batch_size: 4 }, { batch_size: ["number", "INT"] }, { out: "LATENT" }], number: ["PrimitiveInt", {}, {}, { out: "INT" }] }],
  ["a list", { last: ["LoadImage", { image: "a.png" }, {}, { list: true }] }],
  ["a list on the way", { ...sampled, model: ["LoadModels", {}, {}, { out: "MODEL", list: true }] }],
  ["a subgraph", { last: ["x", {}, {}, { subgraph: {} }] }],
  ["the border of a subgraph", {}],
])("of %s there may be more", (_, nodes) => {
  expect(ordersFor(nodes)).toEqual(atLeast(1));
});

test("what is known of one input holds for the others, which go in step with it", () => {
  const nodes = { ...sampled, other: ["SomebodysNode"], end: ["Program", {}, { "1.image": ["last", "IMAGE"], "2.image": ["other", "IMAGE"] }] };
  expect(countOrders(graph(nodes), fields("1.image", "2.image"))).toEqual(exactly(4));
});

test("values that are one item, lists and zips that take all, and free inputs are one order", () => {
  const text = { last: ["StringConcatenate", {}, {}, { out: "STRING" }] };
  expect(ordersFor(text)).toEqual(exactly(1));
  const end = graph({ ...sampled, end: ["Program", {}, { images: ["last", "IMAGE"], zip: ["last", "IMAGE"] }] });
  expect(countOrders(end, [{ name: "images", kind: "IMAGE", array: true }, { name: "zip", kind: "ZIP" }, ...fields("free")])).toEqual(exactly(1));
});

test("what a promoted widget says is one item, unless a node of the subgraph is linked there", () => {
  const input = { name: "outer" };
  const inside = graph({ end: ["Program", {}, { text: ["border", "STRING"] }] });
  const host = (links) => Object.assign(graph({ last: ["LoadTexts"], end: ["x", { outer: "a boat" }, links] }), { subgraph: inside.graph });
  const nodes = [host({})];
  Object.assign(inside.graph, { inputNode: { slots: [input] }, rootGraph: { nodes, subgraphs: new Map() } });
  inside.inputs[0].link.originIsIoNode = true;
  expect(countOrders(inside, fields("text"))).toEqual(exactly(1));
  nodes.push(Object.assign(host({ outer: ["last", "STRING"] }), { getInputLink: () => null }));
  Object.assign(nodes[1].graph, { links: new Map() });
  expect(countOrders(inside, fields("text"))).toEqual(atLeast(1));
});

test("the links of a graph are not searched for each use of a subgraph", () => {
  const inside = graph({ end: ["Program", {}, { text: ["border", "STRING"] }] });
  inside.inputs[0].link.originIsIoNode = true;
  let searches = 0;
  const outside = {
    get links() {
      searches += 1;
      return new Map();
    },
  };
  const nodes = Array.from({ length: 50 }, () => {
    const host = graph({ end: ["x", { outer: "a boat" }, { outer: ["nothing", "STRING"] }] });
    host.inputs[0].link = null;
    return Object.assign(host, { subgraph: inside.graph, graph: outside });
  });
  Object.assign(inside.graph, { inputNode: { slots: [{ name: "outer" }] }, rootGraph: { nodes, subgraphs: new Map() } });
  expect(countOrders(inside, fields("text"))).toEqual(exactly(1));
  expect(searches).toBe(0);
});

test("of a node inside of a subgraph that is linked there, the subgraph's own widgets say nothing", () => {
  const nodes = { load: ["LoadTexts"], last: ["RepeatImageBatch", { amount: 3 }, { image: ["load", "IMAGE"] }] };
  const inside = graph({ ...nodes, end: ["Program", {}, { "1.image": ["last", "IMAGE"] }] });
  // As in ComfyUI a node has all its slots, its inputs first.
  const source = inside.graph.getNodeById("last");
  source.slots = [...source.inputs, ...source.outputs];
  const host = Object.assign(graph({ end: ["x", { image: "a.png" }] }), { subgraph: inside.graph });
  Object.assign(inside.graph, { inputNode: { slots: [] }, rootGraph: { nodes: [host], subgraphs: new Map() } });
  expect(countOrders(inside, fields("1.image"))).toEqual(atLeast(1));
});

test("equal nodes are one order, by what they say and where their inputs come from", () => {
  const key = (widgets = {}, links = {}) =>
    orderKey(graph({ first: ["LoadImage"], second: ["LoadImage"], end: ["Program", { workflow: "19", "3.seed": 7, ...widgets }, links] }));
  const linked = { "1.image": ["first", "IMAGE"] };
  expect(key({ "$$node-text-preview": "running", "3.seed control_after_generate": "fixed" }, linked)).not.toBeNull();
  expect(key({ "$$node-text-preview": "done" }, linked)).toBe(key({}, linked));
  expect(new Set([key(), key({ "3.seed": 8 }), key({}, linked), key({}, { "1.image": ["second", "IMAGE"] })]).size).toBe(4);
});

test("a node whose next order nobody knows is one by itself", () => {
  const key = (widgets, links = {}) => orderKey(graph({ end: ["Program", widgets, links] }));
  expect(key({ reroll_seeds: true })).toBeNull();
  expect(key({ "3.seed control_after_generate": "randomize" })).toBeNull();
  expect(key({}, { text: ["the border of a subgraph", "STRING"] })).toBeNull();
});

test("a node in a loop orders at least once: each turn orders anew", () => {
  const loop = { start: ["StartLoop"], last: ["ImageBlur", {}, { image: ["start", "IMAGE"] }] };
  expect(ordersFor(loop)).toEqual(atLeast(1));
  expect(ordersFor(loop, { batch: "first" })).toEqual(atLeast(1));
  const after = { ...loop, body: loop.last, last: ["EndLoop", {}, { output_value: ["body", "IMAGE"] }] };
  expect(ordersFor(after, { batch: "first" })).toEqual(exactly(1));
  const outer = { outer: ["StartLoop"], ...after, start: ["StartLoop", {}, { list: ["outer", "IMAGE"] }] };
  expect(ordersFor(outer, { batch: "first" })).toEqual(atLeast(1));
});
