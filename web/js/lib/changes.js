// @ts-check
// What became of a program since a form was made of it, and the form that follows it.

import { everyField, makeForm, presentChoice } from "./form.js";
import { clean } from "./plain.js";

/**
 * What is different in the program from what the form was made of.
 * @param {RhForm} form @param {string} seen the program then, as `seenOf` gave it @param {RhProgram} program
 *
 */
export function compare(form, seen, program) {
  const now = new Map(everyField(program).map((field) => [field.name, field]));
  const outputs = new Map(program.outputs.map((output) => [output.id, output]));
  const counts = readSeen(seen);
  const there = form.fields.filter((field) => now.has(field.name));
  const kindNow = (/** @type {RhField} */ field) => now.get(field.name)?.kind ?? "";
  return {
    added: program.nodes
      .filter((node) => counts && node.fields.length > (counts.fields.get(node.id) ?? 0))
      .map((node) => ({
        title: clean(node.title) || clean(node.class_type),
        id: node.id,
        count: node.fields.length - (counts?.fields.get(node.id) ?? 0),
      })),
    gone: form.fields.filter((field) => !now.has(field.name)),
    other: there
      .filter((field) => kindNow(field) !== field.kind)
      .map((field) => ({ field, kind: kindNow(field) })),
    values: there
      .filter((field) => kindNow(field) === field.kind && differs(field.stored, now.get(field.name)?.stored))
      .map((field) => ({ field, stored: now.get(field.name)?.stored })),
    goneOutputs: form.outputs.filter((output) => !outputs.has(output.id)),
    addedOutputs: program.outputs.filter(
      (output) => output.suggested && counts && !counts.outputs.has(output.id),
    ),
  };
}

/** Whether a person has to know of these changes. @param {RhChanges} changes */
export function isTelling(changes) {
  return Object.values(changes).some((found) => found.length > 0);
}

/**
 * What a program has, in few letters: `3=7 6=1 | 9`, nodes with their number of fields, and
 * output nodes. It is kept beside the form, to tell later what is new.
 * @param {RhProgram} program
 */
export function seenOf(program) {
  const nodes = program.nodes.map((node) => `${node.id}=${node.fields.length}`).join(" ");
  return `${nodes} | ${program.outputs.map((output) => output.id).join(" ")}`;
}

/** @param {unknown} seen */
function readSeen(seen) {
  if (typeof seen !== "string" || !seen.includes("|")) {
    return null;
  }
  const [nodes = "", outputs = ""] = seen.split("|");
  const pairs = nodes.split(" ").filter(Boolean).map((pair) => pair.split("="));
  return {
    fields: new Map(pairs.map(([id, fields]) => [String(id), Number(fields) || 0])),
    outputs: new Set(outputs.split(" ").filter(Boolean)),
  };
}

/**
 * What follows the program: chosen fields and outputs that are left, and the new ones that the
 * server suggests.
 * @param {RhForm} form @param {string} seen @param {RhProgram} program
 */
export function merge(form, seen, program) {
  const choice = presentChoice(program, form);
  const changes = compare(form, seen, program);
  const fresh = new Set(changes.added.map((node) => node.id));
  for (const node of program.nodes.filter((one) => fresh.has(one.id))) {
    node.fields.filter((field) => field.suggested).forEach((field) => choice.fields.add(field.name));
  }
  choice.outputs.push(...changes.addedOutputs.map((output) => output.id));
  return makeForm(program, choice, form);
}

/** @param {unknown} one @param {unknown} other */
function differs(one, other) {
  return JSON.stringify(one ?? null) !== JSON.stringify(other ?? null);
}
