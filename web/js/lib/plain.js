// @ts-check
// Plain questions about values that strangers wrote.

// Line ends and other controls, and marks that turn the direction of what follows.
// eslint-disable-next-line no-control-regex
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]+/g;

/** One line of bounded length out of anything a stranger wrote. @param {unknown} text @param {number} [most] */
export function clean(text, most = 60) {
  // A part is enough to find the first characters of; a title may have megabytes.
  const line = String(text ?? "").slice(0, most * 8).replace(UNSEEN, " ").replace(/ {2,}/g, " ").trim();
  const letters = [...line];
  return letters.length > most ? `${letters.slice(0, most - 1).join("")}…` : line;
}

/** @param {unknown} value @returns {value is Record<string, any>} */
export function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @param {unknown} value */
export function list(value) {
  return Array.isArray(value) ? value : [];
}

/** A finite number, also out of its text; null for all else. @param {unknown} value */
export function number(value) {
  if (typeof value !== "number" && (typeof value !== "string" || !value.trim())) {
    return null;
  }
  const found = Number(value);
  return Number.isFinite(found) ? found : null;
}

/** @param {string} text */
export function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** @param {Record<string, any>} object @param {...string} names */
export function omit(object, ...names) {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !names.includes(key)));
}
