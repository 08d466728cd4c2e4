// Runs that ComfyUI begins by itself, at each change or again and again.

import { onEvent } from "../host/comfy.js";
import { rootGraph } from "../host/graph.js";
import { lazy } from "../host/lazy.js";
import { onQueued, onRun } from "../host/queue.js";
import { allThings, markOf } from "../lib/marks.js";
import { kindOf } from "../lib/nodes.js";

/** The run that was queued last, and whether nothing says that it did not end well. */
const newest = { prompt: {}, isWell: false };

/** @type {ComfyPart} */
export const autoRuns = {
	setup() {
		onQueued(() => {}, (prompt) => Object.assign(newest, { prompt, isWell: true }));
		for (const end of ["execution_error", "execution_interrupted"]) {
			onEvent(end, () => {
				newest.isWell = false;
			});
		}
		const orders = () => allThings(rootGraph()).some((thing) => kindOf(thing) || markOf(thing));
		onRun(async (isAuto) => !isAuto || !orders() || (await lazy("parts/auto_runs.mjs")).mayRun(newest));
	},
};
