// @ts-check
// What a node's form is: the chosen fields and outputs of a remote program. Pure, as all that it
// imports: it knows nothing of the page and of ComfyUI.

import { clean, number } from "./plain.js";
import { MOST_OUTPUTS, slotOrigins, TYPED } from "./pool.js";
import { readOptions } from "./reading.js";

const FRESH = [0, 4]; // images and text, until a program says more
const UNTOLD = [0, 2, 3, 4]; // of a program that does not say what it makes: all media, and text
const OF_TYPE = new Map([["IMAGE", 0], ["MASK", 1], ["VIDEO", 2], ["AUDIO", 3], ["STRING", 4]]);
const TIP = 400;

/** The form of a node that knows no program yet. @param {"workflow" | "app"} kind @returns {RhForm} */
export function blankForm(kind) {
  return { v: 1, kind, id: "", name: "", hash: "", fields: [], outputs: [], sockets: [...FRESH] };
}

/**
 * What is ticked when a program is seen for the first time: what the server suggests, what the
 * form has already, and the typed outputs that have a link or a remote output of their type.
 * @param {RhProgram} program @param {RhForm | null} before
 * @param {number[]} linked pool indices of slots that have links @returns {RhChoice}
 */
export function firstChoice(program, before, linked) {
  const had = new Map(before?.fields.map((field) => [field.name, field.kind]));
  const fields = new Set(
    everyField(program)
      .filter((field) => field.suggested || had.get(field.name) === field.kind)
      .map((field) => field.name),
  );
  const suggested = program.outputs.filter((output) => output.suggested);
  const outputs = suggested.slice(0, MOST_OUTPUTS);
  const typed = new Set(linked.filter((index) => index < TYPED.length));
  for (const output of outputs) {
    typed.add(OF_TYPE.get(output.type) ?? 5);
  }
  if (program.outputs.length === 0) {
    UNTOLD.forEach((index) => typed.add(index));
  }
  return {
    fields,
    outputs: outputs.map((output) => output.id),
    typed: [...typed].sort((one, other) => one - other),
  };
}

/**
 * What a form has chosen already, as far as the program still has it.
 * @param {RhProgram} program @param {RhForm} form @returns {RhChoice}
 */
export function presentChoice(program, form) {
  const names = new Set(everyField(program).map((field) => field.name));
  const ids = new Set(program.outputs.map((output) => output.id));
  return {
    fields: new Set(form.fields.map((field) => field.name).filter((name) => names.has(name))),
    outputs: form.outputs.map((output) => output.id).filter((id) => ids.has(id)),
    typed: form.sockets.filter((index) => index < TYPED.length),
  };
}

/**
 * The form of a choice. Slots that stay keep their place, new ones come after them.
 * @param {RhProgram} program @param {RhChoice} choice @param {RhForm | null} before @returns {RhForm}
 */
export function makeForm(program, choice, before) {
  const fields = program.nodes.flatMap((node) =>
    node.fields
      .filter((field) => choice.fields.has(field.name))
      .map((field) => fieldOf(node, field)),
  );
  const ids = new Set(choice.outputs.slice(0, MOST_OUTPUTS));
  const chosen = program.outputs.filter((output) => ids.has(output.id));
  const labels = titles(chosen);
  const outputs = chosen.map((output, index) => ({
    id: output.id,
    type: output.type || "*",
    label: labels[index] ?? output.id,
  }));
  return {
    v: 1,
    kind: program.kind,
    id: program.id,
    name: clean(program.app?.name || program.name, 200),
    hash: program.hash,
    fields,
    outputs,
    sockets: arrange(outputs, choice.typed, before),
  };
}

/**
 * The same form with other visible outputs.
 * @param {RhForm} form @param {number[]} typed pool indices of the typed outputs to show
 * @param {string[]} ids remote outputs to keep @returns {RhForm}
 */
export function withOutputs(form, typed, ids) {
  const outputs = form.outputs.filter((output) => ids.includes(output.id));
  return { ...form, outputs, sockets: arrange(outputs, typed, form) };
}

/** The same form without some fields. @param {RhForm} form @param {Set<string>} names @returns {RhForm} */
export function withoutFields(form, names) {
  return { ...form, fields: form.fields.filter((field) => !names.has(field.name)) };
}

/**
 * Pool indices of the slots: those of before in their places, then the new ones.
 * @param {RhOutput[]} outputs @param {number[]} typed @param {RhForm | null} before
 */
function arrange(outputs, typed, before) {
  const wanted = new Set([...typed, ...outputs.map((_, index) => TYPED.length + index)]);
  const kept = before ? slotOrigins(before, outputs).filter((index) => wanted.has(index)) : [];
  const added = [...wanted].filter((index) => !kept.includes(index)).sort((one, other) => one - other);
  return [...kept, ...added];
}

/** Titles of which no two are equal: with the node's id behind those that are. @param {RhRemoteOutput[]} outputs */
function titles(outputs) {
  const plain = outputs.map((output) => clean(output.title, 40) || clean(output.class_type, 40));
  return outputs.map((output, index) => {
    const title = plain[index] ?? "";
    return plain.indexOf(title) === plain.lastIndexOf(title) ? title : `${title} (${output.id})`;
  });
}

/** @param {RhRemoteNode} node @param {RhRemoteField} field @returns {RhField} */
function fieldOf(node, field) {
  const where = `#${node.id} ${clean(node.class_type)} · ${clean(field.field)}`;
  const described = clean(field.description, TIP - 130);
  return {
    name: field.name,
    kind: field.kind,
    label: clean(field.label, 80) || field.name,
    tip: described ? `${described} (${where})` : where,
    stored: field.stored ?? null,
    multiline: field.multiline === true,
    min: number(field.min),
    max: number(field.max),
    step: number(field.step),
    options: readOptions(field.options),
    seed: field.seed === true,
  };
}

/** @param {RhProgram} program */
export function everyField(program) {
  return program.nodes.flatMap((node) => node.fields);
}
