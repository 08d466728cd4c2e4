// What goes to ComfyUI beside a prompt, and what a prompt that is loaded brings.

import { nodeOf } from "./graph.js";
import { api, app } from "./scripts.js";
import { stores } from "./stores.js";

/** ComfyUI lets nobody speak beside the prompt, so it is added on the way out. @param {(body: any) => object} change */
const queueChanged = (change) =>
	withPatchedApi("queuePrompt", queueAgain, (queue, restore) => (number, data, more) => {
		restore();
		return withPatchedApi("fetchApi", () => queue(number, data, more), (send, restoreSend) => (route, options) => {
			if (route !== "/prompt" || typeof options?.body !== "string") return send(route, options);
			restoreSend();
			return send(route, { ...options, body: JSON.stringify(change(JSON.parse(options.body))) });
		});
	});

/** @param {ComfyNode} node that is to run anew */
export const runAgain = (node) =>
	queueChanged((body) => {
		const extra = body.extra_data ?? {};
		const again = Object.keys(body.prompt ?? {}).filter((id) => nodeOf(id) === node);
		return { ...body, extra_data: { ...extra, runninghub: { ...extra.runninghub, again } } };
	});

/** The graph as it is now, as the run of that id. @param {string} id */
export const queueAs = (id) => queueChanged((body) => ({ ...body, prompt_id: id }));

/** The graph as it is now, once more. */
export function queueAgain() {
	press();
	return app.queuePrompt(0);
}

const settings = () => stores()?._s.get("queueSettingsStore");

/** How many runs a press of Run is. */
export const runCount = () => Number(settings()?.batchCount) || 1;

/** Whether ComfyUI runs by itself: at each change of the graph, or again and again. @returns {"" | "change" | "instant"} */
export function autoMode() {
	const { autoQueueEnabled, autoQueueMode } = app.ui ?? {}; // of the old menu
	const mode = String((autoQueueEnabled && autoQueueMode) || settings()?.mode);
	return mode === "change" ? mode : mode.startsWith("instant") ? "instant" : "";
}

export function stopAutoRuns() {
	const own = settings();
	if (own) own.mode = "disabled";
	if (app.ui) app.ui.autoQueueEnabled = false;
}

const AUTO = "auto_queue"; // ComfyUI's word for what begins such a run

/** Whether ComfyUI says which runs it begins by itself. It does since 1.47.12 and 1.49. */
let saysWhich = false;

/** Where it does not, a run that nobody presses for is one: while a command runs, or a button of ours. */
let isPressed = false;

/** The run that begins at once is a person's. */
function press() {
	isPressed = true;
	queueMicrotask(() => {
		isPressed = false;
	});
}

/** Of a run that begins now. @param {any} more what ComfyUI says of it; once, the nodes that it is of */
function isAutoRun(more) {
	saysWhich ||= Object.hasOwn(more ?? {}, "intent");
	return saysWhich ? more?.intent?.trigger_source === AUTO : autoMode() !== "" && !isPressed;
}

/** As ComfyUI would by itself. */
export const autoRun = () => app.queuePrompt(0, runCount(), saysWhich ? { intent: { trigger_source: AUTO } } : undefined);

/** @type {((isAuto: boolean) => boolean | Promise<boolean>)[]} */
const questions = [];

/** Asked before each run, in the order of these calls, until one says no; `isAuto`: ComfyUI begins it by itself. @param {(isAuto: boolean) => boolean | Promise<boolean>} may */
export function onRun(may) {
	if (questions.push(may) === 1) askBeforeRuns();
}

function askBeforeRuns() {
	const { queuePrompt } = app;
	/** @type {Set<Promise<any>>} */
	const queueing = new Set();
	const commands = stores()?._s.get("command");
	commands?.$onAction((/** @type {any} */ { name, args }) => name === "execute" && args[0].startsWith("Comfy.Queue") && press());

	app.queuePrompt = async (/** @type {[number, number?, any?]} */ ...args) => {
		const isAuto = isAutoRun(args[2]);
		do {
			// What ComfyUI is asked for while it queues it makes later, of values that it draws meanwhile.
			if (isAuto) await Promise.allSettled(queueing);
			for (const may of questions) {
				if (await may(isAuto)) continue;
				// It takes the run for queued, and at a change waits for its end: it shall look at its count again.
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

/** ComfyUI tells nobody what it refused, nor what it took. @type {(refused: (errors: Record<string, any>) => void, accepted: (prompt: any, id: string) => void) => void} */
export function onQueued(refused, accepted) {
	const { queuePrompt } = api;
	api.queuePrompt = async (/** @type {[number, any, any?]} */ ...args) => {
		try {
			const answer = await queuePrompt.apply(api, args);
			accepted(args[1]?.output ?? {}, String(answer?.prompt_id));
			return answer;
		} catch (error) {
			refused(/** @type {any} */ (error)?.response?.node_errors ?? {});
			throw error;
		}
	};
}

/** @typedef {(...args: any[]) => Promise<any>} ApiMethod */

/**
 * While something is done, one of ComfyUI's calls is another. `make` gets the own one, and what puts it back.
 * @type {(name: string, act: () => Promise<any>, make: (own: ApiMethod, restore: () => void) => ApiMethod) => Promise<any>}
 */
async function withPatchedApi(name, act, make) {
	const own = api[name];
	const restore = () => {
		if (api[name] === patched) api[name] = own;
	};
	const patched = make(own.bind(api), restore);
	api[name] = patched;
	try {
		return await act();
	} finally {
		restore();
	}
}

let loading = 0;

/** Whether nodes are made of a prompt in API format now, which fills them after they were made. */
export const isLoadingPrompt = () => loading > 0;

/** @param {(prompt: any) => any} prepare @param {() => void} done */
export function whenPromptLoads(prepare, done) {
	const { loadApiJson } = app;
	app.loadApiJson = async (/** @type {any} */ prompt, /** @type {any[]} */ ...more) => {
		loading += 1;
		try {
			return await loadApiJson.call(app, prepare(prompt), ...more);
		} finally {
			loading -= 1;
			done();
		}
	};
}
