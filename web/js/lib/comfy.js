// The one door to ComfyUI: its scripts, its language, the open graph, our nodes.

import { app } from "../../../../scripts/app.js";
import { api } from "../../../../scripts/api.js";

export { api, app };

export const language = () =>
	String(app.extensionManager?.setting?.get("Comfy.Locale")).startsWith("zh") ? "zh" : "en";

/** @type {RhToast} */
export function toast(severity, summary, detail = "") {
	const toasts = app.extensionManager?.toast;
	const own = toasts?.[severity === "warn" ? "warning" : severity];
	if (typeof own === "function") {
		own(summary, { description: detail, duration: 8000 });
	} else {
		toasts?.add({ severity, summary, detail, life: 8000 });
	}
}

export const rootGraph = () => app.rootGraph ?? app.graph?.rootGraph ?? app.graph;

/** "7:6": node 6 in subgraph node 7. @param {string} id @returns {any} */
export function nodeOf(id) {
	/** @type {any} */
	let node = { subgraph: rootGraph() };
	for (const step of String(id).split(":")) {
		node = node?.subgraph?.nodes.find(({ id: own = "" }) => String(own) === step);
	}
	return node;
}

export function show(id = "") {
	const node = nodeOf(id);
	if (!node) return false;
	const { canvas } = app;
	if (node.graph && canvas.graph !== node.graph) canvas.setGraph(node.graph);
	canvas.deselectAll?.();
	(canvas.select ?? canvas.selectNode).call(canvas, node);
	canvas.centerOnNode?.(node);
	canvas.setDirty(true, true);
	return true;
}

/** As one step of undo. @param {() => void} act */
export function change(act) {
	const { canvas } = app;
	canvas.emitBeforeChange?.();
	try {
		act();
	} finally {
		canvas.emitAfterChange?.();
		app.graph?.change?.();
		canvas.setDirty(true, true);
	}
}

/** Class → kind, which is also the input that names the program. @type {Map<string, RhKind>} */
export const PROGRAMS = new Map([
	["RunningHubRemoteWorkflow", "workflow"],
	["RunningHubAIApp", "app"],
]);

/** @param {any} node */
export const classOf = (node) => String(node?.comfyClass ?? node?.type ?? "");

/** @param {any} node */
export const kindOf = (node) => PROGRAMS.get(classOf(node));

export const isOurs = (className = "") => /^(RunningHub|RHUpload|RHLora)/.test(className);

/** @param {unknown} text */
export function idIn(text) {
	const path = String(text ?? "").trim().replace(/[?#].*$/s, "");
	return path.match(/(?<![A-Za-z0-9])\d{10,19}(?=\/|$)/)?.[0] ?? "";
}

/** @param {any} node */
export function programOf(node) {
	const kind = kindOf(node);
	const id = kind ? idIn(valueOf(node, kind)) : "";
	return id ? { kind, id, instance: valueOf(node, "instance") || "default", profile: valueOf(node, "profile") } : null;
}

/** @type {RhWidgetOf} */
export const widgetOf = (node, name) => node?.widgets?.find(({ name: own = "" }) => own === name);

/** @type {RhValueOf} */
export const valueOf = (node, name) => String(widgetOf(node, name)?.value ?? "");

/** @type {RhSetWidget} */
export function setWidget(node, name, value) {
	const found = widgetOf(node, name);
	if (found) {
		found.value = value;
		found.callback?.(value);
	}
}

/** @type {RhAfter} */
export function after(widget, act) {
	const { callback } = widget;
	widget.callback = function (value, ...more) {
		callback?.call(this, value, ...more);
		act(value);
	};
}
