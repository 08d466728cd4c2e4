// Panel tab of every order in the journal: a windowed list, and a single order in detail.

import { addressOf, language, toast } from "../../host/comfy.js";
import { confirmDialog } from "../../host/dialogs.js";
import { placeOf, rootGraph } from "../../host/graph.js";
import { lazy } from "../../host/lazy.js";
import { post } from "../../host/server.js";
import { bytesText, coinsText, dotted, moneyText, programTitle, t as text, textsOf } from "../../host/texts.js";
import { clean } from "../../lib/form.js";
import { allThings } from "../../lib/marks.js";
import { actionButton, statusLine, fill, h, link, rem, row, setStatus, setStatusError, messageOf } from "../../lib/view.js";
import { visibleRows } from "../../lib/windowing.js";
import { SANDBOX } from "../profiles.js";
import { formOf } from "../program/build.js";

const t = textsOf("panel");

export const ROW = rem(4.25); // px, as in the style sheet
const PREFETCH_ROWS = 30; // rows before the end at which the next page is requested
const POLL_INTERVAL = 2500; // poll interval in ms, while an order of the list is not over
const ARRIVAL_TIME = 3600; // s after placement, within which results may still arrive by themselves
const MAX_REQUESTS = 3; // concurrent requests
const MAX_PICTURES = 300; // thumbnails kept: many more than rows are in view
const DRAGGED = "application/x-runninghub-result";
const OVER = ["done", "failed", "cancelled"];
const STATES = ["done", "failed", "cancelled", "running", "placed", "uncertain"];
const SINCE = ["", "1d", "7d", "30d"];

/** Thumbnails by order, the latest MAX_PICTURES, cached for the page's lifetime; "" for none. @type {Map<number, string>} */
const pictures = new Map();

/** Request ids by order, until the answer: a repeated request must not order twice. @type {Map<number, string>} */
const requestIds = new Map();

/** @returns {RhPanelView} */
export function makeView() {
	const status = statusLine();
	const searchInput = h("input", { type: "search", placeholder: t("history.search"), "aria-label": t("history.search"), title: t("history.search_tip") });
	const state = select(t("history.state"), ["", ...STATES], (name) => (name ? t(`state.${name}`) : t("history.any_state")));
	const since = select(t("history.since"), SINCE, (period) => t(`history.since_${period || "ever"}`));
	const list = makeOrderList((order) => void openOrder(order));
	// It takes the focus when clicked, so that Escape leads back.
	const detail = h("div", { className: "detail", hidden: true, tabIndex: -1, onkeydown: onDetailKey });
	const overview = h("div", "overview", h("div", "filters", searchInput, state, since), status, list.view, retentionView());
	let isSearching = false;
	let pollTimer = 0;
	let turn = 0;
	let isOpen = true;

	const more = (/** @type {number | null} */ before = null) =>
		post("/runninghub/history", { words: searchInput.value, states: state.value ? [state.value] : [], since: since.value, before });

	async function search() {
		if (!isOpen) return;
		const mine = ++turn;
		try {
			const page = await more();
			if (mine !== turn) return;
			const isNarrowed = searchInput.value.trim() || state.value || since.value;
			setStatus(status, page.orders.length > 0 ? "" : t(isNarrowed ? "history.none_found" : "history.none"));
			list.start(page, (before) => more(before));
			poll();
		} catch (error) {
			if (mine !== turn) return;
			setStatusError(status, error);
			clearTimeout(pollTimer);
			if (list.isUnderWay()) pollTimer = window.setTimeout(search, POLL_INTERVAL);
		}
	}

	/** Poll while an order of the list is under way. */
	function poll() {
		clearTimeout(pollTimer);
		const mine = turn;
		if (!list.isUnderWay()) return;
		pollTimer = window.setTimeout(async () => {
			const page = await more().catch(() => null);
			if (mine !== turn) return;
			if (page) list.refresh(page);
			poll();
		}, POLL_INTERVAL);
	}

	/** @param {number} order */
	async function openOrder(order) {
		detail.hidden = false;
		overview.hidden = true;
		const isShown = () => detail.contains(view); // an answer may come after another order was opened
		const leave = (changed = false) => {
			if (changed) void search();
			if (!isShown()) return;
			detail.hidden = true;
			overview.hidden = false;
			detail.replaceChildren();
			list.focus();
		};
		const back = h("button", { type: "button", className: "back", onclick: () => leave() }, `‹ ${t("history.back")}`);
		const view = h("div", "detail", h("p", "muted", t("loading")));
		detail.replaceChildren(back, view);
		back.focus({ preventScroll: true });
		await fill(view, () => orderView(order, leave, () => void (isShown() && openOrder(order))));
	}

	/** @param {KeyboardEvent} event */
	function onDetailKey(event) {
		if (event.key === "Escape" && !event.isComposing) detail.querySelector(".back")?.click();
	}

	/** Search at each keystroke, one request at a time: text typed meanwhile is searched for next. */
	async function searchWhileTyping() {
		if (isSearching) return;
		isSearching = true;
		try {
			for (let sought = null; isOpen && sought !== searchInput.value; ) {
				sought = searchInput.value;
				await search();
			}
		} finally {
			isSearching = false;
		}
	}

	searchInput.oninput = () => void searchWhileTyping();
	state.onchange = since.onchange = () => void search();
	searchInput.onkeydown = (/** @type {KeyboardEvent} */ event) => {
		if (event.key === "ArrowDown" && !event.isComposing) list.focus();
	};
	const endDrops = onDropped(DRAGGED, (data, at) => void dropLoader(data, at));
	void search();
	return {
		content: [overview, detail],
		close() {
			turn += 1;
			isOpen = false;
			clearTimeout(pollTimer);
			endDrops();
			list.close();
		},
	};
}

