// The price button of a model's node: shows the list price, and when pressed asks the service for a quote.

import { redrawBadges } from "../../host/badges.js";
import { toast } from "../../host/comfy.js";
import { post } from "../../host/server.js";
import { dotted, loadTexts, shortPrice, textsOf } from "../../host/texts.js";
import { makeButton } from "../../host/widgets.js";
import { toNumber, parseJson } from "../../lib/form.js";
import { onWidgetChange, isLinked, promotedValue, sourceOf, valueOf, widgetOf } from "../../lib/nodes.js";
import { countOrders } from "../../lib/orders.js";
import { formOf, valuesOf } from "./build.js";

const t = textsOf("models");

const NAME = "price";
const DEBOUNCE = 400; // ms after a change

/** @type {WeakMap<ComfyNode, number>} */
const timers = new WeakMap();

/** @type {WeakSet<ComfyWidget>} */
const watched = new WeakSet();

/** @param {ComfyNode} node */
export function addPrice(node) {
	makeButton(node, NAME, () => void requestQuote(node)).label = "";
}

/** Show the price, debounced, now and after each change of a widget. @param {ComfyNode} node */
export function followPrice(node) {
	const button = widgetOf(node, NAME);
	// Again once the texts are there: a node without a model gets no price.
	if (button && !prices.has(node)) button.label = t("ask_price");
	for (const widget of node.widgets ?? []) {
		if (widget.name !== NAME && widget.type !== "button" && !watched.has(widget)) {
			watched.add(widget);
			onWidgetChange(widget, () => schedulePrice(node));
		}
	}
	schedulePrice(node);
}

/** The latest request for each node. @type {WeakMap<ComfyNode, string>} */
const asked = new WeakMap();

/** Update a price whose inputs have changed outside the node: at a promoted widget. @param {ComfyNode} node */
export const refreshPrice = (node) => asked.has(node) && asked.get(node) !== JSON.stringify(requestOf(node)) && schedulePrice(node);

/** @param {ComfyNode} node */
function schedulePrice(node) {
	clearTimeout(timers.get(node));
	timers.set(node, window.setTimeout(updatePrice, DEBOUNCE, node));
}

/** The latest price text of each node. @type {WeakMap<ComfyNode, string>} */
const prices = new WeakMap();

/** The price text, for the badge of a subgraph node, which has no such button. @param {ComfyNode} node */
export const priceOf = (node) => prices.get(node) ?? "";

/** The number of orders of each node's last run. @type {WeakMap<ComfyNode, number>} */
const lastCounts = new WeakMap();

/** Record the number of orders in an executed output. @type {(node: ComfyNode, output: any) => void} */
export function recordOrders(node, output) {
	const orders = toNumber(parseJson(output?.runninghub?.[0])?.orders);
	if (orders !== null) lastCounts.set(node, orders);
	if (widgetOf(node, NAME)) schedulePrice(node);
}

/**
 * Orders of a node: exact if the graph tells; else at least as many as its sources show images, or as in its last run.
 * @param {ComfyNode} node
 */
export function ordersOf(node) {
	const fields = formOf(node)?.fields ?? [];
	const counted = countOrders(node, fields);
	if (!counted.least) return counted;
	const shown = fields.filter(({ array }) => !array).map(({ name }) => sourceOf(node, name)?.node.imgs?.length ?? 0);
	return { count: Math.max(counted.count, lastCounts.get(node) ?? 1, ...shown), least: true };
}

/** The total of several orders, as text; "" for one. @type {(node: ComfyNode, answer: { total: string | null, currency: string }) => string} */
function totalText(node, { total, currency }) {
	const { count } = ordersOf(node);
	return count > 1 && total ? t("orders", { count, total, currency }) : "";
}

/** Requests in flight, by body: copies of a node share one. @type {Map<string, Promise<any>>} */
const inFlight = new Map();

/** The list price; never rejects. @param {string} body of the request, as JSON */
function listPrice(body) {
	const pending = inFlight.get(body);
	if (pending) return pending;
	const nothing = { text: "", total: null, currency: "" };
	const answer = post("/runninghub/models/price", JSON.parse(body))
		.catch(() => nothing)
		.finally(() => inFlight.delete(body));
	inFlight.set(body, answer);
	return answer;
}

/** @param {ComfyNode} node */
async function updatePrice(node) {
	if (!node.graph || !formOf(node)?.id) return;
	const before = JSON.stringify(requestOf(node));
	asked.set(node, before);
	const answer = await listPrice(before);
	const { text } = answer;
	await loadTexts();
	// A value may have changed meanwhile.
	if (node.graph && JSON.stringify(requestOf(node)) === before) {
		const all = dotted(shortPrice(text), totalText(node, answer));
		labelPriceButton(node, text ? t("price", { text: all }) : t("ask_price"), `${text}\n${t("price_tip")}`.trim());
		storePrice(node, text && all);
	}
}

/** Listeners, called once the service has quoted a price. @type {Set<() => void>} */
export const quoteListeners = new Set();

/** Request a quote, only when the button is pressed: it tells the service the model and values, with placeholders for texts and files. @param {ComfyNode} node */
async function requestQuote(node) {
	await loadTexts();
	labelPriceButton(node, t("asking"));
	const before = JSON.stringify(requestOf(node));
	try {
		const answer = await post("/runninghub/models/preview", JSON.parse(before));
		if (JSON.stringify(requestOf(node)) !== before) return await updatePrice(node);
		const text = dotted(answer.text, totalText(node, answer));
		labelPriceButton(node, t(answer.free ? "asked_free" : "asked", { text }), t("price_tip"));
		storePrice(node, text);
		quoteListeners.forEach((listener) => listener());
	} catch (error) {
		toast("warn", t("no_answer"), error);
		await updatePrice(node);
	}
}

/** @param {ComfyNode} node */
const requestOf = (node) => ({
	model: valueOf(node, "model").trim(),
	...priceInputs(node),
	count: ordersOf(node).count,
	profile: valueOf(node, "profile"),
});

/** What a model's price depends on: its schema, and the values that are known before the run. @param {ComfyNode} node */
export function priceInputs(node) {
	const values = Object.entries(valuesOf(node)).map(([name, value]) => [name, isLinked(node, name) ? promotedValue(node, name) : value]);
	const told = values.filter(([, value]) => value !== "" && value !== undefined);
	return { schema: formOf(node)?.model ?? null, values: Object.fromEntries(told), extra: valueOf(node, "extra") };
}

/** @type {(node: ComfyNode, price: string) => void} */
function storePrice(node, price) {
	prices.set(node, price);
	redrawBadges();
}

/** Set the button's label and tooltip. @type {(node: ComfyNode, label: string, tip?: string) => void} */
function labelPriceButton(node, label, tip = "") {
	const button = widgetOf(node, NAME);
	if (!button) return;
	button.label = label;
	button.tooltip = tip;
	node.setDirtyCanvas(true);
}
