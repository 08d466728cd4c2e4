// The open graph and its nodes: lookup, selection, undoable changes, serialization, placement.

import { app } from "./scripts.js";
import { t } from "./texts.js";

const NODE_SIZE = [400, 440]; // size of a node of ours with its fields, in canvas units
const TITLE = 30; // height of the title bar, above a node's `pos`
const GAP = 70;

export const rootGraph = () => app.rootGraph;

const graphs = () => [rootGraph(), ...(rootGraph().subgraphs?.values() ?? [])];

/** Whether a node is in the open workflow: older front ends leave `node.graph` of one that was closed. @param {any} node */
export const isInGraph = (node) => graphs().some(({ nodes }) => nodes?.includes(node));

/** Whether that workflow is the open one; "" if a run has none. @param {string} [id] */
export const isGraphOpen = (id) => !id || id === rootGraph().id;

/** The node of an execution id, "7:6": node 6 in subgraph node 7; undefined for none. @param {string} id @returns {any} */
export function nodeOf(id) {
	/** @type {any} */
	let node = { subgraph: rootGraph() };
	for (const step of String(id).split(":")) {
		node = node?.subgraph?.nodes.find(({ id: own = "" }) => String(own) === step);
	}
	return node;
}

/** Switch to the tab with that workflow id; "" means the active one. Throws if no tab has it. @param {string} id */
export async function openWorkflow(id) {
	if (!id || rootGraph().id === id) return;
	const workflow = app.extensionManager?.workflow?.openWorkflows?.find((/** @type {any} */ { activeState }) => activeState?.id === id);
	if (!workflow) throw new Error(t("running.elsewhere"));
	// As ComfyUI's own tabs do it.
	await app.loadGraphData(JSON.parse(JSON.stringify(workflow.activeState)), true, true, workflow);
}

/** Select a node, or the one of an execution id, and bring it into view; false if there is none. @param {any} target */
export function revealNode(target) {
	const node = target.graph ? target : nodeOf(target);
	if (!node) return false;
	const { canvas } = app;
	if (canvas.graph !== node.graph) canvas.setGraph(node.graph);
	canvas.deselectAll?.();
	(canvas.select ?? canvas.selectNode).call(canvas, node);
	if (!isInSight(node)) canvas.centerOnNode?.(node);
	canvas.setDirty(true, true);
	return true;
}

/** Whether a node is wholly in the part of the canvas that no panel covers. @param {ComfyNode} node */
function isInSight({ pos, size }) {
	/** @type {any} */
	const { ds, canvas } = app.canvas;
	const { x, y } = canvas.getBoundingClientRect();
	const view = (document.querySelector(".graph-canvas-panel") ?? canvas).getBoundingClientRect();
	const [left, top] = ds.convertOffsetToCanvas([pos[0], pos[1] - TITLE]);
	const [right, bottom] = ds.convertOffsetToCanvas([pos[0] + size[0], pos[1] + size[1]]);
	return x + left >= view.left && y + top >= view.top && x + right <= view.right && y + bottom <= view.bottom;
}

/** Run `callback` as one undo step. @param {() => void} callback */
export function withUndoStep(callback) {
	const { canvas } = app;
	canvas.emitBeforeChange?.();
	try {
		callback();
	} finally {
		canvas.emitAfterChange?.();
		rootGraph()?.change?.();
		canvas.setDirty(true, true);
	}
}

/** Redraw in the next frame, in both renderers. */
export const redraw = () => app.canvas?.setDirty(true, true);

/** @returns {any[]} */
export const selection = () => [...(app.canvas.selectedItems ?? [])];

/** @param {any[]} things */
export const select = (things) => app.canvas.selectItems?.(things);

/** @param {string} [className] @returns {any} */
export const createNode = (className) => window.LiteGraph?.createNode(className);

/** Call `callback` once a new node is placed: until then it may follow the pointer as a ghost. @type {(node: ComfyNode, callback: () => void) => void} */
export function onPlaced(node, callback) {
	const look = () => {
		if (!node.graph) return;
		if (node.flags?.ghost) {
			window.addEventListener("pointerup", () => setTimeout(look), { once: true, capture: true });
		} else {
			callback();
		}
	};
	// It is not in a graph yet, and may still be configured.
	setTimeout(look);
}

/** Set the type of a node that is being added. @type {(node: ComfyNode, type: string) => void} */
export function setType(node, type) {
	// Since 1.58 an assignment warns, and does just this.
	if (node._state) node._state.type = type;
	else node.type = type;
	node.comfyClass = type;
}

