// Segments, parts of the local graph that run on RunningHub: marks nodes and groups, and explains what a run would do.

import { closeOverlay, toast, toastError } from "../host/comfy.js";
import { openDialog } from "../host/dialogs.js";
import { withUndoStep, redraw, rootGraph, selection as selected, revealNode, classTitle, toPrompt } from "../host/graph.js";
import { clean } from "../lib/form.js";
import * as marks from "../lib/marks.js";
import { prefersSandbox, rememberSandbox } from "../lib/recent.js";
import { lazy } from "../host/lazy.js";
import { addChipSource } from "../host/painter.js";
import { addRunGuard, onPromptPosted } from "../host/queue.js";
import { get, post } from "../host/server.js";
import { dotted, loadTexts, textsOf } from "../host/texts.js";
import { actionButton, fill, h, page } from "../lib/view.js";
import { offerKey, openWorkflowOf } from "./account.js";
import { SANDBOX } from "./profiles.js";
import { modelSearchItems } from "./program/resources.js";
import { failureActions } from "./failure_notices.js";
import { forgetUnmarked, listenToRuns } from "./run_state.js";

/** An action on nodes and groups. @typedef {(things: any[]) => void} Action */

const t = textsOf("segments");
const tExplain = textsOf("segments.explain");
const tAccount = textsOf("account");

const NO_KEY = /MarksWithoutKey$/; // the exception type of that refusal

const { markOf } = marks;

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
function mark(things) {
	const chosen = things.flatMap((thing) => markOf(thing) ?? marks.innerMarks(thing));
	const touched = marks.neighbours(things).map(markOf);
	const newMark = marks.markFor(chosen, touched, marked().map(markOf));
	setMarks(things.filter((thing) => !markOf(thing)), newMark);
}

/** @type {Action} */
function unmark(things) {
	setMarks(things.filter(markOf), null);
	forgetUnmarked();
}

/** @param {Action} action */
const onSelection = (action) => () => {
	const things = selection();
	return things.length > 0 ? action(things) : toast("info", t("select_first"));
};

/** @type {RhChips} */
function chipsOf(thing) {
	const current = markOf(thing);
	if (!current) {
		const names = new Set(marks.innerMarks(thing).map(({ segment }) => segment));
		return [...names].map((name) => ({ text: t("inside", { name }), color: marks.colorOf(name) }));
	}
	const { segment, instance, only, profile } = current;
	const size = instance && t(`size.${instance}`);
	const text = dotted(`RunningHub ${segment}`, size, only && t("only_chip"), profile === SANDBOX && tAccount("sandbox.chip"));
	return [{ text, color: marks.colorOf(segment), frame: true }];
}

/** Open the options of a marked thing's segment, with the focus on the field `focused`. @type {(things: any[], focused?: string) => Promise<void>} */
async function openOptions(things, focused) {
	/** @type {typeof import("./segment_options.mjs")} */
	const { openSegmentOptions } = await lazy("features/segment_options.mjs");
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
	if (profile === null || (!profile && things.length === 0)) return null;
	return actionButton(t("name_workflow"), status, async () => {
		if (profile) return openWorkflowOf(profile);
		await openNode();
		await openOptions(marked(segment), "workflow");
	});
}

async function explain() {
	await loadTexts();
	const body = page(h("p", "", tExplain("asking")));
	const dialog = openDialog({ title: tExplain("title"), body, wide: true });
	await fill(body, async () => {
		const explained = await post("/runninghub/explain", await toPrompt());
		if (explained.refused?.hint === "no_key" && body.isConnected) {
			dialog.close();
			await offerLocal();
		}
		const { explainedView } = await lazy("features/explanation.mjs");
		return [explainedView(explained, (/** @type {string} */ id) => revealNode(id) && dialog.close())];
	});
}

let isKeyOffered = false;

async function offerKeyOnce() {
	// The sandbox needs no key.
	if (isKeyOffered || marked().every((thing) => markOf(thing)?.profile === SANDBOX)) return;
	isKeyOffered = true;
	const { profiles } = await get("/runninghub/settings").catch(() => ({ profiles: null }));
	if (profiles?.length !== 0) return;
	if (!prefersSandbox()) return offerLocal();
	await useSandboxForAll();
}

