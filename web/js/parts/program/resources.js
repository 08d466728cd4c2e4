// Fields that name a checkpoint or a LoRA: the cloud's own models to choose from, and any other text.

import { lazy } from "../../host/lazy.js";
import { loadTexts, textsOf } from "../../host/texts.js";
import { makeList } from "../../host/widgets.js";
import { after, idFor, kindOf, setWidget, valueOf } from "../../lib/nodes.js";

const t = textsOf("resources");

const FIND = "runninghub:find"; // the entry of the list that asks the cloud

/** Names that were shown, by kind. @type {Map<string, Set<string>>} */
const shown = new Map();

/** @type {(node: ComfyNode, widget: ComfyWidget, kind: string) => void} */
export function offerModels(node, widget, kind) {
	let former = widget.value;
	const list = () => {
		if (widget.value !== FIND) former = widget.value;
		return [FIND, ...(shown.get(kind) ?? [])];
	};
	void loadTexts();
	makeList(widget, list, (value) => (value === FIND ? t("find") : value));
	after(widget, (value) => {
		if (value !== FIND) return;
		widget.value = former;
		void find(node, widget, kind, valueOf(node, "profile"));
	});
}

/** Widgets of ComfyUI's loaders that name a model → its kind. @type {Record<string, string>} */
const KINDS = { ckpt_name: "CHECKPOINT", unet_name: "UNET", lora_name: "LORA" };

/** Of a loader that runs there: its own list has what is on this machine. @type {(node: ComfyNode, profile: string) => MenuItem[]} */
export const findItems = (node, profile) =>
	(node.widgets ?? []).flatMap((widget) => {
		const kind = KINDS[widget.name] && (/gguf/i.test(node.type) ? "GGUF" : KINDS[widget.name]);
		return kind ? [{ content: t("find"), callback: () => void find(node, widget, kind, profile) }] : [];
	});

/** @type {(node: ComfyNode, widget: ComfyWidget, kind: string, profile: string) => Promise<void>} */
async function find(node, widget, kind, profile) {
	/** @type {typeof import("./resources.mjs")} */
	const { openResources } = await lazy("parts/program/resources.mjs");
	const question = { kind, profile, value: String(widget.value ?? ""), module: moduleOf(node) };
	const chosen = await openResources(question, (names) => {
		shown.set(kind, new Set([...(shown.get(kind) ?? []), ...names]));
	});
	if (chosen && node.graph) setWidget(node, widget.name, chosen);
}

/** Whose styles are offered before the account's models. @param {ComfyNode} node */
const moduleOf = (node) => (kindOf(node) === "module" ? idFor("module", valueOf(node, "module")) : "");
