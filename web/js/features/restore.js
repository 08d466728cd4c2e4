// After a reload or reconnect: shows the running prompt again, and how each node's last run ended.

import { onEvent } from "../host/comfy.js";
import { isRestoring, nodeOf, rootGraph } from "../host/graph.js";
import { showOutput } from "../host/previews.js";
import { lastRuns, pageId, runningPrompt } from "../host/runs.js";
import { post } from "../host/server.js";
import { allThings, marksIn } from "../lib/marks.js";
import { classOf, isOurs, kindOf, SEGMENT, valueOf } from "../lib/nodes.js";
import { dropStaleLines, hasEnded, isListening, isOffloaded, showEnd, showSummary } from "./run_state.js";

/** @type {RhFeature} */
export const restore = {
	setup() {
		// ComfyUI may have been restarted, or events of runs that ended may have been missed.
		onEvent("reconnected", () => {
			if (isListening()) void dropStale().then(resume).catch(() => null);
		});
	},
	afterConfigureGraph() {
		// Best effort: if it fails, the run continues and its results are kept.
		if (isListening() && !isRestoring()) void resume().catch(() => null);
	},
};

async function resume() {
	const { id } = rootGraph();
	const ends = await keptEnds().catch(() => ({}));
	await showEnds(ends);
	if (id === rootGraph().id) showKept(ends); // else another graph was opened meanwhile, with nodes of the same ids
	await showRunning();
}

async function dropStale() {
	if (!(await runningPrompt())) dropStaleLines();
}

/** Show each node's output of its newest run in ComfyUI's history; a kept end's line wins, as the output's may be an equal node's. @param {Record<string, any>} ends */
async function showEnds(ends) {
	const seen = new Set();
	for (const { nodes, outputs, cached } of await lastRuns()) {
		for (const [id, ran] of Object.entries(nodes)) {
			const node = nodeOf(id);
			if (seen.has(id) || !isSame(node, ran)) continue;
			seen.add(id);
			if (!outputs[id]) continue;
			showOutput(id, node, outputs[id]);
			if (!ends[id] || cached.has(id)) showSummary(node, outputs[id], cached.has(id));
		}
	}
}

/** How each node's last run ended, by its id. @returns {Promise<Record<string, any>>} */
async function keptEnds() {
	const graph = rootGraph();
	const profile = [...allThings(graph).map((thing) => valueOf(thing, "profile")), ...marksIn(graph).map((mark) => mark.profile)].find(Boolean);
	return (await post("/runninghub/ends", { graph: graph.id, profile })).ends;
}

/** Show the ends that ComfyUI's history lacks: it was restarted, or the node had no output. @param {Record<string, any>} ends */
function showKept(ends) {
	for (const [id, { class_type: ran, program, line, state, shown: output, at }] of Object.entries(ends)) {
		const node = nodeOf(at || id);
		const kind = kindOf(node);
		const isSameClass = ran === SEGMENT ? node && !isOurs(classOf(node)) && isOffloaded(node) : ran === classOf(node);
		if (!isSameClass || hasEnded(node) || (kind && program !== valueOf(node, kind))) continue;
		if (Object.keys(output).length > 0) showOutput(id, node, output);
		showEnd(node, line, state);
	}
}

async function showRunning() {
	const prompt = await runningPrompt();
	if (prompt) await post("/runninghub/resume", { prompt, client: await pageId() });
}

/** Whether the node still has the class and program of that run. @type {(node: any, ran: any) => boolean} */
function isSame(node, ran) {
	const kind = kindOf(node);
	if (!kind || classOf(node) !== ran?.class_type) return false;
	const named = ran.inputs?.[kind];
	return typeof named !== "string" || named === valueOf(node, kind);
}
