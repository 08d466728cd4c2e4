// Marks of segments: which nodes and groups of a graph run on RunningHub. No canvas needed.

import { classOf, isOurs, sourceAt } from "./nodes.js";

/** A predicate on a node or group. @typedef {(thing: any) => boolean} Test */

export const INSTANCES = ["default", "plus", "ultra"];

const KEY = "runninghub"; // in a node's properties, a group's flags and a graph's extra

/** The name of the whole graph's segment. */
export const WHOLE = "1";

// White text is readable on each.
const COLORS = ["#4a6b12", "#6d28d9", "#0f6e6a", "#a3420b", "#a61b5b", "#1f55c4"];

/** @type {Test} */
export const isGroup = (thing) => typeof thing?.recomputeInsideNodes === "function";

/** @param {any} instance */
const sizeOf = (instance) => (INSTANCES.indexOf(instance) > 0 ? instance : "");

/** Options of a mark's orders: account, timeout in seconds, queue, saved workflow, route. The server validates them. */
const RULES = ["profile", "timeout", "use_personal_queue", "workflow", "route"];

/** The options that differ from the defaults. @param {any} mark */
const rulesOf = (mark) => Object.fromEntries(RULES.flatMap((name) => (mark[name] ? [[name, mark[name]]] : [])));

/** The mark of a node or group itself; null for none. @type {(thing: any) => RhMark | null} */
export function markOf(thing) {
	const stored = (isGroup(thing) ? thing.flags : thing?.properties)?.[KEY] ?? {};
	const { segment, instance, only } = stored;
	if (typeof segment !== "string" || !segment) return null;
	return { segment, instance: sizeOf(instance), only: only === true, ...rulesOf(stored) };
}

/** The mark of the whole graph, if it is switched over to RunningHub, else null; single marks do not count meanwhile. @type {(root: any) => RhMark | null} */
export function wholeOf(root) {
	const stored = root?.extra?.[KEY]?.whole;
	if (typeof stored !== "object" || stored === null || Array.isArray(stored)) return null;
	return { segment: WHOLE, instance: sizeOf(stored.instance), only: stored.only === true, ...rulesOf(stored) };
}

/** Switch the graph over, or with null back; what else is stored there is kept. @type {(root: any, mark: RhMark | null) => void} */
export function setWhole(root, mark) {
	const stored = { ...root.extra?.[KEY] };
	delete stored.whole;
	if (mark) {
		const { instance, only } = mark;
		stored.whole = { ...(sizeOf(instance) && { instance }), ...(only && { only }), ...rulesOf(mark) };
	}
	// A new object: ComfyUI compares the graph with the one it saw last.
	root.extra = { ...root.extra, [KEY]: stored };
	if (Object.keys(stored).length === 0) delete root.extra[KEY];
}

/** The marks that count: the whole graph's, else all single ones. @param {any} root @returns {RhMark[]} */
export function marksIn(root) {
	const whole = wholeOf(root);
	return whole ? [whole] : allThings(root).flatMap((thing) => markOf(thing) ?? []);
}

/** Set or, with null, remove the mark; other keys stored beside it are kept. @type {(thing: any, mark: RhMark | null) => void} */
export function setMark(thing, mark) {
	// ComfyUI saves a node whose class is not installed as it was loaded.
	for (const holder of [thing, thing.last_serialization]) if (holder) setMarkIn((holder[isGroup(thing) ? "flags" : "properties"] ??= {}), mark);
}

/** @type {(holder: any, mark: RhMark | null) => void} */
function setMarkIn(holder, mark) {
	const { segment, instance, only } = mark ?? {};
	const none = Object.fromEntries(RULES.map((name) => [name, undefined]));
	const facts = { segment, instance: sizeOf(instance) || undefined, only: only || undefined };
	const merged = { ...holder[KEY], ...facts, ...none, ...rulesOf(mark ?? {}) };
	const entries = Object.entries(merged).filter(([, value]) => value !== undefined);
	if (entries.length > 0) {
		holder[KEY] = Object.fromEntries(entries);
	} else {
		delete holder[KEY];
	}
}

/**
 * The segment to extend: the lowest of the chosen, else of the adjacent ones; else a new one, smallest free number.
 * @type {(chosen: (RhMark | null)[], touched: (RhMark | null)[], all: (RhMark | null)[]) => RhMark}
 */
