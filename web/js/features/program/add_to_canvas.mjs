// Adds program nodes and loaders to the canvas, and applies the inputs of an earlier order.

import { addNode, isInGraph, withUndoStep, freePlace, nodeOf, openPrompt, selection, revealNode, typeName } from "../../host/graph.js";
import { toast } from "../../host/comfy.js";
import { textsOf } from "../../host/texts.js";
import { clean, isFieldName, firstChoice, makeForm } from "../../lib/form.js";
import { classFor, classOf, kindOf, setWidget, widgetOf } from "../../lib/nodes.js";
import { formOf } from "./build.js";
import { applyForm } from "./choose.js";
import { readProgram } from "./loader.js";
import { skipChoice, openModels } from "./models.js";
import { rememberText, stateOf, textOf } from "./state.js";

const t = textsOf("panel");

const SELECTED = "selected";
const BOUNDARY = /^(Load|Save|Preview)/; // nodes that lowering adds at a segment's boundary, with ids of their own
const CLOUD_LORA = "RHLoraLoader"; // replaces a LoRA loader of ComfyUI's own in the cloud
const NO_FILE_NAME = /[\\/:*?"<>|]/g; // ComfyUI names a workflow's file after its tab
const LINE_SIZE = [280, 60]; // size of a node with one widget
const SEEDS = ["seed", "noise_seed"]; // widgets that ComfyUI may randomize after a run

/**
 * Add a node for a program at the view's centre; null if the program could not be read, which the user was told.
 * @type {(kind: RhKind, id: string, profile?: string, fields?: string[]) => Promise<any>}
 */
export async function placeProgram(kind, id, profile = "", fields = []) {
	const node = addNode(classFor(kind));
	if (!node) return null;
	if (kind === "model") skipChoice(node); // otherwise it opens the choice of models
	const text = widgetOf(node, kind);
	const account = widgetOf(node, "profile");
	if (account) account.value = profile;
	if (text) text.value = id;
	rememberText(node); // read here, without the chooser of fields
	const program = await readProgram(node, false);
	if (!program) {
		// Unless the user has taken it over: pressed its button, or typed another link.
		const isUntouched = !stateOf(node).reading && textOf(node) === id.trim();
		if (isInGraph(node) && isUntouched && !formOf(node)?.id) withUndoStep(() => node.graph.remove(node));
		return null;
	}
	if (text && kind !== "module") text.value = program.id; // a module's id alone does not name it
	rememberText(node);
	const choice = firstChoice(program, null, []);
	fields.filter((name) => isFieldName(name, kind)).forEach((name) => choice.fields.add(name));
	applyForm(node, program, makeForm(program, choice, null));
	revealNode(node);
	return node;
}

/** Apply an order's inputs to the selected node of its program, or to a new one. @param {any} inputs response of `history/inputs` */
export async function useInputs(inputs) {
	const { program, example, profile, instance, options, values, gone } = inputs;
	if (inputs.kind === "graph") return useValues(inputs);
	const kind = inputs.kind === "quick" ? "module" : inputs.kind;
	const fits = (/** @type {any} */ candidate) => kindOf(candidate) === kind && formOf(candidate)?.id === program;
	const chosen = selection().find(fits);
	const names = Object.keys(values).filter((name) => isFieldName(name, kind));
	const hasAll = chosen && names.every((name) => formOf(chosen)?.fields.some((field) => field.name === name));
	const node = hasAll ? chosen : await placeProgram(kind, example || program, profile === "environment" ? "" : profile, names);
	if (!node) return;
	withUndoStep(() => {
		// All of them are part of what the order was: with others the same inputs are ordered, and paid, anew.
		for (const [name, value] of Object.entries({ instance, ...options })) if (widgetOf(node, name)) setWidget(node, name, value);
		names.forEach((name) => setField(node, name, values[name]));
	});
	revealNode(node);
	toast(gone.length > 0 ? "warn" : "success", t("history.used"), gone.length > 0 ? t("history.gone", { fields: gone.join(", ") }) : "");
}

/** Apply a segment's values to its nodes; if their graph is not open, open the segment as a workflow. @param {any} inputs */
async function useValues({ values, classes, graph, lacking, name }) {
	const isIt = (/** @type {any} */ node, /** @type {string} */ className) =>
		classOf(node) === className || (className === CLOUD_LORA && Boolean(widgetOf(node, "lora_name")));
	const nodes = Object.entries(classes).map(([id, className]) => ({ id, node: nodeOf(id), className }));
	const there = nodes.filter(({ node, className }) => node && isIt(node, className));
	const others = nodes.filter(({ node, className }) => node && !isIt(node, className) && !BOUNDARY.test(className));
	if (there.length === 0 || others.length > 0) {
		if (!graph) throw new Error(t("history.no_node"));
		await openPrompt(graph, clean(name.replace(NO_FILE_NAME, " ")) || t("history.part"));
		const more = lacking.length > 0 ? t("history.lacking", { fields: lacking.join(", ") }) : "";
		return toast(more ? "warn" : "success", t("history.opened_part"), more);
	}
	withUndoStep(() => {
		for (const { id, node } of there) {
			for (const widget of node.widgets ?? []) {
				const value = values[`${id}.${widget.name}`];
				if (value === undefined || value === widget.value) continue;
				setWidget(node, widget.name, value);
				const control = widgetOf(node, "control_after_generate");
				if (control && SEEDS.includes(widget.name)) control.value = "fixed";
			}
		}
	});
	there.forEach(({ id }) => revealNode(id));
	toast("success", t("history.used_graph", { count: there.length }));
}

/** Set a field's widget, or link a text node with a remote file's name to its slot. @type {(node: any, name: string, value: any) => void} */
function setField(node, name, value) {
	const control = widgetOf(node, `${name} control_after_generate`);
	if (control) control.value = "fixed";
	if (widgetOf(node, name)) return setWidget(node, name, value);
	const slot = node.findInputSlot(name);
	if (slot === -1 || typeof value !== "string") return;
	const text = addNode("PrimitiveString", freePlace([node.pos[0] - 320, node.pos[1]], LINE_SIZE));
	if (!text) return;
	setWidget(text, "value", value);
	text.title = name;
	text.connect(0, node, slot);
}

/** Add a node that offers the models of a task, and open its choice. @param {string} className */
export function placeTask(className) {
	const node = addNode(className);
	if (!node) throw new Error(t("history.no_loader", { node: className }));
	revealNode(node);
	return openModels(node);
}

/** Set a file on a new loader, at the view's centre or `at` a position, or on the selected one. @type {(loader: { node: string, widget: string, value: string }, at?: number[] | "selected") => any} */
export function placeLoader({ node: className, widget, value }, at) {
	const chosen = selection().find((/** @type {any} */ candidate) => classOf(candidate) === className);
	if (at === SELECTED && !chosen) throw new Error(t("history.select_loader", { node: typeName(className) }));
	const node = at === SELECTED ? chosen : addNode(className, at);
	if (!node) throw new Error(t("history.no_loader", { node: className }));
	const box = widgetOf(node, widget);
	const list = box?.options?.values;
	// The options were listed when the page was loaded, before this file existed.
	if (box && Array.isArray(list) && !list.includes(value)) box.options.values = [...list, value];
	withUndoStep(() => setWidget(node, widget, value));
	revealNode(node);
	return node;
}

