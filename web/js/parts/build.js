// Makes a node look like its form, in one go, so that it can stand inside `configure`.

import { app, widgetOf } from "../lib/comfy.js";
import { fitting, sent, standing, standsLike, startValue } from "../lib/fields.js";
import { isFieldName, readForm, slotOf, slotOrigins } from "../lib/form.js";
import { textsOf } from "../lib/texts.js";

const t = textsOf("form");

/** @type {Map<string, string>} */
const localized = new Map();

/** @type {WeakMap<ComfyNode, RhForm>} */
const built = new WeakMap();

const ONE_SIZE = 7; // LiteGraph's shape of an optional socket
const CONTROL = " control_after_generate";

/** The server alone fills sockets `link_n`. @param {ComfyNode} node */
export function strip(node) {
	for (let slot = (node.inputs?.length ?? 0) - 1; slot >= 0; slot -= 1) {
		if (/^link_\d+$/.test(node.inputs[slot]?.name ?? "")) node.removeInput(slot);
	}
	(node.outputs ?? []).forEach(({ name, localized_name: shown }) => localized.set(name, shown ?? name));
	node.outputs = [];
}

export const shownName = (name = "") => localized.get(name) ?? name;

/** @param {ComfyNode} node */
export const formOf = (node) => built.get(node) ?? readForm(node.properties?.runninghub?.form);

/** @type {RhBuildNode} */
export function build(node, form, carry = stays) {
	const before = built.get(node) ?? null;
	buildInputs(node, form, before, carry);
	buildOutputs(node, form, before);
	keep(node, form);
	const [width, height] = node.computeSize();
	node.setSize([Math.max(node.size[0], width), height]);
	node.setDirtyCanvas(true, true);
}

/** @type {RhCarry} */
const stays = (_, field, value) => fitting(field, value);

/** Only the inputs: outputs and links come out of the file. @type {RhToForm} */
export function buildForFile(node, form) {
	buildInputs(node, form, built.get(node) ?? null, null);
	built.set(node, form);
	node.outputs = [];
}

/** Values go by their names; the outputs are the form's whatever the file says. @type {RhFinishFromFile} */
export function finishFromFile(node, form, values) {
	const fields = new Map(form.fields.map((field) => [field.name, field]));
	for (const widget of node.widgets ?? []) {
		const field = fields.get(widget.name);
		const value = Object.hasOwn(values, widget.name) ? values[widget.name] : widget.value;
		if (field) {
			widget.value = fitting(field, value);
		} else if (controlled(widget.name) && widget.options?.values?.includes?.(value)) {
			widget.value = value;
		}
	}
	// The file's sockets took the place of those that were told.
	form.fields.forEach((field) => describe(node, field));
	while (node.outputs.length > form.sockets.length) node.removeOutput(node.outputs.length - 1);
	dressAll(node, form);
	keep(node, form);
}

/** @param {ComfyNode} node */
export function valuesOf(node) {
	const widgets = (node.widgets ?? []).filter(({ name }) => isFieldName(name));
	return Object.fromEntries(widgets.map(({ name, value }) => [name, value]));
}

/** @param {ComfyNode} node */
export const linkedSlots = (node) =>
	(formOf(node)?.sockets ?? []).filter((_, slot) => node.outputs[slot] && node.isOutputConnected(slot));

/** @param {ComfyNode} node */
export const explainAll = (node) => formOf(node)?.fields.forEach((field) => explain(node, field));

/** @type {RhBuildInputs} */
function buildInputs(node, form, before, carry) {
	const now = new Map(form.fields.map((field) => [field.name, field]));
	const were = new Map(before?.fields.map((field) => [field.name, field]));
	/** @type {Map<string, {node: ComfyNode, slot: number}>} */
	const links = new Map();
	for (const [name, field] of were) {
		const after = now.get(name);
		if (!after || !standsLike(field, after)) {
			const source = sourceOf(node, name);
			if (after && source) links.set(name, source);
			removeField(node, name);
		}
	}
	atOnce(node, () => {
		for (const [name, field] of now) {
			const was = were.get(name);
			const there = widgetOf(node, name);
			if (there && was) {
				if (carry) there.value = carry(was, field, there.value);
				there.serializeValue = () => sent(field, there.value);
			} else if (!there && node.findInputSlot(name) === -1) {
				addField(node, field, carry !== null);
			}
			// Unless a person gave it another name.
			for (const one of [node.inputs[node.findInputSlot(name)], widgetOf(node, name)]) {
				if (one && (!was || one.label === was.label)) one.label = field.label;
			}
			explain(node, field);
		}
		order(node, form);
	});
	links.forEach((source, name) => source.node.connect(source.slot, node, node.findInputSlot(name)));
}

