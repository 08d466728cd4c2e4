// Auto-queued runs that would place orders need the user's consent, and are debounced while typing.

import { onEvent, settingOf } from "../host/comfy.js";
import { showNotice } from "../host/dialogs.js";
import { nodeOf, rootGraph, toPrompt } from "../host/graph.js";
import { autoMode, autoRun, stopAutoRuns } from "../host/queue.js";
import { loadTexts, textsOf } from "../host/texts.js";
import { marksIn } from "../lib/marks.js";
import { classNamed, randomized, KIND_BY_CLASS, sourceOf } from "../lib/nodes.js";
import { actionButton } from "../lib/view.js";
import { SANDBOX } from "./profiles.js";
import { quoteText } from "./quote_bar.js";

const t = textsOf("auto");

const DEBOUNCE = 2_000; // ms without a change: typing has ended by then
const QUOTING = 500; // ms between two looks at the quote, while a question names it

let allowedScope = ""; // the mode and graph for which the user has allowed orders
let changedAt = 0;
let isWaiting = false;
let passedPart = ""; // the paying part that was last let through as already paid
let isStable = true; // false once that was paid again: a loader yields another file each time

/** @type {{ scope: string, close: () => void } | null} */
let consentNotice = null;

let isListening = false;

function addListeners() {
	if (isListening) return;
	isListening = true;
	onEvent("graphChanged", () => {
		changedAt = Date.now();
	});
	// An interrupt withdraws the consent.
	onEvent("execution_interrupted", () => {
		allowedScope = "";
	});
	onEvent("runninghub.ended", ({ state }) => {
		if (state === "paid" && passedPart) isStable = false;
	});
}

const consentScope = (mode = autoMode()) => mode && `${mode} ${rootGraph().id}`;

/** Whether an auto-queued run may start now; may wait until changes have stopped. @param {{ prompt: Record<string, any>, hasSucceeded: boolean }} lastQueued the last queued run, and whether it succeeded */
export async function mayRun(lastQueued) {
	addListeners();
	const part = payingPart((await toPrompt()).prompt);
	if (!part) return true;
	const scope = consentScope();
	const last = payingPart(lastQueued.prompt);
	// With this setting ComfyUI randomizes values before a run.
	const isRandomizedBefore = part.all !== part.still && settingOf("Comfy.WidgetControlMode") === "before";
	if (isStable && lastQueued.hasSucceeded && !part.isAnew && !isRandomizedBefore && part.all === last?.all) {
		passedPart = part.all;
		return true;
	}
	const atChange = autoMode() === "change";
	// Values randomized after the last run are not a change by the user: each run would trigger the next.
	if (isWaiting || (atChange && part.still === last?.still)) return false;
	if (scope !== allowedScope) {
		void askConsent(scope);
		return false;
	}
	isWaiting = true;
	while (atChange && Date.now() < changedAt + DEBOUNCE) {
		await new Promise((done) => setTimeout(done, changedAt + DEBOUNCE - Date.now()));
	}
	isWaiting = false;
	passedPart = "";
	return consentScope() === allowedScope;
}

/** @type {(value: any) => boolean} */
const isLink = (value) => Array.isArray(value) && value.length === 2 && Number.isInteger(value[1]);

/** What a prompt may pay for, programs and all upstream of them, serialized: `all`, and `still` without randomized inputs. Null for none. @param {Record<string, any>} prompt */
function payingPart(prompt) {
	const programs = Object.keys(prompt).filter((id) => KIND_BY_CLASS.has(classNamed(prompt[id].class_type)) && prompt[id].inputs?.profile !== SANDBOX);
	const isMarked = marksIn(rootGraph()).some(({ profile }) => profile !== SANDBOX);
	const ids = new Set(isMarked ? Object.keys(prompt) : programs);
	// The set grows during the iteration: a transitive closure.
	for (const id of ids) {
		const sources = Object.values(prompt[id].inputs ?? {}).filter(isLink).map(([source]) => String(source));
		sources.filter((source) => source in prompt).forEach((source) => ids.add(source));
	}
	if (ids.size === 0) return null;
	/** @type {(without: (id: string) => string[]) => string} */
	const snapshot = (without) =>
		JSON.stringify([...ids].sort().map((id) => [id, prompt[id].class_type, { ...prompt[id].inputs, ...Object.fromEntries(without(id).map((name) => [name, null])) }]));
	return { all: snapshot(() => []), still: snapshot(randomizedInputs), isAnew: programs.some((id) => prompt[id].inputs?.reroll_seeds === true) };
}

/** Names of a node's inputs that ComfyUI randomizes, directly or through a linked Primitive. @param {string} id @returns {string[]} */
function randomizedInputs(id) {
	const node = nodeOf(id);
	const linked = (node?.inputs ?? []).filter((/** @type {any} */ { name }) => randomized(sourceOf(node, name)?.node).length > 0);
	return [...randomized(node), ...linked.map((/** @type {any} */ { name }) => name)];
}

/** Ask for consent, once per mode and graph; closing the notice declines and stops the auto-queue. @param {string} scope */
async function askConsent(scope) {
	if (consentNotice?.scope === scope) return;
	const mine = { scope, close: () => {} };
	const former = consentNotice;
	consentNotice = mine;
	former?.close();
	await loadTexts();
	if (consentNotice !== mine) return; // asked anew meanwhile
	const text = (sum = quoteText()) => [t("text"), sum && t("sum", { sum })].filter(Boolean).join(" ");
	/** @type {any} */
	let shown;
	// The first quote is of the graph before the change that asks, and more changes may follow.
	const quoteTimer = setInterval(() => {
		const line = shown.closest("[role=alert]").querySelector("p");
		if (consentScope() === scope && line.textContent !== text()) line.textContent = text();
	}, QUOTING);
	const [mode] = scope.split(" ");
	mine.close = showNotice(
		"alert",
		t(`title.${mode}`),
		text(),
		(close, status) => {
			shown = status;
			const allow = async () => {
				consentNotice = null;
				allowedScope = scope;
				close();
				if (consentScope() === scope) await autoRun();
			};
			return [actionButton(t("allow"), status, allow), actionButton(t("off"), status, close)];
		},
		() => {
			clearInterval(quoteTimer);
			if (consentNotice !== mine) return;
			consentNotice = null;
			if (consentScope() === scope) stopAutoRuns();
		},
	);
}