/** @type {(label: string, values: string[], name: (value: string) => string) => any} */
function select(label, values, name) {
	return h("select", { "aria-label": label }, ...values.map((value) => h("option", { value }, name(value))));
}

// The list

/** @param {(order: number) => void} open */
function makeOrderList(open) {
	/** @type {any[]} */
	let orders = [];
	/** @type {number | null} */
	let before = null;
	/** @type {(before: number) => Promise<any>} */
	let read = async () => ({ orders: [], before: null });
	let reading = false;
	let turn = 0;
	let active = 0;
	const space = h("div", { className: "space", role: "presentation" });
	const view = h("div", { className: "orders", role: "listbox", tabIndex: 0, "aria-label": t("tab.history"), onscroll: draw, onkeydown: onKey }, space);
	/** @type {Map<number, any>} */
	const drawn = new Map();
	const queue = pictureQueue((order) => drawn.get(order));
	const sizes = new ResizeObserver(draw);
	sizes.observe(view);

	function draw() {
		const [first, last] = visibleRows(view.scrollTop, view.clientHeight, ROW, orders.length);
		const visible = new Set(orders.slice(first, last).map(({ order }) => order));
		for (const [order, element] of drawn) {
			if (visible.has(order)) continue;
			element.remove();
			drawn.delete(order);
		}
		for (let at = first; at < last; at += 1) {
			const entry = orders[at];
			let element = drawn.get(entry.order);
			if (!element) {
				element = rowView(entry, () => {
					choose(orders.findIndex(({ order }) => order === entry.order)); // new ones may have moved it
					open(entry.order);
				});
				drawn.set(entry.order, element);
				space.append(element);
				queue.add(entry);
			}
			element.style.top = `${at * ROW}px`;
			element.ariaPosInSet = String(at + 1);
			element.ariaSetSize = String(before === null ? orders.length : -1);
			element.ariaSelected = String(at === active);
		}
		space.style.height = `${orders.length * ROW}px`;
		const chosen = orders[active];
		view.setAttribute("aria-activedescendant", chosen && drawn.has(chosen.order) ? rowId(chosen.order) : "");
		if (before !== null && last > orders.length - PREFETCH_ROWS) void readMore();
	}

	async function readMore() {
		if (reading || before === null) return;
		reading = true;
		const mine = turn;
		const page = await read(before).catch(() => null);
		reading = false;
		if (mine !== turn || !page) return;
		orders = [...orders, ...page.orders];
		before = page.before;
		draw();
	}

	/** @param {number} at */
	function choose(at) {
		active = at;
		const top = at * ROW;
		if (top < view.scrollTop) view.scrollTop = top;
		else if (top + ROW > view.scrollTop + view.clientHeight) view.scrollTop = top + ROW - view.clientHeight;
		draw();
	}

	/** @param {KeyboardEvent} event */
	function onKey(event) {
		if (event.ctrlKey || event.metaKey) return;
		const page = Math.max(1, Math.floor(view.clientHeight / ROW) - 1);
		const next = rowForKey(event.key, active, orders.length, page);
		if (next !== null) choose(next);
		else if ((event.key === "Enter" || event.key === " ") && orders[active]) open(orders[active].order);
		else return;
		event.preventDefault();
	}

	return {
		view,
		focus: () => view.focus({ preventScroll: true }),
		/** @type {(page: any, more: (before: number) => Promise<any>) => void} */
		start(page, more) {
			turn += 1;
			reading = false;
			orders = page.orders;
			before = page.before;
			read = more;
			active = 0;
			for (const element of drawn.values()) element.remove();
			drawn.clear();
			view.hidden = orders.length === 0;
			view.scrollTop = 0;
			draw();
		},
		isUnderWay: () => orders.some(({ state, first, placed }) => !OVER.includes(state) || (first === "owed" && Date.now() / 1000 - placed < ARRIVAL_TIME)),
		/** Merge changed and new orders, keeping the scroll position. @param {any} page */
		refresh(page) {
			const places = new Map(orders.map(({ order }, at) => [order, at]));
			const newest = orders[0]?.order ?? 0;
			for (const entry of page.orders) {
				const at = places.get(entry.order);
				if (at === undefined || JSON.stringify(orders[at]) === JSON.stringify(entry)) continue;
				orders[at] = entry;
				drawn.get(entry.order)?.remove();
				drawn.delete(entry.order);
			}
			const added = page.orders.filter((/** @type {any} */ entry) => entry.order > newest);
			orders = [...added, ...orders];
			active += added.length;
			draw();
			// At the top the new ones come into view.
			if (view.scrollTop > 0) view.scrollTop += added.length * ROW;
		},
		close() {
			turn += 1;
			sizes.disconnect();
			queue.close();
		},
	};
}

