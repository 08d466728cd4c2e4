// Notices of failed runs, of cancels that may still cost and of missing results, with actions on each.

import { closeOverlay, onEvent, toast } from "../host/comfy.js";
import { openDialog, showNotice } from "../host/dialogs.js";
import { isGraphOpen, nodeOf, openWorkflow, revealNode, rootGraph } from "../host/graph.js";
import { lazy } from "../host/lazy.js";
import { notify } from "../host/notifications.js";
import { onPromptPosted, queueWithId } from "../host/queue.js";
import { post } from "../host/server.js";
import { loadTexts, localized, textsOf } from "../host/texts.js";
import { isOurs } from "../lib/nodes.js";
import { actionButton, h, link, statusLine } from "../lib/view.js";
import { forgetEnd } from "./run_state.js";
import { openTasks, settleListeners } from "./tasks.js";

/** ComfyUI's `execution_error`. @typedef {{ prompt_id: string, node_id: string, node_type: string, exception_type?: string, exception_message?: string }} ExecutionError */

/** What an action resolves. `kind`: exception type; `openNode` opens the node's workflow and returns the node. @typedef {{ report: any, node: any, kind: string, openNode: () => Promise<any> }} Failure */

/** The buttons of a notice. @typedef {(close: () => void, status: HTMLElement) => any[]} Buttons */

const t = textsOf("running");
const tTasks = textsOf("tasks");

/** Open notices by "<workflow> <node>": close function, order in question (0: none), prompt id, and whether a new run keeps it. @type {Map<string, { close: RhCallback, order: number, prompt?: string, persists?: boolean }>} */
const notices = new Map();
let cloudFailure = { prompt_id: "", node: "" };

/** Factories of buttons under a failure, from other features. @type {((failure: Failure, status: HTMLElement, close: () => void) => any)[]} */
export const failureActions = [];

/** @type {(failure: Failure, status: HTMLElement, close: () => void) => any[]} */
const actionsFor = (...args) => failureActions.flatMap((makeButtons) => makeButtons(...args)).filter(Boolean);

/** @type {RhFeature} */
export const failureNotices = {
	setup() {
		settleListeners.add(closeSettled);
		onPromptPosted((errors) => void showRefused(errors), closeOutdated);
		onEvent("runninghub.failed", (detail) => {
			cloudFailure = detail;
		});
		onEvent("runninghub.ended", (detail) => {
			const { node: id, graph, state, gaps = {} } = detail;
			if (state === "unsure") void showUnsure(detail);
			else if (state !== "failed") closeNotice(noticeKey(id, graph));
			closeNotice(gapsKey(id, graph));
			if (localized(gaps)) void showGaps(detail);
		});
		onEvent("executed", ({ display_node: shown, node }) => closeNotice(noticeKey(shown ?? node)));
		const first = true; // so that ComfyUI outlines the node that failed in the cloud
		onEvent("execution_error", (detail) => {
			const reportedId = detail.node_id;
			if (cloudFailure.prompt_id === detail.prompt_id) detail.node_id = cloudFailure.node;
			if (isOurs(detail.node_type)) void showFailure(detail, reportedId);
		}, first);
	},
	// Another workflow was opened, perhaps.
	afterConfigureGraph: () => closeWhere((isOpen) => !isOpen),
};

/** @param {string} id @param {string} [graph] */
export const noticeKey = (id, graph) => `${graph || rootGraph().id} ${id}`;

/** The key of missing results: separate from the failure notice, which the node's next output closes. @param {string} id @param {string} [graph] */
const gapsKey = (id, graph) => `${noticeKey(id, graph)} gaps`;

/** Close the notice of a node that succeeded, or failed again. @param {string} key */
function closeNotice(key) {
	notices.get(key)?.close();
	notices.delete(key);
}

/** Show a notice, in place of an earlier one of that key. @type {(key: string, title: string, text: string, buttons: Buttons, options?: { order?: number, prompt?: string, persists?: boolean }) => void} */
export function openNotice(key, title, text, buttons, options) {
	closeNotice(key);
	notices.set(key, { order: 0, ...options, close: showNotice("alert", title, text, buttons) });
}

/** Close notices, but those that persist or ask for an order's fate. `isOpen`: whether its workflow is, which `node` then is of. @param {(isOpen: boolean, notice: { prompt?: string }, node: any) => boolean} isOver */
function closeWhere(isOver) {
	for (const [key, notice] of notices) {
		const [graph, id = ""] = key.split(" ");
		if (!notice.persists && !notice.order && isOver(isGraphOpen(graph), notice, nodeOf(id))) closeNotice(key);
	}
}

/** Close the notices of what failed before, when a new run begins. @param {any} _ @param {string} begun its prompt id; it may have failed already */
function closeOutdated(_, begun) {
	closeWhere((isOpen, { prompt }) => isOpen && prompt !== begun);
	if ([...notices.values()].some(({ prompt }) => prompt === begun)) setTimeout(closeOverlay); // ComfyUI has reopened its own
}

/** Close the notices of a node that runs another program now. @param {ComfyNode} node */
export const closeReplaced = (node) => closeWhere((isOpen, _, own) => isOpen && own === node);

/** Close the notices that ask for an order's fate, once the user has settled it. */
function closeSettled(order = 0) {
	for (const [key, { close, order: asked }] of notices) {
		if (asked !== order) continue;
		close();
		const [graph, id = ""] = key.split(" ");
		if (isGraphOpen(graph)) forgetEnd(nodeOf(id)); // its badge asked the same
	}
}

