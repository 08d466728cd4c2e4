// What is offered where marked parts cannot run as they are, and the explanation of what a run would do.

import { clearNodeErrors, toastError } from "../host/comfy.js";
import { openDialog } from "../host/dialogs.js";
import { nodeOf, redraw, revealNode, rootGraph, toPrompt, withUndoStep } from "../host/graph.js";
import { lazy } from "../host/lazy.js";
import { post } from "../host/server.js";
import { loadTexts, textsOf } from "../host/texts.js";
import * as marks from "../lib/marks.js";
import { rememberSandbox } from "../lib/remembered.js";
import { fill, h, page } from "../lib/view.js";
import { offerKey } from "./account.js";
import { SANDBOX } from "./profiles.js";
import { isOffloaded } from "./run_state.js";
import { changeWhole } from "./whole.js";

const t = textsOf("segments");
const tExplain = textsOf("segments.explain");
const tAccount = textsOf("account");

const { markOf } = marks;

const marked = () => marks.allThings(rootGraph()).filter((thing) => markOf(thing));

/** @param {{ runAllHere: () => void, onSandbox: () => void }} actions */
export async function explain(actions) {
	await loadTexts();
	const body = page(h("p", "", tExplain("asking")));
	const dialog = openDialog({ title: tExplain("title"), body, wide: true });
	await fill(body, async () => {
		const explained = await post("/runninghub/explain", await toPrompt());
		if (explained.refused?.hint === "no_key" && body.isConnected) {
			dialog.close();
			await offerLocal(actions);
		}
		const { explainedView } = await lazy("features/explanation.mjs");
		return [explainedView(explained, (/** @type {string} */ id) => revealNode(id) && dialog.close())];
	});
}

/** @param {{ runAllHere: () => void, onSandbox: () => void }} actions */
export async function offerLocal({ runAllHere, onSandbox }) {
	await loadTexts();
	const useSandbox = async () => {
		await useSandboxForAll();
		onSandbox();
	};
	const buttons = [
		{ label: t("later") },
		{ label: t("run_locally"), run: runAllHere },
		{ label: tAccount("offer.try_button"), run: useSandbox },
		{ label: t("enter_key"), primary: true, run: () => void offerKey(null).catch(toastError) },
	];
	const body = marks.wholeOf(rootGraph()) ? t("no_key_whole") : t("no_key_text", { count: marked().length });
	openDialog({ title: t("no_key_title"), body, buttons });
}

/** Switch all marks to the local sandbox, and those that come later. */
export async function useSandboxForAll() {
	await post("/runninghub/sandbox", { on: true });
	rememberSandbox();
	// There was no account for them.
	clearNodeErrors((id) => isOffloaded(nodeOf(id)));
	const whole = marks.wholeOf(rootGraph());
	if (whole) return changeWhole({ ...whole, profile: SANDBOX });
	withUndoStep(() => marked().forEach((thing) => marks.setMark(thing, { .../** @type {RhMark} */ (markOf(thing)), profile: SANDBOX })));
	redraw();
}

/** Refuse a run where the server has none of our nodes, since marked parts would silently run locally. @param {() => void} runAllHere */
export async function sayNotLoaded(runAllHere) {
	await loadTexts();
	openDialog({
		title: t("not_loaded_title"),
		body: marks.wholeOf(rootGraph()) ? t("not_loaded_whole") : t("not_loaded_text", { count: marked().length }),
		buttons: [{ label: t("later") }, { label: t("run_locally"), run: runAllHere }],
	});
}