/** The row index that a navigation key leads to, clamped, where `page` rows are visible; null for another key. @type {(key: string, at: number, count: number, page: number) => number | null} */
export function rowForKey(key, at, count, page) {
	/** @type {Record<string, number>} */
	const to = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: count - 1 };
	const target = to[key];
	return target === undefined || count === 0 ? null : Math.min(Math.max(target, 0), count - 1);
}

const rowId = (order = 0) => `runninghub-order-${order}`;

/** @type {(entry: any, open: RhCallback) => any} */
function rowView(entry, open) {
	const picture = pictures.get(entry.order);
	const element = h(
		"div",
		{ className: "order", role: "option", id: rowId(entry.order), onclick: open },
		h("div", "thumb", picture ? h("img", { src: picture, alt: "" }) : h("i", { className: iconOf(entry), ariaHidden: "true" })),
		h(
			"div",
			"what",
			h("div", "title", titleOf(entry)),
			h("div", "text", clean(entry.text, 120)),
			h("div", { className: "muted", title: lineOf(entry, whenText(entry.placed)) }, lineOf(entry, shortWhen(entry.placed))),
		),
		h("span", { className: `dot ${entry.state}`, ariaHidden: "true" }),
	);
	if (entry.results > 0) makeDraggable(element, entry.order, 0);
	return element;
}

/** @type {(entry: any, when: string) => string} */
const lineOf = (entry, when) => dotted(t(`state.${entry.state}`), when, costText(entry));

const titleOf = (/** @type {any} */ entry) => programTitle({ ...entry, id: entry.program });

