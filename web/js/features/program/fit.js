// Toggle to fit images to a model's limits of size and format; off by default.
// Workflow files store widget values by index, so this one is stored in the node's properties.

import { loadTexts, textsOf } from "../../host/texts.js";
import { isObject } from "../../lib/form.js";
import { onWidgetChange, widgetOf } from "../../lib/nodes.js";
import { formOf } from "./build.js";

const t = textsOf("models");

/** The name of its widget, and of its input in a prompt. */
export const FIT = "fit_pictures";

/** @param {ComfyNode} node */
export function addFit(node) {
	const widget = node.addWidget("toggle", FIT, false, () => {});
	widget.serialize = false;
	widget.hidden = true;
	widget.serializeValue = () => (widget.value ? true : undefined);
	onWidgetChange(widget, (value) => {
		node.properties.runninghub = { ...node.properties.runninghub, fit: value === true };
	});
	void loadTexts().then(() => {
		widget.label = t("fit");
		widget.tooltip = t("fit_tip");
	});
}

/** Restore the stored value; visible only if it is on, or the catalogue has a limit for images. @param {ComfyNode} node */
export function showFit(node) {
	const widget = widgetOf(node, FIT);
	if (!widget) return;
	const parameters = formOf(node)?.model?.parameters;
	const isLimited = (/** @type {any} */ parameter) => isObject(parameter) && parameter.type === "IMAGE" && (parameter.max_mb || parameter.formats);
	widget.value = node.properties?.runninghub?.fit === true;
	widget.hidden = !widget.value && !(Array.isArray(parameters) && parameters.some(isLimited));
}
