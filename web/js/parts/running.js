// What runs usually take before one, what it took after, and of a failure what a person must know.

import { tellAway } from "../host/notifications.js";
import { closeErrorCard, language, onEvent, toast } from "../host/comfy.js";
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
import { action, answer, h, link } from "../lib/view.js";
import { priceOf } from "./program/price.js";
import { openTasks, whenAnswered } from "./tasks.js";

/** As ComfyUI tells it. @typedef {{ prompt_id: string, node_id: string, node_type: string, exception_type?: string, exception_message?: string }} Failure */

const t = textsOf("running");
const segments = textsOf("segments");
const tasks = textsOf("tasks");

const PAUSE = 600; // ms until the server has settled
const LONGEST = 56; // letters of a badge; all of it is in the node's own line
const KEPT = "#4a4f57"; // nothing was paid, or not yet
const FAILED = "#b3261e";
/** How a run ended, as the server says. White is readable on each. @type {Record<string, string>} */
const COLORS = { paid: "#1f6b3a", kept: KEPT, stopped: "#8a4b00", unsure: FAILED, failed: FAILED };
const TEXT_LINE = "$$node-text-preview"; // ComfyUI's widget; 1.49 keeps our last line in it

/** @type {Map<string, string>} */
const estimates = new Map();
/** What became of a node's last run. @type {WeakMap<any, { line: Record<string, string>, state: string }>} */
const done = new WeakMap();
/** Nodes that ComfyUI shows anew without running them. @type {Set<string>} */
const cached = new Set();
/** Nodes whose own end came in this run: ComfyUI has one output for all equal ones. @type {Set<any>} */
const ended = new Set();
/** Nodes that say it beside ComfyUI's own badges. @type {WeakSet<any>} */
const badged = new WeakSet();
const failed = new Set(); // nodes whose twin in the cloud failed in the last run
/** Notices of nodes that failed, by workflow and node: what closes one, the order that it asks about, the run that it is of, and whether a new run leaves it. @type {Map<string, { shut: RhAct, question: number, run?: string, stays?: boolean }>} */
const alerts = new Map();
let twin = { prompt_id: "", node: "" };
let listening = false;

/**
 * Buttons of other parts under a failure, whose class is `kind`; `there` opens the node's workflow and gives the node.
 * @type {((failure: { report: any, node: any, kind: string, there: () => Promise<any> }, status: HTMLElement, close: () => void) => any)[]}
 */
export const waysOut = [];

/** @type {ComfyPart} */
export const running = {
	nodeCreated(node) {
		const isOwn = isOurs(classOf(node));
		if (!isOwn && !node.isSubgraphNode?.()) return;
		addBadge(node, () => badgeOf(node));
		badged.add(node);
		if (isOwn) {
			listen();
			watch(node);
		}
	},
	// Undo puts values back without a word to their widgets.
	afterConfigureGraph: () => redraw(),
	setup() {
		whenAnswered.add(dismissAnswered);
		onQueued((errors) => void tellRefused(errors), dismissFailures);
		// Segments run without a node of ours on the canvas.
		onEvent("runninghub.failed", (detail) => {
			listen();
			twin = detail;
			failed.add(nodeOf(detail.node));
		});
		onEvent("runninghub.ended", (detail) => {
			const { node: id, graph, line, state, unsure, gaps = {} } = detail;
			listen();
			const node = isOpen(graph) ? nodeOf(id) : null;
			if (node) tellEnd(node, line, state);
			if (state === "paid" || state === "kept") ended.add(node);
			else if (node) dropPreview(id, node, true); // half a picture would look like a result
			if (unsure.length > 0) void tellUnsure(detail);
			else if (state !== "failed") dismiss(id, graph);
			dismiss(gapsOf(id), graph);
			if (lineOf(gaps)) void tellGaps(detail);
			// Also of a part of a graph, and of a graph that is not the one on the canvas.
			if (state === "paid") void loadTexts().then(() => tellAway(t("away_done"), node?.title));
		});
		const first = true; // ComfyUI then frames the node that failed there
		onEvent("execution_error", (detail) => {
			const own = detail.node_id;
			if (twin.prompt_id === detail.prompt_id) detail.node_id = twin.node;
			if (isOurs(detail.node_type)) void tellFailure(detail, own);
		}, first);
	},
};

/** From the first node or mark of ours on; the server also learns our language. */
export function listen() {
	if (listening) return;
	listening = true;
	void post("/runninghub/session", { locale: language() }).catch(() => null);
	draw(chipsOf);
	void loadTexts().then(redraw);
	onEvent("execution_start", () => {
		failed.clear();
		cached.clear();
		ended.clear();
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
		// Its last line of progress came meanwhile, in the language of who asked the server last.
		const own = ended.has(node) ? done.get(node) : undefined;
		if (own) tellEnd(node, own.line, own.state);
		else tellOutput(node, detail.output, cached.has(String(id)));
	});
}

