// Detects that a program has changed since its node was built; `outdated.mjs` updates the node.

import { toast } from "../../host/comfy.js";
import { isInGraph, rootGraph } from "../../host/graph.js";
import { lazy } from "../../host/lazy.js";
import { dotted, loadTexts, textsOf } from "../../host/texts.js";
import { startValue } from "../../lib/fields.js";
import { clean, allFields } from "../../lib/form.js";
import { allThings } from "../../lib/marks.js";
import { programIdIn, kindOf, valueOf } from "../../lib/nodes.js";
import { formOf } from "./build.js";
import { readSettings } from "../profiles.js";
import { fetchProgram } from "./loader.js";
import { isOffered } from "./models.js";
import { labelButton, stateOf, textOf } from "./state.js";

/**
 * How a program differs from a form. `added`: nodes with new fields; `other`: fields whose kind changed.
 * @typedef {object} Changes
 * @property {{ title: string, id: string, count: number }[]} added
 * @property {RhField[]} gone
 * @property {{ field: RhField, kind: string }[]} other
 * @property {{ field: RhField, stored: unknown }[]} values
 * @property {RhOutput[]} goneOutputs
 * @property {RhRemoteOutput[]} addedOutputs
 */

/**
 * A function of a form and its current program; `seen`: `fingerprint` of the program at build time.
 * @template T
 * @typedef {(form: RhForm, seen: string, program: RhProgram) => T} WithProgram
 */

const t = textsOf("form");

/** @returns {ComfyNode[]} */
export const programNodes = () => allThings(rootGraph()).filter(kindOf);

let checking = new AbortController();

export async function checkChanges() {
	checking.abort(); // of a workflow that was left: Run needs the connection
	checking = new AbortController();
	const { signal } = checking;
	const idOf = (/** @type {ComfyNode} */ node) => (kindOf(node) === "model" ? textOf(node) : programIdIn(kindOf(node), textOf(node)));
	const nodes = programNodes().filter((node) => formOf(node)?.hash && idOf(node) === formOf(node)?.id);
	if (nodes.length === 0) return;
	// A background check: failures are silent.
	const { profiles } = await readSettings().catch(() => ({ profiles: [] }));
	const profileNames = ["", ...profiles.map(({ name = "" }) => name)];
	await loadTexts();
	/** @type {Map<string, Promise<RhProgram | null>>} */
	const programs = new Map();
	for (const node of nodes) {
		const profile = valueOf(node, "profile");
		const isReadable = kindOf(node) === "model" || profileNames.length > 1; // models need no key
		if (isInGraph(node) && isReadable && profileNames.includes(profile)) {
			const key = JSON.stringify([kindOf(node), formOf(node)?.id, profile]);
			const program = programs.get(key) ?? fetchProgram(node, true, signal).catch(() => null);
			programs.set(key, program);
			showChange(node, await program);
		}
	}
}

/** Show that the program has changed, or is no longer offered. @type {(node: ComfyNode, program: RhProgram | null) => void} */
function showChange(node, program) {
	const form = formOf(node);
	if (!program || !form || !isInGraph(node) || program.id !== form.id || program.status === "unlisted") return;
	if (!isOffered(program)) {
		stateOf(node).discontinued = program;
		labelButton(node);
		toast("warn", node.title, program.notice);
		return;
	}
	if (program.hash === form.hash) return;
	const lists = listsOf(node, form, program).map(({ title }) => title);
	stateOf(node).newProgram = program;
	labelButton(node);
	toast("info", t("changed", { name: node.title }), dotted(...lists) || t("changed_inside"));
}

/** @param {ComfyNode} node @returns {string} */
export const seenBy = (node) => node.properties.runninghub?.seen ?? "";

/** Call a function of `outdated.mjs` on a node. @type {(name: "review" | "update", node: ComfyNode) => Promise<void>} */
const callLazy = async (name, node) => (await lazy("features/program/outdated.mjs"))[name](node);

/** Show the changes, and offer to apply them. @param {ComfyNode} node */
export const review = (node) => callLazy("review", node);

/** Read the program anew, and review its changes. @param {ComfyNode} node */
export const update = (node) => callLazy("update", node);

/** @type {(node: ComfyNode, form: RhForm, program: RhProgram) => { title: string; lines: string[] }[]} */
export function listsOf(node, form, program) {
	const changes = compare(form, seenBy(node), program);
	const lists = {
		added: changes.added.map((addition) => (addition.id ? t("added_line", addition) : `${addition.title}: ${addition.count}`)),
		gone: changes.gone.map((field) => `${field.label} (${clean(field.name)})`),
		other: changes.other.map(({ field, kind }) => `${field.label}: ${field.kind} → ${kind}`),
		values: changes.values.map(({ field, stored }) => `${field.label}: ${valueText(field)} → ${valueText({ ...field, stored })}`),
		added_outputs: changes.addedOutputs.map((output) => `${clean(output.title)} (#${clean(output.id)})`),
		gone_outputs: changes.goneOutputs.map((output) => `${output.label} (#${output.id})`),
	};
	return Object.entries(lists)
		.filter(([, lines]) => lines.length > 0)
		.map(([key, lines]) => ({ title: t(`changes.${key}`, { count: lines.length }), lines }));
}

/** @param {RhField} field */
const valueText = (field) => clean(startValue(field), 80) || "–";

/** @type {WithProgram<Changes>} */
export function compare(form, seen, program) {
	const newFields = new Map(allFields(program).map((field) => [field.name, field]));
	const outputs = new Set(program.outputs.map((output) => output.id));
	const earlier = parseFingerprint(seen);
	const kept = form.fields.flatMap((field) => {
		const newField = newFields.get(field.name);
		return newField ? { field, kind: newField.kind, stored: newField.stored } : [];
	});
	const added = program.nodes.map(({ id, title, class_type, fields }) => ({
		title: clean(title) || clean(class_type) || clean(program.name),
		id,
		count: fields.length - (earlier?.fields.get(id) ?? 0),
	}));
	return {
		added: added.filter(({ count }) => earlier && count > 0),
		gone: form.fields.filter((field) => !newFields.has(field.name)),
		other: kept.filter(({ field, kind }) => kind !== field.kind),
		values: kept.filter(({ field, kind, stored }) => kind === field.kind && differs(field.stored, stored)),
		goneOutputs: form.outputs.filter((output) => !outputs.has(output.id)),
		addedOutputs: program.outputs.filter((output) => output.suggested && earlier && !earlier.outputs.has(output.id)),
	};
}

/** Parse a fingerprint; null if there is none. @param {unknown} seen */
function parseFingerprint(seen) {
	if (typeof seen !== "string" || !seen.includes("|")) return null;
	const [nodes = "", outputs = ""] = seen.split("|");
	const pairs = nodes.split(" ").filter(Boolean).map((pair) => pair.split("="));
	return {
		fields: new Map(pairs.map(([id, fields]) => [String(id), Number(fields) || 0])),
		outputs: new Set(outputs.split(" ")),
	};
}

/** @type {(before: unknown, after: unknown) => boolean} */
const differs = (before, after) => JSON.stringify(before ?? null) !== JSON.stringify(after ?? null);
