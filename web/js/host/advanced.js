// Advanced widgets: hidden, together with their input slots, until the user shows or links them.
// The classic canvas puts the slots of all hidden widgets at the node's corner, where they cover
// the first visible one and take links that are dropped on it.

import { isLinked, widgetOf } from "../lib/nodes.js";
import { onSetting, settingOf } from "./comfy.js";

const FORM = "form"; // internal: hidden even while advanced widgets are shown
// The last one lists the chosen outputs and is kept in sync with them.
const ADVANCED =
	"extra batch max_orders timeout reroll_seeds send_anyway add_metadata use_personal_queue retain_seconds profile outputs".split(" ");
const HIDDEN = [FORM, ...ADVANCED];
export const INPUT = 1; // LiteGraph's slot type of inputs
const ALWAYS = "Comfy.Node.AlwaysShowAdvancedWidgets"; // Nodes 2.0 only

/** Whether a widget of that name is hidden on a new node. */
export const isHidden = (name = "") => HIDDEN.includes(name);

export const isClassic = () => !window.LiteGraph?.vueNodesMode;

/** The slots of these widgets, as the node was created with them. @type {WeakMap<ComfyNode, ComfyInputSlot[]>} */
const sockets = new WeakMap();

/** Nodes being configured or linked, both by slot index: their slots must not move. @type {WeakSet<ComfyNode>} */
const busy = new WeakSet();

/** Patch a node class to keep its advanced slots in sync. @param {ComfyNode} prototype */
export function extendAdvanced(prototype) {
	const { configure, onConnectInput, onConnectionsChange } = prototype;

	prototype.configure = function (info) {
		deferSync(this);
		configure.call(this, info);
	};

	prototype.onConnectInput = function (/** @type {any[]} */ ...args) {
		deferSync(this);
		return onConnectInput?.apply(this, args) ?? true;
	};

	prototype.onConnectionsChange = function (...args) {
		const [side, , isConnected] = args;
		// Synchronously, so that it is part of the same undo step.
		if (side === INPUT && !isConnected && !busy.has(this)) syncAdvanced(this);
		return onConnectionsChange?.apply(this, args);
	};
}

/** Record a new node's advanced slots, and sync them with `showAdvanced`. @param {ComfyNode} node with all its slots */
export function makeAdvanced(node) {
	sockets.set(node, node.inputs.filter(({ widget }) => isHidden(widget?.name)));
	onShowAdvanced(node, () => busy.has(node) || syncAdvanced(node));
}

/** Defer the sync to a microtask: ComfyUI restores removed slots when it configures a node. @param {ComfyNode} node */
function deferSync(node) {
	busy.add(node);
	queueMicrotask(() => {
		busy.delete(node);
		syncAdvanced(node);
	});
}

/** Sync all nodes when a setting changes what they show. @param {() => ComfyNode[]} nodes */
export function watchAdvanced(nodes) {
	for (const id of [ALWAYS, "Comfy.VueNodes.Enabled"]) {
		onSetting(id, () => setTimeout(() => nodes().forEach(syncAdvanced)));
	}
}

/** Add or remove the node's advanced slots, and show or hide their widgets. @param {ComfyNode} node */
export function syncAdvanced(node) {
	const isAsked = Boolean(node.showAdvanced) || (!isClassic() && settingOf(ALWAYS) === true);
	for (const { name, type, label, localized_name, shape, widget: owner } of sockets.get(node) ?? []) {
		const slot = node.findInputSlot(name);
		const isUsed = isLinked(node, name);
		const isShown = isUsed || (isAsked && name !== FORM);
		const widget = widgetOf(node, name);
		if (widget) {
			widget.options.advanced = widget.advanced = !isUsed && name !== FORM;
			// The classic canvas leaves a gap for an advanced widget that is not hidden.
			widget.hidden = !isShown && (name === FORM || isClassic());
		}
		if (isShown && slot === -1) {
			node.addInput(name, type, { label, localized_name, shape, widget: owner });
		} else if (!isShown && slot !== -1) {
			node.removeInput(slot);
		}
	}
	node.setDirtyCanvas(true, true);
}

/**
 * Call `listener` when the menu or the button sets `showAdvanced`: a property of the node or, since 1.58, of its class.
 * @type {(node: ComfyNode, listener: RhCallback) => void}
 */
function onShowAdvanced(node, listener) {
	const name = "showAdvanced";
	let owner = node;
	while (owner && !Object.hasOwn(owner, name)) owner = Object.getPrototypeOf(owner);
	const { get, set, enumerable = true, value } = (owner && Object.getOwnPropertyDescriptor(owner, name)) ?? {};
	let plain = value;
	Object.defineProperty(node, name, {
		configurable: true,
		enumerable,
		get: () => (get ? get.call(node) : plain),
		set(now) {
			if (set) set.call(node, now);
			else plain = now;
			listener();
		},
	});
}