/** The display name of a node class; "" if it is not registered. @param {string} className */
export const classTitle = (className) => String(window.LiteGraph?.registered_node_types?.[className]?.title ?? "");

/** The display name of a node class, else the class name. */
export const typeName = (className = "") => classTitle(className) || className;

/** The API-format prompt and workflow as Run would send them, without changing the graph. */
export async function toPrompt() {
	// Use Everywhere adds its broadcast links only while Run is pressed; this hook returns them at other times.
	const serialize = async () => (await app.ue_modified_prompt?.()) ?? (await app.graphToPrompt());
	const { workflow, output } = await keepingNumbers(serialize);
	return { prompt: output, extra_data: { extra_pnginfo: { workflow } } };
}

/** Await `serialize` and restore number widgets: another pack's seed may be drawn at serialization and stay until a run ends. Texts are not restored: the user may type meanwhile. @type {<T>(serialize: () => Promise<T>) => Promise<T>} */
async function keepingNumbers(serialize) {
	const nodes = graphs().flatMap((graph) => graph.nodes);
	const drawing = nodes.flatMap(({ widgets }) => widgets ?? []).filter(({ serializeValue, value }) => serializeValue && typeof value === "number");
	const before = new Map(drawing.map((widget) => [widget, widget.value]));
	try {
		return await serialize();
	} finally {
		for (const [widget, value] of before) {
			if (widget.value !== value) widget.value = value;
		}
	}
}

/** The workflow as Save would serialize it. */
export const toWorkflow = () => rootGraph().serialize();

/** Open an API-format prompt as a new workflow tab. @type {(prompt: any, name: string) => Promise<void>} */
export const openPrompt = (prompt, name) => app.loadApiJson(prompt, name);

/** Replace the open graph, as one undo step. @param {object} workflow */
export async function replaceGraph(workflow) {
	const { canvas } = app;
	canvas.emitBeforeChange?.();
	try {
		// Otherwise Nodes 2.0 shows an old node's state on the new node with the same id.
		rootGraph().clear();
		await new Promise((resolve) => setTimeout(resolve));
		withUndoStep(() => rootGraph().configure(workflow));
		await null; // nodes of ours move their slots in a microtask: 1.39 takes what comes later for another step
	} finally {
		canvas.emitAfterChange?.();
	}
}

/** Whether undo or redo is loading the graph, which calls the same hooks. */
export const isRestoring = () =>
	Boolean(app.extensionManager?.workflow?.activeWorkflow?.changeTracker?._restoringState);

/** Add a node to the visible graph, at the view's centre or `at` a position; null for an unknown class. @type {(className: string, at?: number[]) => any} */
export function addNode(className, at = viewCentre()) {
	/** @type {any} */
	const { graph } = app.canvas;
	const node = createNode(className);
	if (!node) return null;
	withUndoStep(() => {
		node.pos = [...at];
		graph.add(node);
	});
	return node;
}

function viewCentre() {
	/** @type {any} */
	const { ds, canvas } = app.canvas;
	const { width, height } = canvas.getBoundingClientRect();
	const [x, y] = ds.convertCanvasToOffset([width / 2, height / 2]);
	return freePlace([x - 140, y - 120]);
}

/** A node's element in Nodes 2.0, where it is in view; else null. @param {any} node @returns {HTMLElement | null} */
export const elementOf = ({ id }) => document.querySelector(`[data-node-id="${CSS.escape(String(id))}"]`);

/** A node's place and size with its title: in Nodes 2.0 as it is shown, of which the graph knows less. @param {any} node */
function boxOf(node) {
	const { pos, size } = node;
	const element = elementOf(node);
	return [pos[0], pos[1] - TITLE, element?.offsetWidth || size[0], element?.offsetHeight || size[1] + TITLE];
}

/** The first position from there downwards where a node of that size overlaps none. @type {(from: number[], size?: number[]) => number[]} */
export function freePlace([x = 0, y = 0], [width = 0, height = 0] = NODE_SIZE) {
	const boxes = (app.canvas.graph?.nodes ?? []).map(boxOf);
	const covered = (/** @type {any} */ [left, top, wide, high]) =>
		x < left + wide && left < x + width && y - TITLE < top + high && top < y + height;
	for (let box; (box = boxes.find(covered)); ) y = box[1] + box[3] + GAP;
	return [x, y];
}

/** @param {DragEvent} event @returns {number[]} where it is on the canvas */
export const placeOf = (event) => app.canvas.convertEventToCanvasOffset(event);
