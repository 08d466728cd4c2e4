// Segments, parts of the local graph that run on RunningHub: marks nodes and groups, and explains what a run would do.

import { closeOverlay, onEvent, toast, toastError } from "../host/comfy.js";
import { isRestoring, withUndoStep, redraw, rootGraph, selection as selected, classTitle } from "../host/graph.js";
import { clean } from "../lib/form.js";
import * as marks from "../lib/marks.js";
import { prefersSandbox } from "../lib/remembered.js";
import { lazy } from "../host/lazy.js";
import { addChipSource } from "../host/painter.js";
import { addRunGuard, onPromptPosted } from "../host/queue.js";
import { get } from "../host/server.js";
import { dotted, loadTexts, textsOf } from "../host/texts.js";
import { actionButton } from "../lib/view.js";
import { openWorkflowOf } from "./account.js";
import { SANDBOX } from "./profiles.js";
import { placeOf } from "./quote_bar.js";
import { changeWhole, switchBack, switchListeners, switchOver } from "./whole.js";
import { failureActions } from "./failure_notices.js";
import { forgetUnmarked, isRefusedAs, listenToRuns } from "./run_state.js";

/** An action on nodes and groups. @typedef {(things: any[]) => void} Action */

const t = textsOf("segments");
const tExplain = textsOf("segments.explain");
const tAccount = textsOf("account");

const NO_KEY = /MarksWithoutKey$/; // the exception type of that refusal

const { markOf } = marks;

const whole = () => marks.wholeOf(rootGraph());

const marked = (segment = "") => marks.allThings(rootGraph()).filter((thing) => (segment ? markOf(thing)?.segment === segment : markOf(thing)));

/** What carries a thing's mark: itself, or else the marked group or subgraph node that contains it. @param {any} thing */
const carrierOf = (thing) => (markOf(thing) ? thing : (marks.markedContainerOf(thing, rootGraph()) ?? thing));

/** @param {any[]} things */
const carriersOf = (things) => [...new Set(things.map(carrierOf))];

function selection() {
	const chosen = selected();
	chosen.filter(marks.isGroup).forEach((group) => group.recomputeInsideNodes());
	return carriersOf(marks.markableOf(chosen));
}

/** @type {(things: any[], newMark: RhMark | null) => void} */
function setMarks(things, newMark) {
	if (things.length === 0) return;
	withUndoStep(() => things.forEach((thing) => marks.setMark(thing, newMark)));
	showMarks();
}

/** @type {Action} */
export function mark(things) {
	const chosen = things.flatMap((thing) => markOf(thing) ?? marks.innerMarks(thing));
	const touched = marks.neighbours(things).map(markOf);
	const newMark = marks.markFor(chosen, touched, marked().map(markOf));
	if (whole()) toast("info", t("whole_is_on"));
	setMarks(things.filter((thing) => !markOf(thing)), newMark);
}

/** @type {Action} */
const unmark = (things) => setMarks(things.filter(markOf), null);

/** @param {Action} action */
const onSelection = (action) => () => {
	const things = selection();
	return things.length > 0 ? action(things) : toast("info", t("select_first"));
};

/** @type {RhChips} */
function chipsOf(thing) {
	const current = whole() ? null : markOf(thing);
	if (!current) {
		const placed = placeOf(thing);
		if (whole()) return placed ? [chipOf(/** @type {RhMark} */ (whole()), "RunningHub")] : [];
		if (placed?.isPulled) return [{ text: dotted(`RunningHub ${placed.name}`, t("pulled")), color: marks.colorOf(placed.name), frame: true }];
		const names = new Set(marks.innerMarks(thing).map(({ segment }) => segment));
		return [...names].map((name) => ({ text: t("inside", { name }), color: marks.colorOf(name) }));
	}
	return [chipOf(current, `RunningHub ${current.segment}`)];
}

/** @type {(mark: RhMark, name: string) => RhChip} */
function chipOf({ segment, instance, only, profile }, name) {
	const size = instance && t(`size.${instance}`);
	const text = dotted(name, size, only && t("only_chip"), profile === SANDBOX && tAccount("sandbox.chip"));
	return { text, color: marks.colorOf(segment), frame: true };
}

/** Open the options of a marked thing's segment, with the focus on the field `focused`. @type {(things: any[], focused?: string) => Promise<void>} */
async function openOptions(things, focused) {
	/** @type {typeof import("./segment_options.mjs")} */
	const { openSegmentOptions } = await lazy("features/segment_options.mjs");
	const all = whole();
	if (all) return openSegmentOptions(all, 0, changeWhole, focused);
	// Of this workflow: another may have been opened while that was loading.
	const current = markOf(marked().find((thing) => things.includes(thing)));
	if (!current) return toast("info", t("select_marked"));
	const members = () => marked(current.segment);
	openSegmentOptions(current, members().length, (newMark) => setMarks(members(), newMark), focused);
}

/** A button that opens the setting of a workflow id that the service refused; null for other failures. @type {(failure: { report: any, openNode: () => Promise<any> }, status: HTMLElement) => any} */
function nameWorkflow({ report, openNode }, status) {
	const { segment, refused_id: profile = null } = report ?? {};
	const things = marked(segment);
	if (profile === null || (!profile && things.length === 0 && !whole())) return null;
	return actionButton(t("name_workflow"), status, async () => {
		if (profile) return openWorkflowOf(profile);
		await openNode();
		await openOptions(marked(segment), "workflow");
	});
}

/** @type {() => Promise<typeof import("./segment_offers.mjs")>} */
const offers = () => lazy("features/segment_offers.mjs");

