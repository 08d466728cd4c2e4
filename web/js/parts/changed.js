// @ts-check
// Notices that a program is another one than the node was built from, and lets the node follow.

import { compare, isTelling, merge } from "../lib/changes.js";
import { toast } from "../lib/comfy.js";
import { openDialog } from "../lib/dialog.js";
import { startValue } from "../lib/fields.js";
import { rootGraph } from "../lib/graphs.js";
import { clean } from "../lib/plain.js";
import { idIn, kindOf, valueOf } from "../lib/programs.js";
import { get } from "../lib/server.js";
import { loadTexts, t } from "../lib/texts.js";
import { h } from "../lib/view.js";
import { formOf } from "./build.js";
import { choose, take } from "./choose.js";
import { fetchProgram, readProgram, textOf } from "./remote.js";
import { showState, stateOf } from "./state.js";

/** Every node of ours on the canvas, in subgraphs too. */
export function ownNodes() {
  const root = rootGraph();
  const graphs = [root, ...(root?.subgraphs?.values() ?? [])];
  return graphs.flatMap((graph) => (graph?.nodes ?? []).filter((/** @type {ComfyNode} */ node) => kindOf(node)));
}

/** Looks once at each program that nodes of the loaded graph were built from. */
export async function lookAtAll() {
  const nodes = ownNodes().filter((node) => formOf(node)?.hash && idIn(textOf(node)) === formOf(node)?.id);
  if (nodes.length === 0) {
    return;
  }
  try {
    // Without a key there is nothing to ask, and no error to have.
    const { profiles = [] } = await get("/runninghub/settings");
    const known = new Set(profiles.map((/** @type {{name: string}} */ profile) => profile.name));
    await loadTexts();
    /** @type {Map<string, Promise<RhProgram | null>>} */
    const asked = new Map();
    for (const node of nodes) {
      const profile = valueOf(node, "profile");
      if (node.graph && known.size > 0 && (profile === "" || known.has(profile))) {
        const key = JSON.stringify([kindOf(node), formOf(node)?.id, profile]);
        const program = asked.get(key) ?? fetchProgram(node, true).catch(() => null);
        asked.set(key, program);
        notice(node, await program);
      }
    }
  } catch {
    // A look that nobody asked for says nothing when it fails.
  }
}

/** @param {ComfyNode} node @param {RhProgram | null} program */
function notice(node, program) {
  const form = formOf(node);
  if (!program || !form || !node.graph || program.hash === form.hash || program.id !== form.id) {
    return;
  }
  const changes = changesOf(node, form, program);
  stateOf(node).changed = program;
  showState(node);
  const name = node.title;
  toast("info", t("form.changed", { name }), isTelling(changes) ? summary(changes) : t("form.changed_inside"));
}

/** @param {ComfyNode} node @param {RhForm} form @param {RhProgram} program */
function changesOf(node, form, program) {
  return compare(form, seenBy(node), program);
}

/** @param {ComfyNode} node */
function seenBy(node) {
  return node.properties.runninghub?.seen ?? "";
}

/** @param {RhChanges} changes */
function summary(changes) {
  return lists(changes)
    .map(([key, lines]) => t(`form.changes.${key}`, { count: lines.length }))
    .join(" · ");
}

/** Shows what changed, and offers to follow. @param {ComfyNode} node */
export function review(node) {
  const program = stateOf(node).changed;
  const form = formOf(node);
  if (!program || !form) {
    return;
  }
  const changes = changesOf(node, form, program);
  const body = h(
    "div",
    "",
    !isTelling(changes) && h("p", "", t("form.changed_inside")),
    ...lists(changes).flatMap(([key, lines]) => [
      h("p", "", t(`form.changes.${key}`, { count: lines.length })),
      h("ul", "", ...lines.slice(0, 200).map((line) => h("li", { dir: "auto" }, line))),
    ]),
    h("p", "muted", t("form.update_keeps")),
  );
  const follow = () => take(node, program, merge(form, seenBy(node), program));
  openDialog({
    title: t("form.changed", { name: node.title }),
    body,
    buttons: [
      { label: t("form.choose"), run: () => void choose(node) },
      { label: t("form.later") },
      { label: t("form.update"), primary: true, run: follow },
    ],
  });
}

/** Reads the program anew and shows what changed. @param {ComfyNode} node */
export async function update(node) {
  const program = await readProgram(node, true);
  const form = formOf(node);
  if (program && form) {
    if (program.id !== form.id) {
      await choose(node);
    } else if (program.hash === form.hash) {
      toast("success", t("form.same"));
    } else {
      stateOf(node).changed = program;
      showState(node);
      review(node);
    }
  }
}

/**
 * The changes as headed lists of lines, without the empty ones.
 * @param {RhChanges} changes
 */
function lists(changes) {
  /** @type {[string, string[]][]} */
  const all = [
    ["added", changes.added.map(({ title, id, count }) => t("form.added_line", { title, id, count }))],
    ["gone", changes.gone.map((field) => `${field.label} (${clean(field.name)})`)],
    ["other", changes.other.map(({ field, kind }) => `${field.label}: ${field.kind} → ${kind}`)],
    ["values", changes.values.map(({ field, stored }) => `${field.label}: ${said(field)} → ${said({ ...field, stored })}`)],
    ["added_outputs", changes.addedOutputs.map((output) => `${clean(output.title)} (#${clean(output.id)})`)],
    ["gone_outputs", changes.goneOutputs.map((output) => `${output.label} (#${output.id})`)],
  ];
  return all.filter(([, lines]) => lines.length > 0);
}

/** @param {RhField} field */
function said(field) {
  return clean(startValue(field), 80) || "–";
}
