// Node badges beside ComfyUI's own: above the node in the classic canvas, inside it in Nodes 2.0,
// which re-evaluates a badge's function when reactive state that it read changes.

import { isClassic } from "./advanced.js";
import { redraw } from "./graph.js";
import { addChipSource, MIN_WIDTH, truncated } from "./painter.js";
import { app } from "./scripts.js";
import { signal } from "./stores.js";

const [FONT, PAD] = ["12px sans-serif", 6]; // LGraphBadge's own

const state = signal("runninghub");

/** @type {WeakMap<ComfyNode, (() => RhChip | undefined)[]>} */
const reads = new WeakMap();

/** The badges of a selected node in the classic canvas: above it stands ComfyUI's toolbox. @type {RhChips} */
const chipsOf = (node) => (node.selected && isClassic() ? (reads.get(node) ?? []).flatMap((read) => read() ?? []) : []);

/** Add a badge while the node is being created: Nodes 2.0 ignores later ones. @type {(node: ComfyNode, read: () => RhChip | undefined) => void} */
export function addBadge(node, read) {
	const { LGraphBadge } = window;
	if (!LGraphBadge || !node.badges) return;
	addChipSource(chipsOf);
	reads.set(node, [...(reads.get(node) ?? []), read]);
	node.badges.push(() => {
		state.track();
		const { text = "", color = "" } = read() ?? {};
		const shown = isClassic() ? (node.selected ? "" : fitted(text, node.size[0] ?? 0)) : text;
		// Nodes 2.0 makes attributes of what else it has.
		return Object.assign(new LGraphBadge({ text: shown, fgColor: "#fff", bgColor: color }), { class: "runninghub-badge", title: text });
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