const offerActions = { runAllHere, onSandbox: () => (isKeyOffered = false) };
const explain = async () => (await offers()).explain(offerActions);
const offerLocal = async () => (await offers()).offerLocal(offerActions);

let isKeyOffered = false; // what is marked after the sandbox was chosen does as the rest

async function offerKeyOnce() {
	// The sandbox needs no key.
	if (isKeyOffered || marks.marksIn(rootGraph()).every(({ profile }) => profile === SANDBOX)) return;
	isKeyOffered = true;
	const settings = await get("/runninghub/settings").catch(() => null);
	if (settings?.profiles.length !== 0) return;
	if (!prefersSandbox()) return offerLocal();
	isKeyOffered = false;
	await (await offers()).useSandboxForAll();
}

/** Say what to do where marked parts were refused for want of a key: ComfyUI says no more than that a validation failed. @param {Record<string, any>} errors of POST /prompt, by node */
function offerRefused(errors) {
	const isRefused = Object.values(errors).some((error) => isRefusedAs(NO_KEY, error));
	if (!isRefused || document.querySelector("dialog.runninghub-dialog[open]")) return;
	setTimeout(closeOverlay); // once ComfyUI has opened it
	void offerLocal().catch(toastError);
}

/** @param {any} thing @returns {MenuItem[]} */
function menuOf(thing) {
	if (!marks.isMarkable(thing)) return [];
	/** @type {(content: string, things: any[]) => MenuItem[]} */
	const about = (content, things) => [
		{ content, callback: () => void openOptions(things).catch(toastError) },
		{ content: `${tExplain("title")}…`, callback: () => void explain() },
	];
	if (whole()) return [{ content: t("whole_off"), callback: switchBack }, ...about(t("whole_menu"), [])];
	const chosen = selection();
	const holder = carrierOf(thing);
	const things = chosen.includes(holder) ? chosen : [holder];
	const current = markOf(holder);
	const unmarking = holder === thing ? t("unmark") : t("unmark_holder", { name: clean(holder.title, 60) });
	if (!current) return [{ content: t("mark"), callback: () => mark(things) }];
	return [{ content: unmarking, callback: () => unmark(things) }, ...about(t("menu", { name: current.segment }), [holder])];
}

/** Run guard: refuse if the server has none of our nodes, since marked parts would silently run locally. */
function mayRun() {
	if (classTitle("RunningHubTask") || marks.marksIn(rootGraph()).length === 0) return true;
	void offers().then(({ sayNotLoaded }) => sayNotLoaded(runAllHere)).catch(toastError);
	return false;
}

/** Nothing of the graph goes any more: neither the whole nor a part. */
function runAllHere() {
	switchBack();
	unmark(marked());
}

let wasMarked = false; // on this page

/** Offer the cloud's models in the boxes of marked loaders, and no longer in others. */
function refreshLoaders() {
	wasMarked ||= marks.marksIn(rootGraph()).length > 0;
	if (wasMarked) void lazy("features/loaders.mjs").then((loaders) => loaders.refreshLoaders()).catch(toastError);
}

let markCount = 0; // when `showMarks` looked last

function showMarks() {
	refreshLoaders();
	const count = whole() ? Infinity : marked().length;
	if (count < markCount) forgetUnmarked();
	markCount = count;
	if (count === 0) return;
	listenToRuns();
	addChipSource(chipsOf);
	void offerKeyOnce();
}

const commandId = (name = "") => `runninghub.segments.${name}`;

/** @type {Action} One shortcut for both: unmark if all are marked, else mark. */
const toggle = (things) => (things.every(markOf) ? unmark(things) : mark(things));

/** @type {[string, string, string, () => void][]} */
const COMMANDS = [
	["mark", "Run on RunningHub", "cloud-upload", onSelection(mark)],
	["unmark", "Run locally again", "desktop", onSelection(unmark)],
	["toggle", "Run on RunningHub / locally", "cloud", onSelection(toggle)],
	["whole", "Run the whole graph on RunningHub", "cloud-upload", () => (whole() ? switchBack() : switchOver())],
	["unmark_all", "Run everything locally again", "desktop", runAllHere],
	["options", "RunningHub segment: machine and rules", "sliders-h", () => (whole() ? openOptions([]) : onSelection(openOptions)())],
	["explain", "Explain what would run on RunningHub", "info-circle", explain],
];

/** @type {RhFeature} */
export const segments = {
	commands: COMMANDS.map(([name, label, icon, action]) => ({ id: commandId(name), label, icon: `pi pi-${icon}`, function: action })),
	// The second is what Option+R types on a Mac.
	keybindings: ["r", "\u00ae"].map((key) => ({ commandId: commandId("toggle"), combo: { key, alt: true } })),
	menuCommands: [{ path: ["RunningHub"], commands: COMMANDS.slice(2).map(([name]) => commandId(name)) }],
	getSelectionToolboxCommands: (item) => (marks.isMarkable(item) ? (markOf(carrierOf(item)) ? ["toggle", "options"] : ["toggle"]).map(commandId) : []),
	getNodeMenuItems: menuOf,
	getCanvasMenuItems: (canvas) => menuOf(canvas.graph?.getGroupOnPos(...canvas.graph_mouse)),
	setup() {
		switchListeners.add(showMarks);
		failureActions.push(nameWorkflow);
		addRunGuard(mayRun);
		// Marked nodes may be pasted from another page, or come as a blueprint; undo takes marks too.
		onEvent("graphChanged", showMarks);
		onPromptPosted(offerRefused, () => {});
		void loadTexts().then(redraw);
		showMarks();
	},
	afterConfigureGraph() {
		if (!isRestoring()) showMarks(); // else once "graphChanged" tells: until then ComfyUI hides its errors
	},
};
