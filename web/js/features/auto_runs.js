// Guard of auto-queued runs: those that could place orders are checked by auto_runs.mjs.

import { onEvent } from "../host/comfy.js";
import { rootGraph } from "../host/graph.js";
import { lazy } from "../host/lazy.js";
import { onPromptPosted, addRunGuard } from "../host/queue.js";
import { allThings, marksIn } from "../lib/marks.js";
import { kindOf } from "../lib/nodes.js";

/** The run that was queued last. */
const lastQueued = { prompt: {}, id: "" };

/** The last run that succeeded: its event may arrive before the response to queueing it. */
let succeededId = "";

/** @type {RhFeature} */
export const autoRuns = {
	setup() {
		onPromptPosted(() => {}, (prompt, id) => Object.assign(lastQueued, { prompt, id }));
		onEvent("execution_success", ({ prompt_id: id }) => {
			succeededId = id;
		});
		const mayOrder = () => marksIn(rootGraph()).length > 0 || allThings(rootGraph()).some(kindOf);
		addRunGuard(async (isAuto) => !isAuto || !mayOrder() || (await lazy("features/auto_runs.mjs")).mayRun({ prompt: lastQueued.prompt, hasSucceeded: lastQueued.id === succeededId }));
	},
};
