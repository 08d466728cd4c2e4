// How a field stands on a node: its socket, or its widget and the values that this takes.

import { number } from "./form.js";

/** A value of a field made one that its widget takes, or that is sent. @typedef {(field: RhField, value: any) => unknown} Fitting */

/**
 * What stands for a field on a node.
 * @typedef {{ socket: string } | { widget: "STRING" | "INT" | "FLOAT" | "BOOLEAN" | "COMBO", takes?: string, spec: [any, Record<string, any>] }} Standing
 */

// A media field takes what can be uploaded for it, or a remote name as text.
const SOCKETS = new Map([
	["IMAGE", "IMAGE,MASK,STRING"],
	["ZIP", "IMAGE,MASK,STRING"],
	["VIDEO", "VIDEO,STRING"],
	["AUDIO", "AUDIO,STRING"],
	["*", "*"],
]);
const SAFE = Number.MAX_SAFE_INTEGER;

const NUMBERS = ["INT", "FLOAT"];

/** @param {RhField} field @returns {Standing} */
export function standing(field) {
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

/** @param {RhField[]} fields */
export function standsLike(...fields) {
	const [first, second] = fields.map((field) => JSON.stringify(standing({ ...field, stored: null, label: "" })));
	return first === second;
}

/** @param {RhField} field */
export function startValue({ kind, stored, options, blank }) {
	if (blank && stored === null) return "";
	if (kind === "BOOLEAN") return stored === true || stored === "true";
	if (kind === "INT" || kind === "FLOAT") return number(stored) ?? 0;
	if (stored !== null && typeof stored === "object") return JSON.stringify(stored);
	return options?.includes(stored) ? stored : String(stored ?? "");
}

/** The given value where it fits, else the stored one. @type {Fitting} */
export function fitting(field, value) {
	if (field.blank) return fittingOrNone(field, value);
	if (field.kind === "BOOLEAN") {
		return value === true || value === "true" || (value !== false && value !== "false" && startValue(field));
	}
	if (field.kind === "INT" || field.kind === "FLOAT") {
		const parsed = number(value);
		if (parsed === null) return startValue(field);
		const { min, max } = range(field);
		const bounded = Math.min(Math.max(parsed, min), max);
		return field.kind === "INT" ? Math.round(bounded) : bounded;
	}
	if (field.options) return choices(field).includes(value) ? value : startValue(field);
	return ["string", "number", "boolean"].includes(typeof value) ? String(value) : startValue(field);
}

/** The same for a field that may stay unset, as "". @type {Fitting} */
function fittingOrNone(field, value) {
	if (value === "" || value === null || value === undefined) return "";
	const text = String(value);
	if (NUMBERS.includes(field.kind)) return number(value) === null ? startValue(field) : text;
	return choices(field).find((choice) => String(choice) === text) ?? startValue(field);
}

/** A number beyond 2^53 goes out as the text it came as, while nobody changed it. @type {Fitting} */
export function sent(field, value) {
	const untouched = field.kind === "INT" && typeof field.stored === "string" && value === startValue(field);
	return untouched ? field.stored : value;
}

/** @param {RhField} field */
function range(field) {
	const value = number(field.stored) ?? 0;
	const widest = field.kind === "INT" ? SAFE : 1e12;
	const low = Math.max(field.min ?? (field.seed ? 0 : -widest), -widest);
	const high = Math.min(field.max ?? widest, widest);
	// A stored value outside of the range is the remote's own affair.
	return { min: Math.min(low, value), max: Math.max(high, value) };
}

/** @param {RhField} field */
function precision({ stored, step }) {
	const digits = Math.max(decimals(stored), decimals(step), 2);
	const round = Number(`1e-${digits}`);
	return { step: step ?? (digits > 2 ? round : 0.05), round };
}

/** @param {unknown} value */
const decimals = (value) => number(value)?.toFixed(8).replace(/\.?0+$/, "").split(".")[1]?.length ?? 0;

/** @param {RhField} field @returns {any[]} */
function choices(field) {
	if (field.blank) return ["", ...(field.kind === "BOOLEAN" ? ["true", "false"] : (field.options ?? []))];
	const options = field.options ?? [];
	const value = startValue(field);
	return options.includes(value) ? options : [value, ...options];
}

/** An untouched value follows its program. @type {RhCarry} */
export const carried = (before, after, value) =>
	value === startValue(before) ? startValue(after) : fitting(after, value);

/** "5 … 15" of a number. @param {RhField} field */
export const hintOf = ({ min, max }) => (min === null && max === null ? "" : `${min ?? ""} … ${max ?? ""}`);

/** A value of the field of the same name of another program, where it fits. @type {RhCarry} */
export function moved(before, after, value) {
	if (value === startValue(before)) return startValue(after);
	const fitted = fitting(after, value);
	// "5" of a list and 5 of a number are the same to a person.
	return fitted === startValue(after) && typeof value === "number" ? fitting(after, String(value)) : fitted;
}
