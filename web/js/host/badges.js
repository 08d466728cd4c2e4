// What a node says of itself beside ComfyUI's own badges: above it in the classic canvas, inside
// it in Nodes 2.0, which reads a badge's function again when state of ComfyUI's that it read changes.

import { redraw } from "./graph.js";
import { stores } from "./stores.js";

const STATE = "runninghub";

/** On a node that is being made: Nodes 2.0 sees none that comes later. @type {(node: ComfyNode, read: () => RhChip | undefined) => void} */
export function addBadge(node, read) {
	const { LGraphBadge } = window;
	if (!LGraphBadge || !node.badges) return;
	node.badges.push(() => {
		void stores()?.state.value[STATE]?.changes;
		const { text = "", color = "" } = read() ?? {};
		return new LGraphBadge({ text, fgColor: "#fff", bgColor: color });
	});
}

/** Badges are read again, in both renderers. */
export function redrawBadges() {
	const state = stores()?.state.value;
	if (state) state[STATE] = { changes: (state[STATE]?.changes ?? 0) + 1 };
	redraw();
}
