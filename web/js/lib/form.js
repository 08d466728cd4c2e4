// A node's form: the chosen fields and outputs of a remote program, and its slots' pool indices. Pure.

const TYPED = Object.freeze([
	{ name: "images", type: "IMAGE" },
	{ name: "masks", type: "MASK" },
	{ name: "video", type: "VIDEO" },
	{ name: "audio", type: "AUDIO" },
	{ name: "text", type: "STRING" },
	{ name: "files", type: "STRING" },
	{ name: "task_id", type: "STRING" },
]);

const TYPED_OF_MODELS = Object.freeze([...TYPED, { name: "model_3d", type: "FILE_3D" }]);
const URLS = Object.freeze({ name: "urls", type: "STRING" });

/** The typed outputs of a kind that come first in the pool, before the remote ones. @param {RhKind} kind */
export const typedOf = (kind) => (kind === "model" ? TYPED_OF_MODELS : TYPED);

export const MAX_OUTPUTS = 12;

/** The pool index of `urls`, the last one. @param {RhKind} kind */
const urlsIndex = (kind) => typedOf(kind).length + (kind === "model" ? 0 : MAX_OUTPUTS);

/** All outputs of a kind that are no remote node's, with their pool indices. @param {RhKind} kind */
export const ownOutputs = (kind) => [
	...typedOf(kind).map((output, index) => ({ ...output, index })),
	{ ...URLS, index: urlsIndex(kind) },
];

/** @type {(kind: RhKind, index: number) => boolean} */
const isOwn = (kind, index) => index < typedOf(kind).length || index === urlsIndex(kind);

const MOST_FIELDS = 500; // that a page can still render
const DEFAULT_SLOTS = [0, 4]; // pool indices: images and text, until a program is read
const UNDECLARED = [0, 2, 3, 4]; // pool indices for a program that declares no outputs: all media, and text
const FILES = 5; // pool index of `files`
const RESOURCES = ["CHECKPOINT", "UNET", "LORA", "GGUF"]; // model lists of the service

/** @type {(kind: RhKind, sockets?: number[]) => RhForm} */
export const blankForm = (kind, sockets = DEFAULT_SLOTS) => ({ v: 1, kind, id: "", name: "", hash: "", fields: [], outputs: [], sockets: [...sockets] });

/** @param {RhProgram} program */
export const allFields = (program) => program.nodes.flatMap((node) => node.fields);

/** The choice for a new program: what it suggests, what `before` had, and `linked` pool indices. @type {(program: RhProgram, before: RhForm | null, linked: number[]) => RhChoice} */
export function firstChoice(program, before, linked) {
	const had = new Map(before?.fields.map((field) => [field.name, field.kind]));
	const fields = allFields(program).filter((field) => field.suggested || had.get(field.name) === field.kind);
	const outputs = program.outputs.filter((output) => output.suggested).slice(0, MAX_OUTPUTS);
	const all = outputs.map((output) => {
		const index = TYPED.findIndex(({ type }) => type === output.type);
		return index === -1 ? FILES : index;
	});
	// The only output of its type has a slot of its own with the same value.
	const typed = all.filter((index, place) => all.indexOf(index) !== place);
	const untold = program.outputs.length === 0 ? (program.typed ?? UNDECLARED) : [];
	return {
		fields: new Set(fields.map(({ name }) => name)),
		outputs: outputs.map(({ id }) => id),
		typed: sorted([...linked.filter((index) => isOwn(program.kind, index)), ...typed, ...untold]),
	};
}

/** The choice that a form stands for, without what the program no longer has. @type {(program: RhProgram, form: RhForm) => RhChoice} */
export function choiceOf(program, form) {
	const names = new Set(allFields(program).map((field) => field.name));
	const ids = new Set(program.outputs.map((output) => output.id));
	return {
		fields: new Set(form.fields.map((field) => field.name).filter((name) => names.has(name))),
		outputs: form.outputs.map((output) => output.id).filter((id) => ids.has(id)),
		typed: form.sockets.filter((index) => isOwn(form.kind, index)),
	};
}

/**
 * Build a form from a choice. Slots that `before` has too keep their order, new ones are appended.
 * @type {(program: RhProgram, choice: RhChoice, before: RhForm | null) => RhForm}
 */
