// Names above text boxes: the classic canvas shows a box's placeholder alone, and only while it is empty.

import { isFieldName } from "../lib/form.js";
import { isLinked, kindOf } from "../lib/nodes.js";
import { isClassic } from "./advanced.js";

const LEFT = 12;
const SOCKET = { left: 24, middle: 10 }; // of the row that is left of a linked box, which ComfyUI hides
const ABOVE = 4; // of what ComfyUI leaves between a box and what is over it: the box covers what hangs lower
const FONT = "10px Inter, system-ui, sans-serif";

/** Of this node's fields, and of those that a subgraph shows. @param {ComfyNode} node */
export function labelBoxes(node) {
	const { onDrawForeground } = node;
	node.onDrawForeground = function (context, ...more) {
		onDrawForeground?.call(this, context, ...more);
		if (!isClassic() || this.flags.collapsed) return;
		context.save();
		context.font = FONT;
		context.textBaseline = "middle";
		context.fillStyle = window.LiteGraph?.WIDGET_SECONDARY_TEXT_COLOR ?? "#999";
		for (const { name, label, element, hidden, y } of this.widgets ?? []) {
			const linked = isLinked(this, name);
			if (!(element instanceof HTMLTextAreaElement) || (hidden && !linked) || y === undefined || !isFieldName(name, kindOf(this))) continue;
			const [left, middle] = linked ? [SOCKET.left, SOCKET.middle] : [LEFT, ABOVE];
			context.fillText(label ?? name, left, y + middle, this.size[0] - left - LEFT);
		}
		context.restore();
	};
}
