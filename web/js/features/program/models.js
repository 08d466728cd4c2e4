// Nodes of standard models: when the choice opens, setup after it, and models no longer offered.

import { toast, toastError } from "../../host/comfy.js";
import { isInGraph, onPlaced } from "../../host/graph.js";
import { lazy } from "../../host/lazy.js";
import { loadTexts, textsOf } from "../../host/texts.js";
import { makeButton } from "../../host/widgets.js";
import { classOf, setWidget, valueOf, widgetOf } from "../../lib/nodes.js";
import { offerKey } from "../account.js";
import { showFit } from "./fit.js";
import { addPrice, followPrice } from "./price.js";
import { rememberText, stateOf, textOf } from "./state.js";

const t = textsOf("models");

const ANOTHER = "choose_model";
const WIDTH = 340; // node width at which a price fits on one line

/** Nodes from a file, or whose model is set by code: they do not open a choice. @type {WeakSet<ComfyNode>} */
const withoutChoice = new WeakSet();

/** Do not open the node's choice: its model is known. @param {ComfyNode} node */
export const skipChoice = (node) => withoutChoice.add(node);

/** Set up a new node, which opens its choice once the user has placed it. @param {ComfyNode} node */
export function prepareModel(node) {
	makeButton(node, ANOTHER, () => void openModels(node));
	addPrice(node);
	showButtons(node);
	onPlaced(node, () => {
		if (!withoutChoice.has(node) && textOf(node) === "") void openModels(node);
	});
}

/** Show the buttons that need a chosen model only if there is one. @param {ComfyNode} node */
export function showButtons(node) {
	const isChosen = textOf(node) !== "";
	for (const name of [ANOTHER, "price"]) {
		const widget = widgetOf(node, name);
		if (widget) {
			widget.hidden = !isChosen;
			if (name === ANOTHER) widget.label = t("another");
		}
	}
}

/** Open the choice, unless a dialog is open; the result is set as if it were pasted. @type {(node: ComfyNode, first?: { words?: string, reason?: string }) => Promise<void>} */
export const openModels = (node, question) => askModel(node, question).catch(toastError);

/** @type {typeof openModels} */
async function askModel(node, { words = "", reason = "" } = {}) {
	if (document.querySelector("dialog.runninghub-dialog[open]")) return;
	await loadTexts();
	/** @type {typeof import("./models.mjs")} */
	const { openChoice } = await lazy("features/program/models.mjs");
	if (!isInGraph(node)) return;
	const question = { task: classOf(node), profile: valueOf(node, "profile"), words, reason };
	const chosen = await openChoice(question, () => offerKey(node).catch(toastError));
	if (!isInGraph(node)) return;
	if (chosen) {
		setWidget(node, "model", chosen);
	} else if (words) {
		// Cancelled: the node keeps its model.
		const widget = widgetOf(node, "model");
		if (widget) widget.value = String(node.properties?.runninghub?.form?.id ?? "");
		rememberText(node);
	}
	showButtons(node);
}

/** After the build: set the text to the endpoint, update what depends on the model, show its notice. @type {(node: ComfyNode, program: RhProgram) => void} */
export function settleModel(node, program) {
	const widget = widgetOf(node, "model");
	if (widget) widget.value = program.id;
	rememberText(node);
	node.setSize([Math.max(node.size[0], WIDTH), node.size[1]]);
	showButtons(node);
	showFit(node);
	followPrice(node);
	stateOf(node).discontinued = isOffered(program) ? null : program;
	// Parameters that no schema lists are entered as JSON, in an advanced widget.
	if (program.status === "unlisted" || program.complete === false) node.showAdvanced = true;
	if (program.notice) toast("warn", program.name || program.id, program.notice);
}

/** @param {RhProgram} program */
export const isOffered = ({ status = "active" }) => status === "active" || status === "unlisted";

/** Show why a model is no longer offered, and its successor. @param {ComfyNode} node */
export const openDiscontinued = async (node) => (await lazy("features/program/models.mjs")).openDiscontinued(node);
