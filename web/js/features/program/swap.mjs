// Replaces a workflow node by an app node, or the reverse, when its link is of the other kind.

import { withUndoStep, createNode, select } from "../../host/graph.js";
import { classFor, setWidget, widgetOf } from "../../lib/nodes.js";
import { formOf } from "./build.js";
import { textOf } from "./state.js";

/** Replace the node, with its values and links; setting the text then reads the program. @type {(node: ComfyNode, kind: RhKind) => void} */
export function swap(node, kind) {
	const { graph } = node;
	const newNode = createNode(classFor(kind));
	if (!graph || !newNode) return;
	const text = textOf(node);
	withUndoStep(() => {
		newNode.pos = [node.pos[0], node.pos[1]];
		graph.add(newNode);
		const marks = { ...node.properties.runninghub, values: undefined, seen: undefined };
		newNode.properties.runninghub = { ...marks, ...newNode.properties.runninghub };
		for (const { name, value, serialize } of node.widgets ?? []) {
			const same = widgetOf(newNode, name);
			if (same && !["form", "outputs"].includes(name) && serialize !== false) same.value = value;
		}
		moveLinks(node, newNode);
		graph.remove(node);
		select([newNode]);
	});
	setWidget(newNode, kind, text);
}

/** Move output links to the slot with the same pool index. @type {(from: ComfyNode, to: ComfyNode) => void} */
function moveLinks(from, to) {
	const { graph } = from;
	const before = formOf(from)?.sockets ?? [];
	const now = formOf(to)?.sockets ?? [];
	const links = graph?.links?.values?.() ?? Object.values(graph?.links ?? {});
	for (const link of [...links].filter((candidate) => String(candidate.origin_id) === String(from.id))) {
		const slot = now.indexOf(before[link.origin_slot] ?? -1);
		const target = graph?.getNodeById(link.target_id);
		if (slot === -1) continue;
		if (target) to.connect(slot, target, link.target_slot);
		else graph?.outputs?.[link.target_slot]?.connect(to.outputs[slot], to); // the subgraph's own
	}
}
