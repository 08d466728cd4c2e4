// @ts-check
// The open graph: finding nodes by the ids that prompts have, and changing it as one step of undo.

import { app } from "./comfy.js";

/** The graph that holds everything, whichever subgraph is open. */
export function rootGraph() {
  return app.rootGraph ?? app.graph?.rootGraph ?? app.graph;
}

/** The node of a prompt's id, "12" or "7:6" for node 6 in subgraph node 7. @param {string} id @returns {any} */
export function nodeOf(id) {
  let graph = rootGraph();
  let node = null;
  for (const step of String(id).split(":")) {
    node = graph?.nodes.find((/** @type {any} */ one) => String(one.id) === step) ?? null;
    graph = node?.subgraph;
  }
  return node;
}

/**
 * Opens the graph that a node is in, selects it and brings it into view.
 * @param {string} id as prompts have it
 * @returns {boolean} whether there is such a node
 */
export function show(id) {
  const node = nodeOf(id);
  if (!node) {
    return false;
  }
  const { canvas } = app;
  if (node.graph && canvas.graph !== node.graph) {
    canvas.setGraph(node.graph);
  }
  canvas.deselectAll?.();
  (canvas.select ?? canvas.selectNode).call(canvas, node);
  canvas.centerOnNode?.(node);
  canvas.setDirty(true, true);
  return true;
}

/** Does something to the graph so that one undo takes it back. @param {() => void} act */
export function change(act) {
  const { canvas } = app;
  canvas.emitBeforeChange?.();
  try {
    act();
  } finally {
    canvas.emitAfterChange?.();
    app.graph?.change?.();
    canvas.setDirty(true, true);
  }
}
