// Before a run its estimate, after it time and cost, and for a failure a notice with actions.

import { notify } from "../host/notifications.js";
import { closeOverlay, language, onEvent, toast } from "../host/comfy.js";
import { nodeOf, openWorkflow, rootGraph, show } from "../host/graph.js";
import { addBadge, redrawBadges } from "../host/badges.js";
import { notice, openDialog } from "../host/dialogs.js";
import { lazy } from "../host/lazy.js";
import { draw } from "../host/painter.js";
import { dropPreview } from "../host/previews.js";
import { onQueued, queueAs } from "../host/queue.js";
import { post } from "../host/server.js";
import { dotted, estimateText, loadTexts, textsOf } from "../host/texts.js";
import { removeWidget } from "../host/widgets.js";
import { clean } from "../lib/form.js";
import { after, classOf, isOurs, kindOf, programOf, valueOf, widgetOf } from "../lib/nodes.js";
import { allThings } from "../lib/marks.js";
import { action, statusLine, h, link } from "../lib/view.js";
import { priceOf } from "./program/price.js";
import { openTasks, whenAnswered } from "./tasks.js";

/** ComfyUI's `execution_error`. @typedef {{ prompt_id: string, node_id: string, node_type: string, exception_type?: string, exception_message?: string }} Failure */

const t = textsOf("running");
const segments = textsOf("segments");
const tasks = textsOf("tasks");

const ESTIMATE_DELAY = 600; // ms of delay before an estimate is requested, for the server to settle
const MAX_LENGTH = 56; // characters of a badge; the node's own line has the full text
const KEPT = "#4a4f57"; // color: nothing was paid, or not yet
const FAILED = "#b3261e";
/** End state from the server → color. White text is readable on each. @type {Record<string, string>} */
const COLORS = { paid: "#1f6b3a", kept: KEPT, stopped: "#8a4b00", unsure: FAILED, failed: FAILED };
const TEXT_LINE = "$$node-text-preview"; // ComfyUI's widget; 1.49 keeps our last line in it

/** @type {Map<string, string>} */
const estimates = new Map();
/** How a node's last run ended: text by language, and state. @type {WeakMap<any, { line: Record<string, string>, state: string }>} */
const ends = new WeakMap();
/** Ids of nodes that ComfyUI served from its cache in this run. @type {Set<string>} */
const cached = new Set();
/** Nodes whose own end was reported in this run: ComfyUI sends one output for all equal nodes. @type {Set<any>} */
const reported = new Set();
/** Nodes that have a badge of ours. @type {WeakSet<any>} */
const badged = new WeakSet();
const failed = new Set(); // nodes whose counterpart in the cloud failed in the last run
/** Notices of failed nodes by "<workflow> <node>": close function, order in question (0: none), prompt id, and whether a new run keeps it. @type {Map<string, { shut: RhAct, order: number, run?: string, stays?: boolean }>} */
const alerts = new Map();
let cloudFailure = { prompt_id: "", node: "" };
let listening = false;

/**
 * Factories of buttons under a failure, from other parts. `kind`: exception type; `there` opens the node's workflow and returns the node.
 * @type {((failure: { report: any, node: any, kind: string, there: () => Promise<any> }, status: HTMLElement, close: () => void) => any)[]}
 */
export const remedies = [];

/** @type {ComfyPart} */
export const running = {
	nodeCreated(node) {
		const isOwn = isOurs(classOf(node));
		if (!isOwn && !node.isSubgraphNode?.()) return;
		addBadge(node, () => badgeOf(node));
		badged.add(node);
		if (isOwn) {
			listen();
			watchWidgets(node);
		}
	},
	// Undo restores values without calling the widgets' callbacks.
	afterConfigureGraph: () => redraw(),
	setup() {
		whenAnswered.add(dismissAnswered);
		onQueued((errors) => void showRefused(errors), dismissFailures);
		// Not only in `listen`: segments run without a node of ours on the canvas.
		onEvent("runninghub.failed", (detail) => {
			listen();
			cloudFailure = detail;
			failed.add(nodeOf(detail.node));
		});
		onEvent("runninghub.ended", (detail) => {
			const { node: id, graph, line, state, unsure, gaps = {} } = detail;
			listen();
			const node = isOpen(graph) ? nodeOf(id) : null;
			if (node) showEnd(node, line, state);
			if (state === "paid" || state === "kept") reported.add(node);
			else if (node) dropPreview(id, node, true); // an unfinished preview would look like a result
			if (unsure.length > 0) void showUnsure(detail);
			else if (state !== "failed") dismiss(id, graph);
			dismiss(gapsKey(id), graph);
			if (lineOf(gaps)) void showGaps(detail);
			// Also for a segment, and for a graph that is not the open one.
			if (state === "paid") void loadTexts().then(() => notify(t("away_done"), node?.title));
		});
		const first = true; // so that ComfyUI outlines the node that failed in the cloud
		onEvent("execution_error", (detail) => {
			const own = detail.node_id;
			if (cloudFailure.prompt_id === detail.prompt_id) detail.node_id = cloudFailure.node;
			if (isOurs(detail.node_type)) void showFailure(detail, own);
		}, first);
	},
};

