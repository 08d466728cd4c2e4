// @ts-check
// One node in place of another: Remote Workflow and AI App for each other.

import { app } from "../lib/comfy.js";
import { change } from "../lib/graphs.js";
import { kindOf, PROGRAMS } from "../lib/programs.js";
import { omit } from "../lib/plain.js";
import { formOf, widgetOf } from "./build.js";

/**
 * Puts a node of the other kind in a node's place: with its text and its options, and with the
 * links of the outputs that every node has. The widget's callback then reads the program.
 * @param {ComfyNode} node @param {RhKind} kind
 */
export function swap(node, kind) {
  const { graph } = node;
  const [className] = [...PROGRAMS].find(([, other]) => other === kind) ?? [];
  const made = window.LiteGraph?.createNode(className);
  const input = kindOf(node);
  if (!graph || !made || !input) {
    return null;
  }
  const text = widgetOf(node, input)?.value ?? "";
  change(() => {
    made.pos = [node.pos[0], node.pos[1]];
    graph.add(made);
    const marks = omit(node.properties.runninghub ?? {}, "form", "values", "seen");
    made.properties.runninghub = { ...marks, ...made.properties.runninghub };
    for (const widget of node.widgets ?? []) {
      const same = widgetOf(made, widget.name);
      if (same && !["form", "outputs"].includes(widget.name) && widget.serialize !== false) {
        same.value = widget.value;
      }
    }
    moveLinks(node, made);
    graph.remove(node);
    app.canvas.selectItems?.([made]);
  });
  const widget = widgetOf(made, kind);
  if (widget) {
    widget.value = text;
    widget.callback?.(text);
  }
  return made;
}

/** @param {ComfyNode} from @param {ComfyNode} to */
function moveLinks(from, to) {
  const { graph } = from;
  const before = formOf(from)?.sockets ?? [];
  const now = formOf(to)?.sockets ?? [];
  const links = graph?.links?.values?.() ?? Object.values(graph?.links ?? {});
  for (const link of [...links].filter((one) => String(one.origin_id) === String(from.id))) {
    const slot = now.indexOf(before[link.origin_slot] ?? -1);
    const target = graph?.getNodeById(link.target_id);
    if (slot !== -1 && target) {
      to.connect(slot, target, link.target_slot);
    }
  }
}