/** What a run left with a node's outputs, also of one that another page saw. @type {(node: any, output: any, wasCached: boolean) => void} */
export function tellOutput(node, output, wasCached) {
	if (!programOf(node)) return;
	const { kept, line, again } = readNotice(output?.runninghub?.[0]);
	const wasKept = kept || wasCached;
	tellEnd(node, wasKept ? again : line, wasKept ? "kept" : "paid");
}

/** Of what nodes say, in both renderers. */
const redraw = redrawBadges;

export const isListening = () => listening;

/** @param {unknown} notice what the server left with a node's outputs, also of an earlier version */
function readNotice(notice) {
	const parsed = typeof notice === "string" ? JSON.parse(notice) : {};
	return { kept: parsed.kept === true, line: parsed.line ?? {}, again: parsed.again ?? {} };
}

/** @type {(node: any, line: Record<string, string>, state: string) => void} */
export function tellEnd(node, line, state) {
	done.set(node, { line, state });
	const shown = widgetOf(node, TEXT_LINE);
	if (shown) shown.value = lineOf(line);
	redraw();
}

/** @param {string} [graph] "" for a run of no workflow */
const isOpen = (graph) => !graph || graph === rootGraph().id;

/** @param {string} id @param {string} [graph] */
const placeOf = (id, graph) => `${graph || rootGraph().id} ${id}`;

/** Of a node that ran well, or failed anew. @param {string} id @param {string} [graph] */
function dismiss(id, graph) {
	alerts.get(placeOf(id, graph))?.shut();
	alerts.delete(placeOf(id, graph));
}

/** A new run of the open workflow begins: what failed before would look like a failure of it. @param {any} _ @param {string} begun its id; it may have failed already */
function dismissFailures(_, begun) {
	for (const [place, { shut, question, stays, run }] of alerts) {
		if (run === begun) setTimeout(closeErrorCard); // ComfyUI opens its own again
		if (stays || question || run === begun || !place.startsWith(placeOf(""))) continue;
		shut();
		alerts.delete(place);
	}
}

function dismissAnswered(order = 0) {
	for (const [place, { shut, question }] of alerts) {
		if (question !== order) continue;
		shut();
		const [graph, id = ""] = place.split(" ");
		if (isOpen(graph)) done.delete(nodeOf(id)); // its badge asked the same
	}
	redraw();
}

/** Nothing runs: what lines still say of a run is over, and nobody knows how. */
export function dropRunningLines() {
	for (const node of allThings(rootGraph())) {
		const shown = widgetOf(node, TEXT_LINE);
		if (!shown || shown.value === lineOf(done.get(node)?.line ?? {})) continue;
		done.delete(node);
		removeWidget(node, shown);
		dropPreview(String(node.id), node, true);
	}
	redraw();
}

/** Whether how its last run ended is known here. @param {any} node */
export const hasEnded = (node) => done.has(node);

/** @param {Record<string, string>} line in each language */
const lineOf = (line) => line[language()] ?? line.en ?? "";

/** Nodes 2.0 does not draw the canvas when a widget changes. @param {ComfyNode} node */
function watch(node) {
	const widgets = (node.widgets ?? []).filter(({ name }) => ["workflow", "app", "model", "module", "instance", "profile"].includes(name));
	for (const widget of widgets) {
		after(widget, () => {
			done.delete(node);
			redraw();
		});
	}
}

/** What has no badge of ours: nodes of other packs, which run in a segment. @type {RhChips} */
function chipsOf(thing) {
	if (failed.has(thing)) return [{ text: t("failed_chip"), color: FAILED, frame: true }];
	const end = badged.has(thing) ? undefined : endOf(thing);
	return end ? [end] : [];
}

/** @type {(node: any) => RhChip | undefined} */
const badgeOf = (node) =>
	endOf(node) ?? estimateOf(node)[0] ?? nodesIn(node).map((inner) => endOf(inner) ?? beforeOf(inner)).find(Boolean);

/** What a run of a node inside a subgraph will probably take and cost. @type {(inner: any) => RhChip | undefined} */
function beforeOf(inner) {
	const text = dotted(estimateOf(inner)[0]?.text ?? "", priceOf(inner));
	return text ? { text, color: KEPT } : undefined;
}

/** Those inside a subgraph: ours, and what a marked part cut out. @param {any} node @returns {any[]} */
const nodesIn = ({ subgraph }) => (subgraph?.nodes ?? []).flatMap((/** @type {any} */ node) => [node, ...nodesIn(node)]);

/** @type {(node: any) => RhChip | undefined} */
function endOf(node) {
	const end = done.get(node);
	if (!end || widgetOf(node, TEXT_LINE)) return undefined;
	const text = clean(lineOf(end.line), LONGEST);
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
		setTimeout(estimate, PAUSE, key);
	}
	return text ? [{ text, color: KEPT }] : [];
}

