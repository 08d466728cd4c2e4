// Transient state of a program node, and the button that shows it.

import { redrawBadges } from "../../host/badges.js";
import { lazy } from "../../host/lazy.js";
import { textsOf } from "../../host/texts.js";
import { makeButton } from "../../host/widgets.js";
import { programIdIn, isLinked, kindOf, valueOf, widgetOf } from "../../lib/nodes.js";
import { formOf } from "./build.js";

/**
 * A node's state, which is not saved.
 * @typedef {object} State
 * @property {string} handledText the id or link that was handled last
 * @property {string} builtText the id or link that the node was built from
 * @property {number} [timer] debounce of a typed id
 * @property {AbortController | null} [reading] aborts the read of its program that is under way
 * @property {RhProgram | null} [newProgram] the current program, if it differs from what the node was built from
 * @property {RhProgram | null} [discontinued] the current model, if the service no longer offers it
 */

const t = textsOf("form");

const BUTTON = "choose_fields";

/** @type {WeakMap<ComfyNode, State>} */
const states = new WeakMap();

/** @param {ComfyNode} node @returns {State} */
export function stateOf(node) {
	const state = states.get(node) ?? { handledText: "", builtText: "" };
	states.set(node, state);
	return state;
}

/** @type {(node: ComfyNode, onClick: () => void) => void} */
export function addButton(node, onClick) {
	makeButton(node, BUTTON, onClick);
	labelButton(node);
}

/** Label the button by the node's state. @param {ComfyNode} node */
export function labelButton(node) {
	const button = widgetOf(node, BUTTON);
	if (button) {
		const { reading, newProgram, discontinued } = stateOf(node);
		const withoutProgram = kindOf(node) === "model" ? "choose_model" : "start.button";
		const idle = formOf(node)?.id ? "choose" : withoutProgram;
		button.label = t(reading ? "reading" : discontinued ? "notice" : newProgram ? "review" : idle);
		redrawBadges(); // an estimate is shown of what was read
	}
}

/** The name of the input that names the program. @param {ComfyNode} node */
export const programInput = (node) => kindOf(node) ?? "workflow";

/** The kind that `swap.mjs` turns a node into. @param {ComfyNode} node @returns {RhKind} */
export const otherKind = (node) => (kindOf(node) === "app" ? "workflow" : "app");

/** Load `swap.mjs` and replace the node. @type {(node: ComfyNode, kind: RhKind) => Promise<void>} */
export const swap = async (node, kind) => (await lazy("features/program/swap.mjs")).swap(node, kind);

/** @param {ComfyNode} node */
export const textOf = (node) => valueOf(node, programInput(node)).trim();

/** Whether a text names another program than the node shows: it is being read, or could not be. @type {(node: ComfyNode, text?: string) => boolean} */
export function isUnread(node, text = textOf(node)) {
	const id = formOf(node)?.id;
	if (!id || isLinked(node, programInput(node))) return false;
	const kind = kindOf(node);
	// The same id of a module may come with other entries.
	if (kind === "module") return text !== stateOf(node).builtText;
	return text !== id && (kind === "model" || programIdIn(kind, text) !== id);
}

/** The text of the program that the node shows. @param {ComfyNode} node */
export function shownText(node) {
	const { builtText } = stateOf(node);
	return isUnread(node, builtText) ? (formOf(node)?.id ?? "") : builtText;
}

/** Mark the current text as handled. @param {ComfyNode} node */
export function rememberText(node) {
	const state = stateOf(node);
	state.handledText = state.builtText = textOf(node);
}
