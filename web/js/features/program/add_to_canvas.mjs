// Adds program nodes and loaders to the canvas, and applies the inputs of an earlier order.

import { addNode, isInGraph, withUndoStep, freePlace, nodeOf, openPrompt, rootGraph, selection, revealNode, typeName } from "../../host/graph.js";
import { toast } from "../../host/comfy.js";
import { textsOf } from "../../host/texts.js";
import { clean, isFieldName, firstChoice, makeForm } from "../../lib/form.js";
import { allThings } from "../../lib/marks.js";
import { classFor, classOf, isLinked, kindOf, setWidget, sourceOf, widgetOf } from "../../lib/nodes.js";
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
const LOADER_SIZE = [280, 330]; // of one with its picture
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

/** A node that loads a file, by class, widget and value. @typedef {{ node: string, widget: string, value: string }} Loader */

/** A node, after the subgraph nodes that it is in, the outermost first. @typedef {any[]} Chain */

/** The chains of a node: one for each use of its subgraph. @type {(node: any) => Chain[]} */
function chainsTo(node) {
	if (node.graph === rootGraph()) return [[node]];
	const hosts = allThings(rootGraph()).filter(({ subgraph }) => subgraph && subgraph === node.graph);
	return hosts.flatMap((host) => chainsTo(host).map((chain) => [...chain, node]));
}

/** The chains of the nodes in a subgraph node, recursively. @type {(chain: Chain) => Chain[]} */
const chainsIn = (chain) =>
	(chain.at(-1).subgraph?.nodes ?? []).flatMap((/** @type {any} */ node) => [[...chain, node], ...chainsIn([...chain, node])]);

/** The widget by which a person sets an input: its own, or the one it is promoted to; undefined if another node sets it. @type {(chain: Chain, name: string) => any} */
function boxOf(chain, name) {
	const node = chain.at(-1);
	if (!isLinked(node, name)) return widgetOf(node, name);
	const outer = sourceOf(node, name)?.input?.name;
	return outer && chain.length > 1 ? boxOf(chain.slice(0, -1), outer) : undefined;
}

/** The same in all uses of its subgraph; undefined also if they have different widgets. @type {(chains: Chain[], name: string) => any} */
function commonBox(chains, name) {
	const [box, ...others] = new Set(chains.map((chain) => boxOf(chain, name)));
	return others.length > 0 ? undefined : box;
}

/** Set a widget's value and call its callback; false if there is none. @type {(box: any, value: unknown) => boolean} */
function setBox(box, value) {
	if (!box) return false;
	box.value = value;
	box.callback?.(value);
	return true;
}

/** Apply an order's inputs to the selected node of its program, in a selected subgraph node too, or to a new one. @param {any} inputs response of `history/inputs` */
export async function useInputs(inputs) {
	const { program, example, profile, instance, options, values, gone, loaders } = inputs;
	if (inputs.kind === "graph") return useValues(inputs);
	const kind = inputs.kind === "quick" ? "module" : inputs.kind;
	const names = Object.keys(values).filter((name) => isFieldName(name, kind));
	const isIt = (/** @type {any} */ node) => kindOf(node) === kind && formOf(node)?.id === program;
	const hasAll = (/** @type {any} */ node) => names.every((name) => formOf(node)?.fields.some((field) => field.name === name));
	const fits = (/** @type {Chain} */ chain) => isIt(chain.at(-1)) && hasAll(chain.at(-1));
	const selected = selection().flatMap(chainsTo);
	const own = selected.filter(fits);
	const inner = selected.flatMap(chainsIn).filter((chain) => fits(chain) && names.every((name) => boxOf(chain, name)));
	const chosen = own[0] ?? inner[0];
	const node = chosen?.at(-1) ?? (await placeProgram(kind, example || program, profile === "environment" ? "" : profile, names));
	if (!node) return;
	const chains = chosen ? [...own, chosen].filter((chain) => chain.at(-1) === node) : [[node]];
	/** @type {string[]} */
	const kept = [];
	withUndoStep(() => {
		// The options are part of what the order was: with others the same inputs are ordered, and paid, anew.
		for (const [name, value] of Object.entries({ instance, ...options }))
			if (widgetOf(node, name) && !setBox(commonBox(chains, name), value)) kept.push(name);
		kept.push(...names.filter((name) => !setField(node, name, values[name], chains, loaders[name])));
	});
	if (own[0] || !chosen) revealNode(node); // else its subgraph node is in view
	const labels = (/** @type {string[]} */ fields) => fields.map((name) => labelOf(node, name));
	tellUsed(t("history.used"), labels(kept), labels(gone));
}

