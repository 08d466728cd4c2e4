// Patches around ComfyUI's queue: extra data beside a prompt, guards before a run, loading of prompts.

import { nodeOf, rootGraph } from "./graph.js";
import { api, app } from "./scripts.js";
import { stores } from "./stores.js";

/** Queue the graph, or one that was posted before, with a changed POST /prompt body; ComfyUI has no hook for it, so `fetchApi` is patched. @type {(change: (body: any) => object, posted?: Posted) => Promise<any>} */
const queueWithBody = (change, posted) =>
	withPatchedApi("queuePrompt", queueByUser, (queue, restore) => (number, data, more) => {
		restore();
		return withPatchedApi("fetchApi", () => queue(number, posted ?? data, posted?.options ?? more), (send, restoreSend) => (route, options) => {
			if (route !== "/prompt" || typeof options?.body !== "string") return send(route, options);
			restoreSend();
			return send(route, { ...options, body: JSON.stringify(change(JSON.parse(options.body))) });
		});
	});

/** Queue the graph so that this node runs anew. @param {ComfyNode} node */
export const rerunNode = (node) =>
	queueWithBody((body) => {
		const extra = body.extra_data ?? {};
		const again = Object.keys(body.prompt ?? {}).filter((id) => nodeOf(id) === node);
		return { ...body, extra_data: { ...extra, runninghub: { ...extra.runninghub, again } } };
	});

/** Queue the current graph under that prompt id. @param {string} id */
export const queueWithId = (id) => queueWithBody((body) => ({ ...body, prompt_id: id }));

/** Queue a graph as it was posted before, with its segments. @param {Posted} posted */
export const queuePosted = (posted) =>
	queueWithBody((body) => ({ ...body, extra_data: { ...body.extra_data, runninghub: { segments: posted.segments } } }), posted);

/** Queue the current graph, as a run that the user started. */
export function queueByUser() {
	markPressed();
	return app.queuePrompt(0);
}

const settings = () => stores()?._s.get("queueSettingsStore");

/** The batch count: the number of runs that one press of Run queues. */
export const runCount = () => Number(settings()?.batchCount) || 1;

/** The auto-queue mode: at each change of the graph, or continuously; "" if off. @returns {"" | "change" | "instant"} */
export function autoMode() {
	const { autoQueueEnabled, autoQueueMode } = app.ui ?? {}; // of the legacy menu
	const mode = String((autoQueueEnabled && autoQueueMode) || settings()?.mode);
	return mode === "change" ? mode : mode.startsWith("instant") ? "instant" : "";
}

export function stopAutoRuns() {
	const own = settings();
	if (own) own.mode = "disabled";
	if (app.ui) app.ui.autoQueueEnabled = false;
}

const AUTO = "auto_queue"; // ComfyUI's trigger source of an auto-queued run

/** Whether ComfyUI reports a run's trigger source: since 1.47.12 and 1.49. */
let reportsTrigger = false;

/** Fallback where it does not: true while a queue command or a button of ours starts a run. */
let isPressed = false;

/** Attribute a run that starts before the next microtask to the user. */
function markPressed() {
	isPressed = true;
	queueMicrotask(() => {
		isPressed = false;
	});
}

/** Whether the run that starts now is auto-queued. @param {any} more queuePrompt's options; formerly node ids */
function isAutoRun(more) {
	reportsTrigger ||= Object.hasOwn(more ?? {}, "intent");
	return reportsTrigger ? more?.intent?.trigger_source === AUTO : autoMode() !== "" && !isPressed;
}

/** Queue a run as ComfyUI's auto-queue does. */
export const autoRun = () => app.queuePrompt(0, runCount(), reportsTrigger ? { intent: { trigger_source: AUTO } } : undefined);

/** @type {((isAuto: boolean) => boolean | Promise<boolean>)[]} */
const guards = [];

/** Register a guard: called before each run, in registration order, until one returns false; `isAuto`: the run is auto-queued. @param {(isAuto: boolean) => boolean | Promise<boolean>} guard */
export function addRunGuard(guard) {
	if (guards.push(guard) === 1) patchQueuePrompt();
}

