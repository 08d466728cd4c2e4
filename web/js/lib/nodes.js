// Our node classes and the programs they name; widgets and links of any node.

/** The general class, which runs any model. */
export const ANY_MODEL = "RunningHubModel";

/** Model classes → pool indices of the outputs that a new node shows. @type {Map<string, number[]>} */
export const MODEL_CLASSES = new Map([
	[ANY_MODEL, [0, 2, 3, 4]],
	["RHTextToImage", [0]],
	["RHImageToImage", [0]],
	["RHUpscaleImage", [0]],
	["RHTextToVideo", [2]],
	["RHImageToVideo", [2]],
	["RHReferenceToVideo", [2]],
	["RHEditVideo", [2]],
	["RHUpscaleVideo", [2]],
	["RHSpeech", [3]],
	["RHMusic", [3]],
	["RH3D", [7]],
	["RHTextAndVision", [4]],
]);

/** Class → kind, which is also the name of the input with the program's id. @type {Map<string, RhKind>} */
export const KIND_BY_CLASS = new Map([
	["RunningHubRemoteWorkflow", "workflow"],
	["RunningHubAIApp", "app"],
	["RunningHubQuickCreate", "module"],
	.../** @type {[string, RhKind][]} */ ([...MODEL_CLASSES.keys()].map((name) => [name, "model"])),
]);

/** The class of a new node of that kind. @param {RhKind} kind */
export const classFor = (kind) => [...KIND_BY_CLASS].find(([, programKind]) => programKind === kind)?.[0] ?? "";

/** A node's class; a search entry for one model counts as the general class. @param {any} node */
export const classOf = (node) => classNamed(node?.comfyClass ?? node?.type);

/** @param {unknown} name */
export function classNamed(name) {
	const text = String(name ?? "");
	return text.startsWith(`${ANY_MODEL}:`) ? ANY_MODEL : text;
}

/** @param {any} node */
export const kindOf = (node) => KIND_BY_CLASS.get(classOf(node));

/** The class that replaces a marked part in the prompt. */
export const SEGMENT = "RunningHubSegment";

export const isOurs = (className = "") => /^(RunningHub|RHUpload|RHLora)/.test(className) || MODEL_CLASSES.has(className);

