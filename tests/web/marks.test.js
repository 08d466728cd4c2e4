// Marks of segments as values: what they survive, and what new ones are called.

import { describe, expect, test } from "vitest";

import * as marks from "../../web/js/lib/marks.js";

const node = (properties = {}, more = {}) => ({ type: "ImageInvert", inputs: [], outputs: [], properties, ...more });

const group = (flags = {}, children = [], size = [400, 200]) => ({
  flags,
  size,
  children: new Set(children),
  nodes: children,
  recomputeInsideNodes() {},
});

const mark = (segment, instance = "", only = false) => ({ segment, instance, only });

describe("a mark", () => {
  test("is read back from a node and from a group as it was put", () => {
    for (const thing of [node(), group(), { inputs: [] }]) {
      marks.setMark(thing, mark("2", "plus", true));
      expect(marks.markOf(thing)).toEqual(mark("2", "plus", true));
    }
  });

  test("says no more in the file than it has to", () => {
    const thing = node();
    marks.setMark(thing, mark("1", "default", false));
    expect(thing.properties).toEqual({ runninghub: { segment: "1" } });
  });

  test("leaves alone what else is kept in the same place", () => {
    const thing = node({ other: 1, runninghub: { form: { v: 1 } } });
    marks.setMark(thing, mark("1", "ultra"));
    expect(thing.properties.runninghub).toEqual({ form: { v: 1 }, segment: "1", instance: "ultra" });
    marks.setMark(thing, null);
    expect(thing.properties).toEqual({ other: 1, runninghub: { form: { v: 1 } } });
  });

  test("says who pays, also for what is marked beside it, and forgets it when it is taken away", () => {
    const thing = node();
    marks.setMark(thing, { ...mark("1"), profile: "sandbox" });
    expect(thing.properties).toEqual({ runninghub: { segment: "1", profile: "sandbox" } });
    expect(marks.markFor([], [marks.markOf(thing)], []).profile).toBe("sandbox");
    marks.setMark(thing, null);
    expect(thing.properties).toEqual({});
  });

  test("says how long it may take and where it goes, also for what is marked beside it", () => {
    const thing = node();
    const rules = { timeout: 90, use_personal_queue: true, workflow: "77", route: "auto" };
    marks.setMark(thing, { ...mark("1"), ...rules });
    expect(thing.properties).toEqual({ runninghub: { segment: "1", ...rules } });
    expect(marks.markFor([], [marks.markOf(thing)], [])).toEqual({ ...mark("1"), ...rules });
    marks.setMark(thing, { ...mark("1"), ...rules, timeout: 0, use_personal_queue: false, workflow: "", route: "" });
    expect(thing.properties).toEqual({ runninghub: { segment: "1" } });
  });

  test("leaves nothing behind when it is taken away", () => {
    const thing = node({ "Node name for S&R": "x" });
    marks.setMark(thing, mark("1"));
    marks.setMark(thing, null);
    expect(thing.properties).toEqual({ "Node name for S&R": "x" });
  });

  test("does not change an object that a copy of the node shares", () => {
    const shared = { segment: "1" };
    const thing = node({ runninghub: shared });
    marks.setMark(thing, mark("2"));
    expect(shared).toEqual({ segment: "1" });
  });

  test.each([null, 7, "x", [], { segment: 3 }, { segment: "" }, { segment: { toString: 1 } }])(
    "is none when an edited file has %j in its place",
    (runninghub) => {
      expect(marks.markOf(node({ runninghub }))).toBeNull();
    },
  );

  test("has the default size where an edited file names one that there is not", () => {
    const { instance, only } = marks.markOf(node({ runninghub: { segment: "1", instance: "huge", only: "yes" } }));
    expect([instance, only]).toEqual(["", false]);
  });
});

describe("a new mark", () => {
  test("has the smallest number that is free", () => {
    expect(marks.markFor([null], [null], [mark("1"), mark("3"), null])).toEqual(mark("2"));
    expect(marks.markFor([], [], [])).toEqual(mark("1"));
  });

  test("joins the segment of what is chosen with it, size and all", () => {
    expect(marks.markFor([null, mark("4", "plus", true)], [mark("1")], [])).toEqual(mark("4", "plus", true));
  });

  test("joins the segment that it touches, the first in the order of numbers", () => {
    expect(marks.markFor([null], [mark("10"), null, mark("9")], [mark("9"), mark("10")])).toEqual(mark("9"));
  });
});

describe("what can be marked", () => {
  test("is not what exists only in the browser, nor a node of ours", () => {
    const no = [
      node({}, { isVirtualNode: true }),
      node({}, { comfyClass: "RunningHubRemoteWorkflow" }),
      node({}, { type: "RHUploadImage" }),
      node({}, { type: "RHLoraUploader" }),
      { id: 3 },
      null,
    ];
    expect(no.map(marks.isMarkable)).toEqual(no.map(() => false));
  });

  test("is a subgraph, although it exists only in the browser", () => {
    expect(marks.isMarkable(node({}, { isVirtualNode: true, subgraph: {} }))).toBe(true);
  });

  test("leaves to a chosen group what it holds", () => {
    const [inside, outside] = [node(), node()];
    const box = group({}, [inside]);
    expect(marks.markableOf([inside, outside, box])).toEqual([outside, box]);
  });
});

