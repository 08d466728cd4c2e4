// Builds a node's widgets and slots from its form, synchronously, so that it works inside `configure`.

import { textsOf } from "../../host/texts.js";
import { batchWidgetChanges, describeSlot, listShape, makeWidget, OPTIONAL, removeWidget, fitHeight } from "../../host/widgets.js";
import { coerce, hintOf, convert, sentValue, controlOf, sameControl, startValue } from "../../lib/fields.js";
import { readForm, slotOf, slotOrigins } from "../../lib/form.js";
import { onWidgetChange, promotedWidgets, sourceOf, widgetOf } from "../../lib/nodes.js";
import { addItems, growItems, isItemOf } from "./items.js";
import { offerModels } from "./resources.js";

const t = textsOf("form");

/** Display names of outputs, as the server declares them. @type {Map<string, string>} */
const declared = new Map();

/** @type {WeakMap<ComfyNode, RhForm>} */
const built = new WeakMap();

const CONTROL = " control_after_generate";

/** Remove a new node's declared slots: inputs `link_n` are filled by the server only. @param {ComfyNode} node */
export function removePoolSlots(node) {
	// A new node has no links yet: 32 slots can be dropped in one assignment.
	node.inputs = (node.inputs ?? []).filter(({ name }) => !/^link_\d+$/.test(name));
	(node.outputs ?? []).forEach(({ name, localized_name: shown }) => declared.set(name, shown ?? name));
	node.outputs = [];
}

export const shownName = (name = "") => declared.get(name) ?? name;

/** The form a node was built from, else the one in its properties. @param {ComfyNode} node */
export const formOf = (node) => built.get(node) ?? readForm(node.properties?.runninghub?.form);

/** Build inputs and outputs; `carry` converts the values of fields that stay. @type {(node: ComfyNode, form: RhForm, carry?: RhCarry) => void} */
export function build(node, form, carry) {
	const before = built.get(node) ?? null;
	buildInputs(node, form, before, { carry });
	buildOutputs(node, form, before);
	storeForm(node, form);
	showConditions(node);
	fitHeight(node);
	node.setDirtyCanvas(true, true);
}

/** @type {RhCarry} */
const keepValue = (_, field, value) => coerce(field, value);

/**
 * Before `configure`: build only the inputs, since outputs and links come from the file.
 * @type {(node: ComfyNode, form: RhForm, saved: ComfyInputSlot[]) => void}
 */
export function buildForFile(node, form, saved) {
	buildInputs(node, form, built.get(node) ?? null, { isFromFile: true });
	addItems(node, form, saved);
	// Links refer to slots by index, and ComfyUI keeps the node's order: use the file's.
	const places = new Map(saved.map(({ name }, place) => [name, place]));
	const place = (/** @type {ComfyInputSlot} */ { name }) => places.get(name) ?? saved.length;
	node.inputs = [...node.inputs].sort((first, second) => place(first) - place(second));
	built.set(node, form);
	node.outputs = [];
}

/**
 * After `configure`: restore values by name, and make the outputs those of the form.
 * @type {(node: ComfyNode, form: RhForm, values: Record<string, unknown>) => void}
 */
export function finishFromFile(node, form, values) {
	const fields = new Map(form.fields.map((field) => [field.name, field]));
	for (const widget of node.widgets ?? []) {
		const field = fields.get(widget.name);
		const value = Object.hasOwn(values, widget.name) ? values[widget.name] : widget.value;
		if (field) {
			widget.value = coerce(field, value);
		} else if (controlledField(widget.name) && widget.options?.values?.includes?.(value)) {
			widget.value = value;
		}
	}
	// The file's slots have replaced those that were described.
	form.fields.forEach((field) => describeInput(node, field));
	while (node.outputs.length > form.sockets.length) node.removeOutput(node.outputs.length - 1);
	updateOutputs(node, form);
	storeForm(node, form);
	growItems(node, form);
	showConditions(node);
}

/** Values of the fields' widgets and of their control widgets, by name. @param {ComfyNode} node */
export function valuesOf(node) {
	const names = new Set(formOf(node)?.fields.map(({ name }) => name));
	const widgets = (node.widgets ?? []).filter(({ name }) => names.has(name) || names.has(controlledField(name)));
	return Object.fromEntries(widgets.map(({ name, value }) => [name, value]));
}

/** Pool indices of the outputs that are linked. @param {ComfyNode} node */
export const linkedSlots = (node) =>
	(formOf(node)?.sockets ?? []).filter((_, slot) => node.outputs[slot] && node.isOutputConnected(slot));

/** Set the tooltips of all fields. @param {ComfyNode} node */
export const explainAll = (node) => formOf(node)?.fields.forEach((field) => setTooltip(node, field));

