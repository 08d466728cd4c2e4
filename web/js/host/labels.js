// Labels above text widgets: the classic canvas shows only a placeholder, and only while the text is empty.

import { isFieldName } from "../lib/form.js";
import { isLinked, kindOf } from "../lib/nodes.js";
import { isClassic } from "./advanced.js";

const LEFT = 12;
const SOCKET = { left: 24, middle: 10 }; // in the slot row that remains of a linked text widget, which ComfyUI hides
const ABOVE = 4; // within the margin above a text box, which covers anything lower
const FONT = "10px Inter, system-ui, sans-serif";

/** Patch a node to draw the labels of its fields, and of those promoted to a subgraph node. @param {ComfyNode} node */
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
