// The total price of all orders that Run would place, shown beside Run: "about 14 coins, 3 orders".

import { barButtons, showInBar } from "../host/action_bar.js";
import { execute, onEvent } from "../host/comfy.js";
import { nodeOf, redraw, rootGraph, toPrompt } from "../host/graph.js";
import { lazy } from "../host/lazy.js";
import { autoMode, runCount } from "../host/queue.js";
import { post } from "../host/server.js";
import { dotted, loadTexts, shortPrice, textsOf } from "../host/texts.js";
import { clean } from "../lib/form.js";
import { allThings, isGroup, markOf, marksIn, wholeOf } from "../lib/marks.js";
import { kindOf, programOf } from "../lib/nodes.js";
import { orderKey } from "../lib/orders.js";
import { priceInputs, ordersOf, quoteListeners } from "./program/price.js";

const t = textsOf("sum");

export const SWITCH_PLACE = 0; // in the bar: the quote stands to the right of the switch
const QUOTE_PLACE = 1;

const DEBOUNCE = 700; // ms after a change
const PATIENCE = 1_000; // ms for which the former quote stays, though it may be another graph's
const MODE_ALWAYS = 0; // LiteGraph's mode of a node that is neither muted nor bypassed
const RETRY_DELAY = 5_000; // ms before the one retry of a failed request
const LAYOUT_KEYS = ["pos", "size", "bounding", "ds"]; // of a saved graph: arrays and objects, unlike a program's own `size`
const UPLOADING = /^(Load3D|Preview3D|WebcamCapture|RecordAudio)/; // serializing these uploads what they show

let timer = 0;
let hiding = 0; // timer that hides the former quote
let turn = 0;
let asking = new AbortController(); // aborts the request that is under way
let quotedKey = "";
let shown = "";
let quotedGraph = ""; // the graph that was quoted, without its layout

/** What a run would order, where its nodes would run, and how many of them. @typedef {{ text: string, orders: any[], parts?: { name: string, nodes: string[], pulled: string[] }[], nodes?: { there: number, here: number } }} Quoted */

/** @type {RhFeature} */
export const quoteBar = {
	get actionBarButtons() {
		return barButtons();
	},
	setup() {
		onEvent("graphChanged", schedule);
		onEvent("reconnected", () => schedule());
		for (const end of ["execution_success", "execution_error", "execution_interrupted"]) {
			onEvent(end, invalidate); // the run counts in the quotes by now
		}
		quoteListeners.add(invalidate);
	},
	afterConfigureGraph: () => schedule(),
	nodeCreated: (node) => void (kindOf(node) && schedule()),
};

/** Schedule a quote, debounced. @param {any} [graph] as ComfyUI has just serialized it */
function schedule(graph) {
	clearTimeout(timer);
	timer = window.setTimeout(updateQuote, DEBOUNCE, true, graph);
}

/** Quote anew, though the graph may be the same. */
export function invalidate() {
	quotedKey = "";
	schedule();
}

/** Nodes that would run, those in subgraphs too. @param {any} graph @returns {any[]} */
const activeNodes = (graph) =>
	(graph?.nodes ?? []).filter(({ mode = MODE_ALWAYS }) => mode === MODE_ALWAYS).flatMap((/** @type {any} */ node) => [node, ...activeNodes(node.subgraph)]);

/** Program nodes without duplicates, by order key. Those in subgraphs are all kept: a subgraph may be used twice. @param {any[]} nodes */
function distinctOrders(nodes) {
	const seen = new Set();
	return nodes.filter(programOf).filter((node) => {
		const key = node.graph === rootGraph() ? orderKey(node) : null;
		return key === null || (!seen.has(key) && seen.add(key));
	});
}

/** A graph without its layout, as a cache key: moving a node must not build the prompt, which blocks the page for a large graph. "" for a marked group, whose content depends on positions. @type {(graph: any, things: any[]) => string} */
const withoutLayout = (graph, things) =>
	!graph || (!wholeOf(graph) && things.some((thing) => isGroup(thing) && markOf(thing)))
		? ""
		: JSON.stringify(graph, (key, value) => (LAYOUT_KEYS.includes(key) && typeof value === "object" ? undefined : value));

