// Infers forms for API-format prompts, which have none, from their inputs and links. Pure.

import { blankForm, isFieldName, isObject, MAX_OUTPUTS, readField, readForm, poolIndices, typedOf } from "./form.js";

/**
 * Add an inferred `form` input to each node of `kinds`: ComfyUI fills only widgets and slots that exist at load.
 * @type {(prompt: any, kinds: Map<string, RhKind>) => any}
 */
export function withForms(prompt, kinds) {
	if (!isObject(prompt)) return prompt;
	const used = lastUsedSlots(prompt);
	const entries = Object.entries(prompt).map(([id, node]) => {
		const kind = kinds.get(node?.class_type);
		if (!kind || !isObject(node.inputs) || readForm(node.inputs.form)) return [id, node];
		const form = JSON.stringify(guessForm(node.inputs, kind, used.get(id) ?? -1));
		return [id, { ...node, inputs: Object.assign({ form }, node.inputs, { form }) }];
	});
	return Object.fromEntries(entries);
}

/** @param {Record<string, any>} inputs @param {RhKind} kind @param {number} last */
function guessForm(inputs, kind, last) {
	const names = Object.keys(inputs).filter((name) => isFieldName(name, kind));
	const ids = typeof inputs.outputs === "string" ? inputs.outputs.split(",").map((id) => id.trim()).filter(Boolean) : [];
	const outputs = ids.slice(0, MAX_OUTPUTS).map((id) => ({ id, type: "*", label: `#${id}` }));
	return {
		...blankForm(kind),
		...(kind === "model" && { id: String(inputs.model ?? "").trim() }),
		fields: names.map((name) => readField({ name, label: name, tip: name, ...guessField(name, inputs[name]) }, kind)),
		outputs,
		// Without a form, slot numbers of a prompt are pool indices.
		sockets: poolIndices(kind, Math.max(last + 1, outputs.length ? typedOf(kind).length + outputs.length : 1)),
	};
}

/** @param {string} name @param {unknown} stored */
function guessField(name, stored) {
	if (isLink(stored)) return { kind: "*" };
	if (typeof stored === "boolean") return { kind: "BOOLEAN", stored };
	if (typeof stored === "string") return { kind: "STRING", stored, multiline: /text|prompt|\n/.test(name + stored) };
	if (typeof stored !== "number") return { kind: "JSON", stored };
	return { kind: Number.isInteger(stored) ? "INT" : "FLOAT", stored, seed: /seed$/.test(name) };
}

/** @param {any} value */
const isLink = (value) => Array.isArray(value) && value.length === 2 && Number.isInteger(value[1]);

/** The highest output slot that is linked, by node id. @param {Record<string, any>} prompt */
function lastUsedSlots(prompt) {
	const inputs = Object.values(prompt).flatMap((node) => Object.values(isObject(node?.inputs) ? node.inputs : {}));
	/** @type {Map<string, number>} */
	const last = new Map();
	for (const [id, slot] of inputs.filter(isLink)) {
		last.set(String(id), Math.max(last.get(String(id)) ?? -1, slot));
	}
	return last;
}
