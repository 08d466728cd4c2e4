// Fields that name a checkpoint or a LoRA: a combo that offers the cloud's models, or free text.

import { toastError } from "../../host/comfy.js";
import { lazy } from "../../host/lazy.js";
import { loadTexts, textsOf } from "../../host/texts.js";
import { makeLazyOptions } from "../../host/widgets.js";
import { onWidgetChange, programIdIn, kindOf, setWidget, valueOf } from "../../lib/nodes.js";

const t = textsOf("resources");

const FIND = "runninghub:find"; // the option that opens the search in the cloud

/** Names found so far, by kind: offered as options. @type {Map<string, Set<string>>} */
const foundNames = new Map();

/** @type {(node: ComfyNode, widget: ComfyWidget, kind: string) => void} */
export function offerModels(node, widget, kind) {
	let former = widget.value;
	const list = () => {
		if (widget.value !== FIND) former = widget.value;
		return [FIND, ...(foundNames.get(kind) ?? [])];
	};
	void loadTexts();
	makeLazyOptions(widget, list, (value) => (value === FIND ? t("find") : value));
	onWidgetChange(widget, (value) => {
		if (value !== FIND) return;
		widget.value = former;
		void openSearch(node, widget, kind, valueOf(node, "profile")).catch(toastError);
	});
}

/** Widgets of ComfyUI's loaders that name a model → its kind. @type {Record<string, string>} */
const KINDS = { ckpt_name: "CHECKPOINT", unet_name: "UNET", lora_name: "LORA" };

/** Menu entries of a marked loader, whose own options are the local models. @type {(node: ComfyNode, profile: string) => MenuItem[]} */
export const modelSearchItems = (node, profile) =>
	(node.widgets ?? []).flatMap((widget) => {
		const kind = KINDS[widget.name] && (/gguf/i.test(node.type) ? "GGUF" : KINDS[widget.name]);
		return kind ? [{ content: t("find"), callback: () => void openSearch(node, widget, kind, profile).catch(toastError) }] : [];
	});

/** @type {(node: ComfyNode, widget: ComfyWidget, kind: string, profile: string) => Promise<void>} */
async function openSearch(node, widget, kind, profile) {
	/** @type {typeof import("./resources.mjs")} */
	const { openResources } = await lazy("features/program/resources.mjs");
	const question = { kind, profile, value: String(widget.value ?? ""), module: moduleOf(node) };
	const chosen = await openResources(question, (names) => {
		foundNames.set(kind, new Set([...(foundNames.get(kind) ?? []), ...names]));
	});
	if (chosen && node.graph) setWidget(node, widget.name, chosen);
}

/** The module's id, whose styles are listed before the account's models; "" for other kinds. @param {ComfyNode} node */
const moduleOf = (node) => (kindOf(node) === "module" ? programIdIn("module", valueOf(node, "module")) : "");