/** Quote the current graph and show the total. `mayRetry`: once after a failure. @type {(mayRetry?: boolean, graph?: any) => Promise<void>} */
async function updateQuote(mayRetry = false, graph = null) {
	const things = allThings(rootGraph());
	const isMarked = marksIn(rootGraph()).length > 0;
	const now = isMarked ? withoutLayout(graph, things) : "";
	const mine = ++turn; // first: the prompt of a change that was taken back may still be on its way
	if (now && now === quotedGraph && quotedKey) return;
	const nodes = activeNodes(rootGraph());
	const programs = distinctOrders(nodes).map(quoteEntry);
	const marked = isMarked && !nodes.some(({ type }) => UPLOADING.test(type));
	// None if nothing is ordered, or another pack's widget fails to serialize.
	const prompt = marked ? await toPrompt().catch(() => null) : programs[0] && {};
	if (mine !== turn) return;
	if (!prompt) {
		quotedKey = "";
		return hideQuote();
	}
	quotedGraph = now;
	const request = { programs, ...prompt };
	const key = JSON.stringify(request);
	if (key === quotedKey) return;
	quotedKey = key;
	clearTimeout(hiding);
	hiding = window.setTimeout(hideQuote, PATIENCE);
	asking.abort(); // a browser has six connections to a server, and Run needs one
	asking = new AbortController();
	const quote = await post("/runninghub/quote", request, asking.signal).catch(() => null);
	await loadTexts();
	if (key !== quotedKey) return;
	clearTimeout(hiding);
	if (!quote) {
		quotedKey = ""; // the next change asks anew
		if (mayRetry) timer = window.setTimeout(updateQuote, RETRY_DELAY);
	}
	shown = quote?.text ?? "";
	place(quote?.parts ?? []);
	showInBar(QUOTE_PLACE, shown ? () => [barButton(quote)] : null);
}

function hideQuote() {
	shown = "";
	place([]);
	showInBar(QUOTE_PLACE, null);
}

/** What the latest quote sends to RunningHub, and as what; `isPulled`: goes along with what is marked. @type {Map<any, { name: string, isPulled: boolean }>} */
let placed = new Map();

/** @param {any} node */
export const placeOf = (node) => placed.get(node);

/** @param {{ name: string, nodes: string[], pulled: string[] }[]} parts */
function place(parts) {
	placed = new Map();
	for (const { name, nodes, pulled } of parts) {
		for (const id of nodes) {
			const steps = id.split(":");
			// A subgraph node looks as what is inside it.
			steps.forEach((_, depth) => placed.set(nodeOf(steps.slice(0, depth + 1).join(":")), { name, isPulled: pulled.includes(id) }));
		}
	}
	redraw();
}

/** The button; its tooltip is what a screen reader reads, and all that a narrow page shows. @param {Quoted} quote */
function barButton(quote) {
	const isWhole = Boolean(wholeOf(rootGraph()));
	const { there = 0, here = 0 } = quote.nodes ?? {};
	const sum = totalText(shortPrice(quote.text));
	const label = isWhole ? dotted(t("nodes", { there, all: there + here }), sum, here > 0 && t("stay", { count: here })) : sum;
	const onClick = () => (isWhole ? execute("runninghub.segments.explain") : openDetails(quote));
	return { label, tooltip: [label, t(isWhole ? "tip_whole" : "tip"), perRunText()].filter(Boolean).join("\n"), icon: "pi pi-cloud", onClick };
}

/** @param {Quoted} quote */
const openDetails = async ({ text, orders }) => (await lazy("features/quote_bar.mjs")).openQuote(totalText(text), perRunText(), orders);

/** A quote is for one run: add the batch count and the auto-queue mode. */
const totalText = (text = "", count = runCount()) => dotted(count > 1 ? t("times", { text, count }) : text, autoMode() && t(`auto.${autoMode()}`));
const perRunText = (count = runCount()) => [count > 1 && t("each_run", { count }), autoMode() && t(`by_itself.${autoMode()}`)].filter(Boolean).join(" ");

/** The latest quote as text; "" if there is none. */
export const quoteText = () => shown && totalText(shown);

/** A node's entry in the quote request. @param {any} node */
function quoteEntry(node) {
	const program = programOf(node);
	const { count, least } = ordersOf(node);
	return {
		...program,
		title: clean(node.title, 120),
		orders: count,
		least,
		...(program?.kind === "model" && priceInputs(node)),
	};
}
