// Model boxes of loaders that run on RunningHub: its models after the local ones, each with a label that says where it is.

import { redraw, rootGraph } from "../host/graph.js";
import { post } from "../host/server.js";
import { dotted, textsOf } from "../host/texts.js";
import { renewOptions } from "../host/widgets.js";
import * as marks from "../lib/marks.js";
import { promotedWidgets } from "../lib/nodes.js";
import { FIND, namesTold, offerSearch } from "./program/resources.js";

const t = textsOf("resources");

/** Widgets of loaders that name a model → its kind. @type {Record<string, string>} */
const KINDS = { ckpt_name: "CHECKPOINT", unet_name: "UNET", lora_name: "LORA" };

const UPLOADING = /^LoraLoader(ModelOnly)?$/; // classes whose local LoRAs are uploaded

/** A loader's model, with its account; `isThere`: the node is marked now. `own`: the names of this machine. @typedef {{ kind: string, profile: string, isThere: boolean, own: () => string[], goesUp: boolean }} Box */

/** By widget, promoted ones too, of each loader that was marked. @type {WeakMap<ComfyWidget, Box>} */
const boxes = new WeakMap();

/** Names that RunningHub does not list, by account and kind. @type {Map<string, Set<string>>} */
const unlisted = new Map();

/** What this page asked: the first models of an account and kind, or a name that is not among them. */
const asked = new Set();

/** One request at a time: a browser has six connections to a server, and Run needs one. */
let asking = Promise.resolve();

/** Offer RunningHub's models at the loaders that run there now, and no longer at others. */
export function refreshLoaders() {
	const root = rootGraph();
	for (const node of marks.allThings(root)) {
		if (node.subgraph) continue;
		for (const widget of node.widgets ?? []) {
			if (widget.type === "combo" && KINDS[widget.name]) refresh(node, widget, marks.markAt(node, root));
		}
	}
	redraw();
}

/** @type {(node: any, widget: ComfyWidget, mark: RhMark | null) => void} */
function refresh(node, widget, mark) {
	let box = boxes.get(widget);
	if (!box && !mark) return;
	box ??= { kind: kindIn(node, widget), profile: "", isThere: false, own: () => [], goesUp: UPLOADING.test(node.type) };
	box.isThere = mark !== null;
	if (mark) box.profile = mark.profile ?? "";
	for (const shown of [widget, ...promotedWidgets(node, widget.name)]) {
		if (!shown) continue;
		if (!boxes.has(shown)) {
			const own = offer(node, shown, box);
			if (shown === widget) box.own = own;
			boxes.set(shown, box);
		}
		renewOptions(shown);
		if (mark) ask(box, shown.value);
	}
}

/** @type {(node: any, widget: ComfyWidget) => string} */
const kindIn = ({ type }, { name }) => (/gguf/i.test(type) ? "GGUF" : (KINDS[name] ?? ""));

/** @type {(node: any, widget: ComfyWidget, box: Box) => () => string[]} */
const offer = (node, widget, box) =>
	offerSearch(node, widget, box.kind, () => box.profile, () => namesIn(box), (name) => labelIn(box, name));

/** @param {Box} box */
function namesIn({ kind, profile, isThere, own }) {
	const here = own();
	if (!isThere) return here;
	const known = new Set(here.map(slashed));
	return [...here, ...[...namesTold(kind, profile)].filter((name) => !known.has(slashed(name))), FIND];
}

/** @type {(box: Box, name: string) => string} */
function labelIn({ kind, profile, isThere, own, goesUp }, name) {
	const isListed = namesTold(kind, profile).has(slashed(name));
	const isHere = own().includes(name);
	if (!isHere) return dotted(name, isListed && (isThere ? "RunningHub" : t("only_there")));
	if (!isThere) return name;
	if (isListed) return dotted(name, t("both"));
	return dotted(name, unlistedOf(kind, profile).has(name) && t(goesUp ? "goes_up" : "only_here"));
}

/** As RunningHub writes it: Windows has a backslash between folders. */
const slashed = (name = "") => name.replaceAll("\\", "/");

/** @type {(kind: string, profile: string) => Set<string>} */
function unlistedOf(kind, profile) {
	const key = `${kind} ${profile}`;
	const names = unlisted.get(key) ?? new Set();
	unlisted.set(key, names);
	return names;
}

/** Ask once for an account's models of a kind, then whether one that is chosen is there. @type {(box: Box, value: unknown) => void} */
function ask({ kind, profile, own }, value) {
	const list = `${kind} ${profile} `;
	const name = asked.has(list) && own().includes(String(value)) && !namesTold(kind, profile).has(slashed(String(value))) ? String(value) : "";
	const key = list + name;
	if (asked.has(key)) return;
	asked.add(key);
	asking = asking.then(async () => {
		try {
			const { models, is_unlisted: isUnlisted } = await post("/runninghub/resources", { kind, profile, name, quiet: true });
			if (!models) return void asked.delete(key); // as below: there may be no key yet
			for (const model of models) namesTold(kind, profile).add(model.name);
			if (isUnlisted) unlistedOf(kind, profile).add(name);
			refreshLoaders();
		} catch {
			asked.delete(key); // asked again after the next change
		}
	});
}
