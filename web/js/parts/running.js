// What runs usually take before one, what it took after, and of a failure what a person must know.

import { after, api, classOf, isOurs, language, nodeOf, programOf, show, widgetOf } from "../lib/comfy.js";
import { draw, redraw } from "../lib/painter.js";
import { post } from "../lib/server.js";
import { estimateText, loadTexts, textsOf } from "../lib/texts.js";
import { action, h, link, notice, openDialog } from "../lib/view.js";
import { openTasks } from "./tasks.js";

const t = textsOf("running");

const PAUSE = 600; // ms until the server has settled
const TEXT_LINE = "$$node-text-preview"; // ComfyUI's widget; 1.49 keeps our last line in it

/** @type {Map<string, string>} */
const estimates = new Map();
const done = new WeakMap(); // what a node's last run took
const failed = new Set(); // nodes whose twin in the cloud failed in the last run
let twin = { prompt_id: "", node: "" };
let listening = false;

/** @type {ComfyPart} */
export const running = {
	nodeCreated(node) {
		if (isOurs(classOf(node))) {
			listen();
			watch(node);
		}
	},
	setup() {
		// Segments run without a node of ours on the canvas.
		api.addEventListener("runninghub.failed", ({ detail }) => {
			listen();
			twin = detail;
			failed.add(nodeOf(detail.node));
		});
		const first = true; // ComfyUI then frames the node that failed there
		api.addEventListener("execution_error", ({ detail }) => {
			const own = detail.node_id;
			done.delete(nodeOf(own));
			if (twin.prompt_id === detail.prompt_id) detail.node_id = twin.node;
			if (isOurs(detail.node_type)) void tell(detail, own);
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
	api.addEventListener("execution_start", () => {
		failed.clear();
		redraw();
	});
	api.addEventListener("executed", ({ detail }) => {
		const id = detail.display_node ?? detail.node;
		const node = nodeOf(id);
		const program = programOf(node);
		if (isOurs(classOf(node))) dropPreview(id, node);
		if (program) {
			done.set(node, String(detail.output?.text?.[0] ?? ""));
			estimates.delete(JSON.stringify(program));
			redraw();
		}
	});
}

/** ComfyUI leaves the sampler's last preview in the result's place. @type {RhDropPreview} */
function dropPreview(id, node) {
	const root = /** @type {any} */ (document.querySelector("#vue-app"));
	const outputs = root?.__vue_app__?.config.globalProperties.$pinia?._s.get("nodeOutput");
	outputs?.revokePreviewsByExecutionId?.(id);
	// It does so a little later, and neither 1.49 nor the classic canvas sees it.
	setTimeout(() => {
		outputs?.refreshNodeOutputs?.(node);
		node.images = undefined;
		redraw();
	}, PAUSE);
}

/** Nodes 2.0 does not draw the canvas when a widget changes. @param {ComfyNode} node */
function watch(node) {
	const told = (node.widgets ?? []).filter(({ name }) => ["workflow", "app", "instance", "profile"].includes(name));
	for (const widget of told) {
		after(widget, () => {
			done.delete(node);
			redraw();
		});
	}
}

/** @type {RhChips} */
function chipsOf(thing) {
	if (failed.has(thing)) return [{ text: t("failed_chip"), color: "#b3261e", frame: true }];
	const program = programOf(thing);
	if (!program) return [];
	const took = done.get(thing);
	if (took && !widgetOf(thing, TEXT_LINE)) return [{ text: took, color: "#1f6b3a" }];
	const key = JSON.stringify(program);
	const text = estimates.get(key);
	if (text === undefined) {
		estimates.set(key, "");
		setTimeout(estimate, PAUSE, key);
	}
	return text ? [{ text, color: "#4a4f57" }] : [];
}

/** A hint: what is wrong the run says. */
async function estimate(key = "") {
	const told = await post("/runninghub/estimate", JSON.parse(key)).catch(() => null);
	estimates.set(key, estimateText(told));
	redraw();
}

/** ComfyUI hides the message of a run that failed behind a button. @param {RhFailure} failure */
async function tell({ node_id: id, node_type, exception_message: said = "" }, own = id) {
	await loadTexts();
	const node = nodeOf(id);
	const read = (words = false) => post("/runninghub/report", { node_id: own, words });
	const report = await read().catch(() => null);
	/** @param {HTMLElement} told */
	const copy = (told, words = false) => async () => {
		const { text } = words ? await read(words) : report;
		if (navigator.clipboard) {
			await navigator.clipboard.writeText(text);
			told.textContent = t("copied");
		} else {
			// The page is not from a secure origin.
			const body = h("textarea", { readOnly: true, rows: 12, value: text });
			openDialog({ title, body });
		}
	};
	const title = t("failed", { node: node?.title ?? node_type });
	notice("alert", title, said.trim(), (_, told) => [
		node && action(t("show_node"), told, () => show(id)),
		report?.uncertain && action(t("answer"), told, openTasks),
		report?.link && link(t("open_task"), report.link),
		report && action(t("copy_report"), told, copy(told)),
		report && action(t("copy_words"), told, copy(told, true)),
	]);
}