/**
 * ComfyUI measures the node at each new widget, and since 1.58 registers all of them anew at each
 * change of their list: here once for all.
 * @type {RhAtOnce}
 */
function atOnce(node, act) {
	const list = Object.getOwnPropertyDescriptor(node, "widgets");
	node.expandToFitContent = () => {};
	if (list?.set) {
		Object.defineProperty(node, "widgets", { value: [...(node.widgets ?? [])], configurable: true, writable: true });
	}
	try {
		act();
	} finally {
		delete node.expandToFitContent;
		if (list?.set) {
			const { widgets } = node;
			Object.defineProperty(node, "widgets", list);
			node.widgets = widgets;
		}
	}
}

/** @type {RhAddField} */
function addField(node, field, anew) {
	const stand = standing(field);
	if ("socket" in stand) {
		node.addInput(field.name, stand.socket, { shape: ONE_SIZE });
		return;
	}
	const { widget } = app.widgets[stand.widget](node, field.name, stand.spec, app);
	// An older value of the same name may still be known to ComfyUI.
	if (anew) widget.value = startValue(field);
	widget.serializeValue = () => sent(field, widget.value);
	if (node.findInputSlot(field.name) === -1) {
		node.addInput(field.name, stand.widget, { widget: { name: field.name }, shape: ONE_SIZE });
	}
	describe(node, field);
}

/** Tells what a socket takes: or a Primitive would connect, and give no value. @type {RhDescribe} */
function describe(node, field) {
	const stand = standing(field);
	const input = node.inputs[node.findInputSlot(field.name)];
	if (input?.widget && "spec" in stand) window.comfyAPI?.widgetInputs?.setWidgetConfig?.(input, stand.spec);
}

/** @type {RhRemoveField} */
function removeField(node, name) {
	const slot = node.findInputSlot(name);
	if (slot !== -1) node.removeInput(slot);
	const widgets = (node.widgets ?? []).filter((one) => one.name === name || controlled(one.name) === name);
	for (const one of widgets.reverse()) {
		if (node.widgets?.includes(one)) (node.ensureWidgetRemoved ?? node.removeWidget)?.call(node, one);
	}
}

/** @type {RhDescribe} */
function explain(node, field) {
	const widget = widgetOf(node, field.name);
	if (widget) {
		const stored = field.stored === null ? "" : String(startValue(field)).slice(0, 300);
		widget.tooltip = stored ? t("tip", { tip: field.tip, stored }) : field.tip;
	}
}

/** @type {RhBuildOutputs} */
function buildOutputs(node, form, before) {
	const stay = before ? slotOrigins(before, form.outputs).map((index) => form.sockets.includes(index)) : [];
	for (let slot = node.outputs.length - 1; slot >= 0; slot -= 1) {
		if (!stay[slot]) node.removeOutput(slot);
	}
	dressAll(node, form, before);
}

/** @type {RhDress} */
function dressAll(node, form, before) {
	form.sockets.forEach((index, slot) => {
		const { name, type, label } = slotOf(form, index);
		const output = node.outputs[slot] ?? node.addOutput(name, type);
		// Every output is a list.
		Object.assign(output, { name, type, localized_name: shownName(name), shape: window.LiteGraph?.GRID_SHAPE ?? 6 });
		// A label that a person gave stays.
		const own = output.label && !before?.outputs.some((one) => one.label === output.label);
		if (label && !own) output.label = label;
	});
	// Nodes 2.0 sees a new list, not a changed slot.
	node.outputs = [...node.outputs];
}

/** @type {RhToForm} */
function keep(node, form) {
	built.set(node, form);
	node.properties.runninghub = { ...node.properties.runninghub, form };
	const hidden = widgetOf(node, "form");
	if (hidden) hidden.value = JSON.stringify(form);
	const outputs = widgetOf(node, "outputs");
	if (outputs && form.id) outputs.value = form.outputs.map((output) => output.id).join(",");
}

/** What is not saved comes last: older front ends count saved values by place. @type {RhToForm} */
function order(node, form) {
	const places = new Map(form.fields.map((field, index) => [field.name, index]));
	const place = (/** @type {ComfyWidget} */ { name, serialize }) =>
		serialize === false ? places.size + 1 : (places.get(controlled(name) || name) ?? -1);
	node.widgets = [...(node.widgets ?? [])].sort((one, other) => place(one) - place(other));
}

/** @param {ComfyNode} node @param {string} name */
function sourceOf(node, name) {
	const slot = node.findInputSlot(name);
	const link = slot === -1 ? null : node.getInputLink(slot);
	const source = link && node.graph?.getNodeById(link.origin_id);
	return link && source ? { node: source, slot: link.origin_slot } : null;
}

const controlled = (name = "") => (name.endsWith(CONTROL) && isFieldName(name) ? name.slice(0, -CONTROL.length) : "");
