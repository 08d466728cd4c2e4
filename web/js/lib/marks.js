// @ts-check
// Marks of segments: what of a graph shall run on RunningHub, as values and without a canvas.

import { classOf, isOurs } from "./programs.js";

/** Sizes of a machine, the default first. */
export const INSTANCES = ["default", "plus", "ultra"];

const KEY = "runninghub"; // in a node's properties and a group's flags

// White is readable on each of them.
const COLORS = ["#4a6b12", "#6d28d9", "#0f6e6a", "#a3420b", "#a61b5b", "#1f55c4"];

/** @type {RhTest} */
export const isGroup = (thing) => typeof thing?.recomputeInsideNodes === "function";

/** The mark of a node or a group. @type {RhMarkOf} */
export function markOf(thing) {
  const kept = (isGroup(thing) ? thing.flags : thing?.properties)?.[KEY];
  if (typeof kept?.segment !== "string" || !kept.segment) {
    return null;
  }
  const instance = INSTANCES.indexOf(kept.instance) > 0 ? kept.instance : "";
  return { segment: kept.segment, instance, only: kept.only === true };
}

/**
 * Puts a mark, or takes it away; what else is kept in the same place stays.
 * @param {any} thing
 * @param {RhMark | null} mark
 */
export function setMark(thing, mark) {
  const holder = (thing[isGroup(thing) ? "flags" : "properties"] ??= {});
  const instance = INSTANCES.indexOf(mark?.instance ?? "") > 0 ? mark?.instance : undefined;
  const given = { ...holder[KEY], segment: mark?.segment, instance, only: mark?.only || undefined };
  const kept = Object.entries(given).filter(([, value]) => value !== undefined);
  if (kept.length > 0) {
    holder[KEY] = Object.fromEntries(kept);
  } else {
    delete holder[KEY];
  }
}

/**
 * The mark that newly chosen things get: that which one of them has or touches, so that what is
 * marked bit by bit is one order; else the smallest free number.
 * @param {(RhMark | null)[]} chosen marks of what is chosen
 * @param {(RhMark | null)[]} touched marks of what has a link with it
 * @param {(RhMark | null)[]} all marks of the graph
 * @returns {RhMark}
 */
export function markFor(chosen, touched, all) {
  for (const marks of [chosen, touched]) {
    const known = marks.flatMap((mark) => mark ?? []);
    known.sort((a, b) => a.segment.localeCompare(b.segment, "en", { numeric: true }));
    if (known[0]) {
      return known[0];
    }
  }
  const taken = new Set(all.map((mark) => mark?.segment));
  let number = 1;
  while (taken.has(String(number))) {
    number += 1;
  }
  return { segment: String(number), instance: "", only: false };
}

/**
 * Whether a mark can mean anything: not on nodes that exist only in the browser, subgraphs
 * excepted, nor on our own, which run in the cloud as it is.
 * @type {RhTest}
 */
export function isMarkable(thing) {
  const isNode = Array.isArray(thing?.inputs) && !isOurs(classOf(thing));
  return isGroup(thing) || (isNode && Boolean(thing.subgraph || !thing.isVirtualNode));
}

/** What of a selection can be marked; what a group holds is left to it. @param {any[]} selection */
export function markableOf(selection) {
  const things = selection.filter(isMarkable);
  const held = new Set(things.filter(isGroup).flatMap(({ children }) => [...(children ?? [])]));
  return things.filter((thing) => !held.has(thing));
}

/** @param {any} graph @returns {any[]} */
const thingsOf = (graph) => [...(graph?.groups ?? []), ...(graph?.nodes ?? [])];

/** The nodes and groups of a graph and of its subgraphs. @param {any} root */
export const allThings = (root) => [root, ...(root?.subgraphs?.values() ?? [])].flatMap(thingsOf);

/** The marks inside a subgraph node. @param {any} node @returns {RhMark[]} */
export function insideOf(node) {
  return thingsOf(node?.subgraph).flatMap((thing) => markOf(thing) ?? insideOf(thing));
}

/** The nodes that have a link with a thing. @param {any} thing @returns {any[]} */
export function neighboursOf(thing) {
  if (isGroup(thing)) {
    return [...(thing.nodes ?? [])].flatMap(neighboursOf);
  }
  const sources = [...thing.inputs.keys()].map((slot) => thing.getInputNode(slot));
  const targets = [...thing.outputs.keys()].flatMap((slot) => thing.getOutputNodes(slot));
  return [...sources, ...targets].filter(Boolean);
}

/** @param {string} segment */
export const colorOf = (segment) => COLORS[(Number.parseInt(segment, 10) || 1) % COLORS.length] ?? "";