/** A hint; the run tells what is wrong. */
async function estimate(key = "") {
	const program = JSON.parse(key);
	const expected = await post("/runninghub/estimate", program).catch(() => null);
	// A model's node tells its price itself, by the values that it has.
	estimates.set(key, estimateText(program.kind === "model" && expected ? { ...expected, quote: "" } : expected));
	redraw();
}

async function raiseLimit() {
	const { limitsPage } = await lazy("parts/limits.mjs");
	openDialog({ title: t("raise"), body: limitsPage() });
}

/** What was refused before it ran and a person can do something about; ComfyUI tells the rest. @param {Record<string, any>} errors of POST /prompt, by node */
async function tellRefused(errors) {
	const { id: graph } = rootGraph();
	await loadTexts();
	for (const [id, { errors: list = [] }] of Object.entries(errors)) {
		const node = nodeOf(id);
		const there = thereOf(graph, id);
		for (const { details, extra_info: more } of list) {
			/** @type {(status: HTMLElement, close: () => void) => any[]} */
			const ways = (status, close) => waysOut.map((way) => way({ report: null, node, kind: more?.exception_type ?? "", there }, status, close)).flat().filter(Boolean);
			if (ways(answer(), () => {}).length === 0) continue;
			dismiss(id, graph);
			const shut = notice("alert", t("failed", { node: node?.title ?? id }), details, (close, status) => ways(status, close));
			alerts.set(placeOf(id, graph), { shut, question: 0 });
			break;
		}
	}
}

/** Gives a node after its workflow was opened. @type {(graph: string, id: string) => () => Promise<any>} */
const thereOf = (graph, id) => async () => {
	await openWorkflow(graph);
	return nodeOf(id);
};

/** Tasks that were stopped and may run and cost: told until it is known. @param {{ node: string, graph: string, line: Record<string, string>, unsure: string[], profile: string }} ended */
async function tellUnsure({ node: id, graph, line, unsure, profile }) {
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
	alerts.set(placeOf(id, graph), { shut, question: 0, stays: true });
}

/** Beside the notice of a failure, which the node's next output closes. @param {string} id */
const gapsOf = (id) => `${id} gaps`;

/** What was paid and did not come: the node has room for its beginning alone. @param {{ node: string, graph: string, gaps: Record<string, string>, tasks: string[], profile: string }} ended */
async function tellGaps({ node: id, graph, gaps, tasks: ids, profile }) {
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
	alerts.set(placeOf(gapsOf(id), graph), { shut, question: 0, stays: true });
}

/** ComfyUI hides the message of a run that failed behind a button. @param {Failure} failure */
async function tellFailure({ prompt_id: prompt, node_id: id, node_type, exception_type: kind = "", exception_message: message = "" }, own = id) {
	await loadTexts();
	const read = (words = false) => post("/runninghub/report", { prompt, node_id: own, words });
	const report = await read().catch(() => null);
	const graph = report?.graph || rootGraph().id;
	const node = isOpen(graph) && nodeOf(id);
	const there = thereOf(graph, id);
	/** @param {HTMLElement} status */
	const copy = (status, words = false) => async () => {
		const { text } = words ? await read(words) : report;
		if (navigator.clipboard) {
			await navigator.clipboard.writeText(text);
			status.textContent = t("copied");
		} else {
			// The page is not from a secure origin.
			const body = h("textarea", { readOnly: true, rows: 12, value: text });
			openDialog({ title, body });
		}
	};
	// The very orders that were refused; what is done already is not done again.
	const once = async () => {
		await openWorkflow(graph);
		const passed = await post("/runninghub/limits/once", { prompt, node_id: own });
		await queueAs(passed.prompt);
	};
	const part = report?.segment ? segments("menu", { name: report.segment }) : node_type;
	const title = t("failed", { node: node?.title ?? part });
	closeErrorCard();
	tellAway(title, message.trim());
	dismiss(own, graph);
	const shut = notice("alert", title, message.trim(), (close, status) => [
		...waysOut.map((way) => way({ report, node, kind, there }, status, close)).flat(),
		(node || !isOpen(graph)) && action(t("show_node"), status, async () => (await there()) && show(id)),
		report?.question > 0 && action(t("answer"), status, openTasks),
		report?.costs > 0 && action(t("once"), status, once, t("once_sure")),
		report?.costs > 0 && action(t("raise"), status, raiseLimit),
		report?.link && link(t("open_task"), report.link),
		report && action(t("copy_report"), status, copy(status)),
		report && action(t("copy_words"), status, copy(status, true)),
	]);
	alerts.set(placeOf(own, graph), { shut, question: report?.question ?? 0, run: prompt });
}
