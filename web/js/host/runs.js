// What ComfyUI knows of runs, also of those that no event told this page of.

import { onEvent, request } from "./comfy.js";
import { rootGraph } from "./graph.js";
import { api } from "./scripts.js";

/**
 * A run that is over: its nodes as they were queued, what each showed, and which ComfyUI kept.
 * @typedef {{ nodes: Record<string, any>, outputs: Record<string, any>, cached: Set<string> }} Run
 */

const MOST = 16; // runs that are looked through, newest first

/** The name that ComfyUI has for this page, once its socket is open. @type {() => Promise<string>} */
export async function pageId() {
	if (api.socket?.readyState !== WebSocket.OPEN) {
		await new Promise((open) => onEvent("status", open));
	}
	return String(api.clientId ?? "");
}

/** The id of the prompt that runs now, if it is one of the graph that is open. */
export async function runningPrompt() {
	const { queue_running: queued = [] } = await read("/queue");
	return String(queued.find(isOfGraph)?.[1] ?? "");
}

/** Of the graph that is open, newest first. @returns {Promise<Run[]>} */
export async function lastRuns() {
	const history = await read(`/history?max_items=${MOST}`);
	/** @type {any[]} */
	const entries = Object.values(history).filter(({ prompt }) => isOfGraph(prompt));
	const runs = entries.sort((first, second) => second.prompt[0] - first.prompt[0]);
	return runs.map(({ prompt, outputs, status }) => ({ nodes: prompt[2], outputs: outputs ?? {}, cached: cachedIn(status?.messages) }));
}

/** @param {any[]} prompt as a queue holds it: number, id, nodes, what came beside them */
const isOfGraph = ([, , , extra]) => extra?.extra_pnginfo?.workflow?.id === rootGraph().id;

/** @param {any[]} messages */
function cachedIn(messages = []) {
	return new Set(messages.flatMap(([event, { nodes = [] }]) => (event === "execution_cached" ? nodes.map(String) : [])));
}

/** @param {string} route @returns {Promise<any>} */
const read = async (route) => (await request(route)).json();
