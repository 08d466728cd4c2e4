// The widgets and sockets of a node, as ComfyUI makes them.

import { app } from "./scripts.js";

/** LiteGraph's shape of an optional socket. */
export const OPTIONAL = 7;

/** What every output of ours is drawn as. */
export const listShape = () => window.LiteGraph?.GRID_SHAPE ?? 6;

/** @type {(node: ComfyNode, name: string, kind: string, spec: InputSpec) => ComfyWidget} */
export const makeWidget = (node, name, kind, spec) => /** @type {any} */ (app.widgets)[kind](node, name, spec, app).widget;

/**
 * A list that is made when it is opened. What else the widget holds stays, and is in it.
 * @type {(widget: ComfyWidget, list: () => string[], label: (value: string) => string) => void}
 */
export function makeList(widget, list, label) {
	const now = () => [...new Set([...list(), String(widget.value ?? "")])];
	// Nodes 2.0 keeps what it reads here once; in the classic canvas a function is deprecated.
	const get = () => (window.LiteGraph?.vueNodesMode ? now : now());
	Object.defineProperty(widget.options, "values", { get, set() {}, enumerable: true, configurable: true });
	widget.options.getOptionLabel = (/** @type {string | null} */ value) => label(value ?? "");
}

/** Tells what a widget's socket takes: or a Primitive would connect, and give no value. @type {(input: ComfyInputSlot, spec: InputSpec) => void} */
export const describeSocket = (input, spec) => window.comfyAPI?.widgetInputs?.setWidgetConfig?.(input, spec);

/** The last input goes to another place: links know a socket by its place. @type {(node: ComfyNode, to: number) => void} */
export function insertLastInput(node, to) {
	const links = node.inputs.map((_, slot) => node.getInputLink(slot));
	const inputs = [...node.inputs];
	inputs.splice(to, 0, ...inputs.splice(-1));
	node.inputs = inputs;
	// From the end: two links must at no time be at one socket.
	for (let slot = links.length - 2; slot >= to; slot -= 1) {
		const link = links[slot];
		if (link) link.target_slot = slot + 1;
	}
}

/** One that no file and no prompt keeps. @type {(node: ComfyNode, name: string, press: () => void) => ComfyWidget} */
export function makeButton(node, name, press) {
	const button = node.addWidget("button", name, null, press, { serialize: false });
	button.serialize = false;
	return button;
}

/** @param {ComfyNode} node @param {ComfyWidget} widget */
export const removeWidget = (node, widget) => (node.ensureWidgetRemoved ?? node.removeWidget)?.call(node, widget);

/** ComfyUI measures the node at each new widget: not while these are added. @type {(node: ComfyNode, act: RhAct) => void} */
export function unmeasured(node, act) {
	node.expandToFitContent = () => {};
	try {
		act();
	} finally {
		delete node.expandToFitContent;
	}
}

/** As high as what is on it, and no narrower than it was. @param {ComfyNode} node */
export function resize(node) {
	const [width, height] = node.computeSize();
	node.setSize([Math.max(node.size[0], width), height]);
}

/**
 * ComfyUI measures the node at each new widget, and since 1.58 registers all of them anew at each
 * change of their list: here once for all.
 * @type {(node: ComfyNode, act: RhAct) => void}
 */
export function atOnce(node, act) {
	const list = Object.getOwnPropertyDescriptor(node, "widgets");
	if (list?.set) {
		Object.defineProperty(node, "widgets", { value: [...(node.widgets ?? [])], configurable: true, writable: true });
	}
	try {
		unmeasured(node, act);
	} finally {
		if (list?.set) {
			const { widgets } = node;
			Object.defineProperty(node, "widgets", list);
			node.widgets = widgets;
		}
	}
}
