// What ComfyUI would order by itself is asked about first, and does not go out with each key.

import { onEvent, settingOf } from "../host/comfy.js";
import { notice } from "../host/dialogs.js";
import { nodeOf, rootGraph, toPrompt } from "../host/graph.js";
import { autoMode, autoRun, stopAutoRuns } from "../host/queue.js";
import { loadTexts, textsOf } from "../host/texts.js";
import { allThings, markOf } from "../lib/marks.js";
import { classNamed, drawnBy, PROGRAMS, sourceOf } from "../lib/nodes.js";
import { action } from "../lib/view.js";
import { SANDBOX } from "./profiles.js";
import { sumText } from "./sum.js";

const t = textsOf("auto");

const PAUSE = 2_000; // ms without a change: a text that is typed is whole by then

let allowed = ""; // the way of running, and the graph, that a person let order
let changed = 0;
let waits = false;
let passed = ""; // what was let through lately as paid already
let steady = true; // nothing of that was paid again: no loader brings another file each time

/** @type {{ place: string, shut: () => void } | null} */
let question = null;

let listens = false;

function listen() {
	if (listens) return;
	listens = true;
	onEvent("graphChanged", () => {
		changed = Date.now();
	});
	// Stop is no word for more.
	onEvent("execution_interrupted", () => {
		allowed = "";
	});
	onEvent("runninghub.ended", ({ state }) => {
		if (state === "paid" && passed) steady = false;
	});
}

const placeOf = (mode = autoMode()) => mode && `${mode} ${rootGraph().id}`;

/** Whether ComfyUI may run by itself now. @param {{ prompt: Record<string, any>, isWell: boolean }} newest the run that was queued last, and whether it ended well */
export async function mayRun(newest) {
	listen();
	const part = payingPart((await toPrompt()).prompt);
	if (!part) return true;
	const place = placeOf();
	const last = payingPart(newest.prompt);
	// ComfyUI may be set to draw new values when the run begins.
	const isDrawn = part.all !== part.still && settingOf("Comfy.WidgetControlMode") === "before";
	if (steady && newest.isWell && !part.isAnew && !isDrawn && part.all === last?.all) {
		passed = part.all;
		return true;
	}
	const atChange = autoMode() === "change";
	// What ComfyUI drew after the last run is no change of a person's, and each run would bring the next.
	if (waits || (atChange && part.still === last?.still)) return false;
	if (place !== allowed) {
		void askAt(place);
		return false;
	}
	waits = true;
	while (atChange && Date.now() < changed + PAUSE) {
		await new Promise((done) => setTimeout(done, changed + PAUSE - Date.now()));
	}
	waits = false;
	passed = "";
	return placeOf() === allowed;
}

/** @type {(value: any) => boolean} */
const isLink = (value) => Array.isArray(value) && value.length === 2 && Number.isInteger(value[1]);

/** Of a prompt what it may pay for, which is programs and all that leads to them, and what of it ComfyUI did not draw. @param {Record<string, any>} prompt */
function payingPart(prompt) {
	const programs = Object.keys(prompt).filter((id) => PROGRAMS.has(classNamed(prompt[id].class_type)) && prompt[id].inputs?.profile !== SANDBOX);
	const isMarked = allThings(rootGraph()).some((thing) => (markOf(thing) ?? { profile: SANDBOX }).profile !== SANDBOX);
	const ids = new Set(isMarked ? Object.keys(prompt) : programs);
	// It grows meanwhile.
	for (const id of ids) {
		const sources = Object.values(prompt[id].inputs ?? {}).filter(isLink).map(([source]) => String(source));
		sources.filter((source) => source in prompt).forEach((source) => ids.add(source));
	}
	if (ids.size === 0) return null;
	/** @type {(without: (id: string) => string[]) => string} */
	const snapshot = (without) =>
		JSON.stringify([...ids].sort().map((id) => [id, prompt[id].class_type, { ...prompt[id].inputs, ...Object.fromEntries(without(id).map((name) => [name, null])) }]));
	return { all: snapshot(() => []), still: snapshot(drawnAt), isAnew: programs.some((id) => prompt[id].inputs?.reroll_seeds === true) };
}

/** Inputs that ComfyUI gives new values, by itself or by way of a Primitive. @param {string} id @returns {string[]} */
function drawnAt(id) {
	const node = nodeOf(id);
	const linked = (node?.inputs ?? []).filter((/** @type {any} */ { name }) => drawnBy(sourceOf(node, name)?.node).length > 0);
	return [...drawnBy(node), ...linked.map((/** @type {any} */ { name }) => name)];
}

/** Once; closing it is a no. @param {string} place */
async function askAt(place) {
	if (question?.place === place) return;
	const mine = { place, shut: () => {} };
	const former = question;
	question = mine;
	former?.shut();
	await loadTexts();
	const sum = sumText();
	const text = [t("text"), sum && t("sum", { sum })].filter(Boolean).join(" ");
	const [mode] = place.split(" ");
	mine.shut = notice(
		"alert",
		t(`title.${mode}`),
		text,
		(close, status) => [
			action(t("allow"), status, async () => {
				question = null;
				allowed = place;
				close();
				if (placeOf() === place) await autoRun();
			}),
			action(t("off"), status, close),
		],
		() => {
			if (question !== mine) return;
			question = null;
			if (placeOf() === place) stopAutoRuns();
		},
	);
}
