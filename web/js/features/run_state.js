// Before a run its estimate, after it time and cost, as badges on nodes.

import { addBadge, redrawBadges } from "../host/badges.js";
import { clearNodeErrors, language, onEvent } from "../host/comfy.js";
import { isGraphOpen, nodeOf, rootGraph } from "../host/graph.js";
import { notify } from "../host/notifications.js";
import { addChipSource } from "../host/painter.js";
import { dropPreview } from "../host/previews.js";
import { post } from "../host/server.js";
import { dotted, estimateText, loadTexts, localized, textsOf } from "../host/texts.js";
import { removeWidget } from "../host/widgets.js";
import { clean } from "../lib/form.js";
import { allThings, markAt } from "../lib/marks.js";
import { classOf, isOurs, kindOf, onWidgetChange, programOf, SEGMENT, valueOf, widgetOf } from "../lib/nodes.js";
import { formOf } from "./program/build.js";
import { priceOf } from "./program/price.js";
import { isUnread } from "./program/state.js";

const t = textsOf("running");

const ESTIMATE_DELAY = 600; // ms of delay before an estimate is requested, for the server to settle
const RETRY_DELAY = 30_000; // ms after which a failed estimate is requested again, once it is drawn
const MAX_LENGTH = 56; // characters of a badge; the node's own line has the full text
const KEPT = "#4a4f57"; // color: nothing was paid, or not yet
const FAILED = "#b3261e";
/** End state from the server → color. White text is readable on each. @type {Record<string, string>} */
const COLORS = { paid: "#1f6b3a", kept: KEPT, stopped: "#8a4b00", unsure: FAILED, failed: FAILED };
const OF_MARKS = /Marks\w+$/; // exception types of refused marks
const TEXT_LINE = "$$node-text-preview"; // ComfyUI's widget; 1.49 keeps our last line in it

/** @type {Map<string, string>} */
const estimates = new Map();
/** How a node's last run ended: text by language, and state. @type {WeakMap<any, { line: Record<string, string>, state: string }>} */
const ends = new WeakMap();
/** Ids of nodes that ComfyUI served from its cache in this run. @type {Set<string>} */
const cachedIds = new Set();
/** Nodes whose own end was reported in this run: ComfyUI sends one output for all equal nodes. @type {Set<any>} */
const reportedNodes = new Set();
/** Nodes that have a badge of ours. @type {WeakSet<any>} */
const badgedNodes = new WeakSet();
let hasListeners = false;

/** @type {RhFeature} */
export const runState = {
	nodeCreated(node) {
		const isOwn = isOurs(classOf(node));
		if (!isOwn && !node.isSubgraphNode?.()) return;
		addBadge(node, () => badgeChip(node));
		badgedNodes.add(node);
		if (isOwn) {
			listenToRuns();
			watchWidgets(node);
		}
	},
	// Undo restores values without calling the widgets' callbacks.
	afterConfigureGraph: () => redrawBadges(),
	setup() {
		// Not only in `listenToRuns`: segments run without a node of ours on the canvas.
		onEvent("runninghub.ended", (detail) => {
			const { node: id, at, graph, line, state } = detail;
			listenToRuns();
			const node = isGraphOpen(graph) ? nodeOf(id) : null;
			if (node && at) dropEnd(node);
			if (node) showEnd(nodeOf(at) ?? node, line, state);
			if (state === "paid" || state === "kept") reportedNodes.add(node);
			else if (node) dropPreview(id, node, true); // an unfinished preview would look like a result
			// Also for a segment, and for a graph that is not the open one.
			if (state === "paid") void loadTexts().then(() => notify(t("away_done"), node?.title));
		});
	},
};

/** Subscribe to run events, once: at the first node or mark of ours. Also tells the server the language. */
export function listenToRuns() {
	if (hasListeners) return;
	hasListeners = true;
	void post("/runninghub/session", { locale: language() }).catch(() => null);
	addChipSource(chipsOf);
	void loadTexts().then(redrawBadges);
	onEvent("execution_start", () => {
		allThings(rootGraph()).filter(hasFailedThere).forEach(dropEnd);
		cachedIds.clear();
		reportedNodes.clear();
		redrawBadges();
	});
	onEvent("execution_cached", ({ nodes }) => nodes.forEach((/** @type {string} */ id) => cachedIds.add(String(id))));
	onEvent("executed", (detail) => {
		const id = detail.display_node ?? detail.node;
		const node = nodeOf(id);
		if (isOurs(classOf(node))) dropPreview(id, node);
		const program = programOf(node);
		if (program) estimates.delete(JSON.stringify(program));
		// A progress line has overwritten it, in the language of the server's latest client.
		const own = reportedNodes.has(node) ? ends.get(node) : undefined;
		if (own) showEnd(node, own.line, own.state);
		else showSummary(node, detail.output, cachedIds.has(String(id)));
	});
}

/** Show the server's notice in a node's output, also of a run that another page observed. @type {(node: any, output: any, wasCached: boolean) => void} */
export function showSummary(node, output, wasCached) {
	if (!programOf(node)) return;
	const { kept, line, again } = readSummary(output?.runninghub?.[0]);
	const wasKept = kept || wasCached;
	showEnd(node, wasKept ? again : line, wasKept ? "kept" : "paid");
}