export function makeForm(program, choice, before) {
	const fields = program.nodes.flatMap((node) =>
		node.fields.filter((field) => choice.fields.has(field.name)).flatMap((field) => fieldOf(program.kind, node, field) ?? []),
	);
	const ids = new Set(choice.outputs.slice(0, MAX_OUTPUTS));
	const chosen = program.outputs.filter((output) => ids.has(output.id));
	const titles = chosen.map((output) => clean(output.title, 40) || clean(output.class_type, 40));
	const outputs = chosen.map(({ id, type }, index) => {
		const title = titles[index] ?? id;
		const alone = titles.indexOf(title) === titles.lastIndexOf(title);
		return { id, type: type || "*", label: alone ? title : `${title} (${id})` };
	});
	const { kind, id, hash } = program;
	const name = clean(program.app?.name || program.name, 200);
	const sockets = orderedSlots(kind, outputs, choice.typed, before);
	return { v: 1, kind, id, name, hash, fields, outputs, sockets, ...(program.model && { model: program.model }) };
}

/** Fingerprint of a program's structure, `3=7 6=1 | 9`: field counts by node id, then ids of output nodes. @param {RhProgram} program */
export function fingerprint(program) {
	const nodes = program.nodes.map((node) => `${node.id}=${node.fields.length}`).join(" ");
	return `${nodes} | ${program.outputs.map((output) => output.id).join(" ")}`;
}

/** @type {(kind: RhKind, outputs: RhOutput[], typed: number[], before: RhForm | null) => number[]} */
function orderedSlots(kind, outputs, typed, before) {
	const indices = [...typed, ...outputs.map((_, index) => typedOf(kind).length + index)];
	const former = before ? slotOrigins(before, outputs).filter((index) => indices.includes(index)) : [];
	return [...former, ...sorted(indices.filter((index) => !former.includes(index)))];
}

/**
 * The new pool index of each slot of `before`, -1 if it is gone. Remote outputs are matched by id.
 * @type {(before: RhForm, outputs: RhOutput[]) => number[]}
 */
export function slotOrigins(before, outputs) {
	const { length } = typedOf(before.kind);
	return before.sockets.map((index) => {
		if (isOwn(before.kind, index)) return index;
		const id = before.outputs[index - length]?.id;
		const now = outputs.findIndex((output) => output.id === id);
		return now === -1 ? -1 : length + now;
	});
}

/** Name, type and label of the output at a pool index. @param {RhForm} form @param {number} index */
export function slotOf(form, index) {
	const typed = typedOf(form.kind);
	const slot = index === urlsIndex(form.kind) ? URLS : typed[index];
	if (slot) return { ...slot, label: "" };
	const place = index - typed.length;
	const { type = "*", label = "" } = form.outputs[place] ?? {};
	return { name: `out_${place + 1}`, type, label };
}

/** Validate and normalize a form (JSON or parsed) from an untrusted source; null if it is none. @param {unknown} source @returns {RhForm | null} */
export function readForm(source) {
	const form = typeof source === "string" ? parseJson(source) : source;
	if (!isObject(form) || form.v !== 1) return null;
	/** @type {RhKind} */
	const kind = KINDS.find((name) => name === form.kind) ?? "workflow";
	const outputs = unique(list(form.outputs).map(readOutput), "id").slice(0, kind === "model" ? 0 : MAX_OUTPUTS);
	const pool = poolIndices(kind);
	const sockets = Array.isArray(form.sockets) ? form.sockets : poolIndices(kind, typedOf(kind).length + outputs.length);
	return {
		v: 1,
		kind,
		id: clean(form.id, 200),
		name: clean(form.name, 200),
		hash: clean(form.hash, 200),
		fields: unique(list(form.fields).slice(0, MOST_FIELDS).map((field) => readField(field, kind)), "name"),
		outputs,
		sockets: [...new Set(sockets.filter((index) => pool.includes(index)))],
		...(kind === "model" && isObject(form.model) && { model: form.model }),
	};
}

/** @type {RhKind[]} */
const KINDS = ["workflow", "app", "model", "module"];

/** The output pool's indices, or the first `count` of them. @type {(kind: RhKind, count?: number) => number[]} */
export function poolIndices(kind, count = Infinity) {
	return Array.from({ length: Math.min(count, urlsIndex(kind) + 1) }, (_, index) => index);
}

