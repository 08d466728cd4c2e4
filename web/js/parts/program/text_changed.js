// When a text in the box of a program node is meant, and not only half typed.

import { idFor, kindOf, widgetOf, withoutKey } from "../../lib/nodes.js";
import { formOf } from "./build.js";
import { inputOf, stateOf, textOf } from "./state.js";

const WHOLE = 16; // digits that an id has at least
const TYPING = 700; // ms of quiet after which a typed id counts as whole

/** Calls `load` for a text that names another program than the node has. @type {(node: ComfyNode, load: (node: ComfyNode) => void) => void} */
export function textChanged(node, load) {
	const state = stateOf(node);
	const kind = kindOf(node);
	const box = widgetOf(node, inputOf(node));
	const pasted = String(box?.value ?? "");
	const keyless = withoutKey(pasted);
	if (box && keyless !== pasted) box.value = keyless;
	const text = textOf(node);
	const before = state.text;
	// A letter typed, or a part taken off, is not yet meant.
	const isOther = Math.abs(text.length - before.length) > 1 || (text[0] !== before[0] && text.at(-1) !== before.at(-1));
	const whole = isOther && text.length > 1 && !before.startsWith(text);
	state.text = text;
	clearTimeout(state.timer);
	const isModel = kind === "model";
	const id = isModel ? text : idFor(kind, text);
	// Of a module the same id may come with other entries.
	if (text === before || text === "" || (kind !== "module" && id === (formOf(node)?.id || null))) return;
	if (whole || isModel || id.length >= WHOLE) {
		state.timer = window.setTimeout(() => node.graph && load(node), whole ? 0 : TYPING);
	}
}
