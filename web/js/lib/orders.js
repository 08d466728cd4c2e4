// Static estimate of how many orders a node places, from the graph alone: one per input item.

import { classOf, isLinked, promotedWidgets, randomized, sourceOf, valueOf, widgetOf } from "./nodes.js";

const [MODE_ALWAYS, MODE_BYPASS] = [0, 4]; // LiteGraph's node modes
const SINGLE = ["STRING", "INT", "FLOAT", "BOOLEAN", "COMBO", "VIDEO", "FILE_3D"]; // types whose value is a single item
const BATCHED = ["IMAGE", "MASK", "LATENT"];
const SINGLE_FRAME = /\.(png|jpe?g|bmp)( \[\w+\])?$/i; // one frame; other formats may have several

/** Count of items, and of distinct ones: equal items are one order. @typedef {{ length: number, distinct: number }} Items */
/** @typedef {{ node: any, slot: number }} Source */

const ONE = { length: 1, distinct: 1 };

/** @type {[string, (node: any) => Items | null][]} */
const RULES_OF_CLASSES = [
	["LoadImage LoadImageMask", (node) => (SINGLE_FRAME.test(valueOf(node, "image")) && !isLinked(node, "image") ? ONE : null)],
	[
		"EmptyImage EmptyLatentImage EmptySD3LatentImage EmptyFlux2LatentImage EmptyHunyuanImageLatent EmptyChromaRadianceLatentImage",
		(node) => multiplied(ONE, node, "batch_size"),
	],
	["RepeatImageBatch RepeatLatentBatch", (node) => multiplied(passedThrough(node), node, "amount")],
	[
		"KSampler KSamplerAdvanced SamplerCustom SamplerCustomAdvanced",
		(node) => {
			const items = passedThrough(node);
			return items && { ...items, distinct: items.length }; // each gets noise of its own
		},
	],
	[
		"Reroute VAEDecode VAEDecodeTiled VAEEncode VAEEncodeTiled VAEEncodeForInpaint SetLatentNoiseMask LatentUpscale LatentUpscaleBy ImageScale " +
			"ImageScaleBy ImageScaleToTotalPixels ImageScaleToMaxDimension ImageUpscaleWithModel ImageInvert ImageCrop ImageBlur ImageSharpen ImagePadForOutpaint " +
			"ImageToMask MaskToImage InvertMask GrowMask",
		(node) => passedThrough(node),
	],
	[
		"ImageBatch LatentBatch",
		(node) => {
			const inputs = node.inputs.filter((/** @type {any} */ { type }) => BATCHED.includes(type));
			const [first, second] = inputs.map((/** @type {any} */ { name }) => itemsAt(node, name));
			return first && second ? { length: first.length + second.length, distinct: first.distinct + second.distinct } : null;
		},
	],
];

/** Node class → items that it outputs; other classes may output any number. */
const RULES = new Map(RULES_OF_CLASSES.flatMap(([names, rule]) => names.split(" ").map((name) => /** @type {const} */ ([name, rule]))));

/**
 * The number of orders of a node; `least`: a lower bound, since some inputs are known only at run time.
 * @type {(node: any, fields: RhField[]) => { count: number, least: boolean }}
 */
export function countOrders(node, fields) {
	const counted = countOnce(node, fields);
	return { ...counted, least: counted.least || isInLoop(node) };
}

/** The same for one turn of a loop. @type {(node: any, fields: RhField[]) => { count: number, least: boolean }} */
function countOnce(node, fields) {
	if (valueOf(node, "batch") === "first") return { count: 1, least: false };
	// A list parameter and a zip take all items in one order.
	const perField = fields.filter(({ array, kind }) => !array && kind !== "ZIP").map(({ name }) => itemsAt(node, name));
	const counted = perField.flatMap((items) => items ?? []);
	// With rerolled seeds equal items are separate orders.
	const isRerolled = valueOf(node, "reroll_seeds") === "true";
	const length = Math.max(1, ...counted.map((items) => items.length));
	const count = isRerolled ? length : Math.max(1, ...counted.map(({ distinct }) => distinct));
	return { count, least: counted.length < perField.length && (length === 1 || count < length) };
}

