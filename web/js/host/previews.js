// Preview and result images that ComfyUI shows on nodes.

import { redraw } from "./graph.js";
import { stores } from "./stores.js";
import { removeWidget } from "./widgets.js";
import { widgetOf } from "../lib/nodes.js";

const PREVIEW = "$$canvas-image-preview"; // ComfyUI's widget
const DELAY = 600; // ms until ComfyUI has set or revoked its own preview

/**
 * Remove the sampler's last preview, which ComfyUI leaves in the result's place; `isLast`: no result follows.
 * @type {(id: string, node: any, isLast?: boolean) => void}
 */
export function dropPreview(id, node, isLast = false) {
	const outputs = store();
	outputs?.revokePreviewsByExecutionId?.(id);
	// The store revokes after a delay, which neither 1.49 nor the classic canvas notices.
	setTimeout(() => {
		outputs?.refreshNodeOutputs?.(node);
		node.images = undefined;
		if (isLast) {
			// The classic canvas keeps both until another arrives, and 1.39 cannot draw one without the other.
			node.imgs = undefined;
			const shown = widgetOf(node, PREVIEW);
			if (shown) removeWidget(node, shown);
		}
		redraw();
	}, DELAY);
}

/** Show a node's output as its `executed` event would. @type {(id: string, node: any, output: any) => void} */
export function showOutput(id, node, output) {
	const outputs = store();
	outputs?.setNodeOutputsByExecutionId?.(id, output);
	outputs?.refreshNodeOutputs?.(node);
	redraw();
}

const store = () => stores()?._s.get("nodeOutput");
