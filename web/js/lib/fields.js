// @ts-check
// How a field stands on a node: its socket, or its widget and the values that this takes.

import { number } from "./plain.js";

// A media field takes what can be uploaded for it, or a remote name as text.
const SOCKETS = new Map([
  ["IMAGE", "IMAGE,MASK,STRING"],
  ["ZIP", "IMAGE,MASK,STRING"],
  ["VIDEO", "VIDEO,STRING"],
  ["AUDIO", "AUDIO,STRING"],
  ["*", "*"],
]);
const SAFE = Number.MAX_SAFE_INTEGER;

/** Whether fields of a kind have no widget. @param {string} kind */
export function isSocket(kind) {
  return SOCKETS.has(kind);
}

/**
 * How a field stands on the node: a socket alone, or a widget made of a spec as object_info has it.
 * @param {RhField} field
 * @returns {{socket: string} | {widget: "STRING" | "INT" | "FLOAT" | "BOOLEAN" | "COMBO", spec: [any, Record<string, any>]}}
 */
export function standing(field) {
  const socket = SOCKETS.get(field.kind);
  if (socket) {
    return { socket };
  }
  const value = startValue(field);
  switch (field.kind) {
    case "BOOLEAN":
      return { widget: "BOOLEAN", spec: ["BOOLEAN", { default: value }] };
    case "INT":
      return { widget: "INT", spec: ["INT", { ...range(field), default: value, step: field.step ?? 1, ...seed(field) }] };
    case "FLOAT":
      return { widget: "FLOAT", spec: ["FLOAT", { ...range(field), default: value, ...precision(field) }] };
    default:
      if (field.options) {
        return { widget: "COMBO", spec: [choices(field), { default: value }] };
      }
      return {
        widget: "STRING",
        spec: ["STRING", {
          multiline: field.multiline || field.kind === "JSON",
          default: value,
          placeholder: field.label,
        }],
      };
  }
}

/**
 * Whether two fields stand on the node in the same way, so that a widget can stay.
 * @param {RhField} one @param {RhField} other
 */
export function standsLike(one, other) {
  const stand = (/** @type {RhField} */ { stored: _, label: __, ...field }) =>
    JSON.stringify(standing({ ...field, stored: null, label: "" }));
  return stand(one) === stand(other);
}

/** The value that a widget begins with. @param {RhField} field */
export function startValue(field) {
  const { kind, stored } = field;
  if (kind === "BOOLEAN") {
    return stored === true || stored === "true";
  }
  if (kind === "INT" || kind === "FLOAT") {
    return number(stored) ?? 0;
  }
  if (stored !== null && typeof stored === "object") {
    return JSON.stringify(stored);
  }
  return field.options && field.options.includes(stored) ? stored : String(stored ?? "");
}

/**
 * A value as this field's widget takes it: the given one where it fits, else the stored one.
 * @param {RhField} field @param {unknown} value
 */
export function fitting(field, value) {
  switch (field.kind) {
    case "BOOLEAN":
      if (value === "true" || value === "false") {
        return value === "true";
      }
      return typeof value === "boolean" ? value : startValue(field);
    case "INT":
    case "FLOAT": {
      const found = typeof value === "boolean" ? null : number(value);
      if (found === null) {
        return startValue(field);
      }
      const { min, max } = range(field);
      const held = Math.min(Math.max(found, min), max);
      return field.kind === "INT" ? Math.round(held) : held;
    }
    default:
      if (field.options) {
        return choices(field).includes(/** @type {any} */ (value)) ? value : startValue(field);
      }
      return typeof value === "string" || typeof value === "number" || typeof value === "boolean"
        ? String(value)
        : startValue(field);
  }
}

/**
 * What is sent for a widget's value. JavaScript's numbers are exact to 2^53 only: a stored
 * number beyond goes out as the text it came as, as long as nobody changed it.
 * @param {RhField} field @param {any} value
 */
export function sent(field, value) {
  const untouched = field.kind === "INT" && typeof field.stored === "string" && value === startValue(field);
  return untouched ? field.stored : value;
}

/** @param {RhField} field */
function range(field) {
  const whole = field.kind === "INT";
  const value = number(field.stored) ?? 0;
  const widest = whole ? SAFE : 1e12;
  const low = Math.max(field.min ?? (field.seed ? 0 : -widest), -widest);
  const high = Math.min(field.max ?? widest, widest);
  // A stored value outside of the range is the remote's own affair.
  return { min: Math.min(low, value), max: Math.max(high, value) };
}

/** @param {RhField} field */
function seed(field) {
  return field.seed ? { control_after_generate: true, control_prefix: field.name } : {};
}

/** @param {RhField} field */
function precision(field) {
  const digits = Math.max(decimals(field.stored), decimals(field.step), 2);
  const round = Number(`1e-${Math.min(digits, 8)}`);
  return { step: field.step ?? (digits > 2 ? round : 0.05), round };
}

/** @param {unknown} value */
function decimals(value) {
  const [, digits = "", exponent = "0"] = /^-?\d*\.?(\d*)(?:e([+-]?\d+))?$/i.exec(String(value ?? "")) ?? [];
  return Math.max(0, digits.length - Number(exponent));
}

/** @param {RhField} field */
function choices(field) {
  const options = field.options ?? [];
  const value = startValue(field);
  return options.includes(/** @type {any} */ (value)) ? options : [value, ...options];
}

/**
 * The value of a field after its program changed: a person's own where it fits, the new stored
 * one where the old stored one was left as it was.
 * @param {RhField} before @param {RhField} after @param {unknown} value
 */
export function carried(before, after, value) {
  return value === startValue(before) ? startValue(after) : fitting(after, value);
}
