// The total price of all orders that Run would place, shown beside Run: "about 14 coins, 3 orders".

import { barButtons, showInBar } from "../host/action_bar.js";
import { onEvent } from "../host/comfy.js";
import { rootGraph, toPrompt } from "../host/graph.js";
import { lazy } from "../host/lazy.js";
import { autoMode, runCount } from "../host/queue.js";
import { post } from "../host/server.js";
import { dotted, loadTexts, textsOf } from "../host/texts.js";
import { clean } from "../lib/form.js";
import { allThings, isGroup, markOf } from "../lib/marks.js";
import { kindOf, programOf } from "../lib/nodes.js";
import { orderKey } from "../lib/orders.js";
import { givenTo, ordersOf, whenPriced } from "./program/price.js";

const t = textsOf("sum");

const QUIET = 700; // debounce after a change, ms
const RUNS = 0; // LiteGraph's mode of a node that is neither muted nor bypassed
const AGAIN = 5_000; // delay before the one retry of a failed request, ms
const LOOKS = ["pos", "size", "bounding", "ds"]; // layout keys of a saved graph: arrays and objects, unlike a program's own `size`
const UPLOADING = /^(Load3D|Preview3D|WebcamCapture|RecordAudio)/; // serializing these uploads what they show

let timer = 0;
let turn = 0;
let before = "";
let shown = "";
let lain = ""; // the graph that was quoted, without its layout

/** @type {ComfyPart} */
export const sum = {
	get actionBarButtons() {
		return barButtons();
	},
	setup() {
		onEvent("graphChanged", soon);
		onEvent("reconnected", () => soon());
		for (const end of ["execution_success", "execution_error", "execution_interrupted"]) {
			onEvent(end, anew); // the run's actual cost is known by now
		}
		whenPriced.add(anew);
	},
	afterConfigureGraph: () => soon(),
	nodeCreated: (node) => void (kindOf(node) && soon()),
};

/** Schedule a quote, debounced. @param {any} [graph] as ComfyUI has just serialized it */
function soon(graph) {
	clearTimeout(timer);
	timer = window.setTimeout(look, QUIET, true, graph);
}

function anew() {
	before = "";
	soon();
}

/** Nodes that would run, those in subgraphs too. @param {any} graph @returns {any[]} */
const running = (graph) =>
	(graph?.nodes ?? []).filter(({ mode = RUNS }) => mode === RUNS).flatMap((/** @type {any} */ node) => [node, ...running(node.subgraph)]);

/** Program nodes without duplicates, by order key. Those in subgraphs are all kept: a subgraph may be used twice. @param {any[]} nodes */
function ordering(nodes) {
	const seen = new Set();
	return nodes.filter(programOf).filter((node) => {
		const key = node.graph === rootGraph() ? orderKey(node) : null;
		return key === null || (!seen.has(key) && seen.add(key));
	});
}

/** A graph without its layout, as a cache key: moving a node must not build the prompt, which blocks the page for a large graph. "" for a marked group, whose content depends on positions. @type {(graph: any, things: any[]) => string} */
const withoutPlaces = (graph, things) =>
	!graph || things.some((thing) => isGroup(thing) && markOf(thing))
		? ""
		: JSON.stringify(graph, (key, value) => (LOOKS.includes(key) && typeof value === "object" ? undefined : value));

/** Quote the current graph and show the total. `more`: retry once on failure. @type {(more?: boolean, graph?: any) => Promise<void>} */
async function look(more = false, graph = null) {
	const things = allThings(rootGraph());
	const isMarked = things.some(markOf);
	const now = isMarked ? withoutPlaces(graph, things) : "";
	if (now && now === lain && before) return;
	lain = now;
	const mine = ++turn;
	const nodes = running(rootGraph());
	const programs = ordering(nodes).map(askedOf);
	const marked = isMarked && !nodes.some(({ type }) => UPLOADING.test(type));
	if (programs.length === 0 && !marked) {
		before = shown = "";
		return showInBar(null);
	}
	const question = { programs, ...(marked && (await toPrompt())) };
	const key = JSON.stringify(question);
	if (key === before || mine !== turn) return;
	before = key;
	const quote = await post("/runninghub/quote", question).catch(() => null);
	await loadTexts();
	if (mine !== turn) return;
	if (!quote) {
		before = ""; // the next change asks anew
		if (more) timer = window.setTimeout(look, AGAIN);
	}
	shown = quote?.text ?? "";
	showInBar(shown ? () => buttonOf(quote) : null);
}

/** The button; its tooltip is what a screen reader reads, and all that a narrow page shows. @param {{ text: string, orders: any[] }} quote */
function buttonOf(quote) {
	const label = timesOf(quote.text);
	return { label, tooltip: [label, t("tip"), eachRun()].filter(Boolean).join("\n"), icon: "pi pi-cloud", onClick: () => open(quote) };
}

/** @param {{ text: string, orders: any[] }} quote */
const open = async ({ text, orders }) => (await lazy("parts/sum.mjs")).openSum(timesOf(text), eachRun(), orders);

/** A quote is for one run: add the batch count and the auto-queue mode. */
const timesOf = (text = "", count = runCount()) => dotted(count > 1 ? t("times", { text, count }) : text, autoMode() && t(`auto.${autoMode()}`));
const eachRun = (count = runCount()) => [count > 1 && t("each_run", { count }), autoMode() && t(`by_itself.${autoMode()}`)].filter(Boolean).join(" ");

/** The latest quote as text; "" if there is none. */
export const sumText = () => shown && timesOf(shown);

/** A node's entry in the quote request. @param {any} node */
function askedOf(node) {
	const program = programOf(node);
	const { count, least } = ordersOf(node);
	return {
		...program,
		title: clean(node.title, 120),
		orders: count,
		least,
		...(program?.kind === "model" && givenTo(node)),
	};
}
