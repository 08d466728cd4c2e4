// ComfyUI's queue and history, which include runs of which this page received no event.

import { onEvent, request } from "./comfy.js";
import { rootGraph } from "./graph.js";
import { api } from "./scripts.js";

/**
 * A finished run: its nodes as queued, the output of each, and the ids that were served from ComfyUI's cache.
 * @typedef {{ nodes: Record<string, any>, outputs: Record<string, any>, cached: Set<string> }} Run
 */

const MAX_RUNS = 16; // history entries to read

/** This page's client id, once its WebSocket is open. @type {() => Promise<string>} */
export async function pageId() {
	if (api.socket?.readyState !== WebSocket.OPEN) {
		await new Promise((open) => onEvent("status", open));
	}
	return String(api.clientId ?? "");
}

/** The id of the running prompt, if it is of the open graph; else "". */
export async function runningPrompt() {
	const { queue_running: queued = [] } = await read("/queue");
	return String(queued.find(isOfGraph)?.[1] ?? "");
}

/** Finished runs of the open graph, newest first. @returns {Promise<Run[]>} */
export async function lastRuns() {
	const history = await read(`/history?max_items=${MAX_RUNS}`);
	/** @type {any[]} */
	const entries = Object.values(history).filter(({ prompt }) => isOfGraph(prompt));
	const runs = entries.sort((first, second) => second.prompt[0] - first.prompt[0]);
	return runs.map(({ prompt, outputs, status }) => ({ nodes: prompt[2], outputs: outputs ?? {}, cached: cachedIn(status?.messages) }));
}

/** @param {any[]} prompt a queue entry: number, id, nodes, extra data */
const isOfGraph = ([, , , extra]) => extra?.extra_pnginfo?.workflow?.id === rootGraph().id;

/** The node ids of `execution_cached` messages. @param {any[]} messages */
function cachedIn(messages = []) {
	return new Set(messages.flatMap(([event, { nodes = [] }]) => (event === "execution_cached" ? nodes.map(String) : [])));
}

/** @param {string} route @returns {Promise<any>} */
const read = async (route) => (await request(route)).json();
