// Creates, describes, moves and removes a node's widgets and slots through ComfyUI's API.

import { app } from "./scripts.js";

/** LiteGraph's shape of an optional slot. */
export const OPTIONAL = 7;

/** LiteGraph's shape of a list slot, which every output of ours is. */
export const listShape = () => window.LiteGraph?.GRID_SHAPE ?? 6;

/** @type {(node: ComfyNode, name: string, kind: string, spec: InputSpec) => ComfyWidget} */
export const makeWidget = (node, name, kind, spec) => /** @type {any} */ (app.widgets)[kind](node, name, spec, app).widget;

/**
 * Make a combo's options lazy, evaluated when it is opened: what `list` makes of its own ones, and its current value.
 * Returns what reads its own ones, which ComfyUI may replace.
 * @type {(widget: ComfyWidget, list: (own: string[]) => string[], label: (value: string) => string) => () => string[]}
 */
export function makeLazyOptions(widget, list, label) {
	let values = widget.options.values;
	/** @returns {string[]} */
	const own = () => (typeof values === "function" ? values(widget) : values) ?? [];
	const now = () => [...new Set([...list(own()), ...[widget.value || []].flat().map(String)])];
	// Nodes 2.0 reads this once, so it gets a function, which the classic canvas deprecates.
	const get = () => (window.LiteGraph?.vueNodesMode ? now : now());
	const set = (/** @type {any} */ replaced) => void (values = replaced);
	Object.defineProperty(widget.options, "values", { get, set, enumerable: true, configurable: true });
	widget.options.getOptionLabel = (/** @type {string | null} */ value) => label(value ?? "");
	renewOptions(widget);
	return own;
}

/** Make Nodes 2.0 read a widget's options anew: it notices only another object. A promoted widget of 1.49 refuses one. @param {ComfyWidget} widget */
export const renewOptions = (widget) => Reflect.set(widget, "options", Object.defineProperties({}, Object.getOwnPropertyDescriptors(widget.options)));

/** Set the input spec of a widget's slot: without it a Primitive connects, but provides no value. @type {(input: ComfyInputSlot, spec: InputSpec) => void} */
export const describeSlot = (input, spec) => window.comfyAPI?.widgetInputs?.setWidgetConfig?.(input, spec);

/** Move the last input to index `to`, and renumber the links, which refer to slots by index. @type {(node: ComfyNode, to: number) => void} */
export function moveLastInput(node, to) {
	const links = node.inputs.map((_, slot) => node.getInputLink(slot));
	const inputs = [...node.inputs];
	inputs.splice(to, 0, ...inputs.splice(-1));
	node.inputs = inputs;
	// Backwards: two links must never share a slot.
	for (let slot = links.length - 2; slot >= to; slot -= 1) {
		const link = links[slot];
		if (link) link.target_slot = slot + 1;
	}
}

/** Add a button, which is serialized neither into files nor into prompts. @type {(node: ComfyNode, name: string, onClick: () => void) => ComfyWidget} */
export function makeButton(node, name, onClick) {
	const button = node.addWidget("button", name, null, onClick, { serialize: false });
	button.serialize = false;
	return button;
}

/** @param {ComfyNode} node @param {ComfyWidget} widget */
export const removeWidget = (node, widget) => (node.ensureWidgetRemoved ?? node.removeWidget)?.call(node, widget);

/** Run `callback` without resizing the node, which ComfyUI does at each new widget. @type {(node: ComfyNode, callback: RhCallback) => void} */
export function withoutResize(node, callback) {
	node.expandToFitContent = () => {};
	try {
		callback();
	} finally {
		delete node.expandToFitContent;
	}
}

/** Fit the node's height to its content, without reducing its width. @param {ComfyNode} node */
export function fitHeight(node) {
	const [width, height] = node.computeSize();
	node.setSize([Math.max(node.size[0], width), height]);
}

/**
 * Run `callback` as one batch of widget changes: ComfyUI resizes the node at each new widget, and since 1.58
 * re-registers all widgets at each change of their list.
 * @type {(node: ComfyNode, callback: RhCallback) => void}
 */
export function batchWidgetChanges(node, callback) {
	const list = Object.getOwnPropertyDescriptor(node, "widgets");
	if (list?.set) {
		Object.defineProperty(node, "widgets", { value: [...(node.widgets ?? [])], configurable: true, writable: true });
	}
	try {
		withoutResize(node, callback);
	} finally {
		if (list?.set) {
			const { widgets } = node;
			Object.defineProperty(node, "widgets", list);
			node.widgets = widgets;
		}
	}
}