/** Deduplication key: nodes of a graph with equal keys are one order; null for one that is, or may be, separate. @param {any} node */
export function orderKey(node) {
	/** @type {{ widgets?: any[], inputs?: any[] }} */
	const { widgets = [], inputs = [] } = node;
	const isRandomized = randomized(node).length > 0;
	const linked = inputs.flatMap(({ name }) => (isLinked(node, name) ? { name, source: sourceOf(node, name) } : []));
	if (isRandomized || valueOf(node, "reroll_seeds") === "true" || linked.some(({ source }) => !source)) return null;
	const values = widgets.filter(({ name = "" }) => !name.startsWith("$$")).map(({ name, value }) => [name, value]);
	return JSON.stringify([classOf(node), values, linked.map(({ name, source }) => [name, source?.node.id, source?.slot])]);
}

/** The items at an input; null if known only at run time. @type {(node: any, name: string) => Items | null} */
function itemsAt(node, name) {
	const promoted = promotedWidgets(node, name);
	if (!isLinked(node, name) || (promoted.length > 0 && promoted.every(Boolean))) return ONE;
	const source = sourceOf(node, name);
	if (!source || !runsOnce(source)) return null;
	return SINGLE.includes(String(typeOf(source))) ? ONE : itemsOf(source);
}

/** @param {Source} source @returns {Items | null} */
function itemsOf({ node, slot }) {
	if (node.mode === MODE_BYPASS) return passedThrough(node, String(typeOf({ node, slot })));
	return RULES.get(classOf(node))?.(node) ?? null;
}

/** As many items as the first linked input of `type`, or else of a batched type, has. @type {(node: any, type?: string) => Items | null} */
function passedThrough(node, type = "") {
	const [first] = node.inputs.filter((/** @type {any} */ input) => isLinked(node, input.name) && (type ? [type] : [...BATCHED, "*"]).includes(input.type));
	return first ? itemsAt(node, first.name) : null;
}

/** @type {(items: Items | null, node: any, name: string) => Items | null} */
function multiplied(items, node, name) {
	const factor = Number(widgetOf(node, name)?.value);
	return items && factor > 0 && !isLinked(node, name) ? { ...items, length: items.length * factor } : null;
}

/** Whether no node upstream outputs a list (`output_is_list`), whose items would be executed one by one. @type {(source: Source, seen?: Set<any>) => boolean} */
function runsOnce({ node, slot }, seen = new Set()) {
	if (node.mode !== MODE_BYPASS && (node.mode !== MODE_ALWAYS || node.subgraph || node.constructor.nodeData?.output_is_list?.[slot])) return false;
	if (seen.has(node)) return true;
	seen.add(node);
	return (node.inputs ?? []).every((/** @type {any} */ { name }) => {
		const source = sourceOf(node, name);
		return source ? runsOnce(source, seen) : !isLinked(node, name);
	});
}

/** Whether a node is in the body of ComfyUI's loop, so that each turn orders anew. @type {(node: any, ends?: number, seen?: Set<string>) => boolean} */
function isInLoop(node, ends = 0, seen = new Set()) {
	return (node.inputs ?? []).some((/** @type {any} */ { name }) => {
		const source = sourceOf(node, name)?.node;
		const kind = source && classOf(source);
		if (kind === "StartLoop" && ends === 0) return true;
		const inside = ends + Number(kind === "EndLoop") - Number(kind === "StartLoop");
		const key = `${source?.id} ${inside}`;
		if (!source || seen.has(key)) return false;
		seen.add(key);
		return isInLoop(source, inside, seen);
	});
}

/** @param {Source} source */
const typeOf = ({ node, slot }) => node.outputs?.[slot]?.type;
