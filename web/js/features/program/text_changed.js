// Decides when the text of a program node is complete, and not only half typed.

import { programIdIn, kindOf, widgetOf, withoutKey } from "../../lib/nodes.js";
import { formOf } from "./build.js";
import { programInput, stateOf, textOf } from "./state.js";

const MIN_DIGITS = 16; // minimum digits of an id
const DEBOUNCE = 700; // ms without a keystroke after which a typed id is complete

/** Call `load` once the text names another program than the node has; removes API keys from the text. @type {(node: ComfyNode, load: (node: ComfyNode) => void) => void} */
export function textChanged(node, load) {
	const state = stateOf(node);
	const kind = kindOf(node);
	const widget = widgetOf(node, programInput(node));
	const pasted = String(widget?.value ?? "");
	const keyless = withoutKey(pasted);
	if (widget && keyless !== pasted) widget.value = keyless;
	const text = textOf(node);
	const before = state.handledText;
	// A typed character or a deletion is not complete yet, a paste is.
	const isOther = Math.abs(text.length - before.length) > 1 || (text[0] !== before[0] && text.at(-1) !== before.at(-1));
	const isPasted = isOther && text.length > 1 && !before.startsWith(text);
	state.handledText = text;
	clearTimeout(state.timer);
	const isModel = kind === "model";
	const id = isModel ? text : programIdIn(kind, text);
	if (text !== before) state.reading?.abort(); // its answer would bring back what the text no longer names
	// The same id of a module may come with other entries.
	if (text === before || text === "" || (kind !== "module" && id === (formOf(node)?.id || null))) return;
	if (isPasted || isModel || id.length >= MIN_DIGITS) {
		state.timer = window.setTimeout(() => node.graph && load(node), isPasted ? 0 : DEBOUNCE);
	}
}
