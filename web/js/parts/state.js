// @ts-check
// What goes on at a node, and its button, which says so.

import { t } from "../lib/texts.js";
import { widgetOf } from "./build.js";

/** @type {WeakMap<ComfyNode, RhState>} */
const states = new WeakMap();

/** @param {ComfyNode} node @returns {RhState} */
export function stateOf(node) {
  let state = states.get(node);
  if (!state) {
    state = { text: "", timer: 0, asking: null, changed: null };
    states.set(node, state);
  }
  return state;
}

const BUTTON = "choose_fields";

/** @param {ComfyNode} node @param {() => void} press */
export function addButton(node, press) {
  const button = node.addWidget("button", BUTTON, null, press, { serialize: false });
  button.serialize = false;
  showState(node);
}

/** Says on the button what it does now. @param {ComfyNode} node */
export function showState(node) {
  const button = widgetOf(node, BUTTON);
  if (button) {
    const { asking, changed } = stateOf(node);
    button.label = t(asking ? "form.reading" : changed ? "form.review" : "form.choose");
    node.setDirtyCanvas(true);
  }
}
