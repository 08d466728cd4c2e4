// Our nodes among others, and the widgets of any. Pure.

/** The class that runs any model. */
export const ANY_MODEL = "RunningHubModel";

/** Classes of models → the outputs that a new node shows, as places in the pool. @type {Map<string, number[]>} */
export const MODELS = new Map([
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

/** Class → kind, which is also the input that names the program. @type {Map<string, RhKind>} */
export const PROGRAMS = new Map([
	["RunningHubRemoteWorkflow", "workflow"],
	["RunningHubAIApp", "app"],
	["RunningHubQuickCreate", "module"],
	.../** @type {[string, RhKind][]} */ ([...MODELS.keys()].map((name) => [name, "model"])),
]);

/** The class of a new node of that kind. @param {RhKind} kind */
export const classFor = (kind) => [...PROGRAMS].find(([, programKind]) => programKind === kind)?.[0] ?? "";

/** Of a search entry for one model too, which is a node of the general class. @param {any} node */
export const classOf = (node) => classNamed(node?.comfyClass ?? node?.type);

/** @param {unknown} name */
export function classNamed(name) {
	const text = String(name ?? "");
	return text.startsWith(`${ANY_MODEL}:`) ? ANY_MODEL : text;
}

/** @param {any} node */
export const kindOf = (node) => PROGRAMS.get(classOf(node));

export const isOurs = (className = "") => /^(RunningHub|RHUpload|RHLora)/.test(className) || MODELS.has(className);

/** @param {unknown} text */
export function idIn(text) {
	const path = String(text ?? "").trim().replace(/[?#].*$/s, "");
	return path.match(/(?<![A-Za-z0-9])\d{10,19}(?=\/|$)/)?.[0] ?? "";
}

/** What a text names: an id, of a module's call example `<webappId>/<quickCreateCode>`. @type {(kind: RhKind | undefined, text: string) => string} */
export function idFor(kind, text) {
	if (kind !== "module") return idIn(text);
	const [, id] = /webappId\\*["']?\s*:\s*\\*["']?(\d{1,19})/.exec(text) ?? [];
	const [, code] = /quickCreateCode\\*["']?\s*:\s*\\*["']([\w.-]{1,64})/.exec(text) ?? [];
	return id && code ? `${id}/${code}` : "";
}

/** A call example or a link without its keys, which are nothing for a graph. @param {string} text */
export const withoutKey = (text) =>
	text.replace(/(api_?key(?:\\*["']?\s*:\s*\\*["']?|=))[^"'\\\s,}&#]+|(Bearer\s+)[^\s"'\\]+|(\/proxy\/)[0-9a-z]{32}\b/gi, "$1$2$3");

/** @param {any} node */
export function programOf(node) {
	const kind = kindOf(node);
	const id = kind ? idNamed(node, kind) : "";
	return id ? { kind, id, instance: valueOf(node, "instance") || "default", profile: valueOf(node, "profile") } : null;
}

/** A model is what the node was built for: its text may be a name. @type {(node: any, kind: RhKind) => string} */
function idNamed(node, kind) {
	const text = valueOf(node, kind).trim();
	return kind === "model" ? (text && String(node.properties?.runninghub?.form?.id ?? "")) : idFor(kind, text);
}

/** @type {(node: any, name: string) => ComfyWidget | undefined} */
export const widgetOf = (node, name) => node?.widgets?.find(({ name: own = "" }) => own === name);

/** @type {(node: any, name: string) => string} */
export const valueOf = (node, name) => String(widgetOf(node, name)?.value ?? "");

/** Its widgets that ComfyUI gives a new value with each run: a control that says so follows each. @type {(node: any) => string[]} */
export const drawnBy = (node) =>
	(node?.widgets ?? []).flatMap(({ name = "", value = "" }, /** @type {number} */ index, /** @type {any[]} */ all) =>
		/(^| )control_after_generate$/.test(name) && value !== "fixed" ? [all[index - 1]?.name] : [],
	);

/** @type {(node: any, name: string, value: string) => void} */
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

/** Where an input's value comes from. @type {(node: any, name: string) => { node: any, slot: number } | null} */
export function sourceOf(node, name) {
	const slot = node.findInputSlot(name);
	return slot === -1 ? null : sourceAt(node, slot);
}

/** The same by the input's place. @type {(node: any, slot: number) => { node: any, slot: number } | null} */
export function sourceAt(node, slot) {
	const { graph } = node; // a copy that is being made is in none yet, and would throw
	const link = graph && node.getInputLink(slot);
	const source = link && graph.getNodeById(link.origin_id);
	return source ? { node: source, slot: link.origin_slot } : null;
}

/** @type {(widget: ComfyWidget, act: (value: any) => void) => void} */
export function after(widget, act) {
	const { callback } = widget;
	widget.callback = function (value, ...more) {
		callback?.call(this, value, ...more);
		act(value);
	};
}