/**
 * Make the inputs those of the form. `isFromFile`: values and links come from a file afterwards, so none is set here.
 * @type {(node: ComfyNode, form: RhForm, before: RhForm | null, options: { carry?: RhCarry, isFromFile?: boolean }) => void}
 */
function buildInputs(node, form, before, { carry = keepValue, isFromFile = false }) {
	const newFields = new Map(form.fields.map((field) => [field.name, field]));
	const oldFields = new Map(before?.fields.map((field) => [field.name, field]));
	/** @type {Map<string, {source: any, promoted: unknown[]}>} */
	const links = new Map();
	/** @type {Map<string, unknown>} */
	const values = new Map();
	for (const [name, oldField] of oldFields) {
		const newField = newFields.get(name);
		if (!newField || !sameControl(oldField, newField)) {
			const source = sourceOf(node, name);
			if (newField && source) {
				const promoted = promotedWidgets(node, name).map((outer) => outer && convert(oldField, newField, outer.value));
				links.set(name, { source, promoted });
			}
			const widget = widgetOf(node, name);
			if (newField && widget) values.set(name, convert(oldField, newField, widget.value));
			removeField(node, name);
		}
	}
	if (newFields.size > 0) batchWidgetChanges(node, addFields);
	else sortWidgets(node, form);
	function addFields() {
		for (const [name, field] of newFields) {
			const oldField = oldFields.get(name);
			const widget = widgetOf(node, name);
			if (widget && oldField) {
				if (!isFromFile) widget.value = carry(oldField, field, widget.value);
				widget.serializeValue = () => sentValue(field, widget.value);
			} else if (!widget && node.findInputSlot(name) === -1) {
				addField(node, field, isFromFile);
				const newWidget = widgetOf(node, name);
				if (newWidget && values.has(name) && !isFromFile) newWidget.value = values.get(name);
			}
			// Unless the user has renamed it.
			for (const target of slotAndWidget(node, name)) {
				if (!oldField || target.label === oldField.label) target.label = field.label;
			}
			setTooltip(node, field);
		}
		sortWidgets(node, form);
	}
	for (const [name, { source, promoted }] of links) {
		const { node: from, slot, input } = source;
		if (!input) {
			from.connect(slot, node, node.findInputSlot(name));
			continue;
		}
		if (input.linkIds.length === 0) {
			// Or it takes only the former kind of widget, which 1.39 remembers even then.
			input.disconnect();
			input._widget = undefined;
		}
		input.connect(slotNamed(node, name), node);
		promotedWidgets(node, name).forEach((outer, index) => {
			if (outer) outer.value = promoted[index];
		});
	}
	// Not for a file: its links may be in the graph already, by final slot index.
	if (!isFromFile) growItems(node, form);
}

/** The input slot of a field. @param {ComfyNode} node */
const slotNamed = (node, name = "") => node.inputs[node.findInputSlot(name)];

/** The input slot and the widget of a field, of those that it has. @param {ComfyNode} node */
const slotAndWidget = (node, name = "") => [slotNamed(node, name), widgetOf(node, name)].flatMap((target) => target ?? []);

/** @type {(node: ComfyNode, field: RhField, isFromFile: boolean) => void} */
function addField(node, field, isFromFile) {
	const control = controlOf(field);
	if ("socket" in control) {
		node.addInput(field.name, control.socket, { shape: OPTIONAL });
		return;
	}
	const widget = makeWidget(node, field.name, control.widget, control.spec);
	// ComfyUI may still know an older value of that name.
	if (!isFromFile) widget.value = startValue(field);
	widget.serializeValue = () => sentValue(field, widget.value);
	if (field.blank && widget.options?.values) widget.options.getOptionLabel = labelOfChoice;
	if (field.resource) offerModels(node, widget, field.resource);
	if (node.findInputSlot(field.name) === -1) {
		node.addInput(field.name, control.takes ?? control.widget, { widget: { name: field.name }, shape: OPTIONAL });
	}
	describeInput(node, field);
}

/** @param {unknown} value */
const labelOfChoice = (value) => String(value ?? "") || t("unset");

/** @type {(node: ComfyNode, field: RhField) => void} */
function describeInput(node, field) {
	const control = controlOf(field);
	const input = slotNamed(node, field.name);
	if (input?.widget && "spec" in control) {
		describeSlot(input, control.takes ? [control.takes, { default: startValue(field) }] : control.spec);
	}
}

/** @type {(node: ComfyNode, name: string) => void} */
function removeField(node, name) {
	for (let slot = node.inputs.length - 1; slot >= 0; slot -= 1) {
		const own = node.inputs[slot]?.name ?? "";
		if (own === name || isItemOf(own, name)) node.removeInput(slot);
	}
	const widgets = (node.widgets ?? []).filter((widget) => widget.name === name || controlledField(widget.name) === name);
	for (const widget of widgets.reverse()) {
		if (node.widgets?.includes(widget)) removeWidget(node, widget);
	}
}