/** @param {any} entry */
function iconOf({ first, state }) {
	/** @type {Record<string, string>} */
	const icons = { image: "image", video: "video", audio: "volume-up", text: "align-left", file: "file", owed: "cloud-download" };
	/** @type {Record<string, string>} */
	const failed = { failed: "times-circle", cancelled: "ban", uncertain: "question-circle", intended: "question-circle" };
	return `pi pi-${icons[first] ?? failed[state] ?? "clock"}`;
}

/** Handle our drag data of MIME type `type` dropped on the canvas; returns a function that removes the listeners. @type {(type: string, drop: (data: string, at: number[]) => void) => RhCallback} */
function onDropped(type, drop) {
	const over = (/** @type {DragEvent} */ event) => {
		if (event.dataTransfer?.types.includes(type)) event.preventDefault();
	};
	const dropped = (/** @type {DragEvent} */ event) => {
		const data = event.dataTransfer?.getData(type);
		if (!data || (event.target instanceof Element && event.target.closest(".runninghub-panel"))) return;
		// ComfyUI would open a picture as a workflow.
		event.preventDefault();
		event.stopImmediatePropagation();
		drop(data, placeOf(event));
	};
	document.addEventListener("dragover", over, true);
	document.addEventListener("drop", dropped, true);
	return () => {
		document.removeEventListener("dragover", over, true);
		document.removeEventListener("drop", dropped, true);
	};
}

/** @type {Record<string, Intl.DateTimeFormatOptions>} */
const STYLES = {
	full: { dateStyle: "medium", timeStyle: "short" },
	date: { dateStyle: "medium" },
	day: { month: "short", day: "numeric" },
	time: { timeStyle: "short" },
};

/** Formatters by language and style, cached: creating one costs more than the rest of a row. @type {Map<string, Intl.DateTimeFormat>} */
const clocks = new Map();

function whenText(seconds = 0, style = "full") {
	const locale = language();
	const key = `${locale} ${style}`;
	const clock = clocks.get(key) ?? new Intl.DateTimeFormat(locale, STYLES[style]);
	clocks.set(key, clock);
	return clock.format(new Date(seconds * 1000));
}

/** The time of today, the day of this year, else the date: the panel is narrow. */
export function shortWhen(seconds = 0, now = new Date()) {
	const day = new Date(seconds * 1000);
	const isToday = day.toDateString() === now.toDateString();
	return whenText(seconds, isToday ? "time" : day.getFullYear() === now.getFullYear() ? "day" : "date");
}

/** @param {any} entry */
function costText({ coins, money, third_party: third, currency, emulated }) {
	const cost = dotted(coinsText(coins), moneyText(money, currency), moneyText(third, currency));
	return cost && emulated ? t("history.emulated", { cost }) : cost;
}

/** Requests thumbnails, newest first, of rows that are still drawn; at most MAX_REQUESTS at once. @param {(order: number) => any} rowOf */
function pictureQueue(rowOf) {
	/** @type {number[]} */
	const waiting = [];
	let busy = 0;
	let isOpen = true;
	async function next() {
		const order = waiting.pop(); // the row that came into view last
		if (order === undefined || busy >= MAX_REQUESTS || !isOpen) return order !== undefined && waiting.push(order);
		if (rowOf(order) && !pictures.has(order)) {
			busy += 1;
			const thumbnail = await post("/runninghub/history/thumbnail", { order }).catch(() => ({ picture: "" }));
			busy -= 1;
			pictures.set(order, thumbnail.picture);
			if (pictures.size > MAX_PICTURES) pictures.delete(pictures.keys().next().value ?? 0);
			if (thumbnail.picture) rowOf(order)?.querySelector(".thumb")?.replaceChildren(h("img", { src: thumbnail.picture, alt: "" }));
		}
		void next();
	}
	return {
		/** @param {any} entry */
		add({ order, first }) {
			if (pictures.has(order) || !["image", "video"].includes(first)) return;
			waiting.push(order);
			void next();
		},
		close: () => (isOpen = false),
	};
}

