// @ts-check
// The rows of the field chooser, out of a program, what is ticked, what is open and what is sought.

import { everyField } from "./form.js";
import { clean } from "./plain.js";
import { MOST_OUTPUTS, TYPED } from "./pool.js";

/**
 * What each node and field can be found by, in the program's order; nodes with a suggested or
 * chosen field come first.
 * @param {RhProgram} program @param {RhChoice} choice
 */
export function indexed(program, choice) {
  const nodes = program.nodes
    .filter((node) => node.fields.length > 0)
    .map((node) => ({
      node,
      words: lower(`${node.title} ${node.class_type} #${node.id}`),
      fields: node.fields.map((field) => ({
        field,
        words: lower(`${field.label ?? ""} ${field.name} ${field.kind} ${shown(field.stored, 200)}`),
      })),
    }));
  const first = nodes.filter(({ node }) => isNoted(node, choice));
  return [...first, ...nodes.filter(({ node }) => !isNoted(node, choice))];
}

/** The nodes that are open at first. @param {RhProgram} program @param {RhChoice} choice @returns {Set<string>} */
export function openAtFirst(program, choice) {
  const few = everyField(program).length <= 12;
  return new Set(program.nodes.filter((node) => few || isNoted(node, choice)).map((node) => node.id));
}

/**
 * @param {ReturnType<typeof indexed>} index @param {RhChoice} choice
 * @param {Set<string>} open ids of the nodes whose fields are shown @param {string} sought
 * @param {boolean} [flat] fields alone, by their labels: an app's form has no nodes @returns {RhRow[]}
 */
export function fieldRows(index, choice, open, sought, flat = false) {
  const words = lower(sought).split(/\s+/).filter(Boolean);
  const has = (/** @type {string} */ text) => words.every((word) => text.includes(word));
  return index.flatMap(({ node, words: nodeWords, fields }) => {
    const found = fields.filter((one) => has(`${nodeWords} ${one.words}`));
    if (found.length === 0) {
      return [];
    }
    if (flat) {
      return found.map(({ field }) => ({ ...fieldRow(field, choice), level: 1, text: clean(field.label, 120) }));
    }
    const isOpen = words.length > 0 || open.has(node.id);
    return [nodeRow(node, choice, isOpen), ...(isOpen ? found.map(({ field }) => fieldRow(field, choice)) : [])];
  });
}

/** @param {RhRemoteNode} node @param {RhChoice} choice @param {boolean} open @returns {RhRow} */
function nodeRow(node, choice, open) {
  const chosen = node.fields.filter((field) => choice.fields.has(field.name)).length;
  return {
    key: `node ${node.id}`,
    level: 1,
    text: clean(node.title, 120) || clean(node.class_type, 120),
    more: `${chosen ? `${chosen} / ${node.fields.length} · ` : ""}#${node.id}`,
    tip: clean(`${node.title} · ${node.class_type} #${node.id}`, 400),
    open,
  };
}

/** @param {RhRemoteField} field @param {RhChoice} choice @returns {RhRow} */
function fieldRow(field, choice) {
  return {
    key: field.name,
    level: 2,
    text: clean(field.field, 120),
    kind: field.kind,
    more: shown(field.stored, 120),
    tip: [field.name, clean(field.description, 400), shown(field.stored, 400)].filter(Boolean).join("\n"),
    ticked: choice.fields.has(field.name),
  };
}

/**
 * @param {RhProgram} program @param {RhChoice} choice
 * @param {{name: string, tip: string}[]} typedTexts what the typed outputs are called and carry @returns {RhRow[]}
 */
export function outputRows(program, choice, typedTexts) {
  const full = choice.outputs.length >= MOST_OUTPUTS;
  const remote = program.outputs.map((output) => {
    const ticked = choice.outputs.includes(output.id);
    /** @type {RhRow} */
    const row = {
      key: `out ${output.id}`,
      level: 1,
      text: clean(output.title, 120) || clean(output.class_type, 120),
      kind: output.type,
      more: `#${output.id}`,
      tip: clean(`${output.title} · ${output.class_type} #${output.id}`, 400),
      ticked,
      disabled: full && !ticked,
    };
    return row;
  });
  return [...remote, ...typedRows(choice.typed, typedTexts)];
}

/**
 * The outputs that every node has.
 * @param {number[]} shown @param {{name: string, tip: string}[]} texts @returns {RhRow[]}
 */
export function typedRows(shown, texts) {
  return TYPED.map(({ type }, index) => ({
    key: `typed ${index}`,
    level: 1,
    text: texts[index]?.name ?? "",
    kind: type,
    more: texts[index]?.tip,
    tip: texts[index]?.tip,
    ticked: shown.includes(index),
  }));
}

/** The choice after a click on a row. @param {RhChoice} choice @param {string} key @returns {RhChoice} */
export function ticked(choice, key) {
  const [what, id = ""] = key.split(" ");
  if (what === "out") {
    return { ...choice, outputs: flipped(choice.outputs, id) };
  }
  if (what === "typed") {
    return { ...choice, typed: flipped(choice.typed, Number(id)).sort((one, other) => one - other) };
  }
  return { ...choice, fields: new Set(flipped([...choice.fields], key)) };
}

/** @template T @param {T[]} items @param {T} item */
function flipped(items, item) {
  return items.includes(item) ? items.filter((one) => one !== item) : [...items, item];
}

/** @param {RhRemoteNode} node @param {RhChoice} choice */
function isNoted(node, choice) {
  return node.fields.some((field) => field.suggested || choice.fields.has(field.name));
}

/** @param {unknown} stored @param {number} most */
function shown(stored, most) {
  return clean(stored !== null && typeof stored === "object" ? JSON.stringify(stored) : stored, most);
}

/** @param {string} text */
function lower(text) {
  return text.slice(0, 1000).toLowerCase();
}