export const isListening = () => hasListeners;

/** @param {unknown} summary JSON in a node's output, from the server, possibly of an earlier version */
function readSummary(summary) {
	const parsed = typeof summary === "string" ? JSON.parse(summary) : {};
	return { kept: parsed.kept === true, line: parsed.line ?? {}, again: parsed.again ?? {} };
}

/** @type {(node: any, line: Record<string, string>, state: string) => void} */
export function showEnd(node, line, state) {
	ends.set(node, { line, state });
	const shown = widgetOf(node, TEXT_LINE);
	if (shown) shown.value = localized(line);
	redrawBadges();
}

/** When nothing runs, remove stale progress lines: how those runs ended is unknown. */
export function dropStaleLines() {
	for (const node of allThings(rootGraph())) {
		const shown = widgetOf(node, TEXT_LINE);
		if (!shown || shown.value === localized(ends.get(node)?.line ?? {})) continue;
		dropEnd(node);
		dropPreview(String(node.id), node, true);
	}
	redrawBadges();
}

/** @param {any} node */
function dropEnd(node) {
	ends.delete(node);
	const shown = widgetOf(node, TEXT_LINE);
	if (shown) removeWidget(node, shown);
}

/** Forget how the node's last run ended. @param {any} node */
export function forgetEnd(node) {
	ends.delete(node);
	redrawBadges();
}

/** Whether a node runs at RunningHub as part of a marked one. @param {any} node */
export const isOffloaded = (node) => Boolean(node && markAt(node, rootGraph()));

/** Whether a node's error is a refusal of that exception type. @type {(type: RegExp, error: any) => boolean} */
export const isRefusedAs = (type, { errors = [] }) => errors.some((/** @type {any} */ { extra_info: extra }) => type.test(extra?.exception_type));

/** Forget how nodes ended in the cloud that run here again. */
export function forgetUnmarked() {
	for (const thing of allThings(rootGraph())) {
		if (isOurs(classOf(thing)) || !ends.has(thing) || isOffloaded(thing)) continue;
		dropEnd(thing);
	}
	clearNodeErrors((id, error) => ((error.class_type ?? error.node_type) === SEGMENT || isRefusedAs(OF_MARKS, error)) && !isOffloaded(nodeOf(id)));
	redrawBadges();
}

/** Whether the end of the node's last run is known here. @param {any} node */
export const hasEnded = (node) => ends.has(node);

/** Forget the last end and redraw when a widget changes, which Nodes 2.0 does not do. @param {ComfyNode} node */
function watchWidgets(node) {
	const widgets = (node.widgets ?? []).filter(({ name }) => ["workflow", "app", "model", "module", "instance", "profile"].includes(name));
	for (const widget of widgets) {
		onWidgetChange(widget, () => forgetEnd(node));
	}
}

/** Whether a node is one of a part that failed. @param {any} thing */
const hasFailedThere = (thing) => ends.get(thing)?.state === "failed" && !badgedNodes.has(thing);

/** Chips for nodes without a badge of ours: those of other packs, in a segment. @type {RhChips} */
function chipsOf(thing) {
	const end = badgedNodes.has(thing) ? undefined : endChip(thing);
	return end ? [{ ...end, frame: hasFailedThere(thing) }] : [];
}

/** Of a node inside a subgraph the price too, which its own button shows. @type {(node: any) => RhChip | undefined} */
const badgeChip = (node) =>
	endChip(node) ?? chip(estimateOf(node)) ?? innerNodes(node).map((inner) => endChip(inner, true) ?? chip(dotted(estimateOf(inner), priceOf(inner)))).find(Boolean);

/** @returns {RhChip | undefined} */
const chip = (text = "", color = KEPT) => (text ? { text, color } : undefined);

/** All nodes inside a subgraph node, recursively. @param {any} node @returns {any[]} */
const innerNodes = ({ subgraph }) => (subgraph?.nodes ?? []).flatMap((/** @type {any} */ node) => [node, ...innerNodes(node)]);

/** How a node ended, unless its own line says so, which nobody sees from outside of its subgraph. @type {(node: any, isOutside?: boolean) => RhChip | undefined} */
function endChip(node, isOutside = false) {
	const end = ends.get(node);
	if (!end || (!isOutside && widgetOf(node, TEXT_LINE))) return undefined;
	return chip(clean(localized(end.line), MAX_LENGTH), COLORS[end.state]);
}

/** Time and cost of a node before its run, "" while unknown: of a program that could not be read nothing is told. @param {any} node */
function estimateOf(node) {
	const program = programOf(node);
	const kind = kindOf(node);
	if (kind && !valueOf(node, kind)) return t(`fresh.${kind}`);
	if (!program || !formOf(node)?.id || isUnread(node)) return "";
	const key = JSON.stringify(program);
	if (!estimates.has(key)) {
		estimates.set(key, "");
		setTimeout(fetchEstimate, ESTIMATE_DELAY, key);
	}
	return estimates.get(key);
}

/** Fetch an estimate; best effort, since the run reports what is wrong. */
async function fetchEstimate(key = "") {
	const program = JSON.parse(key);
	const expected = await post("/runninghub/estimate", program).catch(() => void setTimeout(() => estimates.delete(key), RETRY_DELAY));
	estimates.set(key, estimateText(expected));
	redrawBadges();
}
