// Offers to run a part on RunningHub that failed here; nothing is ordered before the user agrees.

import { isGraphOpen, nodeOf, openWorkflow, revealNode, rootGraph } from "../host/graph.js";
import { queuePosted } from "../host/queue.js";
import { post } from "../host/server.js";
import { dotted, loadTexts, shortPrice, textsOf } from "../host/texts.js";
import * as marks from "../lib/marks.js";
import { actionButton } from "../lib/view.js";
import { offerKey } from "./account.js";
import { noticeKey, openNotice } from "./failure_notices.js";
import { listenToRuns } from "./run_state.js";
import { mark } from "./segments.js";

/** Nodes that failed here, and why: `models` that are not on this machine, or a message. @typedef {{ ids: string[], models: string[], text: string, posted: import("../host/queue.js").Posted, prompt?: string }} Lost */

const t = textsOf("rescue");
const tRunning = textsOf("running");
const tSegments = textsOf("segments");

const FILES = ["IMAGE", "MASK", "AUDIO", "VIDEO", "LORA"]; // what is uploaded; texts and numbers go in the graph

const MODEL = /\.(safetensors|sft|ckpt|pt2?|pth|bin|gguf|onnx)$/i;

/** Offer the loaders whose models this machine lacks, if nothing else was refused. @type {(errors: Record<string, any>, posted: import("../host/queue.js").Posted) => Promise<void>} */
export async function offerLacking(errors, posted) {
	const all = Object.values(errors).flatMap((node) => node.errors ?? []);
	const models = all.map(({ type, extra_info: extra }) => (type === "value_not_in_list" && MODEL.test(extra?.received_value) ? String(extra.received_value) : ""));
	if (models.length === 0 || !models.every(Boolean)) return;
	await offerRescue({ ids: Object.keys(errors), models: [...new Set(models)], text: "", posted });
}

/** @param {Lost} lost */
export async function offerRescue(lost) {
	const { ids, models, text, posted, prompt } = lost;
	await loadTexts();
	const graph = posted.workflow?.id ?? rootGraph().id;
	const before = posted.segments ?? []; // parts of this graph that were offered earlier
	const taken = [...marks.allThings(rootGraph()).map(marks.markOf), marks.wholeOf(rootGraph()), ...before.map(({ name }) => ({ segment: name, instance: "", only: false }))];
	// Named by the prompt alone: the graph keeps no mark of it.
	const segments = [...before, { nodes: ids, name: marks.markFor([], [], taken).segment }];
	/** @type {import("./explanation.mjs").Explained} */
	const explained = await post("/runninghub/explain", { prompt: posted.output, extra_data: { extra_pnginfo: { workflow: posted.workflow }, runninghub: { segments } } });
	const { refused } = explained;
	const there = explained.segments.flatMap(({ nodes }) => nodes.map(({ id }) => id));
	const mayRun = ids.every((id) => there.includes(id));
	const notes = explained.notes.filter(({ id }) => ids.includes(id)).map((note) => note.text);
	const more = [];
	if (refused?.hint === "no_key") more.push(t("no_key"));
	else if (!mayRun) more.push(t("cannot", { reason: refused?.message ?? notes.join(" ") }));
	else if (models.length > 0) more.push(...notes);
	const node = isGraphOpen(graph) && nodeOf(ids[0] ?? "");
	const title = models.length > 0 ? t("missing", { names: models.join(", ") }) : tRunning("failed", { node: node?.title ?? ids[0] });
	const run = async (keeps = false) => {
		await openWorkflow(graph);
		if (keeps) mark(ids.map(nodeOf).filter(Boolean));
		listenToRuns();
		await queuePosted({ ...posted, segments });
	};
	const enterKey = async () => void ((await offerKey(null)) && offerRescue(lost));
	openNotice(noticeKey(ids[0] ?? "", graph), title, [text.trim(), ...more].filter(Boolean).join("\n"), (_, status) => [
		...(mayRun ? [actionButton(t("run", { facts: factsOf(explained) }), status, () => run()), actionButton(t("always"), status, () => run(true))] : []),
		refused?.hint === "no_key" && actionButton(tSegments("enter_key"), status, enterKey),
		node && actionButton(tRunning("show_node"), status, async () => revealNode(ids[0] ?? "")),
	], { prompt });
}

/** "about 14 coins · goes up: Picture × 2" @param {import("./explanation.mjs").Explained} explained */
function factsOf({ quote, segments }) {
	const kinds = segments.flatMap(({ up }) => up).filter(({ kind, known }) => FILES.includes(kind) && !known).map(({ kind }) => kind);
	const counted = [...new Set(kinds)].map((kind) => {
		const count = kinds.filter((other) => other === kind).length;
		return tSegments(`kind.${kind.toLowerCase()}`) + (count > 1 ? ` × ${count}` : "");
	});
	return dotted(shortPrice(quote) || textsOf("whole")("sum_unknown"), counted.length > 0 ? t("up", { things: counted.join(tSegments("explain.and")) }) : t("nothing_up"));
}
