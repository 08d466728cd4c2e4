// Marks of segments: what of a graph shall run on RunningHub, as values and without a canvas.

import { classOf, isOurs, sourceAt } from "./nodes.js";

/** Whether a thing of the graph is one of a kind. @typedef {(thing: any) => boolean} Test */

export const INSTANCES = ["default", "plus", "ultra"];

const KEY = "runninghub"; // in a node's properties and a group's flags

// White is readable on each of them.
const COLORS = ["#4a6b12", "#6d28d9", "#0f6e6a", "#a3420b", "#a61b5b", "#1f55c4"];

/** @type {Test} */
export const isGroup = (thing) => typeof thing?.recomputeInsideNodes === "function";

/** @param {any} instance */
const sizeOf = (instance) => (INSTANCES.indexOf(instance) > 0 ? instance : "");

/** How orders are placed: who pays, seconds, the queue, the saved workflow, the route. The server checks them. */
const RULES = ["profile", "timeout", "use_personal_queue", "workflow", "route"];

/** Only what differs from the defaults. @param {any} mark */
const rulesOf = (mark) => Object.fromEntries(RULES.flatMap((name) => (mark[name] ? [[name, mark[name]]] : [])));

/** @type {(thing: any) => RhMark | null} */
export function markOf(thing) {
	const stored = (isGroup(thing) ? thing.flags : thing?.properties)?.[KEY] ?? {};
	const { segment, instance, only } = stored;
	if (typeof segment !== "string" || !segment) return null;
	return { segment, instance: sizeOf(instance), only: only === true, ...rulesOf(stored) };
}

/** @type {(thing: any, mark: RhMark | null) => void} */
export function setMark(thing, mark) {
	const holder = (thing[isGroup(thing) ? "flags" : "properties"] ??= {});
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
 * What is marked bit by bit is one order; else the smallest free number.
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

/** Not what only the browser has (but subgraphs), nor ours, which is in the cloud anyway. @type {Test} */
export function isMarkable(thing) {
	const isNode = Array.isArray(thing?.inputs) && !isOurs(classOf(thing));
	return isGroup(thing) || (isNode && Boolean(thing.subgraph || !thing.isVirtualNode));
}

/** @param {any[]} selection */
export function markableOf(selection) {
	const things = selection.filter(isMarkable);
	const inGroups = new Set(things.filter(isGroup).flatMap(({ children }) => [...(children ?? [])]));
	return things.filter((thing) => !inGroups.has(thing));
}

/** @param {any} graph @returns {any[]} */
const thingsOf = (graph) => [...(graph?.groups ?? []), ...(graph?.nodes ?? [])];

/** @param {any} root */
export const allThings = (root) => [root, ...(root?.subgraphs?.values() ?? [])].flatMap(thingsOf);

/** The marked group or subgraph that a thing is in; null for none. @type {(thing: any, root: any) => any} */
export function holderOf(thing, root) {
	const { graph } = thing;
	const group = graph?.groups?.find((/** @type {any} */ candidate) => candidate !== thing && markOf(candidate) && holds(candidate, thing));
	const outer = allThings(root).filter(({ subgraph }) => subgraph && subgraph === graph);
	return group ?? outer.map((node) => (markOf(node) ? node : holderOf(node, root))).find(Boolean) ?? null;
}

/** @type {(group: any, thing: any) => boolean} */
function holds(group, thing) {
	group.recomputeInsideNodes();
	return [...(group.children ?? group.nodes ?? [])].includes(thing);
}

/** @param {any} node @returns {RhMark[]} */
export const insideOf = (node) => thingsOf(node?.subgraph).flatMap((thing) => markOf(thing) ?? insideOf(thing));

/** What nodes and what groups hold read, and who reads them. @param {any[]} things of one graph @returns {any[]} */
export function neighboursOf(things) {
	const own = new Set(things.flatMap((thing) => (isGroup(thing) ? [...(thing.nodes ?? [])] : thing)));
	/** @type {any[]} */
	const nodes = things[0]?.graph?.nodes ?? [];
	const readers = nodes.filter((node) => producersOf(node).some((producer) => own.has(producer)));
	return [...[...own].flatMap(producersOf), ...readers];
}

/** @param {any} node @returns {any[]} */
const producersOf = (node) => [...(node.inputs ?? []).keys()].flatMap((slot) => producerOf(node, slot) ?? []);

/** The node that an input reads, past those that only the browser has (Reroute, Set and Get), as Run finds it. @type {(node: any, slot: number, most?: number) => any} */
function producerOf(node, slot, most = 100) {
	const source = sourceAt(node, slot);
	const isPassed = source?.node.isVirtualNode && !source.node.subgraph && most > 0;
	return source && isPassed ? producerOf(source.node, source.slot, most - 1) : source?.node;
}

export const colorOf = (segment = "") => COLORS[(Number.parseInt(segment, 10) || 1) % COLORS.length] ?? "";
