// A page that was reloaded or opened later shows the run under way, and what the last one came to.

import { onEvent } from "../host/comfy.js";
import { isRestoring, nodeOf, rootGraph } from "../host/graph.js";
import { showOutput } from "../host/previews.js";
import { lastRuns, pageId, runningPrompt } from "../host/runs.js";
import { post } from "../host/server.js";
import { classOf, isOurs, kindOf, valueOf } from "../lib/nodes.js";
import { dropRunningLines, hasEnded, isListening, tellEnd, tellOutput } from "./running.js";

const SEGMENT = "RunningHubSegment";

/** @type {ComfyPart} */
export const resuming = {
	setup() {
		// ComfyUI may have been started anew, or runs may have ended that no event told of.
		onEvent("reconnected", () => {
			if (isListening()) void dropStale().then(resume).catch(() => null);
		});
	},
	afterConfigureGraph() {
		// A hint: without it the run goes on and its results are kept.
		if (isListening() && !isRestoring()) void resume().catch(() => null);
	},
};

async function resume() {
	const ends = await keptEnds().catch(() => ({}));
	await showEnds(ends);
	showKept(ends);
	await showRunning();
}

async function dropStale() {
	if (!(await runningPrompt())) dropRunningLines();
}

/** The newest run of ComfyUI's history that a node was part of and showed something after; its line may be that of an equal node. @param {Record<string, any>} ends */
async function showEnds(ends) {
	const seen = new Set();
	for (const { nodes, outputs, cached } of await lastRuns()) {
		for (const [id, ran] of Object.entries(nodes)) {
			const node = nodeOf(id);
			if (seen.has(id) || !isSame(node, ran)) continue;
			seen.add(id);
			if (!outputs[id]) continue;
			showOutput(id, node, outputs[id]);
			if (!ends[id] || cached.has(id)) tellOutput(node, outputs[id], cached.has(id));
		}
	}
}

/** How each node's last run ended, by its id. @returns {Promise<Record<string, any>>} */
async function keptEnds() {
	const graph = rootGraph();
	const profile = graph.nodes.map((/** @type {any} */ node) => valueOf(node, "profile")).find(Boolean) ?? "";
	return (await post("/runninghub/ends", { graph: graph.id, profile })).ends;
}

/** Also what ComfyUI does not know any more, or never did: it was started anew, or nothing came. @param {Record<string, any>} ends */
function showKept(ends) {
	for (const [id, { class_type: ran, program, line, state, shown }] of Object.entries(ends)) {
		const node = nodeOf(id);
		const kind = kindOf(node);
		const isOf = ran === SEGMENT ? node && !isOurs(classOf(node)) : ran === classOf(node);
		if (!isOf || hasEnded(node) || (kind && program !== valueOf(node, kind))) continue;
		if (Object.keys(shown).length > 0) showOutput(id, node, shown);
		tellEnd(node, line, state);
	}
}

async function showRunning() {
	const prompt = await runningPrompt();
	if (prompt) await post("/runninghub/resume", { prompt, client: await pageId() });
}

/** Whether the node still runs what it ran then. @type {(node: any, ran: any) => boolean} */
function isSame(node, ran) {
	const kind = kindOf(node);
	if (!kind || classOf(node) !== ran?.class_type) return false;
	const named = ran.inputs?.[kind];
	return typeof named !== "string" || named === valueOf(node, kind);
}