async function offerLocal() {
	await loadTexts();
	const buttons = [
		{ label: t("later") },
		{ label: t("run_locally"), run: () => unmark(marked()) },
		{ label: tAccount("offer.try_button"), run: useSandboxForAll },
		{ label: t("enter_key"), primary: true, run: () => void offerKey(null).catch(toastError) },
	];
	const body = t("no_key_text", { count: marked().length });
	openDialog({ title: t("no_key_title"), body, buttons });
}

/** Say what to do where marked parts were refused for want of a key: ComfyUI says no more than that a validation failed. @param {Record<string, any>} errors of POST /prompt, by node */
function offerRefused(errors) {
	const isRefused = Object.values(errors).some(({ errors: list = [] }) => list.some((/** @type {any} */ { extra_info: extra }) => NO_KEY.test(extra?.exception_type)));
	if (!isRefused || document.querySelector("dialog.runninghub-dialog[open]")) return;
	setTimeout(closeOverlay); // once ComfyUI has opened it
	void offerLocal().catch(toastError);
}

/** Switch all marks to the local sandbox. */
async function useSandboxForAll() {
	await post("/runninghub/sandbox", { on: true });
	rememberSandbox();
	isKeyOffered = false; // what is marked later does as these
	withUndoStep(() =>
		marked().forEach((thing) => marks.setMark(thing, { .../** @type {RhMark} */ (markOf(thing)), profile: SANDBOX })),
	);
	redraw();
}

/** @param {any} thing @returns {MenuItem[]} */
function menuOf(thing) {
	if (!marks.isMarkable(thing)) return [];
	const chosen = selection();
	const holder = carrierOf(thing);
	const things = chosen.includes(holder) ? chosen : [holder];
	const current = markOf(holder);
	const unmarking = holder === thing ? t("unmark") : t("unmark_holder", { name: clean(holder.title, 60) });
	if (!current) return [{ content: t("mark"), callback: () => mark(things) }];
	return [
		{ content: unmarking, callback: () => unmark(things) },
		{ content: t("menu", { name: current.segment }), callback: () => void openOptions([holder]).catch(toastError) },
		{ content: `${tExplain("title")}…`, callback: () => void explain() },
		...modelSearchItems(thing, current.profile ?? ""),
	];
}

/** Run guard: refuse if the server has none of our nodes, since marked parts would silently run locally. */
function mayRun() {
	if (classTitle("RunningHubTask") || marked().length === 0) return true;
	openDialog({
		title: t("not_loaded_title"),
		body: t("not_loaded_text", { count: marked().length }),
		buttons: [{ label: t("later") }, { label: t("run_locally"), run: () => unmark(marked()) }],
	});
	return false;
}

function showMarks() {
	if (marked().length === 0) return;
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
	["whole", "Run the whole graph on RunningHub", "cloud-upload", () => mark(carriersOf(rootGraph().nodes.filter(marks.isMarkable)))],
	["unmark_all", "Run everything locally again", "desktop", () => unmark(marked())],
	["options", "RunningHub segment: machine and rules", "sliders-h", onSelection(openOptions)],
	["explain", "Explain what would run on RunningHub", "info-circle", explain],
];

/** @type {RhFeature} */
export const segments = {
	commands: COMMANDS.map(([name, label, icon, action]) => ({ id: commandId(name), label, icon: `pi pi-${icon}`, function: action })),
	keybindings: [
		{ commandId: commandId("toggle"), combo: { key: "r", alt: true } },
		// What Option+R types on a Mac.
		{ commandId: commandId("toggle"), combo: { key: "\u00ae", alt: true } },
	],
	menuCommands: [{ path: ["RunningHub"], commands: COMMANDS.slice(2).map(([name]) => commandId(name)) }],
	getSelectionToolboxCommands: (item) =>
		!marks.isMarkable(item) ? [] : markOf(carrierOf(item)) ? [commandId("toggle"), commandId("options")] : [commandId("toggle")],
	getNodeMenuItems: menuOf,
	getCanvasMenuItems: (canvas) => menuOf(canvas.graph?.getGroupOnPos(...canvas.graph_mouse)),
	setup() {
		failureActions.push(nameWorkflow);
		addRunGuard(mayRun);
		onPromptPosted(offerRefused, () => {});
		void loadTexts().then(redraw);
		// Marked nodes may be pasted from another page.
		document.addEventListener("paste", () => setTimeout(showMarks), true);
		showMarks();
	},
	afterConfigureGraph: showMarks,
};
