// Watches local runs for what RunningHub could do in this machine's place: memory ran out, or a model is not here.

import { onEvent, toastError } from "../host/comfy.js";
import { lazy } from "../host/lazy.js";
import { onPromptPosted } from "../host/queue.js";
import { isOurs } from "../lib/nodes.js";

// Of torch on any device, of NumPy, and of Python.
const NO_MEMORY = /MemoryError|(out of|not enough) memory/i;

const MOST_RUNS = 50; // whose end is not known: those of a queue that was cleared never have one

/** Graphs that this page queued, by prompt id. @type {Map<string, import("../host/queue.js").Posted>} */
const queued = new Map();

/** A failure of which this page heard before the answer that its run was queued. @type {any} */
let early = null;

/** @type {() => Promise<typeof import("./rescue.mjs")>} */
const rescues = () => lazy("features/rescue.mjs");

/** @param {any} detail of `execution_error` */
function onFailure({ prompt_id: prompt, node_id: id, exception_message: text }) {
	const posted = queued.get(prompt);
	queued.delete(prompt);
	if (posted) void rescues().then(({ offerRescue }) => offerRescue({ ids: [id], models: [], text, posted, prompt })).catch(toastError);
}

/** @type {RhFeature} */
export const rescue = {
	setup() {
		onPromptPosted((errors, posted) => void rescues().then(({ offerLacking }) => offerLacking(errors, posted)).catch(toastError), (_, id, posted) => {
			queued.set(id, posted);
			if (queued.size > MOST_RUNS) queued.delete([...queued.keys()][0] ?? "");
			if (early?.prompt_id === id) onFailure(early);
		});
		for (const end of ["execution_success", "execution_interrupted"]) onEvent(end, ({ prompt_id: id }) => void queued.delete(id));
		onEvent("execution_error", (detail) => {
			if (isOurs(detail.node_type) || !NO_MEMORY.test(`${detail.exception_type} ${detail.exception_message}`)) return void queued.delete(detail.prompt_id);
			early = detail;
			onFailure(detail);
		});
	},
};
