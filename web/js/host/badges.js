// Node badges beside ComfyUI's own: above the node in the classic canvas, inside it in Nodes 2.0,
// which re-evaluates a badge's function when reactive state that it read changes.

import { redraw } from "./graph.js";
import { signal } from "./stores.js";

const state = signal("runninghub");

/** Add a badge while the node is being created: Nodes 2.0 ignores later ones. @type {(node: ComfyNode, read: () => RhChip | undefined) => void} */
export function addBadge(node, read) {
	const { LGraphBadge } = window;
	if (!LGraphBadge || !node.badges) return;
	node.badges.push(() => {
		state.track();
		const { text = "", color = "" } = read() ?? {};
		return new LGraphBadge({ text, fgColor: "#fff", bgColor: color });
	});
}

/** Re-evaluate all badges, in both renderers. */
export function redrawBadges() {
	state.change();
	redraw();
}
