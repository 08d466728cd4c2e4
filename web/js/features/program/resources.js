// Fields that name a checkpoint or a LoRA: a combo that offers the cloud's models, or free text.

import { toastError } from "../../host/comfy.js";
import { lazy } from "../../host/lazy.js";
import { loadTexts, textsOf } from "../../host/texts.js";
import { makeLazyOptions } from "../../host/widgets.js";
import { onWidgetChange, programIdIn, kindOf, valueOf } from "../../lib/nodes.js";

const t = textsOf("resources");

export const FIND = "runninghub:find"; // the option that opens the search in the cloud

/** Names that RunningHub told, by account and kind. @type {Map<string, Set<string>>} */
const told = new Map();

/** @type {(kind: string, profile: string) => Set<string>} */
export function namesTold(kind, profile) {
	const key = `${kind} ${profile}`;
	const names = told.get(key) ?? new Set();
	told.set(key, names);
	return names;
}

/** @type {(node: ComfyNode, widget: ComfyWidget, kind: string) => void} */
export function offerModels(node, widget, kind) {
	const profile = () => valueOf(node, "profile");
	offerSearch(node, widget, kind, profile, () => [FIND, ...namesTold(kind, profile())], (value) => value);
}

/**
 * Make a combo offer what `list` returns of its own options; where FIND is chosen, the search in the cloud opens.
 * Returns what reads its own options, which ComfyUI may replace.
 * @type {(node: ComfyNode, widget: ComfyWidget, kind: string, profile: () => string, list: (own: string[]) => string[], label: (value: string) => string) => () => string[]}
 */
export function offerSearch(node, widget, kind, profile, list, label) {
	let former = widget.value;
	const listed = (/** @type {string[]} */ own) => {
		if (widget.value !== FIND) former = widget.value;
		return list(own);
	};
	void loadTexts();
	const own = makeLazyOptions(widget, listed, (value) => (value === FIND ? t("find") : label(value)));
	onWidgetChange(widget, (value) => {
		if (value !== FIND) return;
		widget.value = former;
		void openSearch(node, widget, kind, profile()).catch(toastError);
	});
	return own;
}

/** @type {(node: ComfyNode, widget: ComfyWidget, kind: string, profile: string) => Promise<void>} */
async function openSearch(node, widget, kind, profile) {
	/** @type {typeof import("./resources.mjs")} */
	const { openResources } = await lazy("features/program/resources.mjs");
	const question = { kind, profile, value: String(widget.value ?? ""), module: moduleOf(node) };
	const chosen = await openResources(question, (names) => names.forEach((name) => namesTold(kind, profile).add(name)));
	if (!chosen || !node.graph) return;
	widget.value = chosen;
	widget.callback?.(chosen);
}

/** The module's id, whose styles are listed before the account's models; "" for other kinds. @param {ComfyNode} node */
const moduleOf = (node) => (kindOf(node) === "module" ? programIdIn("module", valueOf(node, "module")) : "");