/** @type {(view: any, order: number, index: number) => void} */
function makeDraggable(view, order, index) {
	view.draggable = true;
	view.ondragstart = (/** @type {DragEvent} */ event) => {
		event.dataTransfer?.setData(DRAGGED, JSON.stringify({ order, index }));
		event.stopPropagation();
	};
}

/** @type {(data: string, at?: number[]) => Promise<void>} */
async function dropLoader(data, at) {
	try {
		const { order, index } = JSON.parse(data);
		await addLoader(order, index, at);
	} catch (error) {
		toast("warn", t("history.no_drop"), messageOf(error));
	}
}

/** @type {(order: number, index: number, at?: number[] | "selected") => Promise<void>} */
async function addLoader(order, index, at) {
	const loader = await post("/runninghub/history/loader", { order, index });
	const { placeLoader } = await lazy("features/program/add_to_canvas.mjs");
	placeLoader(loader, at);
}

// One order

/** @type {(order: number, leave: (changed?: boolean) => void, reload: RhCallback) => Promise<any[]>} */
async function orderView(order, leave, reload) {
	const entry = await post("/runninghub/history/order", { order });
	const status = statusLine();
	const isOver = OVER.includes(entry.state);
	if (!isOver) {
		// The same card as in the task list: settle, cancel, fetch.
		const { taskView } = await lazy("features/tasks.mjs");
		return [taskView({ ...entry, followed: false, cancelling: false }, async () => leave(true), () => leave(true)), inputsView(entry)];
	}
	const seconds = entry.seconds && text("amounts.seconds", { seconds: entry.seconds });
	const facts = dotted(t(`state.${entry.state}`), whenText(entry.placed), seconds, costText(entry), entry.instance !== "default" && entry.instance);
	const use = async () => {
		const inputs = await post("/runninghub/history/inputs", { order });
		const { useInputs } = await lazy("features/program/add_to_canvas.mjs");
		await useInputs(inputs);
	};
	const repeat = async () => {
		const request = requestIds.get(order) ?? `${Date.now()} ${Math.random()}`;
		requestIds.set(order, request);
		const { task_id: id } = await post("/runninghub/history/again", { order, request }).catch((error) => {
			if (!error.key?.startsWith("server.")) requestIds.delete(order); // an answer, after which a press orders anew
			throw error;
		});
		requestIds.delete(order);
		toast("success", t("history.ordered"), id && text("tasks.task", { id }));
		leave(true);
	};
	const fetch = async () => {
		await post("/runninghub/tasks/fetch", { task_id: entry.task_id, profile: entry.profile });
		pictures.delete(order);
		reload();
	};
	const remove = async () => {
		await post("/runninghub/history/delete", { orders: [order] });
		pictures.delete(order);
	};
	const isFree = entry.profile === SANDBOX;
	// After the dialog has closed: it would restore the focus to an element that is gone by then.
	const askToRemove = async () => void ((await confirmDialog(t("history.delete_title"), t(isFree ? "history.delete_free" : "history.delete_text"), remove, t("history.delete"))) && leave(true));
	return [
		h("h3", "", titleOf(entry)),
		h("p", "muted", facts),
		h("p", "muted", dotted(entry.task_id && text("tasks.task", { id: entry.task_id }), entry.profile && entry.profile !== "environment" && entry.profile)),
		entry.failure && h("p", "bad", entry.failure),
		entry.owed && h("p", "", t("history.owed")),
		row(
			entry.owed && actionButton(text("tasks.fetch"), status, fetch),
			actionButton(t("history.use"), status, use),
			actionButton(t("history.again"), status, repeat, isFree ? "" : t("history.again_sure")),
			entry.link && link(text("tasks.on_site"), entry.link),
			actionButton(t("history.delete"), status, askToRemove),
		),
		status,
		entry.kind === "graph" && h("p", "muted", t("history.of_graph")),
		...entry.results.map((/** @type {any} */ result) => resultView(order, result)),
		inputsView(entry),
	];
}

