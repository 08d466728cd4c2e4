// @ts-check
// A form out of what a saved file, another program or a person's editor left in a node.

import { clean, isObject, list, number, parse } from "./plain.js";
import { MOST_OUTPUTS, TYPED } from "./pool.js";

const MOST_FIELDS = 500; // what a page can still show

/**
 * A form out of what a file or another program holds; null for what is none.
 * Without `sockets` every slot of the pool is visible, up to the last chosen output.
 * @param {unknown} given the object, or its JSON @returns {RhForm | null}
 */
export function readForm(given) {
  const form = typeof given === "string" ? parse(given) : given;
  if (!isObject(form) || form.v !== 1) {
    return null;
  }
  const fields = unique(list(form.fields).slice(0, MOST_FIELDS).map(readField), (field) => field.name);
  const outputs = unique(list(form.outputs).map(readOutput), (output) => output.id);
  const chosen = outputs.slice(0, MOST_OUTPUTS);
  const pool = TYPED.length + chosen.length;
  const all = Array.from({ length: pool }, (_, index) => index);
  const named = Array.isArray(form.sockets)
    ? form.sockets.filter((index) => Number.isInteger(index) && index >= 0 && index < TYPED.length + MOST_OUTPUTS)
    : all;
  return {
    v: 1,
    kind: form.kind === "app" ? "app" : "workflow",
    id: clean(form.id, 100),
    name: clean(form.name, 200),
    hash: clean(form.hash, 200),
    fields,
    outputs: chosen,
    sockets: [...new Set(named)],
  };
}

/** @param {unknown} field @returns {RhField | null} */
export function readField(field) {
  if (!isObject(field) || !isFieldName(field.name)) {
    return null;
  }
  return {
    name: field.name,
    kind: clean(field.kind, 20) || "STRING",
    label: clean(field.label) || field.name,
    tip: clean(field.tip, 400),
    stored: field.stored ?? null,
    multiline: field.multiline === true,
    min: number(field.min),
    max: number(field.max),
    step: number(field.step),
    options: readOptions(field.options),
    seed: field.seed === true,
  };
}

/** @param {unknown} output @returns {RhOutput | null} */
function readOutput(output) {
  if (!isObject(output) || !clean(output.id, 100)) {
    return null;
  }
  const id = clean(output.id, 100);
  return { id, type: clean(output.type, 20) || "*", label: clean(output.label) || id };
}

/** @param {unknown} options */
export function readOptions(options) {
  if (!Array.isArray(options) || options.length === 0) {
    return null;
  }
  return options.filter((one) => ["string", "number", "boolean"].includes(typeof one));
}

/**
 * Whether an input of this name is a field: a node's id, a dot, a name that may hold anything.
 * @param {unknown} name @returns {name is string}
 */
export function isFieldName(name) {
  return typeof name === "string" && /^\d+(:\d+)*\.[^]+$/.test(name);
}

/** @template T @param {(T | null)[]} items @param {(item: T) => string} key @returns {T[]} */
function unique(items, key) {
  /** @type {Map<string, T>} */
  const found = new Map();
  for (const item of items) {
    if (item !== null && !found.has(key(item))) {
      found.set(key(item), item);
    }
  }
  return [...found.values()];
}
