// The switch beside Run: the graph runs here, or all of it that can go on RunningHub.

import { refreshBar, showInBar } from "../host/action_bar.js";
import { isRestoring, redraw, rootGraph, withUndoStep } from "../host/graph.js";
import { lazy } from "../host/lazy.js";
import { addRunGuard } from "../host/queue.js";
import { loadTexts, textsOf } from "../host/texts.js";
import { marksIn, setWhole, WHOLE, wholeOf } from "../lib/marks.js";
import { allowWhole, isWholeAllowed } from "../lib/remembered.js";
import { SANDBOX } from "./profiles.js";
import { invalidate, SWITCH_PLACE } from "./quote_bar.js";

const t = textsOf("whole");

/** Called after each change of the switch by the user. @type {Set<RhCallback>} */
export const switchListeners = new Set();

/** Whether the open graph may go, where its id is not known or cannot be remembered. */
let isAllowed = false;

/** The options that the switch had last. @type {RhMark} */
let last = { segment: WHOLE, instance: "", only: false };

/** Switch the graph over with these options, or with null back. @param {RhMark | null} mark */
export function changeWhole(mark) {
	withUndoStep(() => setWhole(rootGraph(), mark));
	if (mark) {
		last = mark;
		allow();
	}
	refreshBar();
	redraw();
	invalidate();
	switchListeners.forEach((listener) => listener());
}

function allow() {
	isAllowed = true;
	allowWhole(rootGraph().id);
}

export const switchOver = () => void (wholeOf(rootGraph()) || changeWhole(last));
export const switchBack = () => void (wholeOf(rootGraph()) && changeWhole(null));

/** Run guard: a graph that arrived switched over asks once, with the sum. Auto-queued runs ask by themselves. @param {boolean} isAuto */
async function mayRun(isAuto) {
	const whole = wholeOf(rootGraph());
	if (!whole || isAuto || isAllowed || whole.profile === SANDBOX || isWholeAllowed(rootGraph().id)) return true;
	/** @type {typeof import("./whole.mjs")} */
	const { askArrived } = await lazy("features/whole.mjs");
	const answer = await askArrived();
	if (answer === "there") allow();
	if (answer === "here") switchBack();
	return answer !== "";
}

function buttons() {
	const isWhole = Boolean(wholeOf(rootGraph()));
	const parts = !isWhole && marksIn(rootGraph()).length > 0;
	/** @type {(name: string, icon: string, isChosen: boolean, onClick: RhCallback) => import("../host/action_bar.js").BarButton} */
	const button = (name, icon, isChosen, onClick) => ({
		label: t(name),
		tooltip: t(`${name}_tip${isChosen ? "_chosen" : ""}${parts && name === "here" ? "_parts" : ""}`),
		icon: `pi pi-${icon}`,
		class: `runninghub-switch${isChosen ? " runninghub-chosen" : ""}`,
		onClick,
	});
	return [button("here", "desktop", !isWhole, switchBack), button("there", "cloud-upload", isWhole, switchOver)];
}

/** @type {RhFeature} */
export const whole = {
	setup() {
		addRunGuard(mayRun);
		void loadTexts().then(() => showInBar(SWITCH_PLACE, buttons));
	},
	afterConfigureGraph() {
		if (!isRestoring()) isAllowed = false;
		refreshBar();
	},
};
