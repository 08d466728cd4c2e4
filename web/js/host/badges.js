// Node badges beside ComfyUI's own: above the node in the classic canvas, inside it in Nodes 2.0,
// which re-evaluates a badge's function when reactive state that it read changes.

import { isClassic } from "./advanced.js";
import { redraw } from "./graph.js";
import { MIN_WIDTH, truncated } from "./painter.js";
import { app } from "./scripts.js";
import { signal } from "./stores.js";

const [FONT, PAD] = ["12px sans-serif", 6]; // LGraphBadge's own

const state = signal("runninghub");

/** Add a badge while the node is being created: Nodes 2.0 ignores later ones. @type {(node: ComfyNode, read: () => RhChip | undefined) => void} */
export function addBadge(node, read) {
	const { LGraphBadge } = window;
	if (!LGraphBadge || !node.badges) return;
	node.badges.push(() => {
		state.track();
		const { text = "", color = "" } = read() ?? {};
		return new LGraphBadge({ text: isClassic() ? fitted(text, node.size[0] ?? 0) : text, fgColor: "#fff", bgColor: color });
	});
}

/** Truncate a text for a node of that width: Nodes 2.0 does so itself. */
function fitted(text = "", width = 0) {
	const { ctx } = app.canvas;
	ctx.save();
	ctx.font = FONT;
	const cut = truncated(ctx, text, Math.max(width, MIN_WIDTH) - 2 * PAD);
	ctx.restore();
	return cut;
}

/** Re-evaluate all badges, in both renderers. */
export function redrawBadges() {
	state.change();
	redraw();
}
