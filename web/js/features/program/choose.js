// Lets the user choose which fields and outputs of its program a node shows, then builds the node.

import { clearNodeErrors, toast } from "../../host/comfy.js";
import { isInGraph, nodeOf, withUndoStep } from "../../host/graph.js";
import { lazy } from "../../host/lazy.js";
import { loadTexts, textsOf } from "../../host/texts.js";
import { carryOver } from "../../lib/fields.js";
import { clean, firstChoice, makeForm, choiceOf, fingerprint } from "../../lib/form.js";
import { kindOf, widgetOf } from "../../lib/nodes.js";
import { closeReplaced } from "../failure_notices.js";
import { rememberUse } from "../recent.js";
import { build, formOf, linkedSlots } from "./build.js";
import { readProgram } from "./loader.js";
import { openModels, settleModel } from "./models.js";
import { programInput, rememberText, labelButton, stateOf, textOf } from "./state.js";

const t = textsOf("form");

/** @param {ComfyNode} node */
export const choose = (node) => askChoice(node).catch((error) => toast("warn", node.title, error));

/** @param {ComfyNode} node */
async function askChoice(node) {
	await loadTexts();
	const isModel = kindOf(node) === "model";
	const start = async (reason = "") => (await lazy("features/program/start.mjs")).openStart(node, reason);
	if (textOf(node) === "") return isModel ? openModels(node) : start();
	const program = await readProgram(node, false, isModel || formOf(node)?.id ? undefined : start);
	if (!program) return;
	const before = formOf(node);
	const same = before?.id === program.id;
	const first = before && same ? choiceOf(program, before) : firstChoice(program, before, linkedSlots(node));
	// A model's suggested fields are its usual ones: the button offers the others.
	if (isModel && !same) return applyForm(node, program, makeForm(program, first, before));
	/** @type {typeof import("./chooser.mjs")} */
	const { openChooser } = await lazy("features/program/chooser.mjs");
	if (!isInGraph(node)) return; // another workflow was opened while that was loading
	const choice = await openChooser(program, first);
	const widget = widgetOf(node, programInput(node));
	if (choice && isInGraph(node)) {
		applyForm(node, program, makeForm(program, choice, before));
	} else if (before?.id && !same && widget) {
		// Cancelled: the node keeps its program.
		widget.value = before.kind === "module" ? stateOf(node).builtText : before.id;
		rememberText(node);
		node.setDirtyCanvas(true, true);
	}
}

/** Set the title to the program's name, unless the user has changed it. @type {(node: ComfyNode, form: RhForm, before: RhForm | null) => void} */
function setTitle(node, form, before) {
	const classTitle = node.constructor.title ?? "";
	if ([classTitle, before?.name, ""].includes(node.title)) node.title = form.name || classTitle || node.title;
}

/** Build the node from a form, as one undo step, and warn of lost links. @type {(node: ComfyNode, program: RhProgram, form: RhForm) => void} */
export function applyForm(node, program, form) {
	stateOf(node).newProgram = null;
	const before = formOf(node);
	const linked = linkedInputs(node);
	withUndoStep(() => {
		node.properties.runninghub = { ...node.properties.runninghub, seen: fingerprint(program) };
		build(node, form, carryOver);
		setTitle(node, form, before);
		if (form.kind === "model") settleModel(node, program);
		rememberText(node);
	});
	labelButton(node);
	clearNodeErrors((id) => nodeOf(id) === node);
	closeReplaced(node);
	if (form.kind !== "module") rememberUse(form); // a module's id alone does not name it
	warnLostLinks(node, linked);
}

/** Labels of the linked inputs, by name. @param {ComfyNode} node @returns {Map<string, string>} */
const linkedInputs = (node) =>
	new Map((node.inputs ?? []).filter(({ link }) => link !== null && link !== undefined).map(({ name, label }) => [name, label ?? name]));

/** Warn of links without a slot in the new form: a node must not silently run without its image. @type {(node: ComfyNode, before: Map<string, string>) => void} */
function warnLostLinks(node, before) {
	const now = linkedInputs(node);
	const lost = [...before].filter(([name]) => !now.has(name)).map(([, label]) => clean(label, 60));
	if (lost.length > 0 && now.size < before.size) toast("warn", node.title, t("links_lost", { names: lost.join(", ") }));
}
