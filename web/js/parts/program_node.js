// Nodes that grow their program's inputs and outputs, whichever way a graph comes in.

import { after, api, app, kindOf, nodeOf, PROGRAMS, widgetOf } from "../lib/comfy.js";
import { blankForm, isFieldName, isObject, MOST_OUTPUTS, readField, readForm, slots, TYPED } from "../lib/form.js";
import { loadTexts, textsOf } from "../lib/texts.js";
import { build, buildForFile, explainAll, finishFromFile, formOf, strip, valuesOf } from "./build.js";
import { lookAtAll, ownNodes, review, update } from "./changed.js";
import { addButton, askPassword, choose, otherKind, settled, showState, stateOf, swap, textChanged } from "./choose.js";

const t = textsOf("form");

// What few people touch, and the list that follows the chosen outputs by itself.
const ADVANCED =
	"outputs batch max_orders timeout reroll_seeds add_metadata use_personal_queue retain_seconds profile".split(" ");

let loading = 0;

/** @type {ComfyPart} */
export const programNode = {
	init() {
		const { loadApiJson } = app;
		app.loadApiJson = async (/** @type {any} */ prompt, /** @type {any[]} */ ...more) => {
			loading += 1;
			try {
				return await loadApiJson.call(app, withForms(prompt, PROGRAMS), ...more);
			} finally {
				loading -= 1;
			}
		};
	},

	beforeRegisterNodeDef(nodeType, nodeData) {
		const kind = PROGRAMS.get(nodeData.name);
		if (kind) {
			// They go by a slot's place, and ours move.
			nodeData.output_tooltips = undefined;
			extend(nodeType.prototype, kind);
		}
	},

	getNodeMenuItems: (node) => (kindOf(node) ? menuOf(node) : []),

	afterConfigureGraph() {
		// Undo and redo load the graph as well.
		const restoring = app.extensionManager?.workflow?.activeWorkflow?.changeTracker?._restoringState;
		// The graph is drawn first.
		if (!restoring && ownNodes().length > 0) setTimeout(lookAtAll);
	},
};

/** @type {RhSwap} */
function extend(prototype, kind) {
	const { onNodeCreated, configure, onSerialize } = prototype;

	prototype.onNodeCreated = function (...given) {
		const made = onNodeCreated?.apply(this, given);
		strip(this);
		this.widgets?.filter(({ name }) => ADVANCED.includes(name)).forEach((widget) => tuckAway(this, widget));
		watch(this, kind);
		addButton(this, () => void (stateOf(this).changed ? review(this) : choose(this)));
		if (loading === 0) build(this, blankForm(kind));
		settled(this);
		loadTexts().then(() => {
			showState(this);
			explainAll(this);
		});
		return made;
	};

	prototype.configure = function (info) {
		const kept = info.properties?.runninghub;
		const form = readForm(kept?.form) ?? readForm(savedText(this, info)) ?? blankForm(kind);
		buildForFile(this, form);
		configure.call(this, info);
		finishFromFile(this, form, isObject(kept?.values) ? kept.values : {});
		settled(this);
		showState(this);
	};

	prototype.onSerialize = function (info) {
		onSerialize?.call(this, info);
		const kept = info.properties?.runninghub;
		if (info.properties && kept) {
			info.properties.runninghub = { ...kept, form: formOf(this), values: valuesOf(this) };
		}
	};
}

/** @type {RhTuckAway} */
function tuckAway(node, widget) {
	// For Nodes 2.0, and for the classic canvas, which would leave a gap where it is.
	widget.options.advanced = true;
	widget.advanced = true;
	Object.defineProperty(widget, "hidden", {
		configurable: true,
		get: () => !node.showAdvanced && !window.LiteGraph?.vueNodesMode,
		set: () => {},
	});
}

/** @type {RhSwap} */
function watch(node, kind) {
	const form = widgetOf(node, "form");
	const text = widgetOf(node, kind);
	if (form) {
		// A prompt in API format comes in by its values, this one first.
		after(form, (value) => {
			const read = readForm(value);
			if (read) build(node, read);
		});
	}
	if (text) after(text, () => (loading === 0 ? textChanged(node) : settled(node)));
}

/** Where properties were lost. @type {RhSavedText} */
function savedText(node, info) {
	const values = info.widgets_values;
	return Array.isArray(values) ? values[(node.widgets ?? []).findIndex(({ name }) => name === "form")] : values?.form;
}

/** @param {ComfyNode} node @returns {MenuItem[]} */
function menuOf(node) {
	const other = otherKind(node);
	return [
		null,
		{ content: t("choose"), callback: () => void choose(node) },
		{ content: t("update_menu"), disabled: !formOf(node)?.id, callback: () => void update(node) },
		{ content: `${t("password")}…`, callback: () => void askPassword(node) },
		{ content: t(`swap.${other}`), callback: () => swap(node, other) },
		{ content: t("again"), callback: () => void runAgain(node) },
	];
}

/** ComfyUI lets nobody speak beside the prompt, so it is added on the way out. @param {ComfyNode} node */
export const runAgain = (node) =>
	instead("queuePrompt", () => app.queuePrompt(0), (queue, restore) => (number, data, more) => {
		restore();
		const ids = Object.keys(data?.output ?? {}).filter((id) => nodeOf(id) === node);
		return instead("fetchApi", () => queue(number, data, more), (send, restoreSend) => (route, options) => {
			if (route !== "/prompt" || typeof options?.body !== "string") return send(route, options);
			restoreSend();
			return send(route, { ...options, body: withWord(options.body, ids) });
		});
	});

/** @type {RhInstead} */
async function instead(name, act, make) {
	const own = api[name];
	const restore = () => {
		if (api[name] === other) api[name] = own;
	};
	const other = make(own.bind(api), restore);
	api[name] = other;
	try {
		return await act();
	} finally {
		restore();
	}
}

/** @type {RhWithWord} */
function withWord(body, ids) {
	const prompt = JSON.parse(body);
	const extra = prompt.extra_data ?? {};
	return JSON.stringify({ ...prompt, extra_data: { ...extra, runninghub: { ...extra.runninghub, again: ids } } });
}

/** ComfyUI fills only widgets and sockets that exist when it loads a prompt. @type {RhWithForms} */
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
	const names = Object.keys(inputs).filter(isFieldName);
	const ids = typeof inputs.outputs === "string" ? inputs.outputs.split(",").map((id) => id.trim()).filter(Boolean) : [];
	const outputs = ids.slice(0, MOST_OUTPUTS).map((id) => ({ id, type: "*", label: `#${id}` }));
	return {
		...blankForm(kind),
		fields: names.map((name) => readField({ name, label: name, tip: name, ...guessField(name, inputs[name]) })),
		outputs,
		// A prompt without a form counts slots as the pool does.
		sockets: slots(Math.max(last + 1, outputs.length ? TYPED.length + outputs.length : 1)),
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

/** @param {Record<string, any>} prompt */
function lastUsedSlots(prompt) {
	const inputs = Object.values(prompt).flatMap((node) => Object.values(isObject(node?.inputs) ? node.inputs : {}));
	/** @type {Map<string, number>} */
	const last = new Map();
	for (const [id, slot] of inputs.filter(isLink)) {
		last.set(String(id), Math.max(last.get(String(id)) ?? -1, slot));
	}
	return last;
}
