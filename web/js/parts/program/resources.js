// Fields that name a checkpoint or a LoRA: the cloud's own models to choose from, and any other text.

import { lazy } from "../../host/lazy.js";
import { loadTexts, textsOf } from "../../host/texts.js";
import { makeList } from "../../host/widgets.js";
import { after, idFor, kindOf, setWidget, valueOf } from "../../lib/nodes.js";

const t = textsOf("resources");

const FIND = "runninghub:find"; // the entry of the list that asks the cloud

/** Names that were shown, by kind. @type {Map<string, Set<string>>} */
const seen = new Map();

/** @type {(node: ComfyNode, widget: ComfyWidget, kind: string) => void} */
export function offerModels(node, widget, kind) {
	let held = widget.value;
	const list = () => {
		if (widget.value !== FIND) held = widget.value;
		return [FIND, ...(seen.get(kind) ?? [])];
	};
	void loadTexts();
	makeList(widget, list, (value) => (value === FIND ? t("find") : value));
	after(widget, (value) => {
		if (value !== FIND) return;
		widget.value = held;
		void find(node, widget, kind);
	});
}

/** @type {(node: ComfyNode, widget: ComfyWidget, kind: string) => Promise<void>} */
async function find(node, widget, kind) {
	/** @type {typeof import("./resources.mjs")} */
	const { openResources } = await lazy("parts/program/resources.mjs");
	const asked = { kind, profile: valueOf(node, "profile"), value: String(widget.value ?? ""), module: moduleOf(node) };
	const chosen = await openResources(asked, (names) => {
		seen.set(kind, new Set([...(seen.get(kind) ?? []), ...names]));
	});
	if (chosen && node.graph) setWidget(node, widget.name, chosen);
}

/** Whose styles are offered before the account's models. @param {ComfyNode} node */
const moduleOf = (node) => (kindOf(node) === "module" ? idFor("module", valueOf(node, "module")) : "");
