// Widgets that few people touch: hidden until they are asked for or linked, and their sockets with them.
// The classic canvas puts the sockets of all hidden widgets at the node's corner, where they cover
// the first visible one and take what is dropped on it.

import { isLinked, widgetOf } from "../lib/nodes.js";
import { onSetting, settingOf } from "./comfy.js";

const FORM = "form"; // the canvas's own: not even among the advanced ones
// The last is the list that follows the chosen outputs by itself.
const ADVANCED =
	"extra batch max_orders timeout reroll_seeds send_anyway add_metadata use_personal_queue retain_seconds profile outputs".split(" ");
const HIDDEN = [FORM, ...ADVANCED];
export const INPUT = 1; // LiteGraph's word for the side of a socket
const ALWAYS = "Comfy.Node.AlwaysShowAdvancedWidgets"; // of Nodes 2.0 alone

/** Whether a new node does not show such a widget. */
export const isHidden = (name = "") => HIDDEN.includes(name);

export const isClassic = () => !window.LiteGraph?.vueNodesMode;

/** The sockets that a new node had for them. @type {WeakMap<ComfyNode, ComfyInputSlot[]>} */
const sockets = new WeakMap();

/** Nodes that are being configured or linked, by the places of their sockets. @type {WeakSet<ComfyNode>} */
const busy = new WeakSet();

/** @param {ComfyNode} prototype of a class with such widgets */
export function extendAdvanced(prototype) {
	const { configure, onConnectInput, onConnectionsChange } = prototype;

	prototype.configure = function (info) {
		settle(this);
		configure.call(this, info);
	};

	prototype.onConnectInput = function (/** @type {any[]} */ ...args) {
		settle(this);
		return onConnectInput?.apply(this, args) ?? true;
	};

	prototype.onConnectionsChange = function (...args) {
		const [side, , isConnected] = args;
		// At once, so that it is one step of undo.
		if (side === INPUT && !isConnected && !busy.has(this)) syncAdvanced(this);
		return onConnectionsChange?.apply(this, args);
	};
}

/** @param {ComfyNode} node a new one, with all its sockets */
export function makeAdvanced(node) {
	sockets.set(node, node.inputs.filter(({ widget }) => isHidden(widget?.name)));
	onAsked(node, () => busy.has(node) || syncAdvanced(node));
}

/** ComfyUI brings removed sockets back when it configures a node. @param {ComfyNode} node */
function settle(node) {
	busy.add(node);
	queueMicrotask(() => {
		busy.delete(node);
		syncAdvanced(node);
	});
}

/** When all nodes may show more or less. @param {() => ComfyNode[]} nodes */
export function watchAdvanced(nodes) {
	for (const id of [ALWAYS, "Comfy.VueNodes.Enabled"]) {
		onSetting(id, () => setTimeout(() => nodes().forEach(syncAdvanced)));
	}
}

/** @param {ComfyNode} node */
export function syncAdvanced(node) {
	const isAsked = Boolean(node.showAdvanced) || (!isClassic() && settingOf(ALWAYS) === true);
	for (const { name, type, label, localized_name, shape, widget: owner } of sockets.get(node) ?? []) {
		const slot = node.findInputSlot(name);
		const isUsed = isLinked(node, name);
		const isShown = isUsed || (isAsked && name !== FORM);
		const widget = widgetOf(node, name);
		if (widget) {
			widget.options.advanced = widget.advanced = !isUsed && name !== FORM;
			// Where an advanced one is, the classic canvas would leave a gap.
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
 * The menu and the button set a property of the node itself or, since 1.58, of its class.
 * @type {(node: ComfyNode, act: RhAct) => void}
 */
function onAsked(node, act) {
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
			act();
		},
	});
}
