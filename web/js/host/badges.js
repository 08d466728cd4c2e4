// What a node says of itself beside ComfyUI's own badges: above it in the classic canvas, inside
// it in Nodes 2.0, which reads a badge's function again when state of ComfyUI's that it read changes.

import { redraw } from "./graph.js";
import { shared } from "./stores.js";

const state = shared("runninghub");

/** On a node that is being made: Nodes 2.0 sees none that comes later. @type {(node: ComfyNode, read: () => RhChip | undefined) => void} */
export function addBadge(node, read) {
	const { LGraphBadge } = window;
	if (!LGraphBadge || !node.badges) return;
	node.badges.push(() => {
		state.follow();
		const { text = "", color = "" } = read() ?? {};
		return new LGraphBadge({ text, fgColor: "#fff", bgColor: color });
	});
}

/** Badges are read again, in both renderers. */
export function redrawBadges() {
	state.change();
	redraw();
}
