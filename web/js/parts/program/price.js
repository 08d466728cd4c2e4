// The line of a model's node that says what an order may cost, from lists at once, and from the service when it is pressed.

import { redrawBadges } from "../../host/badges.js";
import { toast } from "../../host/comfy.js";
import { post } from "../../host/server.js";
import { dotted, loadTexts, shortPrice, textsOf } from "../../host/texts.js";
import { makeButton } from "../../host/widgets.js";
import { number, parse } from "../../lib/form.js";
import { after, isLinked, sourceOf, valueOf, widgetOf } from "../../lib/nodes.js";
import { ordersTold } from "../../lib/orders.js";
import { wordsOf } from "../../lib/view.js";
import { formOf, valuesOf } from "./build.js";

const t = textsOf("models");

const NAME = "price";
const QUIET = 400; // ms after a change

/** @type {WeakMap<ComfyNode, number>} */
const timers = new WeakMap();

/** @type {WeakSet<ComfyWidget>} */
const watched = new WeakSet();

/** @param {ComfyNode} node */
export function addPrice(node) {
	makeButton(node, NAME, () => void ask(node)).label = "";
}

/** Soon, and again after each change of a value. @param {ComfyNode} node */
export function followPrice(node) {
	const button = widgetOf(node, NAME);
	if (button && !button.label) button.label = t("ask_price");
	for (const widget of node.widgets ?? []) {
		if (widget.name !== NAME && widget.type !== "button" && !watched.has(widget)) {
			watched.add(widget);
			after(widget, () => tellSoon(node));
		}
	}
	tellSoon(node);
}

/** @param {ComfyNode} node */
function tellSoon(node) {
	clearTimeout(timers.get(node));
	timers.set(node, window.setTimeout(tell, QUIET, node));
}

/** What is known of a node's price now. @type {WeakMap<ComfyNode, string>} */
const prices = new WeakMap();

/** For a subgraph's node, which has no such line. @param {ComfyNode} node */
export const priceOf = (node) => prices.get(node) ?? "";

/** How many orders a node's last run was. @type {WeakMap<ComfyNode, number>} */
const ran = new WeakMap();

/** @type {(node: ComfyNode, output: any) => void} */
export function countOrders(node, output) {
	const orders = number(parse(output?.runninghub?.[0])?.orders);
	if (orders !== null) ran.set(node, orders);
	if (widgetOf(node, NAME)) tellSoon(node);
}

/**
 * As the graph tells; else as many as pictures are shown where they come from, or as the last run was, or more.
 * @param {ComfyNode} node
 */
export function ordersOf(node) {
	const fields = formOf(node)?.fields ?? [];
	const counted = ordersTold(node, fields);
	if (!counted.least) return counted;
	const shown = fields.filter(({ array }) => !array).map(({ name }) => sourceOf(node, name)?.node.imgs?.length ?? 0);
	return { count: Math.max(counted.count, ran.get(node) ?? 1, ...shown), least: true };
}

/** What they cost together; "" of one. @type {(node: ComfyNode, answer: { total: string | null, currency: string }) => string} */
function product(node, { total, currency }) {
	const { count } = ordersOf(node);
	return count > 1 && total ? t("orders", { count, total, currency }) : "";
}

/** Questions under way, by what they ask: copies of a node ask the same. @type {Map<string, Promise<any>>} */
const asking = new Map();

/** @param {string} question */
function listed(question) {
	const pending = asking.get(question);
	if (pending) return pending;
	const nothing = { text: "", total: null, currency: "" };
	const answer = post("/runninghub/models/price", JSON.parse(question))
		.catch(() => nothing)
		.finally(() => asking.delete(question));
	asking.set(question, answer);
	return answer;
}

/** @param {ComfyNode} node */
async function tell(node) {
	if (!node.graph || !formOf(node)?.id) return;
	const before = JSON.stringify(questionOf(node));
	const answer = await listed(before);
	const { text } = answer;
	await loadTexts();
	// A value may have changed meanwhile.
	if (node.graph && JSON.stringify(questionOf(node)) === before) {
		const all = dotted(shortPrice(text), product(node, answer));
		show(node, text ? t("price", { text: all }) : t("ask_price"), `${text}\n${t("price_tip")}`.trim());
		keep(node, text && all);
	}
}

/** What is done when the service has told a price. @type {Set<() => void>} */
export const whenPriced = new Set();

/** By a press of the button alone: it tells the service which model is meant, and filler. @param {ComfyNode} node */
async function ask(node) {
	await loadTexts();
	show(node, t("asking"));
	try {
		const answer = await post("/runninghub/models/preview", questionOf(node));
		const text = dotted(answer.text, product(node, answer));
		show(node, t(answer.free ? "asked_free" : "asked", { text }), t("price_tip"));
		keep(node, text);
		whenPriced.forEach((act) => act());
	} catch (error) {
		toast("warn", t("no_answer"), wordsOf(error));
		await tell(node);
	}
}

/** @param {ComfyNode} node */
const questionOf = (node) => ({
	model: valueOf(node, "model").trim(),
	...givenTo(node),
	count: ordersOf(node).count,
	profile: valueOf(node, "profile"),
});

/** What the price of a model hangs on: its schema, and what is known of its values before the run. @param {ComfyNode} node */
export function givenTo(node) {
	const values = Object.entries(valuesOf(node)).filter(([name, value]) => value !== "" && !isLinked(node, name));
	return { schema: formOf(node)?.model ?? null, values: Object.fromEntries(values), extra: valueOf(node, "extra") };
}

/** @type {(node: ComfyNode, price: string) => void} */
function keep(node, price) {
	prices.set(node, price);
	redrawBadges();
}

/** @type {(node: ComfyNode, label: string, tip?: string) => void} */
function show(node, label, tip = "") {
	const button = widgetOf(node, NAME);
	if (!button) return;
	button.label = label;
	button.tooltip = tip;
	node.setDirtyCanvas(true);
}