/** The numeric id in a text or URL; "" for none. @param {unknown} text */
export function idIn(text) {
	const path = String(text ?? "").trim().replace(/[?#].*$/s, "");
	return path.match(/(?<![A-Za-z0-9])\d{10,19}(?=\/|$)/)?.[0] ?? "";
}

/** The program id in a text; of a module's call example `<webappId>/<quickCreateCode>`; "" for none. @type {(kind: RhKind | undefined, text: string) => string} */
export function programIdIn(kind, text) {
	if (kind !== "module") return idIn(text);
	const [, id] = /webappId\\*["']?\s*:\s*\\*["']?(\d{1,19})/.exec(text) ?? [];
	const [, code] = /quickCreateCode\\*["']?\s*:\s*\\*["']([\w.-]{1,64})/.exec(text) ?? [];
	return id && code ? `${id}/${code}` : "";
}

/** Redact API keys in a call example or URL: keys must not be stored in a graph. @param {string} text */
export const withoutKey = (text) =>
	text.replace(/(api_?key(?:\\*["']?\s*:\s*\\*["']?|=))[^"'\\\s,}&#]+|(Bearer\s+)[^\s"'\\]+|(\/proxy\/)[0-9a-z]{32}\b/gi, "$1$2$3");

/** The program that a node names, with instance and profile; null for none. @param {any} node */
export function programOf(node) {
	const kind = kindOf(node);
	const id = kind ? idNamed(node, kind) : "";
	return id ? { kind, id, instance: valueOf(node, "instance") || "default", profile: valueOf(node, "profile") } : null;
}

/** The id that a node names; a model's is taken from the built form, since its text may be a display name. @type {(node: any, kind: RhKind) => string} */
function idNamed(node, kind) {
	const text = valueOf(node, kind).trim();
	return kind === "model" ? (text && String(node.properties?.runninghub?.form?.id ?? "")) : programIdIn(kind, text);
}

/** @type {(node: any, name: string) => ComfyWidget | undefined} */
export const widgetOf = (node, name) => node?.widgets?.find(({ name: own = "" }) => own === name);

/** The value that an input has in a run, of its promoted widget too, unless several differ. @type {(node: any, name: string) => string} */
export const valueOf = (node, name) => String(promotedValue(node, name) ?? widgetOf(node, name)?.value ?? "");

/** Names of the widgets that ComfyUI changes at each run, as the control widget after each says. @type {(node: any) => string[]} */
export const randomized = (node) =>
	(node?.widgets ?? []).flatMap(({ name = "", value = "" }, /** @type {number} */ index, /** @type {any[]} */ all) =>
		/(^| )control_after_generate$/.test(name) && value !== "fixed" ? [all[index - 1]?.name] : [],
	);

/** Set a widget's value and call its callback. @type {(node: any, name: string, value: string) => void} */
export function setWidget(node, name, value) {
	const widget = widgetOf(node, name);
	if (widget) {
		widget.value = value;
		widget.callback?.(value);
	}
}

/** @type {(node: any, name: string) => boolean} */
export function isLinked(node, name) {
	const slot = node.findInputSlot(name);
	return slot !== -1 && node.isInputConnected(slot);
}

/** The node and output slot that an input is linked to, or the subgraph's own `input`; null for none. @type {(node: any, name: string) => { node: any, slot: number, input: any } | null} */
export function sourceOf(node, name) {
	const slot = node.findInputSlot(name);
	return slot === -1 ? null : sourceAt(node, slot);
}

/** The same by the input's slot index. @type {(node: any, slot: number) => { node: any, slot: number, input: any } | null} */
export function sourceAt(node, slot) {
	const { graph } = node; // none yet while a copy is being made: getInputLink would throw
	// A subgraph node's own getInputLink returns the link to an output inside of it.
	const isInto = (/** @type {any} */ link) => link.target_id === node.id && link.target_slot === slot;
	const link = graph && (node.subgraph ? [...graph.links.values()].find(isInto) : node.getInputLink(slot));
	const border = link?.originIsIoNode ? graph.inputNode : null;
	const source = border ?? (link && graph.getNodeById(link.origin_id));
	return source ? { node: source, slot: link.origin_slot, input: border?.slots[link.origin_slot] } : null;
}

/** The promoted widgets that set an input, one of each node of its subgraph; undefined for a node that is linked there. @type {(node: any, name: string) => (ComfyWidget | undefined)[]} */
export function promotedWidgets(node, name) {
	const { graph } = node;
	// The root graph has no inputs of its own: its links, maybe thousands, are not searched for each use of a subgraph.
	const outer = graph?.inputNode && sourceOf(node, name)?.input?.name;
	if (!outer) return [];
	const all = [graph.rootGraph, ...graph.rootGraph.subgraphs.values()].flatMap(({ nodes }) => nodes);
	return all.filter(({ subgraph }) => subgraph === graph).flatMap((host) => {
		const further = promotedWidgets(host, outer); // where the host is in a subgraph itself
		return further.length > 0 ? further : [isLinked(host, outer) ? undefined : widgetOf(host, outer)];
	});
}

/** The value of an input's promoted widget; undefined for none, or where several differ. @type {(node: any, name: string) => unknown} */
export function promotedValue(node, name) {
	const [value, ...others] = node?.graph && node.findInputSlot ? promotedWidgets(node, name).map((widget) => widget?.value) : [];
	return others.every((other) => other === value) ? value : undefined;
}

/** Call `handler` after the widget's own callback. @type {(widget: ComfyWidget, handler: (value: any) => void) => void} */
export function onWidgetChange(widget, handler) {
	const { callback } = widget;
	widget.callback = function (value, ...more) {
		callback?.call(this, value, ...more);
		handler(value);
	};
}