function patchQueuePrompt() {
	const { queuePrompt } = app;
	/** @type {Set<Promise<any>>} */
	const queueing = new Set();
	const commands = stores()?._s.get("command");
	commands?.$onAction((/** @type {any} */ { name, args }) => name === "execute" && args[0].startsWith("Comfy.Queue") && markPressed());

	app.queuePrompt = async (/** @type {[number, number?, any?]} */ ...args) => {
		const isAuto = isAutoRun(args[2]);
		do {
			// A run requested during queueing would be serialized later, with randomized values drawn meanwhile.
			if (isAuto) await Promise.allSettled(queueing);
			for (const mayRun of guards) {
				if (await mayRun(isAuto)) continue;
				// ComfyUI takes the run for queued and in "change" mode waits for its end: make it re-read its count.
				if (autoMode() === "change") stores()?._s.get("queuePendingTaskCount")?.$patch({});
				return false;
			}
		} while (isAuto && queueing.size > 0);
		const queued = queuePrompt.apply(app, args);
		queueing.add(queued);
		try {
			return await queued;
		} finally {
			queueing.delete(queued);
		}
	};
}

/** A graph in API format, with its workflow, as Run posts it; `options`: of the run, as which outputs; `segments`: parts that run on RunningHub in this run alone. @typedef {{ output: any, workflow: any, options?: any, segments?: { nodes: string[], name: string }[] }} Posted */

/** Observe POST /prompt: node errors of a refused prompt, prompt and id of an accepted one; ComfyUI has no event for either. @type {(onRefused: (errors: Record<string, any>, posted: Posted) => void, onAccepted: (prompt: any, id: string, posted: Posted) => void) => void} */
export function onPromptPosted(onRefused, onAccepted) {
	const { queuePrompt } = api;
	api.queuePrompt = async (/** @type {[number, any, any?]} */ ...args) => {
		const posted = { ...args[1], options: args[2] };
		try {
			const answer = await queuePrompt.apply(api, args);
			onAccepted(args[1]?.output ?? {}, String(answer?.prompt_id), posted);
			return answer;
		} catch (error) {
			onRefused(/** @type {any} */ (error)?.response?.node_errors ?? {}, posted);
			throw error;
		}
	};
}

/** @typedef {(...args: any[]) => Promise<any>} ApiMethod */

/**
 * Patch a method of ComfyUI's api while `callback` runs. `makePatch` gets the original, and a function that restores it.
 * @type {(name: string, callback: () => Promise<any>, makePatch: (original: ApiMethod, restore: () => void) => ApiMethod) => Promise<any>}
 */
async function withPatchedApi(name, callback, makePatch) {
	const original = api[name];
	const restore = () => {
		if (api[name] === patched) api[name] = original;
	};
	const patched = makePatch(original.bind(api), restore);
	api[name] = patched;
	try {
		return await callback();
	} finally {
		restore();
	}
}

let loading = 0;

/** Whether an API-format prompt is being loaded: its values are set after the nodes were created. */
export const isLoadingPrompt = () => loading > 0;

/** Patch `loadApiJson`: load `prepare(prompt)`, then call `onLoaded`. @param {(prompt: any) => any} prepare @param {() => void} onLoaded */
export function onPromptLoad(prepare, onLoaded) {
	const { loadApiJson } = app;
	app.loadApiJson = async (/** @type {any} */ prompt, /** @type {any[]} */ ...more) => {
		const [former] = rootGraph().nodes;
		loading += 1;
		try {
			await loadApiJson.call(app, prepare(prompt), ...more);
			// Another pack's wrapper (rgthree-comfy's) does not wait for the nodes: look for them, for 10 s.
			for (let left = 500; left && [former, undefined].includes(rootGraph().nodes[0]); left -= 1) {
				await new Promise((resolve) => setTimeout(resolve, 20));
			}
		} finally {
			loading -= 1;
			onLoaded();
		}
	};
}