test("marks of all subgraphs are found, each once, also when a subgraph stands twice", () => {
  const inner = { nodes: [node({ runninghub: { segment: "1" } })], groups: [group({ runninghub: { segment: "2" } })] };
  const twice = [node({}, { subgraph: inner }), node({}, { subgraph: inner })];
  const root = { nodes: twice, groups: [], subgraphs: new Map([["a", inner]]) };
  expect(marks.allThings(root).map(marks.markOf).filter(Boolean)).toEqual([mark("2"), mark("1")]);
  expect(marks.innerMarks(twice[0])).toEqual([mark("2"), mark("1")]);
  expect(marks.innerMarks(node())).toEqual([]);
});

test("what says that a thing runs there is the marked group or subgraph that it is in", () => {
  const inGroup = node();
  const inSubgraph = node();
  const inner = { nodes: [inSubgraph], groups: [] };
  const outer = node({}, { subgraph: inner });
  const [plain, box] = [group({}, [inGroup, outer]), group({}, [inGroup, outer])];
  const root = { nodes: [inGroup, outer], groups: [plain, box], subgraphs: new Map([["a", inner]]) };
  for (const thing of [inGroup, outer, plain, box]) thing.graph = root;
  inSubgraph.graph = inner;
  expect(marks.markedContainerOf(inSubgraph, root)).toBeNull();
  marks.setMark(box, mark("1"));
  expect([inGroup, outer, inSubgraph].map((thing) => marks.markedContainerOf(thing, root))).toEqual([box, box, box]);
  expect(marks.markedContainerOf(box, root)).toBeNull();
  marks.setMark(outer, mark("2"));
  expect(marks.markedContainerOf(inSubgraph, root)).toBe(outer);
});

test("of nested marked groups the smallest says it, as in a run", () => {
  const inside = node();
  const boxes = [900, 300, 600].map((width) => group({ runninghub: { segment: `${width}` } }, [inside], [width, 200]));
  inside.graph = { nodes: [inside], groups: boxes };
  expect(marks.markedContainerOf(inside, inside.graph)).toBe(boxes[1]);
});

/** Nodes in a row, each reading the one before it. */
function row(...nodes) {
  const graph = { nodes, getNodeById: (id) => nodes[id] ?? null };
  nodes.forEach((member, id) => {
    Object.assign(member, { graph, inputs: [{}, {}], getInputLink: (slot) => (slot === 0 && id > 0 ? { origin_id: id - 1, origin_slot: 0 } : null) });
  });
  return nodes;
}

test("what a group holds touches what its nodes touch", () => {
  const [before, inside, after] = row(node(), node(), node(), node());
  expect(marks.neighbours([{ ...group({}, [inside]), graph: inside.graph }])).toEqual([before, after]);
});

test("nodes touch through those that only the browser has", () => {
  const virtual = () => node({}, { isVirtualNode: true });
  const [first, , , second, third] = row(node(), virtual(), virtual(), node(), node());
  expect(marks.neighbours([second])).toEqual([first, third]);
  expect(marks.neighbours([first])).toContain(second);
});

test("a subgraph node touches what its inputs read, and not what its getInputLink says", () => {
  const [before, outer, after] = row(node(), node({}, { subgraph: {} }), node());
  // As in ComfyUI: by the slot of an output, of which this one has none.
  outer.getInputLink = (slot) => outer.outputs[slot].getLinks();
  outer.graph.links = new Map([[9, { origin_id: 0, origin_slot: 0, target_id: 1, target_slot: 0 }]]);
  outer.id = 1;
  expect(marks.neighbours([outer])).toEqual([before, after]);
  expect(marks.neighbours([before])).toEqual([outer]);
});

test("a ring of them ends", () => {
  const [virtual, real] = row(node({}, { isVirtualNode: true }), node());
  virtual.getInputLink = () => ({ origin_id: 0, origin_slot: 0 });
  expect(marks.neighbours([real])).toEqual([virtual]);
});

test("the first six segments have colours of their own", () => {
  expect(new Set(["1", "2", "3", "4", "5", "6"].map(marks.colorOf)).size).toBe(6);
  expect(marks.colorOf("a name")).toMatch(/^#/);
});

test("the whole graph is switched over with a mark's options, and back, and single marks count again", () => {
  const node = { properties: { runninghub: { segment: "2" } } };
  const root = /** @type {any} */ ({ nodes: [node], extra: { ds: 1, runninghub: { other: 5 } } });
  expect(marks.wholeOf(root)).toBeNull();
  marks.setWhole(root, { segment: marks.WHOLE, instance: "plus", only: false, profile: "studio" });
  expect(root.extra).toEqual({ ds: 1, runninghub: { other: 5, whole: { instance: "plus", profile: "studio" } } });
  expect(marks.marksIn(root)).toEqual([{ segment: "1", instance: "plus", only: false, profile: "studio" }]);
  expect(marks.markOf(node)?.segment).toBe("2");
  marks.setWhole(root, null);
  expect(root.extra).toEqual({ ds: 1, runninghub: { other: 5 } });
  expect(marks.marksIn(root).map(({ segment }) => segment)).toEqual(["2"]);
  const plain = /** @type {any} */ ({ nodes: [] });
  marks.setWhole(plain, { segment: marks.WHOLE, instance: "", only: false });
  expect(plain.extra).toEqual({ runninghub: { whole: {} } });
  marks.setWhole(plain, null);
  expect(plain.extra).toEqual({});
});

test.each([true, "on", [], 1])("what is no set of options switches nothing over: %j", (whole) => {
  expect(marks.wholeOf({ extra: { runninghub: { whole } } })).toBeNull();
});
