// Reads a node's program from our server; a failure that the user can resolve opens a dialog.

import { confirmDialog } from "../../host/dialogs.js";
import { isInGraph } from "../../host/graph.js";
import { lazy } from "../../host/lazy.js";
import { post, ServerError } from "../../host/server.js";
import { loadTexts, textsOf } from "../../host/texts.js";
import { kindOf, valueOf } from "../../lib/nodes.js";
import { offerKey } from "../account.js";
import { labelButton, otherKind, stateOf, swap, textOf } from "./state.js";
import { openModels } from "./models.js";

const t = textsOf("form");

/** @type {(node: ComfyNode, fresh: boolean, signal?: AbortSignal) => Promise<any>} */
export const fetchProgram = (node, fresh, signal) =>
	post("/runninghub/program", { ...programRef(node), text: textOf(node), fresh }, signal);

/** @param {ComfyNode} node */
export const programRef = (node) => ({ kind: kindOf(node), profile: valueOf(node, "profile") });

/**
 * Read a node's program, aborting an earlier read; null if it failed (shown, by `fail` if that is given), was superseded, or the node is gone.
 * @type {(node: ComfyNode, fresh: boolean, fail?: (message: string) => Promise<void>) => Promise<any>}
 */
export async function readProgram(node, fresh, fail) {
	const state = stateOf(node);
	state.reading?.abort();
	const controller = new AbortController();
	state.reading = controller;
	await loadTexts();
	labelButton(node);
	try {
		for (;;) {
			const result = await fetchProgram(node, fresh, controller.signal).catch((error) => ({ error }));
			if (controller.signal.aborted || !isInGraph(node)) return null;
			if (!("error" in result)) return result;
			if (!(await resolveFailure(node, result.error, fail))) return null;
		}
	} finally {
		if (state.reading === controller) state.reading = null;
		labelButton(node);
	}
}

/** Let the user resolve a failure; true to retry. @type {(node: ComfyNode, error: unknown, fail?: (message: string) => Promise<void>) => Promise<boolean>} */
async function resolveFailure(node, error, fail) {
	const { message, hint, key } = error instanceof ServerError ? error : { message: String(error), hint: "", key: "" };
	const title = t(`failed.${kindOf(node)}`);
	const rightKind = otherKind(node);
	if (hint === "no_key") return offerKey(node);
	if (hint === "key") return offerKey(node, message);
	if (hint === "model") {
		stateOf(node).reading = null;
		await openModels(node, { words: textOf(node), reason: message });
		return false; // choosing one starts a read of its own
	}
	if (hint === "password") return askPassword(node, message);
	if (hint !== "wrong_kind") {
		// A dialog of the caller's starts a read of its own; it cannot be loaded from a ComfyUI that is gone.
		if (fail && key !== "server.offline") await fail(message);
		else await confirmDialog(title, message);
		return false;
	}
	await confirmDialog(title, message, () => swap(node, rightKind), t(`swap.${rightKind}`));
	return false; // the new node reads its program itself
}

/**
 * Ask for a program's password; true once it is stored.
 * @type {(node: ComfyNode, message?: string) => Promise<boolean>}
 */
export const askPassword = async (node, message) => (await lazy("features/program/password.mjs")).askPassword(node, message);