export function markFor(chosen, touched, all) {
	for (const marks of [chosen, touched]) {
		const [lowest] = marks
			.flatMap((mark) => mark ?? [])
			.sort((first, second) => first.segment.localeCompare(second.segment, "en", { numeric: true }));
		if (lowest) return lowest;
	}
	const names = new Set(all.map((mark) => mark?.segment));
	let number = 1;
	while (names.has(String(number))) number += 1;
	return { segment: String(number), instance: "", only: false };
}

/** Groups and nodes, except virtual ones (subgraph nodes are allowed) and ours, which run in the cloud anyway. @type {Test} */
export function isMarkable(thing) {
	const isNode = Array.isArray(thing?.inputs) && !isOurs(classOf(thing));
	return isGroup(thing) || (isNode && Boolean(thing.subgraph || !thing.isVirtualNode));
}

/** The markable part of a selection, without what its groups contain. @param {any[]} selection */
export function markableOf(selection) {
	const things = selection.filter(isMarkable);
	const inGroups = new Set(things.filter(isGroup).flatMap(({ children }) => [...children]));
	return things.filter((thing) => !inGroups.has(thing));
}

/** @param {any} graph @returns {any[]} */
const thingsOf = (graph) => [...(graph?.groups ?? []), ...(graph?.nodes ?? [])];

/** All groups and nodes of the root graph and its subgraphs. @param {any} root */
export const allThings = (root) => [root, ...(root?.subgraphs?.values() ?? [])].flatMap(thingsOf);

/** The marked group or subgraph node that contains a thing, at any depth; null for none. Of several groups the smallest, as for a run. @type {(thing: any, root: any) => any} */
export function markedContainerOf(thing, root) {
	const { graph } = thing;
	const groups = (graph?.groups ?? []).filter((/** @type {any} */ candidate) => candidate !== thing && markOf(candidate) && contains(candidate, thing));
	const outer = allThings(root).filter(({ subgraph }) => subgraph && subgraph === graph);
	return groups.sort((/** @type {any} */ first, /** @type {any} */ second) => areaOf(first) - areaOf(second))[0] ?? outer.map((node) => (markOf(node) ? node : markedContainerOf(node, root))).find(Boolean) ?? null;
}

/** The mark that counts for a thing: the whole graph's, its own, or that of what contains it; null for none. @type {(thing: any, root: any) => RhMark | null} */
export const markAt = (thing, root) => wholeOf(root) ?? markOf(thing) ?? markOf(markedContainerOf(thing, root));

/** @param {any} group */
const areaOf = ({ size: [width, height] }) => width * height;

/** @type {(group: any, thing: any) => boolean} */
function contains(group, thing) {
	group.recomputeInsideNodes();
	return group.children.has(thing);
}

/** The marks inside a subgraph node, recursively. @param {any} node @returns {RhMark[]} */
export const innerMarks = (node) => thingsOf(node?.subgraph).flatMap((thing) => markOf(thing) ?? innerMarks(thing));

/** The producers and readers of these nodes and of those in these groups. @param {any[]} things of one graph @returns {any[]} */
export function neighbours(things) {
	const own = new Set(things.flatMap((thing) => (isGroup(thing) ? thing.nodes : thing)));
	/** @type {any[]} */
	const nodes = things[0]?.graph?.nodes ?? [];
	const readers = nodes.filter((node) => producersOf(node).some((producer) => own.has(producer)));
	return [...[...own].flatMap(producersOf), ...readers];
}

/** @param {any} node @returns {any[]} */
const producersOf = (node) => (node.inputs ?? []).flatMap((/** @type {any} */ _, /** @type {number} */ slot) => producerOf(node, slot) ?? []);

/** The node that an input reads, resolved through virtual nodes (Reroute, Set and Get) like Run does, at most `most`. @type {(node: any, slot: number, most?: number) => any} */
function producerOf(node, slot, most = 100) {
	const source = sourceAt(node, slot);
	const isPassed = source?.node.isVirtualNode && !source.node.subgraph && most > 0;
	return source && isPassed ? producerOf(source.node, source.slot, most - 1) : source?.node;
}

export const colorOf = (segment = "") => COLORS[(Number.parseInt(segment, 10) || 1) % COLORS.length] ?? "";
