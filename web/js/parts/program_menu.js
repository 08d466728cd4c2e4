// @ts-check
// What a node's menu offers beside ComfyUI's own entries, and the small dialogs behind it.

import { typedRows } from "../lib/choices.js";
import { ask } from "../lib/dialog.js";
import { withOutputs, withoutFields } from "../lib/form.js";
import { change } from "../lib/graphs.js";
import { kindOf } from "../lib/programs.js";
import { TYPED } from "../lib/pool.js";
import { rowsElement } from "../lib/rows.js";
import { t } from "../lib/texts.js";
import { runAgain } from "./again.js";
import { build, formOf } from "./build.js";
import { update } from "./changed.js";
import { choose } from "./choose.js";
import { typedTexts } from "./chooser.js";
import { swap } from "./swap.js";

/** @param {ComfyNode} node */
export function menuOf(node) {
  const form = formOf(node);
  const kind = kindOf(node);
  if (!form || !kind) {
    return [];
  }
  const other = kind === "app" ? "workflow" : "app";
  return [
    null,
    { content: t("form.choose"), callback: () => void choose(node) },
    { content: t("form.remove"), disabled: form.fields.length === 0, callback: () => removeFields(node) },
    { content: t("form.show_outputs"), callback: () => showOutputs(node) },
    { content: t("form.update_menu"), disabled: !form.id, callback: () => void update(node) },
    { content: t(`form.swap.${other}`), callback: () => void swap(node, other) },
    { content: t("form.again"), callback: () => void runAgain(node) },
  ];
}

/** @param {ComfyNode} node */
function removeFields(node) {
  const form = formOf(node);
  if (!form) {
    return;
  }
  /** @type {RhRow[]} */
  const rows = form.fields.map((field) => ({
    key: field.name,
    level: 1,
    text: field.label,
    kind: field.kind,
    more: field.name,
    tip: field.tip,
    ticked: true,
  }));
  void pick(t("form.remove_title"), rows, (kept) => {
    const gone = new Set(form.fields.map((field) => field.name).filter((name) => !kept.has(name)));
    build(node, withoutFields(form, gone));
  });
}

/** @param {ComfyNode} node */
function showOutputs(node) {
  const form = formOf(node);
  if (!form) {
    return;
  }
  /** @type {RhRow[]} */
  const remote = form.outputs.map((output) => ({
    key: `out ${output.id}`,
    level: 1,
    text: output.label,
    kind: output.type,
    more: `#${output.id}`,
    ticked: true,
  }));
  const typed = typedRows(form.sockets, typedTexts());
  void pick(t("form.outputs"), [...remote, ...typed], (kept) => {
    const shown = TYPED.map((_, index) => index).filter((index) => kept.has(`typed ${index}`));
    const ids = form.outputs.map((output) => output.id).filter((id) => kept.has(`out ${id}`));
    build(node, withOutputs(form, shown, ids));
  });
}

/**
 * Asks which rows shall stay.
 * @param {string} title @param {RhRow[]} given @param {(kept: Set<string>) => void} act
 */
async function pick(title, given, act) {
  let rows = given;
  const list = rowsElement({
    label: title,
    tick: (row) => {
      rows = rows.map((one) => (one.key === row.key ? { ...one, ticked: !one.ticked } : one));
      list.show(rows);
    },
  });
  list.element.style.cssText = `height: ${Math.min(12, rows.length) * 30 + 2}px; min-height: 0`;
  list.element.setAttribute("autofocus", "");
  const asked = ask(title, list.element, () =>
    change(() => act(new Set(rows.filter((row) => row.ticked).map((row) => row.key)))),
  );
  list.show(rows);
  await asked;
  list.stop();
}