/** @type {(node: ComfyNode, field: RhField) => void} */
function setTooltip(node, field) {
	const { tip, when, excludes } = field;
	const stored = field.stored === null ? "" : String(startValue(field)).slice(0, 300);
	const lines = [
		stored ? t("tip", { tip, stored }) : tip,
		hintOf(field),
		when && conditionOf(when),
		excludes && t("excludes", { names: excludes.join(", ") }),
	];
	const words = lines.filter(Boolean).join("\n");
	for (const target of slotAndWidget(node, field.name)) target.tooltip = words;
}

/** "only with multiShot = true" @param {{ name: string, values: string[] }} when */
function conditionOf({ name, values }) {
	return values.length > 0 ? t("only_with", { name, values: values.join(" | ") }) : t("only_given", { name });
}

/** Whether a field's condition holds; assumed where the other field is linked, so its value is unknown. @type {(node: ComfyNode, field: RhField) => boolean} */
function isActive(node, { when }) {
	const widget = when && widgetOf(node, when.name);
	if (!when || sourceOf(node, when.name)) return true;
	if (!widget) return when.values.length > 0;
	const value = String(widget.value ?? "");
	return when.values.length > 0 ? when.values.includes(value) : value !== "";
}

/** Widgets that a condition depends on, whose callbacks are patched. @type {WeakSet<ComfyWidget>} */
const watched = new WeakSet();

/** Append the unmet condition to the labels of inactive fields. @param {ComfyNode} node */
export function showConditions(node) {
	const fields = formOf(node)?.fields ?? [];
	for (const field of fields) {
		const { when } = field;
		const trigger = when && widgetOf(node, when.name);
		if (trigger && !watched.has(trigger)) {
			watched.add(trigger);
			onWidgetChange(trigger, () => showConditions(node));
		}
		const suffix = when ? ` · ${conditionOf({ ...when, name: fields.find(({ name }) => name === when.name)?.label ?? when.name })}` : "";
		const isInactive = !isActive(node, field);
		for (const target of suffix ? slotAndWidget(node, field.name) : []) {
			// A file's label may hold the condition in another language, or as its key.
			const plain = (target.label ?? field.label).replace(/ · .*/s, "");
			target.label = isInactive ? plain + suffix : plain;
		}
	}
	node.setDirtyCanvas(true, true);
}

/** @type {(node: ComfyNode, form: RhForm, before: RhForm | null) => void} */
function buildOutputs(node, form, before) {
	const stay = before ? slotOrigins(before, form.outputs).map((index) => form.sockets.includes(index)) : [];
	for (let slot = node.outputs.length - 1; slot >= 0; slot -= 1) {
		if (!stay[slot]) node.removeOutput(slot);
	}
	updateOutputs(node, form, before);
}

/**
 * Set all outputs as the form says. Labels that are not from `before`, the previous form, are the user's.
 * @type {(node: ComfyNode, form: RhForm, before?: RhForm | null) => void}
 */
function updateOutputs(node, form, before) {
	form.sockets.forEach((index, slot) => {
		const { name, type, label } = slotOf(form, index);
		const output = node.outputs[slot] ?? node.addOutput(name, type);
		// Every output is a list.
		Object.assign(output, { name, type, localized_name: shownName(name), shape: listShape() });
		// Keep a label of the user's.
		const own = output.label && !before?.outputs.some((former) => former.label === output.label);
		if (label && !own) output.label = label;
	});
	// Nodes 2.0 reacts to a new array, not to a changed slot.
	node.outputs = [...node.outputs];
}

/** Store the form in properties and widgets. @type {(node: ComfyNode, form: RhForm) => void} */
function storeForm(node, form) {
	built.set(node, form);
	node.properties.runninghub = { ...node.properties.runninghub, form };
	const hidden = widgetOf(node, "form");
	if (hidden) hidden.value = JSON.stringify(form);
	const outputs = widgetOf(node, "outputs");
	if (outputs && form.id) outputs.value = form.outputs.map((output) => output.id).join(",");
}

/**
 * Sort widgets as the form does, unsaved ones last: older front ends match saved values by index.
 * @type {(node: ComfyNode, form: RhForm) => void}
 */
function sortWidgets(node, form) {
	const places = new Map(form.fields.map((field, index) => [field.name, index]));
	const place = (/** @type {ComfyWidget} */ { name, serialize }) =>
		serialize === false ? places.size + 1 : (places.get(controlledField(name) || name) ?? -1);
	node.widgets = [...(node.widgets ?? [])].sort((first, second) => place(first) - place(second));
}

const controlledField = (name = "") => (name.endsWith(CONTROL) ? name.slice(0, -CONTROL.length) : "");