/** Subscribe to run events, once: at the first node or mark of ours. Also tells the server the language. */
export function listen() {
	if (listening) return;
	listening = true;
	void post("/runninghub/session", { locale: language() }).catch(() => null);
	draw(chipsOf);
	void loadTexts().then(redraw);
	onEvent("execution_start", () => {
		failed.clear();
		cached.clear();
		reported.clear();
		redraw();
	});
	onEvent("execution_cached", ({ nodes }) => nodes.forEach((/** @type {string} */ id) => cached.add(String(id))));
	onEvent("executed", (detail) => {
		const id = detail.display_node ?? detail.node;
		const node = nodeOf(id);
		if (isOurs(classOf(node))) dropPreview(id, node);
		dismiss(id);
		const program = programOf(node);
		if (program) estimates.delete(JSON.stringify(program));
		// A progress line has overwritten it, in the language of the server's latest client.
		const own = reported.has(node) ? ends.get(node) : undefined;
		if (own) showEnd(node, own.line, own.state);
		else showNotice(node, detail.output, cached.has(String(id)));
	});
}

/** Show the server's notice in a node's output, also of a run that another page observed. @type {(node: any, output: any, wasCached: boolean) => void} */
export function showNotice(node, output, wasCached) {
	if (!programOf(node)) return;
	const { kept, line, again } = readNotice(output?.runninghub?.[0]);
	const wasKept = kept || wasCached;
	showEnd(node, wasKept ? again : line, wasKept ? "kept" : "paid");
}

/** Redraws badges too, in both renderers. */
const redraw = redrawBadges;

export const isListening = () => listening;

/** @param {unknown} notice JSON in a node's output, from the server, possibly of an earlier version */
function readNotice(notice) {
	const parsed = typeof notice === "string" ? JSON.parse(notice) : {};
	return { kept: parsed.kept === true, line: parsed.line ?? {}, again: parsed.again ?? {} };
}

/** @type {(node: any, line: Record<string, string>, state: string) => void} */
export function showEnd(node, line, state) {
	ends.set(node, { line, state });
	const shown = widgetOf(node, TEXT_LINE);
	if (shown) shown.value = lineOf(line);
	redraw();
}

/** @param {string} [graph] "" if the run has no workflow */
const isOpen = (graph) => !graph || graph === rootGraph().id;

/** @param {string} id @param {string} [graph] */
const alertKey = (id, graph) => `${graph || rootGraph().id} ${id}`;

/** Close the notice of a node that succeeded, or failed again. @param {string} id @param {string} [graph] */
function dismiss(id, graph) {
	alerts.get(alertKey(id, graph))?.shut();
	alerts.delete(alertKey(id, graph));
}

/** Close notices of the open workflow when a new run of it begins, whose failures they would seem. @param {any} _ @param {string} begun its prompt id; it may have failed already */
function dismissFailures(_, begun) {
	for (const [place, { shut, order, stays, run }] of alerts) {
		if (run === begun) setTimeout(closeOverlay); // ComfyUI has reopened its own overlay
		if (stays || order || run === begun || !place.startsWith(alertKey(""))) continue;
		shut();
		alerts.delete(place);
	}
}

function dismissAnswered(order = 0) {
	for (const [place, { shut, order: asked }] of alerts) {
		if (asked !== order) continue;
		shut();
		const [graph, id = ""] = place.split(" ");
		if (isOpen(graph)) ends.delete(nodeOf(id)); // its badge asked the same
	}
	redraw();
}