/** @type {(order: number, result: any) => any} */
function resultView(order, { index, kind, name, size, text: words, here, loader, node_id: node }) {
	const status = statusLine();
	const src = addressOf(`/runninghub/history/result?order=${order}&index=${index}`);
	/** @type {Record<string, () => any>} */
	const makers = {
		image: () => h("a", { href: src, target: "_blank", rel: "noopener" }, h("img", { src, alt: name, loading: "lazy" })),
		video: () => h("video", { src, controls: true, preload: "metadata" }),
		audio: () => h("audio", { src, controls: true, preload: "metadata" }),
	};
	const shown =
		words !== null ? h("pre", { tabIndex: 0 }, words) : here ? makers[kind]?.() : h("p", "muted", t("history.not_here"));
	const view = h(
		"figure",
		"result",
		shown,
		h("figcaption", "muted", dotted(node && `#${node}`, name, size && bytesText(size))),
		row(
			loader && actionButton(t("history.loader"), status, () => addLoader(order, index)),
			loader && actionButton(t("history.into_selected"), status, () => addLoader(order, index, "selected")),
			here && name && h("a", { href: src, download: name }, t("history.save")),
		),
		status,
	);
	if (loader) makeDraggable(view, order, index);
	return view;
}

/** @param {any} entry */
function inputsView({ inputs, kind, program }) {
	if (inputs.length === 0) return null;
	// An order keeps names alone; a node of its program has what a person reads there.
	const fields = allThings(rootGraph()).map(formOf).flatMap((form) => (form && form.kind === kind && form.id === program ? form.fields : []));
	const rows = inputs.flatMap((/** @type {any} */ { name, label, value }) => [
		h("dt", { title: clean(name, 120) }, clean(fields.find((field) => field.name === name)?.label ?? label, 120)),
		h("dd", "", value === null ? t("history.a_file") : typeof value === "string" ? value : JSON.stringify(value)),
	]);
	return h("details", { open: true }, h("summary", "", t("history.inputs")), h("dl", "", ...rows));
}

// What is kept

function retentionView() {
	const status = statusLine();
	const body = h("div", "kept");
	const details = h("details", "retention", h("summary", "", t("kept.title")), body, status);
	const fail = (/** @type {unknown} */ error) => setStatusError(status, error);
	/** @param {any} now */
	const show = (now) => {
		setStatus(status);
		const days = numberField(t("kept.days"), now.days);
		const orders = numberField(t("kept.orders"), now.orders);
		const size = numberField(t("kept.gigabytes"), now.bytes / 1e9, 0.1);
		const bounds = () => ({ days: Math.round(days.input.valueAsNumber), orders: Math.round(orders.input.valueAsNumber), bytes: Math.round(size.input.valueAsNumber * 1e9) });
		const effect = h("p", "muted");
		const tell = (/** @type {any} */ { kept, frees }) => (effect.textContent = t(frees.orders || frees.bytes ? "kept.frees" : "kept.frees_none", { kept: bytesText(kept), orders: frees.orders, size: bytesText(frees.bytes) }));
		let turn = 0;
		const look = () => {
			const mine = ++turn;
			const ifLast = (/** @type {(answer: any) => void} */ act) => (/** @type {any} */ answer) => void (mine === turn && act(answer));
			setStatus(status);
			return post("/runninghub/retention", bounds()).then(ifLast(tell), ifLast(fail));
		};
		for (const { input } of [days, orders, size]) input.onchange = look;
		const keep = actionButton(t("kept.keep"), status, async () => {
			turn += 1; // the bounds that are looked at are those that are kept
			tell(await post("/runninghub/retention", { ...bounds(), keep: true }));
			status.textContent = t("kept.done");
		});
		tell(now);
		body.replaceChildren(days.view, orders.view, size.view, effect, row(keep));
	};
	details.ontoggle = () => details.open && post("/runninghub/retention", {}).then(show, fail);
	return details;
}

function numberField(label = "", value = 0, step = 1) {
	const input = h("input", { type: "number", min: String(step), step: String(step), value: String(Math.round(value * 10) / 10) });
	return { input, view: h("label", "", label, input) };
}
