// @ts-check
// From an id or link to a node with the program's own inputs: reads, asks what to show, builds.

import { ask } from "../lib/dialog.js";
import { carried } from "../lib/fields.js";
import { blankForm, firstChoice, makeForm, presentChoice } from "../lib/form.js";
import { change } from "../lib/graphs.js";
import { seenOf } from "../lib/changes.js";
import { idIn, kindOf, setWidget } from "../lib/programs.js";
import { loadTexts, t } from "../lib/texts.js";
import { h } from "../lib/view.js";
import { build, formOf, linkedSlots, widgetOf } from "./build.js";
import { openChooser } from "./chooser.js";
import { readProgram, textOf } from "./remote.js";
import { showState, stateOf } from "./state.js";

const WHOLE = 16; // digits that an id has at least
const TYPING = 700; // ms of quiet after which a typed id counts as whole

/** What the node's text is now without having been typed: of a file, a copy, an undo. @param {ComfyNode} node */
export function settled(node) {
  stateOf(node).text = textOf(node);
}

/** The node's text was changed by a person, as a whole or by a letter. @param {ComfyNode} node */
export function textChanged(node) {
  const state = stateOf(node);
  const text = textOf(node);
  const before = state.text;
  // A letter typed over all of it, or a part taken off, is not yet what a person means.
  const whole = Math.abs(text.length - before.length) > 1 && text.length > 1 && !before.startsWith(text);
  state.text = text;
  clearTimeout(state.timer);
  if (text === before || text === "" || idIn(text) === (formOf(node)?.id || null)) {
    return;
  }
  if (whole) {
    choose(node);
  } else if (idIn(text).length >= WHOLE) {
    state.timer = window.setTimeout(() => node.graph && choose(node), TYPING);
  }
}

/** Reads the node's program and lets the person choose. @param {ComfyNode} node */
export async function choose(node) {
  await loadTexts();
  if (textOf(node) === "") {
    return askWhich(node);
  }
  const program = await readProgram(node, false);
  if (!program) {
    return;
  }
  const before = formOf(node);
  const same = before?.id === program.id;
  const first = before && same ? presentChoice(program, before) : firstChoice(program, before, linkedSlots(node));
  const choice = await openChooser(program, first);
  if (choice && node.graph) {
    take(node, program, makeForm(program, choice, before));
  } else if (before?.id && !same) {
    // Left without a choice: the node stays what it was.
    restore(node, before.id);
  }
}

/** Asks for the id or link of a node that has none. @param {ComfyNode} node */
async function askWhich(node) {
  const kind = kindOf(node) ?? "workflow";
  const title = t(`form.which.${kind}`);
  const input = h("input", { "aria-label": title });
  // The changed text comes back to `choose`.
  await ask(title, input, () => setWidget(node, kind, input.value.trim()));
}

/**
 * Makes the node one of this form, as one step of undo.
 * @param {ComfyNode} node @param {RhProgram} program @param {RhForm} form
 */
export function take(node, program, form) {
  stateOf(node).changed = null;
  change(() => {
    node.properties.runninghub = { ...node.properties.runninghub, seen: seenOf(program) };
    build(node, form, (field, before, value) => carried(before, field, value));
  });
  showState(node);
}

/** @param {ComfyNode} node @param {string} id */
function restore(node, id) {
  const widget = widgetOf(node, kindOf(node) ?? "");
  if (widget) {
    widget.value = id;
    stateOf(node).text = id;
    node.setDirtyCanvas(true, true);
  }
}

/** A node without a program again. @param {ComfyNode} node */
export function blank(node) {
  build(node, blankForm(kindOf(node) ?? "workflow"));
}
