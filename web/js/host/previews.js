// The pictures that ComfyUI shows on nodes while they run.

import { redraw } from "./graph.js";
import { stores } from "./stores.js";

const PAUSE = 600; // ms until ComfyUI has put its own there

/**
 * ComfyUI leaves the sampler's last preview in the result's place; `isLast`: no result will take it.
 * @type {(id: string, node: any, isLast?: boolean) => void}
 */
export function dropPreview(id, node, isLast = false) {
	const outputs = store();
	outputs?.revokePreviewsByExecutionId?.(id);
	// It does so a little later, and neither 1.49 nor the classic canvas sees it.
	setTimeout(() => {
		outputs?.refreshNodeOutputs?.(node);
		node.images = undefined;
		if (isLast) node.imgs = undefined; // the classic canvas waits for another one
		redraw();
	}, PAUSE);
}

/** A run's result, as the run's own event would show it. @type {(id: string, node: any, output: any) => void} */
export function showOutput(id, node, output) {
	const outputs = store();
	outputs?.setNodeOutputsByExecutionId?.(id, output);
	outputs?.refreshNodeOutputs?.(node);
	redraw();
}

const store = () => stores()?._s.get("nodeOutput");