/** Validate and normalize a field; null if its name is invalid. @type {(field: any, kind?: RhKind) => RhField | null} */
export function readField(field, program = "workflow") {
	if (!isObject(field) || !isFieldName(field.name, program)) return null;
	const options = list(field.options);
	const resource = field.kind === "LORA" && !options.length ? "LORA" : field.resource;
	return {
		name: field.name,
		kind: clean(field.kind, 20) || "STRING",
		label: clean(field.label, 80) || field.name,
		tip: clean(field.tip, 400),
		stored: field.stored ?? null,
		multiline: field.multiline === true,
		min: toNumber(field.min),
		max: toNumber(field.max),
		step: toNumber(field.step),
		options: options.length ? options.filter((option) => ["string", "number", "boolean"].includes(typeof option)) : null,
		seed: field.seed === true,
		...(RESOURCES.includes(resource) && { resource }),
		...(program === "model" && readParameter(field)),
	};
}

/** The properties that only a model's parameters have; defaults are omitted. @param {any} field */
function readParameter({ required, array, max_items: most, blank, when, excludes }) {
	const apart = list(excludes).filter((name) => isFieldName(name, "model"));
	const values = list(when?.values).map((value) => clean(value));
	return {
		...(required === true && { required }),
		...(array === true && { array }),
		...(Number.isInteger(most) && most > 0 && { max_items: most }),
		...(blank === true && { blank }),
		...(isFieldName(when?.name, "model") && { when: { name: when.name, values } }),
		...(apart.length > 0 && { excludes: apart }),
	};
}

/** @type {(kind: RhKind, node: RhRemoteNode, field: RhRemoteField) => RhField | null} */
function fieldOf(kind, node, field) {
	if (kind === "model") return readField({ ...field, tip: field.description }, kind);
	const where = `#${node.id} ${clean(node.class_type)} · ${clean(field.field)}`;
	const described = clean(field.description, 270);
	return readField({ ...field, tip: described ? `${described} (${where})` : where });
}

/** @param {any} output @returns {RhOutput | null} */
function readOutput(output) {
	const id = isObject(output) ? clean(output.id, 100) : "";
	return id ? { id, type: clean(output.type, 20) || "*", label: clean(output.label) || id } : null;
}

/** @param {unknown} name @param {RhKind} kind @returns {name is string} */
export function isFieldName(name, kind = "workflow") {
	return typeof name === "string" && (kind === "model" ? isParameter(name) : /^\d+(:\d+)*\.[^]+$/.test(name));
}

const isParameter = (name = "") => /^(p\.)?[A-Za-z_][\w-]{0,63}(\.[1-9]\d{0,2})?$/.test(name) && !RESERVED.test(name);

/** Reserved names, which are not parameters: the node's own inputs, and names unsafe as keys. */
const RESERVED = /^(form|model|extra|batch|max_orders|timeout|reroll_seeds|send_anyway|fit_pictures|profile|link_\d+|constructor|__proto__)$/;

/** @type {(items: any[], key: string) => any[]} */
const unique = (items, key) =>
	items.filter((item, place) => item && items.findIndex((twin) => twin?.[key] === item[key]) === place);

/** @param {number[]} indices */
const sorted = (indices) => [...new Set(indices)].sort((first, second) => first - second);

/** @param {unknown} value */
const list = (value) => (Array.isArray(value) ? value : []);

/** Parse JSON; null if it is invalid. @returns {any} */
export function parseJson(text = "") {
	try {
		return JSON.parse(text);
	} catch {
		return null;
	}
}

// Line breaks and other control characters, and bidirectional formatting.
// eslint-disable-next-line no-control-regex
const INVISIBLE = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]+/g;

/** One line of at most `most` code points, without control characters. @type {(text: unknown, most?: number) => string} */
export function clean(text, most = 60) {
	// Cut first: a title may be megabytes long.
	const line = String(text ?? "").slice(0, most * 8).replace(INVISIBLE, " ").replace(/ {2,}/g, " ").trim();
	const letters = [...line];
	return letters.length > most ? `${letters.slice(0, most - 1).join("")}…` : line;
}

/** @param {unknown} value @returns {value is Record<string, any>} */
export const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** A finite number, also from text; null for anything else. @param {unknown} value */
export function toNumber(value) {
	const parsed = typeof value === "number" || (typeof value === "string" && value.trim()) ? Number(value) : NaN;
	return Number.isFinite(parsed) ? parsed : null;
}
