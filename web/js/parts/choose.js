// From an id or link to a node with the program's own inputs: reads, asks what to show, builds.

import { app, change, idIn, kindOf, PROGRAMS, setWidget, valueOf, widgetOf } from "../lib/comfy.js";
import { carried } from "../lib/fields.js";
import { firstChoice, makeForm, presentChoice, seenOf } from "../lib/form.js";
import { post, ServerError } from "../lib/server.js";
import { loadTexts, textsOf } from "../lib/texts.js";
import { ask, h } from "../lib/view.js";
import { offerKey } from "./account.js";
import { build, formOf, linkedSlots } from "./build.js";
import { openChooser } from "./chooser.js";

const t = textsOf("form");

const WHOLE = 16; // digits that an id has at least
const TYPING = 700; // ms of quiet after which a typed id counts as whole
const BUTTON = "choose_fields";

/** @type {WeakMap<ComfyNode, RhState>} */
const states = new WeakMap();

/** @param {ComfyNode} node @returns {RhState} */
export function stateOf(node) {
	const state = states.get(node) ?? { text: "", timer: 0, asking: null, changed: null };
	states.set(node, state);
	return state;
}

/** @type {RhAddButton} */
export function addButton(node, press) {
	node.addWidget("button", BUTTON, null, press, { serialize: false }).serialize = false;
	showState(node);
}

/** @param {ComfyNode} node */
export function showState(node) {
	const button = widgetOf(node, BUTTON);
	if (button) {
		const { asking, changed } = stateOf(node);
		button.label = t(asking ? "reading" : changed ? "review" : "choose");
		node.setDirtyCanvas(true);
	}
}

/** @param {ComfyNode} node */
const inputOf = (node) => kindOf(node) ?? "workflow";

/** @param {ComfyNode} node */
export const textOf = (node) => valueOf(node, inputOf(node)).trim();

/** @param {ComfyNode} node */
export function settled(node) {
	stateOf(node).text = textOf(node);
}

/** @param {ComfyNode} node */
export function textChanged(node) {
	const state = stateOf(node);
	const text = textOf(node);
	const before = state.text;
	// A letter typed, or a part taken off, is not yet meant.
	const isOther = Math.abs(text.length - before.length) > 1 || (text[0] !== before[0] && text.at(-1) !== before.at(-1));
	const whole = isOther && text.length > 1 && !before.startsWith(text);
	state.text = text;
	clearTimeout(state.timer);
	if (text === before || text === "" || idIn(text) === (formOf(node)?.id || null)) return;
	if (whole || idIn(text).length >= WHOLE) {
		state.timer = window.setTimeout(() => node.graph && choose(node), whole ? 0 : TYPING);
	}
}

/** @param {ComfyNode} node */
export async function choose(node) {
	await loadTexts();
	if (textOf(node) === "") {
		const title = t(`which.${inputOf(node)}`);
		const input = h("input", { "aria-label": title });
		// The changed text comes back to here.
		await ask(title, input, () => setWidget(node, inputOf(node), input.value.trim()));
		return;
	}
	const program = await readProgram(node, false);
	if (!program) return;
	const before = formOf(node);
	const same = before?.id === program.id;
	const first = before && same ? presentChoice(program, before) : firstChoice(program, before, linkedSlots(node));
	const choice = await openChooser(program, first);
	const widget = widgetOf(node, inputOf(node));
	if (choice && node.graph) {
		take(node, program, makeForm(program, choice, before));
	} else if (before?.id && !same && widget) {
		// Left without a choice: the node stays what it was.
		widget.value = before.id;
		settled(node);
		node.setDirtyCanvas(true, true);
	}
}

/** @type {RhTake} */
export function take(node, program, form) {
	stateOf(node).changed = null;
	change(() => {
		node.properties.runninghub = { ...node.properties.runninghub, seen: seenOf(program) };
		build(node, form, carried);
	});
	showState(node);
}

/** @type {RhFetchProgram} */
export const fetchProgram = (node, fresh, signal) =>
	post("/runninghub/program", { ...named(node), text: textOf(node), fresh }, signal);

/** @param {ComfyNode} node */
const named = (node) => ({ kind: kindOf(node), profile: valueOf(node, "profile") });

/** Null: why was said, or the node asks anew or is gone. @type {RhReadProgram} */
export async function readProgram(node, fresh) {
	const state = stateOf(node);
	state.asking?.abort();
	const asking = new AbortController();
	state.asking = asking;
	await loadTexts();
	showState(node);
	try {
		for (;;) {
			const found = await fetchProgram(node, fresh, asking.signal).catch((error) => ({ error }));
			if (asking.signal.aborted || !node.graph) return null;
			if (!("error" in found)) return found;
			if (!(await settle(node, found.error))) return null;
		}
	} finally {
		if (state.asking === asking) state.asking = null;
		showState(node);
	}
}

/** @type {RhSettle} */
async function settle(node, error) {
	const { message, hint } = error instanceof ServerError ? error : { message: String(error), hint: "" };
	const title = t(`failed.${kindOf(node)}`);
	const other = otherKind(node);
	if (hint === "no_key") return offerKey(node);
	if (hint === "password") return askPassword(node, message);
	if (hint !== "wrong_kind") return ask(title, message);
	await ask(title, message, () => swap(node, other), t(`swap.${other}`));
	return false; // the new node asks for itself
}

/** It goes to the server's store, like the key, and never into the graph. @type {RhAskPassword} */
export function askPassword(node, message = "") {
	const words = t("password");
	const input = h("input", { type: "password", autocomplete: "off", placeholder: words, "aria-label": words });
	const body = h("div", "", h("p", "", message), input, h("p", "muted", t("password_kept")));
	return ask(t("protected"), body, () =>
		post("/runninghub/passwords/save", { ...named(node), id: idIn(textOf(node)), password: input.value }),
	);
}

/** @param {ComfyNode} node @returns {RhKind} */
export const otherKind = (node) => (kindOf(node) === "app" ? "workflow" : "app");

/** The widget's callback then reads the program. @type {RhSwap} */
export function swap(node, kind) {
	const { graph } = node;
	const [className] = [...PROGRAMS].find(([, other]) => other === kind) ?? [];
	const made = window.LiteGraph?.createNode(className);
	if (!graph || !made) return;
	const text = textOf(node);
	change(() => {
		made.pos = [node.pos[0], node.pos[1]];
		graph.add(made);
		const marks = { ...node.properties.runninghub, values: undefined, seen: undefined };
		made.properties.runninghub = { ...marks, ...made.properties.runninghub };
		for (const { name, value, serialize } of node.widgets ?? []) {
			const same = widgetOf(made, name);
			if (same && !["form", "outputs"].includes(name) && serialize !== false) same.value = value;
		}
		moveLinks(node, made);
		graph.remove(node);
		app.canvas.selectItems?.([made]);
	});
	setWidget(made, kind, text);
}

/** @type {RhMoveLinks} */
function moveLinks(from, to) {
	const { graph } = from;
	const before = formOf(from)?.sockets ?? [];
	const now = formOf(to)?.sockets ?? [];
	const links = graph?.links?.values?.() ?? Object.values(graph?.links ?? {});
	for (const link of [...links].filter((one) => String(one.origin_id) === String(from.id))) {
		const slot = now.indexOf(before[link.origin_slot] ?? -1);
		const target = graph?.getNodeById(link.target_id);
		if (slot !== -1 && target) to.connect(slot, target, link.target_slot);
	}
}
