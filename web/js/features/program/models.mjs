// Dialog to choose a standard model: searched at each keystroke, favourites and recent ones first;
// and the one for a model that is no longer offered.

import { openDialog } from "../../host/dialogs.js";
import { post } from "../../host/server.js";
import { dotted, shortPrice, textsOf } from "../../host/texts.js";
import { typeName, withUndoStep } from "../../host/graph.js";
import { clean } from "../../lib/form.js";
import { MODEL_CLASSES, setWidget } from "../../lib/nodes.js";
import { favouriteModels, toggleFavourite, recentOf } from "../recent.js";
import { actionButton, statusLine, h, messageOf } from "../../lib/view.js";
import { readSettings } from "../profiles.js";
import { openModels } from "./models.js";
import { labelButton, stateOf } from "./state.js";

const t = textsOf("models");

const FIRST = 60; // rows requested at first
const ALL = 1000;

/** @typedef {{ endpoint: string, name: string, other: string, family: string, task: string, task_name: string, price: string, takes: string[], complete: boolean, status: string }} Row */
/** @typedef {{ title: string, rows: Row[] }} Part */

/** Resolves to the endpoint, or the typed text; "" if cancelled. @type {(question: { task: string, profile: string, words: string, reason: string }, offerKey: () => void) => Promise<string>} */
export function openChoice({ task, profile, words: typed, reason }, offerKey) {
	const id = `runninghub-models-${Math.random()}`;
	let chosen = "";
	let controller = new AbortController();
	/** @type {Row[]} */
	let rows = [];
	let active = 0;
	let listed = ""; // the search, as JSON, whose rows are shown

	const list = h("div", { id, className: "runninghub-models", role: "listbox", "aria-label": t("list") });
	const count = h("p", { className: "muted", role: "status" });
	const words = h("input", {
		type: "search",
		role: "combobox",
		value: typed,
		placeholder: t("search"),
		"aria-label": t("search"),
		"aria-controls": id,
		"aria-expanded": "true",
		"aria-autocomplete": "list",
		autocomplete: "off",
		spellcheck: false,
	});
	const tasks = h(
		"select",
		{ "aria-label": t("task"), className: "tasks" },
		...[...MODEL_CLASSES.keys()].map((name, index) => h("option", { value: name }, index === 0 ? t("all_tasks") : typeName(name))),
	);
	tasks.value = task;

	/** @type {(body: object, signal: AbortSignal) => Promise<{ found: number, total: number, date: string, note: string, models: Row[] }>} */
	const find = (body, signal) => post("/runninghub/models", { profile, ...body }, signal);

	/** The latest search: Enter takes its first hit, not one of the previous list. */
	let pending = Promise.resolve();
	const ask = (limit = FIRST) => (pending = look(limit));

	async function look(limit = FIRST) {
		controller.abort();
		controller = new AbortController();
		const { signal } = controller;
		const text = words.value.trim();
		const [general = ""] = MODEL_CLASSES.keys();
		const kind = tasks.value === general ? "" : tasks.value;
		const body = { words: text, task: kind };
		try {
			const liked = favouriteModels().map((model) => model.id);
			const used = recentOf("model").map((model) => model.id).filter((model) => !liked.includes(model));
			const rememberedIds = text ? [] : [...liked, ...used];
			// The tasks of a kind are known only from all its models.
			const isSorted = kind !== "" && rememberedIds.length > 0;
			const [remembered, listing] = await Promise.all([
				rememberedIds.length > 0 ? find({ only: rememberedIds }, signal) : null,
				find({ ...body, limit: isSorted ? ALL : limit }, signal),
			]);
			const elsewhere = kind && listing.found === 0 ? (await find({ words: text, limit: 1 }, signal)).found : 0;
			const own = new Set(listing.models.map((row) => row.task));
			/** @type {(ids: string[]) => Row[]} */
			const rowsOf = (ids) => remembered?.models.filter((row) => ids.includes(row.endpoint) && (!isSorted || own.has(row.task))) ?? [];
			const first = listing.models.slice(0, limit);
			const others = first.filter((row) => !rememberedIds.includes(row.endpoint));
			show([
				{ title: t("favourites"), rows: rowsOf(liked) },
				{ title: t("lately"), rows: rowsOf(used) },
				{ title: rememberedIds.length > 0 ? t("others") : "", rows: others },
			], elsewhere ? t("elsewhere", { count: elsewhere }) : t("none"));
			listed = JSON.stringify(body);
			const found = { count: listing.found, shown: first.length, date: listing.date };
			count.textContent = dotted(t(listing.found > first.length ? "found_first" : "found", found), listing.note);
			const hasMore = listing.found > first.length;
			if (!hasMore && document.activeElement === more) words.focus();
			more.hidden = !hasMore;
		} catch (error) {
			if (signal.aborted) return;
			if (listed !== JSON.stringify(body)) show([], ""); // Enter would take a row of the former search
			count.textContent = messageOf(error);
		}
	}

	/** @param {Part[]} parts @param {string} nothing text if there are none */
	function show(parts, nothing) {
		const filled = parts.filter((part) => part.rows.length > 0);
		rows = filled.flatMap((part) => part.rows);
		let place = 0;
		const drawn = filled.flatMap(({ title, rows: own }) => [
			title && h("p", { className: "part muted", role: "presentation" }, title),
			...own.map((row) => rowView(row, place++)),
		]);
		list.replaceChildren(...(rows.length > 0 ? drawn.filter(Boolean) : [h("p", "none muted", nothing)]));
		list.scrollTop = 0;
		go(0);
	}

	/** @type {(row: Row, place: number) => HTMLElement} */
	function rowView({ endpoint, name, other: alias, family, task_name: kind, price, takes, complete, status }, place) {
		const isGone = status !== "active";
		const about = dotted(clean(family, 40), clean(kind, 60), takes.map(takeText).join(" + "), !complete && t("incomplete"), isGone && t("gone"));
		const star = h("span", { className: "star", "aria-hidden": "true", title: t("mark") });
		const mark = (on = false) => {
			star.textContent = on ? "★" : "☆";
			star.classList.toggle("on", on);
		};
		mark(favouriteModels().some((model) => model.id === endpoint));
		star.onclick = (/** @type {Event} */ event) => {
			event.stopPropagation();
			mark(toggleFavourite(endpoint, name));
		};
		const element = h(
			"div",
			{ className: `row${isGone ? " gone" : ""}`, role: "option", id: `${id}-${place}`, title: dotted(endpoint, alias) },
			star,
			h(
				"div",
				"text",
				h("div", "name", h("span", { dir: "auto" }, clean(name, 120)), alias && h("span", { className: "other", dir: "auto" }, clean(alias, 120))),
				h("div", "about", about),
			),
			h("span", { className: "price", dir: "auto", title: price }, shortPrice(price)),
		);
		element.onclick = () => {
			chosen = endpoint;
			dialog.close();
		};
		return element;
	}

	/** @param {string} kind */
	function takeText(kind) {
		const many = kind.endsWith("[]");
		const name = t(`takes.${many ? kind.slice(0, -2) : kind}`);
		return many ? t("takes.many", { name }) : name;
	}

	function go(place = 0) {
		list.querySelector(".active")?.removeAttribute("aria-selected");
		list.querySelector(".active")?.classList.remove("active");
		active = Math.min(Math.max(place, 0), rows.length - 1);
		const row = list.querySelector(`[id="${id}-${active}"]`);
		row?.classList.add("active");
		row?.setAttribute("aria-selected", "true");
		row?.scrollIntoView({ block: "nearest" });
		words.setAttribute("aria-activedescendant", row ? row.id : "");
	}

	/** Toggle the active row's favourite, from the keyboard. */
	function flip() {
		const star = list.querySelector(`[id="${id}-${active}"] .star`);
		star?.dispatchEvent(new MouseEvent("click", { bubbles: true }));
	}

	// After navigating by keys the active row is meant, whatever was typed before.
	let hasWalked = false;
	words.oninput = () => {
		hasWalked = false;
		void ask();
	};
	tasks.onchange = () => void ask();
	words.onkeydown = (/** @type {KeyboardEvent} */ event) => {
		if (event.isComposing) return;
		/** @type {Record<string, () => void>} */
		const keys = {
			ArrowDown: () => go(active + 1),
			ArrowUp: () => go(active - 1),
			PageDown: () => go(active + 8),
			PageUp: () => go(active - 8),
		};
		const act = event.ctrlKey && event.key === "d" ? flip : keys[event.key];
		if (act) {
			hasWalked ||= act !== flip;
			event.preventDefault();
			act();
		}
	};
	const feedback = statusLine();
	const more = h("button", { type: "button", className: "more", hidden: true, onclick: () => void ask(ALL) }, t("more"));
	const key = actionButton(t("no_key"), feedback, () => {
		dialog.close();
		offerKey();
	});
	key.hidden = true;
	readSettings().then(({ profiles }) => (key.hidden = profiles.length > 0), () => null);
	// A URL, or an endpoint that is not listed, is taken as typed.
	const isNamed = () => !hasWalked && /[/:]/.test(words.value) && !rows.some((row) => row.endpoint === words.value.trim());
	const run = async () => {
		// What is typed meanwhile aborts the search, and starts another.
		for (let awaited; awaited !== pending; await awaited) awaited = pending;
		chosen = (isNamed() ? "" : rows[active]?.endpoint) || words.value.trim();
		if (!chosen) throw new Error(t("empty"));
	};
	/** @type {RhDialog} */
	let dialog;
	return new Promise((resolve) => {
		dialog = openDialog({
			title: t("title"),
			body: h(
				"div",
				"runninghub-choice",
				reason && h("p", "note", reason),
				h("div", "head", words, tasks),
				list,
				h("div", "foot", count, more, key),
				feedback,
			),
			wide: true,
			buttons: [{ label: t("cancel") }, { label: t("choose"), primary: true, run }],
			onClose: () => {
				controller.abort();
				resolve(chosen);
			},
		});
		void ask();
	});
}

/** Dialog for a model that is no longer offered: why, and its successor. @param {ComfyNode} node */
export function openDiscontinued(node) {
	const program = stateOf(node).discontinued;
	if (!program) return;
	const { successor } = program;
	const use = () => {
		withUndoStep(() => {
			stateOf(node).discontinued = null;
			setWidget(node, "model", successor?.endpoint ?? "");
		});
		labelButton(node);
	};
	openDialog({
		title: program.name || program.id,
		body: program.notice || t("gone"),
		buttons: [
			{ label: t("later") },
			{ label: t("another"), primary: !successor, run: () => void setTimeout(openModels, 0, node) },
			...(successor ? [{ label: t("use", { name: successor.name }), primary: true, run: use }] : []),
		],
	});
}
