// Maps a program's field to an input slot or a widget, and its values to those the widget accepts.

import { toNumber } from "./form.js";

/** Converts a field's value to one that its widget accepts, or that is sent. @typedef {(field: RhField, value: any) => unknown} Coerce */

/**
 * A field's control: a slot of that type, or a widget with its spec; `takes`: the slot's type if it differs.
 * @typedef {{ socket: string } | { widget: "STRING" | "INT" | "FLOAT" | "BOOLEAN" | "COMBO", takes?: string, spec: [any, Record<string, any>] }} Control
 */

// Field kind → slot type: a media field accepts what can be uploaded for it, or a remote file name as text.
const SOCKETS = new Map([
	["IMAGE", "IMAGE,MASK,STRING"],
	["ZIP", "IMAGE,MASK,STRING"],
	["VIDEO", "VIDEO,STRING"],
	["AUDIO", "AUDIO,STRING"],
	["*", "*"],
]);
const SAFE = Number.MAX_SAFE_INTEGER;

const NUMBERS = ["INT", "FLOAT"];

/** The slot or widget that represents a field. @param {RhField} field @returns {Control} */
export function controlOf(field) {
	const { kind, name, options, step, blank } = field;
	const socket = SOCKETS.get(kind);
	if (socket) return { socket };
	const value = { default: startValue(field) };
	if (blank && kind === "BOOLEAN") return { widget: "COMBO", takes: "BOOLEAN,STRING", spec: [choices(field), value] };
	if (blank && NUMBERS.includes(kind)) {
		return { widget: "STRING", takes: "INT,FLOAT,STRING", spec: ["STRING", { ...value, placeholder: hintOf(field) }] };
	}
	if (kind === "URL") return { widget: "STRING", takes: "STRING,IMAGE,VIDEO,AUDIO", spec: ["STRING", value] };
	const seed = field.seed && { control_after_generate: true, control_prefix: name };
	if (kind === "BOOLEAN") return { widget: kind, spec: [kind, value] };
	if (kind === "INT") return { widget: kind, spec: [kind, { ...range(field), ...value, step: step ?? 1, ...seed }] };
	if (kind === "FLOAT") return { widget: kind, spec: [kind, { ...range(field), ...value, ...precision(field) }] };
	if (options) return { widget: "COMBO", spec: [choices(field), value] };
	if (field.resource) return { widget: "COMBO", takes: "STRING", spec: [[value.default], { ...value, resource: field.resource }] };
	const multiline = field.multiline || kind === "JSON";
	return { widget: "STRING", spec: ["STRING", { ...value, multiline, placeholder: field.label }] };
}

/** Whether two fields have equal controls, whatever their stored values and labels. @param {RhField[]} fields */
export function sameControl(...fields) {
	const [first, second] = fields.map((field) => JSON.stringify(controlOf({ ...field, stored: null, label: "" })));
	return first === second;
}

/** The stored value, as the widget holds it. @param {RhField} field */
export function startValue({ kind, stored, options, blank }) {
	if (blank && stored === null) return "";
	if (kind === "BOOLEAN") return stored === true || stored === "true";
	if (kind === "INT" || kind === "FLOAT") return toNumber(stored) ?? 0;
	if (stored !== null && typeof stored === "object") return JSON.stringify(stored);
	return options?.includes(stored) ? stored : String(stored ?? "");
}

/** The given value, numbers clamped to the range, if the widget accepts it; else the stored one. @type {Coerce} */
export function coerce(field, value) {
	if (field.blank) return coerceOptional(field, value);
	if (field.kind === "BOOLEAN") {
		return value === true || value === "true" || (value !== false && value !== "false" && startValue(field));
	}
	if (field.kind === "INT" || field.kind === "FLOAT") {
		const parsed = toNumber(value);
		if (parsed === null) return startValue(field);
		const { min, max } = range(field);
		const bounded = Math.min(Math.max(parsed, min), max);
		return field.kind === "INT" ? Math.round(bounded) : bounded;
	}
	if (field.options) return choices(field).includes(value) ? value : startValue(field);
	return ["string", "number", "boolean"].includes(typeof value) ? String(value) : startValue(field);
}

/** The same for an optional field, which is "" while unset. @type {Coerce} */
function coerceOptional(field, value) {
	if (value === "" || value === null || value === undefined) return "";
	const text = String(value);
	if (NUMBERS.includes(field.kind)) return toNumber(value) === null ? startValue(field) : text;
	return choices(field).find((choice) => String(choice) === text) ?? startValue(field);
}

/** The value to send: an unchanged number beyond 2^53 stays the text that it was received as. @type {Coerce} */
export function sentValue(field, value) {
	const untouched = field.kind === "INT" && typeof field.stored === "string" && value === startValue(field);
	return untouched ? field.stored : value;
}

/** @param {RhField} field */
function range(field) {
	const value = toNumber(field.stored) ?? 0;
	const widest = field.kind === "INT" ? SAFE : 1e12;
	const low = Math.max(field.min ?? (field.seed ? 0 : -widest), -widest);
	const high = Math.min(field.max ?? widest, widest);
	// The remote's stored value is allowed even outside its declared range.
	return { min: Math.min(low, value), max: Math.max(high, value) };
}

/** @param {RhField} field */
function precision({ stored, step }) {
	const digits = Math.max(decimals(stored), decimals(step), 2);
	const round = Number(`1e-${digits}`);
	return { step: step ?? (digits > 2 ? round : 0.05), round };
}

/** @param {unknown} value */
const decimals = (value) => toNumber(value)?.toFixed(8).replace(/\.?0+$/, "").split(".")[1]?.length ?? 0;

/** @param {RhField} field @returns {any[]} */
function choices(field) {
	if (field.blank) return ["", ...(field.kind === "BOOLEAN" ? ["true", "false"] : (field.options ?? []))];
	const options = field.options ?? [];
	const value = startValue(field);
	return options.includes(value) ? options : [value, ...options];
}

/** A value after its program was updated: one that the user did not change follows the program. @type {RhCarry} */
export const carryOver = (before, after, value) =>
	value === startValue(before) ? startValue(after) : coerce(after, value);

/** The range of a number as text, "5 … 15"; "" if unbounded. @param {RhField} field */
export const hintOf = ({ min, max }) => (min === null && max === null ? "" : `${min ?? ""} … ${max ?? ""}`);

/** Convert a value for the field of the same name of another kind or program, if it fits. @type {RhCarry} */
export function convert(before, after, value) {
	if (value === startValue(before)) return startValue(after);
	const fitted = coerce(after, value);
	// To a user the option "5" and the number 5 are the same.
	return fitted === startValue(after) && typeof value === "number" ? coerce(after, String(value)) : fitted;
}
