// @ts-check
// Prompts in API format, made ready for ComfyUI to load them onto the canvas.

import { blankForm } from "./form.js";
import { isObject, omit } from "./plain.js";
import { MOST_OUTPUTS, TYPED } from "./pool.js";
import { isFieldName, readField, readForm } from "./reading.js";

/**
 * An API prompt in which each node of ours brings a form, made of its inputs where it has none:
 * ComfyUI fills only widgets and sockets that exist when it loads a prompt.
 * @param {any} prompt @param {Map<string, "workflow" | "app">} kinds class → kind
 */
export function withForms(prompt, kinds) {
  if (!isObject(prompt)) {
    return prompt;
  }
  const used = lastUsedSlots(prompt);
  const entries = Object.entries(prompt).map(([id, node]) => {
    const kind = isObject(node) ? kinds.get(node.class_type) : undefined;
    if (!kind || !isObject(node.inputs) || readForm(node.inputs.form)) {
      return [id, node];
    }
    const form = JSON.stringify(guessForm(node.inputs, kind, used.get(id) ?? -1));
    return [id, { ...node, inputs: { form, ...omit(node.inputs, "form") } }];
  });
  return Object.fromEntries(entries);
}

/**
 * @param {Record<string, any>} inputs @param {"workflow" | "app"} kind
 * @param {number} last the last slot that has a link
 */
function guessForm(inputs, kind, last) {
  const fields = Object.keys(inputs)
    .filter(isFieldName)
    .map((name) => readField({ name, label: name, tip: name, ...guessField(name, inputs[name]) }));
  const ids = typeof inputs.outputs === "string" ? inputs.outputs.split(",").map((id) => id.trim()).filter(Boolean) : [];
  const outputs = ids.slice(0, MOST_OUTPUTS).map((id) => ({ id, type: "*", label: `#${id}` }));
  const shown = Math.max(last + 1, outputs.length ? TYPED.length + outputs.length : 1);
  return {
    ...blankForm(kind),
    fields: fields.filter((field) => field !== null),
    outputs,
    // A prompt without a form counts slots as the pool does.
    sockets: Array.from({ length: Math.min(shown, TYPED.length + MOST_OUTPUTS) }, (_, index) => index),
  };
}

/** @param {string} name @param {unknown} value */
function guessField(name, value) {
  const stored = value;
  switch (typeof value) {
    case "boolean":
      return { kind: "BOOLEAN", stored };
    case "number":
      return { kind: Number.isInteger(value) ? "INT" : "FLOAT", stored, seed: /seed$/.test(name) };
    case "string":
      return { kind: "STRING", stored, multiline: /text|prompt|\n/.test(name + value) };
    default:
      return Array.isArray(value) && value.length === 2 ? { kind: "*" } : { kind: "JSON", stored };
  }
}

/** @param {Record<string, any>} prompt */
function lastUsedSlots(prompt) {
  /** @type {Map<string, number>} */
  const last = new Map();
  for (const node of Object.values(prompt)) {
    for (const value of Object.values(isObject(node?.inputs) ? node.inputs : {})) {
      if (Array.isArray(value) && value.length === 2 && Number.isInteger(value[1])) {
        const id = String(value[0]);
        last.set(id, Math.max(last.get(id) ?? -1, value[1]));
      }
    }
  }
  return last;
}