/** When nothing runs, remove stale progress lines: how those runs ended is unknown. */
export function dropStaleLines() {
	for (const node of allThings(rootGraph())) {
		const shown = widgetOf(node, TEXT_LINE);
		if (!shown || shown.value === lineOf(ends.get(node)?.line ?? {})) continue;
		ends.delete(node);
		removeWidget(node, shown);
		dropPreview(String(node.id), node, true);
	}
	redraw();
}

/** Whether the end of the node's last run is known here. @param {any} node */
export const hasEnded = (node) => ends.has(node);

/** @param {Record<string, string>} line text by language */
const lineOf = (line) => line[language()] ?? line.en ?? "";

/** Forget the last end and redraw when a widget changes, which Nodes 2.0 does not do. @param {ComfyNode} node */
function watchWidgets(node) {
	const widgets = (node.widgets ?? []).filter(({ name }) => ["workflow", "app", "model", "module", "instance", "profile"].includes(name));
	for (const widget of widgets) {
		after(widget, () => {
			ends.delete(node);
			redraw();
		});
	}
}

/** Chips for nodes without a badge of ours: those of other packs, in a segment. @type {RhChips} */
function chipsOf(thing) {
	if (failed.has(thing)) return [{ text: t("failed_chip"), color: FAILED, frame: true }];
	const end = badged.has(thing) ? undefined : endOf(thing);
	return end ? [end] : [];
}

/** @type {(node: any) => RhChip | undefined} */
const badgeOf = (node) =>
	endOf(node) ?? estimateOf(node)[0] ?? nodesIn(node).map((inner) => endOf(inner) ?? forecastOf(inner)).find(Boolean);

/** Estimated time and price of a node inside a subgraph. @type {(inner: any) => RhChip | undefined} */
function forecastOf(inner) {
	const text = dotted(estimateOf(inner)[0]?.text ?? "", priceOf(inner));
	return text ? { text, color: KEPT } : undefined;
}

/** All nodes inside a subgraph node, recursively. @param {any} node @returns {any[]} */
const nodesIn = ({ subgraph }) => (subgraph?.nodes ?? []).flatMap((/** @type {any} */ node) => [node, ...nodesIn(node)]);

/** @type {(node: any) => RhChip | undefined} */
function endOf(node) {
	const end = ends.get(node);
	if (!end || widgetOf(node, TEXT_LINE)) return undefined;
	const text = clean(lineOf(end.line), MAX_LENGTH);
	return text ? { text, color: COLORS[end.state] ?? KEPT } : undefined;
}

/** @type {RhChips} */
function estimateOf(thing) {
	const program = programOf(thing);
	const kind = kindOf(thing);
	if (kind && !valueOf(thing, kind)) return [{ text: t(`fresh.${kind}`), color: KEPT }];
	if (!program) return [];
	const key = JSON.stringify(program);
	const text = estimates.get(key);
	if (text === undefined) {
		estimates.set(key, "");
		setTimeout(estimate, ESTIMATE_DELAY, key);
	}
	return text ? [{ text, color: KEPT }] : [];
}

/** Fetch an estimate; best effort, since the run reports what is wrong. */
async function estimate(key = "") {
	const program = JSON.parse(key);
	const expected = await post("/runninghub/estimate", program).catch(() => null);
	// A model's node shows its own price, which depends on its current values.
	estimates.set(key, estimateText(program.kind === "model" && expected ? { ...expected, quote: "" } : expected));
	redraw();
}

async function raiseLimit() {
	const { limitsPage } = await lazy("features/limits.mjs");
	openDialog({ title: t("raise"), body: limitsPage() });
}

/** Show a notice for a validation error that the user can resolve here; ComfyUI shows the others. @param {Record<string, any>} errors of POST /prompt, by node */
async function showRefused(errors) {
	const { id: graph } = rootGraph();
	await loadTexts();
	for (const [id, { errors: list = [] }] of Object.entries(errors)) {
		const node = nodeOf(id);
		const there = nodeOpener(graph, id);
		for (const { details, extra_info: more } of list) {
			/** @type {(status: HTMLElement, close: () => void) => any[]} */
			const ways = (status, close) => remedies.flatMap((way) => way({ report: null, node, kind: more?.exception_type ?? "", there }, status, close)).filter(Boolean);
			if (ways(statusLine(), () => {}).length === 0) continue;
			dismiss(id, graph);
			const shut = notice("alert", t("failed", { node: node?.title ?? id }), details, (close, status) => ways(status, close));
			alerts.set(alertKey(id, graph), { shut, order: 0 });
			break;
		}
	}
}