/** Show a notice for a validation error that the user can resolve here; ComfyUI shows the others. @param {Record<string, any>} errors of POST /prompt, by node */
async function showRefused(errors) {
	const { id: graph } = rootGraph();
	await loadTexts();
	for (const [id, { errors: list = [] }] of Object.entries(errors)) {
		const node = nodeOf(id);
		const openNode = nodeOpener(graph, id);
		for (const { details, extra_info: extra } of list) {
			const failure = { report: null, node, kind: extra?.exception_type ?? "", openNode };
			if (actionsFor(failure, statusLine(), () => {}).length === 0) continue;
			openNotice(noticeKey(id, graph), t("failed", { node: node?.title ?? id }), details, (close, status) => actionsFor(failure, status, close));
			break;
		}
	}
}

/** A function that opens a node's workflow and returns the node. @type {(graph: string, id: string) => () => Promise<any>} */
const nodeOpener = (graph, id) => async () => {
	await openWorkflow(graph);
	return nodeOf(id);
};

/** Warn of cancelled tasks that may still run and cost; the notice stays until that is known. @param {{ node: string, graph: string, line: Record<string, string>, unsure: string[], order: number, profile: string }} ended `order`: one that may have no task, 0: none */
async function showUnsure({ node: id, graph, line, unsure, order, profile }) {
	await loadTexts();
	/** @type {Buttons} */
	const buttons = (close, status) => [
		unsure.length > 0 && actionButton(t("cancel_again"), status, async () => {
			const answers = await Promise.all(unsure.map((task_id) => post("/runninghub/tasks/cancel", { task_id, profile })));
			if (!answers.every(({ confirmed }) => confirmed)) throw new Error(tTasks("cancel_unsure"));
			close();
			toast("success", tTasks("did.cancel"));
		}),
		actionButton(tTasks("look"), status, openTasks),
	];
	openNotice(noticeKey(id, graph), t("unsure"), localized(line), buttons, { persists: true, order });
}

/** Warn of results that were paid but not delivered: the node's own line has room only for the beginning. @param {{ node: string, graph: string, gaps: Record<string, string>, tasks: string[], profile: string }} ended */
async function showGaps({ node: id, graph, gaps, tasks, profile }) {
	await loadTexts();
	const node = isGraphOpen(graph) && nodeOf(id);
	/** @type {Buttons} */
	const buttons = (close, status) => [
		actionButton(tTasks("fetch"), status, async () => {
			const answers = await Promise.all(tasks.map((task_id) => post("/runninghub/tasks/fetch", { task_id, profile })));
			const missing = answers.map((fetched) => localized(fetched.gaps)).filter(Boolean);
			if (missing.length > 0) throw new Error(missing.join(" "));
			close();
			toast("success", tTasks("did.fetch"));
		}),
		node && actionButton(t("show_node"), status, async () => revealNode(id)),
	];
	openNotice(gapsKey(id, graph), t("gaps", { node: node?.title ?? id }), localized(gaps), buttons, { persists: true });
}

/** Show a failure with its message and actions: ComfyUI hides the message behind a button. `reportedId`: the node of ours that failed, where the error's is one in the cloud. @type {(error: ExecutionError, reportedId: string) => Promise<void>} */
async function showFailure({ prompt_id: prompt, node_id: id, node_type, exception_type: kind = "", exception_message: message = "" }, reportedId) {
	await loadTexts();
	const readReport = (words = false) => post("/runninghub/report", { prompt, node_id: reportedId, words });
	const report = await readReport().catch(() => null);
	const graph = report?.graph || rootGraph().id;
	const node = isGraphOpen(graph) && nodeOf(id);
	const openNode = nodeOpener(graph, id);
	/** @param {HTMLElement} status */
	const copyHandler = (status, words = false) => async () => {
		const { text } = words ? await readReport(words) : report;
		try {
			await navigator.clipboard.writeText(text);
			status.textContent = t("copied");
		} catch {
			// Not a secure context, or refused: by the user, or by a page that embeds this one.
			const body = h("textarea", { readOnly: true, rows: 12, value: text });
			openDialog({ title, body });
		}
	};
	// Exempts each refused order once, or one of its program (a new seed); what is done is not repeated.
	const allowOnce = async () => {
		const allowed = await post("/runninghub/limits/once", { prompt, node_id: reportedId });
		await openWorkflow(graph); // now: another may have been opened meanwhile
		await queueWithId(allowed.prompt);
	};
	const label = report?.segment ? textsOf("segments")("menu", { name: report.segment }) : node_type;
	const title = t("failed", { node: node?.title ?? label });
	closeOverlay();
	notify(title, message.trim());
	/** @type {Buttons} */
	const buttons = (close, status) => [
		...actionsFor({ report, node, kind, openNode }, status, close),
		(node || !isGraphOpen(graph)) && actionButton(t("show_node"), status, async () => (await openNode()) && revealNode(id)),
		report?.question > 0 && actionButton(t("answer"), status, openTasks),
		report?.costs > 0 && actionButton(t("once"), status, allowOnce, t("once_sure")),
		report?.costs > 0 && actionButton(t("raise"), status, openLimits),
		report?.link && link(t("open_task"), report.link),
		report && actionButton(t("copy_report"), status, copyHandler(status)),
		report && actionButton(t("copy_words"), status, copyHandler(status, true)),
	];
	openNotice(noticeKey(reportedId, graph), title, message.trim(), buttons, { order: report?.question ?? 0, prompt });
}

async function openLimits() {
	const { limitsPage } = await lazy("features/limits.mjs");
	openDialog({ title: t("raise"), body: limitsPage() });
}