/** What a field or option is called on the node. @type {(node: any, name: string) => string} */
const labelOf = (node, name) => clean(formOf(node)?.fields.find((field) => field.name === name)?.label ?? widgetOf(node, name)?.label ?? name, 60);

/** Tell that inputs were set, and which were not: `kept` by what is on the canvas, `gone` from the cloud. @type {(done: string, kept: string[], gone?: string[]) => void} */
function tellUsed(done, kept, gone = []) {
	const lines = Object.entries({ kept, gone }).filter(([, fields]) => fields.length > 0);
	const words = lines.map(([key, fields]) => t(`history.${key}`, { fields: fields.join(", ") }));
	toast(words.length > 0 ? "warn" : "success", done, words.join("\n"));
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
	/** @type {string[]} */
	const kept = [];
	withUndoStep(() => {
		for (const { id, node } of there) {
			const steps = id.split(":");
			const chain = steps.map((_, index) => nodeOf(steps.slice(0, index + 1).join(":")));
			for (const widget of node.widgets ?? []) {
				const value = values[`${id}.${widget.name}`];
				if (value === undefined) continue;
				const box = boxOf(chain, widget.name);
				if (box?.value === value) continue;
				if (!setBox(box, value)) {
					kept.push(`${id}.${widget.name}`);
					continue;
				}
				const control = widgetOf(node, "control_after_generate");
				if (control && SEEDS.includes(widget.name)) control.value = "fixed";
			}
		}
	});
	there.forEach(({ id }) => revealNode(id));
	tellUsed(t("history.used_graph", { count: there.length }), kept);
}

/** Set a field's widget, or link its slot to a loader of the same picture, else to a text node with a remote file's name; false if another node sets it. @type {(node: any, name: string, value: any, chains: Chain[], loader?: Loader) => boolean} */
function setField(node, name, value, chains, loader) {
	const control = widgetOf(node, `${name} control_after_generate`);
	if (control) control.value = "fixed";
	if (widgetOf(node, name)) return setBox(commonBox(chains, name), value);
	const slot = node.findInputSlot(name);
	if (slot === -1 || typeof value !== "string") return true;
	const size = loader ? LOADER_SIZE : LINE_SIZE;
	const source = addNode(loader?.node ?? "PrimitiveString", freePlace([node.pos[0] - 320, node.pos[1]], size));
	if (!source) return true;
	source.setSize(size); // at once: the next one is placed before its picture is there
	if (loader) setFile(source, loader);
	else setWidget(source, "value", value);
	source.title = labelOf(node, name);
	source.connect(0, node, slot);
	return true;
}

/** Add a node that offers the models of a task, and open its choice. @param {string} className */
export function placeTask(className) {
	const node = addNode(className);
	if (!node) throw new Error(t("history.no_loader", { node: className }));
	revealNode(node);
	return openModels(node);
}

/** Set a file on a new loader, at the view's centre or `at` a position, or on the selected one. @type {(loader: Loader, at?: number[] | "selected") => any} */
export function placeLoader(loader, at) {
	const { node: className } = loader;
	const chosen = selection().find((/** @type {any} */ candidate) => classOf(candidate) === className);
	if (at === SELECTED && !chosen) throw new Error(t("history.select_loader", { node: typeName(className) }));
	const node = at === SELECTED ? chosen : addNode(className, at);
	if (!node) throw new Error(t("history.no_loader", { node: className }));
	withUndoStep(() => setFile(node, loader));
	revealNode(node);
	return node;
}

/** @type {(node: any, loader: Loader) => void} */
function setFile(node, { widget, value }) {
	const box = widgetOf(node, widget);
	const list = box?.options?.values;
	// The options were listed when the page was loaded, before this file existed.
	if (box && Array.isArray(list) && !list.includes(value)) box.options.values = [...list, value];
	setWidget(node, widget, value);
}