/** A function that opens a node's workflow and returns the node. @type {(graph: string, id: string) => () => Promise<any>} */
const nodeOpener = (graph, id) => async () => {
	await openWorkflow(graph);
	return nodeOf(id);
};

/** Warn of cancelled tasks that may still run and cost; the notice stays until that is known. @param {{ node: string, graph: string, line: Record<string, string>, unsure: string[], profile: string }} ended */
async function showUnsure({ node: id, graph, line, unsure, profile }) {
	await loadTexts();
	dismiss(id, graph);
	const shut = notice("alert", t("unsure"), lineOf(line), (close, status) => [
		action(t("cancel_again"), status, async () => {
			const answers = await Promise.all(unsure.map((task_id) => post("/runninghub/tasks/cancel", { task_id, profile })));
			if (!answers.every(({ confirmed }) => confirmed)) throw new Error(tasks("cancel_unsure"));
			close();
			toast("success", tasks("did.cancel"));
		}),
		action(tasks("look"), status, openTasks),
	]);
	alerts.set(alertKey(id, graph), { shut, order: 0, stays: true });
}

/** The notice key of missing results: separate from the failure notice, which the node's next output closes. @param {string} id */
const gapsKey = (id) => `${id} gaps`;

/** Warn of results that were paid but not delivered: the node's own line has room only for the beginning. @param {{ node: string, graph: string, gaps: Record<string, string>, tasks: string[], profile: string }} ended */
async function showGaps({ node: id, graph, gaps, tasks: ids, profile }) {
	await loadTexts();
	const node = isOpen(graph) && nodeOf(id);
	const shut = notice("alert", t("gaps", { node: node?.title ?? id }), lineOf(gaps), (close, status) => [
		action(tasks("fetch"), status, async () => {
			const answers = await Promise.all(ids.map((task_id) => post("/runninghub/tasks/fetch", { task_id, profile })));
			const missing = answers.map((fetched) => lineOf(fetched.gaps)).filter(Boolean);
			if (missing.length > 0) throw new Error(missing.join(" "));
			close();
			toast("success", tasks("did.fetch"));
		}),
		node && action(t("show_node"), status, async () => show(id)),
	]);
	alerts.set(alertKey(gapsKey(id), graph), { shut, order: 0, stays: true });
}

/** Show a failure with its message and actions: ComfyUI hides the message behind a button. @param {Failure} failure */
async function showFailure({ prompt_id: prompt, node_id: id, node_type, exception_type: kind = "", exception_message: message = "" }, own = id) {
	await loadTexts();
	const read = (words = false) => post("/runninghub/report", { prompt, node_id: own, words });
	const report = await read().catch(() => null);
	const graph = report?.graph || rootGraph().id;
	const node = isOpen(graph) && nodeOf(id);
	const there = nodeOpener(graph, id);
	/** @param {HTMLElement} status */
	const copy = (status, words = false) => async () => {
		const { text } = words ? await read(words) : report;
		if (navigator.clipboard) {
			await navigator.clipboard.writeText(text);
			status.textContent = t("copied");
		} else {
			// Not a secure context.
			const body = h("textarea", { readOnly: true, rows: 12, value: text });
			openDialog({ title, body });
		}
	};
	// Exempts each refused order once, or one of its program (a new seed); what is done is not repeated.
	const once = async () => {
		const passed = await post("/runninghub/limits/once", { prompt, node_id: own });
		await openWorkflow(graph); // now: another may have been opened meanwhile
		await queueAs(passed.prompt);
	};
	const part = report?.segment ? segments("menu", { name: report.segment }) : node_type;
	const title = t("failed", { node: node?.title ?? part });
	closeOverlay();
	notify(title, message.trim());
	dismiss(own, graph);
	const shut = notice("alert", title, message.trim(), (close, status) => [
		...remedies.flatMap((way) => way({ report, node, kind, there }, status, close)),
		(node || !isOpen(graph)) && action(t("show_node"), status, async () => (await there()) && show(id)),
		report?.question > 0 && action(t("answer"), status, openTasks),
		report?.costs > 0 && action(t("once"), status, once, t("once_sure")),
		report?.costs > 0 && action(t("raise"), status, raiseLimit),
		report?.link && link(t("open_task"), report.link),
		report && action(t("copy_report"), status, copy(status)),
		report && action(t("copy_words"), status, copy(status, true)),
	]);
	alerts.set(alertKey(own, graph), { shut, order: report?.question ?? 0, run: prompt });
}
