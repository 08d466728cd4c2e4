// Dialog to choose which fields and outputs of a remote program the node shows.

import { openDialog } from "../../host/dialogs.js";
import { clean, allFields, MAX_OUTPUTS, ownOutputs } from "../../lib/form.js";
import { textsOf } from "../../host/texts.js";
import { h, link, rem } from "../../lib/view.js";
import { visibleRows } from "../../lib/windowing.js";
import { shownName } from "./build.js";

/**
 * A line of the tree.
 * @typedef {object} Row
 * @property {string} key
 * @property {number} level
 * @property {string} text
 * @property {string} [kind]
 * @property {string} [more]
 * @property {string} [tip]
 * @property {boolean} [open] whether it is expanded; undefined for a leaf
 * @property {boolean} [ticked]
 * @property {boolean} [disabled]
 */

/** `label`: the accessible name. @typedef {{ label: string, tick: (row: Row) => void, fold?: (row: Row, open: boolean) => void }} Tree */

/** Name and description of a typed output. @typedef {{ name: string, tip: string }} TypedText */

const HEIGHT = rem(1.875); // of a row in px, as in the style sheet

const t = textsOf("form");

/** Resolves to the choice, null if cancelled. @type {(program: RhProgram, first: RhChoice) => Promise<RhChoice | null>} */
export function openChooser(program, first) {
	/** @type {RhChoice | null} */
	let answer = null;
	let choice = first;
	const index = searchIndex(program, first);
	const open = openAtFirst(program, first);
	const typed = ownOutputs(program.kind).map(({ name }) => ({ name: shownName(name), tip: t(`typed.${name}`) }));
	const tick = (/** @type {Row} */ row) => {
		choice = toggled(choice, row.key);
		draw();
	};
	const fields = rowsElement({
		label: t("fields"),
		tick,
		fold: (row, isOpen) => {
			open[isOpen ? "add" : "delete"](row.key.slice("node ".length));
			draw();
		},
	});
	const outputs = rowsElement({ label: t("outputs"), tick });
	const counts = [h("span", "muted"), h("span", "muted")];
	const search = h("input", {
		type: "search",
		placeholder: t("search"),
		"aria-label": t("search"),
		oninput: () => draw(),
		onkeydown: (/** @type {KeyboardEvent} */ event) => {
			if (event.isComposing) return;
			if (event.key === "ArrowDown") {
				event.preventDefault();
				fields.element.focus();
			} else if (event.key === "Enter" && search.value.trim()) {
				// Enter ticks a unique hit; a second Enter confirms the dialog.
				const [hit, more] = matchingRows().filter(({ ticked: on }) => on !== undefined);
				if (!hit || more || hit.ticked || hit.disabled) return;
				event.preventDefault();
				tick(hit);
			}
		},
	});
	const panes = [
		h("section", "pane", h("h3", "", t("fields"), counts[0]), fields.element),
		h("section", "pane", h("h3", "", t("outputs"), counts[1]), outputs.element),
	];

	const matchingRows = () => fieldRows(index, choice, open, search.value, Boolean(program.app) || program.kind === "model");

	function draw() {
		fields.show(matchingRows(), t(index.length === 0 ? "no_fields" : "none_found"));
		outputs.show(outputRows(program, choice, typed));
		counts[0].textContent = t("chosen", { count: choice.fields.size });
		const full = choice.outputs.length >= MAX_OUTPUTS;
		const count = choice.outputs.length + choice.typed.length;
		counts[1].textContent = t(full ? "chosen_full" : "chosen", { count, most: MAX_OUTPUTS });
	}

	return new Promise((resolve) => {
		openDialog({
			title: clean(program.app?.name || program.name, 200) || t(`title.${program.kind}`, { id: program.id }),
			body: h("div", "runninghub-chooser", ...about(program), search, h("div", "panes", ...panes)),
			wide: true,
			buttons: [
				{ label: t("cancel") },
				{ label: t("ok"), primary: true, run: () => void (answer = choice) },
			],
			onClose: () => {
				fields.stop();
				outputs.stop();
				resolve(answer);
			},
		});
		draw();
	});
}

/** @param {RhProgram} program */
function about({ app, link: address = "", sandbox }) {
	const cover = isAddress(app?.cover) && h("img", { alt: "", referrerPolicy: "no-referrer", src: app?.cover });
	if (cover) cover.onerror = () => cover.remove();
	return [
		(cover || app?.description) && h("div", "app", cover, h("p", { dir: "auto" }, app?.description)),
		isAddress(address) && h("div", "", link(address, address)),
		sandbox && h("div", "note", t("sandbox")),
	];
}

/** @param {string} [text] */
const isAddress = (text = "") => /^https?:\/\//i.test(text);

/** Search index of nodes and fields; nodes with suggested or chosen fields first. @param {RhProgram} program @param {RhChoice} choice */
export function searchIndex(program, choice) {
	const nodes = program.nodes.filter((node) => node.fields.length > 0).map((node) => ({
		node,
		words: lower(`${node.title} ${node.class_type} #${node.id}`),
		fields: node.fields.map((field) => ({
			field,
			words: lower(`${field.label ?? ""} ${field.name} ${field.kind} ${shown(field.stored, 200)}`),
		})),
	}));
	const isFirst = (/** @type {typeof nodes[0]} */ { node }) => isNoted(node, choice);
	return [...nodes.filter(isFirst), ...nodes.filter((entry) => !isFirst(entry))];
}

/** Ids of the nodes that are expanded at first. @type {(program: RhProgram, choice: RhChoice) => Set<string>} */
export function openAtFirst(program, choice) {
	const few = allFields(program).length <= 12;
	return new Set(program.nodes.filter((node) => few || isNoted(node, choice)).map((node) => node.id));
}

/**
 * @type {(index: { node: RhRemoteNode; words: string; fields: { field: RhRemoteField; words: string }[] }[], choice: RhChoice, open: Set<string>, sought: string, flat?: boolean) => Row[]}
 */
export function fieldRows(index, choice, open, sought, flat = false) {
	const words = lower(sought).split(/\s+/).filter(Boolean);
	return index.flatMap(({ node, words: ofNode, fields }) => {
		const matches = fields.filter((entry) => words.every((word) => `${ofNode} ${entry.words}`.includes(word)));
		const rows = matches.map(({ field }) => fieldRow(field, choice, flat));
		if (flat || matches.length === 0) return rows;
		const isOpen = words.length > 0 || open.has(node.id);
		return [nodeRow(node, choice, isOpen), ...(isOpen ? rows : [])];
	});
}

/** @type {(node: RhRemoteNode, choice: RhChoice, open: boolean) => Row} */
function nodeRow(node, choice, open) {
	const chosen = node.fields.filter((field) => choice.fields.has(field.name)).length;
	const more = `${chosen ? `${chosen} / ${node.fields.length} · ` : ""}#${node.id}`;
	return { key: `node ${node.id}`, level: 1, ...named(node), more, open };
}

/** @type {(field: RhRemoteField, choice: RhChoice, flat: boolean) => Row} */
function fieldRow(field, choice, flat) {
	return {
		key: field.name,
		level: flat ? 1 : 2,
		text: clean(flat ? field.label : field.field, 120),
		kind: field.kind,
		more: shown(field.stored, 120),
		tip: [field.name, clean(field.description, 400), shown(field.stored, 400)].filter(Boolean).join("\n"),
		ticked: choice.fields.has(field.name),
		disabled: field.required === true && choice.fields.has(field.name),
	};
}

/** @type {(program: RhProgram, choice: RhChoice, typedTexts: TypedText[]) => Row[]} */
export function outputRows(program, choice, typedTexts) {
	const full = choice.outputs.length >= MAX_OUTPUTS;
	/** @type {Row[]} */
	const remote = program.outputs.map((output) => {
		const ticked = choice.outputs.includes(output.id);
		const { id, type: kind } = output;
		return { key: `out ${id}`, level: 1, ...named(output), kind, more: `#${id}`, ticked, disabled: full && !ticked };
	});
	const typed = ownOutputs(program.kind).map(({ type: kind, index }, place) => {
		const { name: text = "", tip } = typedTexts[place] ?? {};
		return { key: `typed ${index}`, level: 1, text, kind, more: tip, tip, ticked: choice.typed.includes(index) };
	});
	return [...remote, ...typed];
}

/** The choice with that row toggled. @type {(choice: RhChoice, key: string) => RhChoice} */
export function toggled(choice, key) {
	const [prefix, id = ""] = key.split(" ");
	if (prefix === "out") return { ...choice, outputs: flipped(choice.outputs, id) };
	if (prefix === "typed") return { ...choice, typed: flipped(choice.typed, Number(id)).sort((first, second) => first - second) };
	return { ...choice, fields: new Set(flipped([...choice.fields], key)) };
}

/** @template T @param {T[]} items @param {T} item */
const flipped = (items, item) => (items.includes(item) ? items.filter((member) => member !== item) : [...items, item]);

/** @type {(node: RhRemoteNode, choice: RhChoice) => boolean} */
const isNoted = (node, choice) => node.fields.some((field) => field.suggested || choice.fields.has(field.name));

/** @param {{id: string, title: string, class_type: string}} node */
const named = ({ id, title, class_type: name }) => ({
	text: clean(title, 120) || clean(name, 120),
	tip: clean(`${title} · ${name} #${id}`, 400),
});

/** @type {(stored: unknown, most: number) => string} */
const shown = (stored, most) =>
	clean(stored !== null && typeof stored === "object" ? JSON.stringify(stored) : stored, most);

const lower = (text = "") => text.slice(0, 1000).toLowerCase();

/* A windowed tree of checkable rows: only those in view are in the DOM; fully usable by keyboard. */

/** @param {Tree} tree */
function rowsElement({ label, tick, fold }) {
	const id = `runninghub-${Math.random()}`;
	const space = h("div", { className: "space", role: "presentation" });
	/** @type {HTMLElement} */
	const view = h(
		"div",
		{ className: "runninghub-rows", tabIndex: 0, role: "tree", "aria-label": label, "aria-multiselectable": "true" },
		space,
	);
	/** @type {Row[]} */
	let rows = [];
	let nothing = "";
	let active = 0;
	let waiting = 0;
	// Cached, since reading them forces a layout of the page.
	let top = 0;
	let height = 0;

	function draw() {
		waiting = 0;
		const [first, last] = visibleRows(top, height, HEIGHT, rows.length);
		const drawn = rows.slice(first, last).map((row, index) => rowElement(row, first + index));
		space.style.height = `${rows.length * HEIGHT}px`;
		space.replaceChildren(...(rows.length ? drawn : [h("p", "none muted", nothing)]));
		view.setAttribute("aria-activedescendant", active >= first && active < last ? `${id}-${active}` : "");
	}

	/** @param {Row} row @param {number} index */
	function rowElement({ key, level, text, kind, more, tip = text, open, ticked, disabled }, index) {
		const classes = ["row", open !== undefined && "above", level === 2 && "below", index === active && "active"];
		const element = h(
			"div",
			{
				className: classes.filter(Boolean).join(" "),
				id: `${id}-${index}`,
				title: tip,
				role: "treeitem",
				"aria-level": level,
				...(open !== undefined && { "aria-expanded": open }),
				...(ticked !== undefined && { "aria-checked": ticked }),
				...(disabled && { "aria-disabled": "true" }),
			},
			open !== undefined && h("span", { className: "fold", "aria-hidden": "true" }, open ? "▼" : "▶"),
			ticked !== undefined && h("span", { className: `box${ticked ? " on" : ""}`, "aria-hidden": "true" }, ticked && "✓"),
			h("span", { className: "text", dir: "auto" }, text),
			kind && h("span", "kind", kind),
			h("span", { className: "more", dir: "auto" }, more),
		);
		element.dataset.key = key;
		element.style.top = `${index * HEIGHT}px`;
		return element;
	}

	const drawSoon = () => {
		top = view.scrollTop;
		waiting ||= requestAnimationFrame(draw);
	};

	function go(index = 0) {
		active = Math.min(Math.max(index, 0), rows.length - 1);
		const above = active * HEIGHT;
		top = Math.min(above, Math.max(top, above + HEIGHT - height));
		view.scrollTop = top;
		draw();
	}

	/** @param {Row | undefined} row */
	function use(row) {
		if (row?.open !== undefined) {
			fold?.(row, !row.open);
		} else if (row && !row.disabled) {
			tick(row);
		}
	}

	view.addEventListener("scroll", drawSoon, { passive: true });
	view.addEventListener("click", ({ target }) => {
		const hit = target instanceof Element ? target.closest(".row") : null;
		const index = rows.findIndex((row) => hit instanceof HTMLElement && row.key === hit.dataset.key);
		if (index !== -1) {
			active = index;
			use(rows[index]);
		}
	});
	view.addEventListener("keydown", (event) => {
		const row = rows[active];
		const above = (/** @type {Row} */ candidate, /** @type {number} */ index) =>
			index < active && (row?.level === 1 || candidate.level === 1);
		/** @type {Record<string, RhCallback>} */
		const keys = {
			ArrowDown: () => go(active + 1),
			ArrowUp: () => go(active - 1),
			Home: () => go(0),
			End: () => go(rows.length - 1),
			ArrowRight: () => (row?.open === false ? use(row) : go(active + 1)),
			ArrowLeft: () => (row?.open ? use(row) : go(rows.findLastIndex(above))),
			" ": () => use(row),
		};
		const act = keys[event.key];
		if (act && !event.ctrlKey && !event.metaKey && !event.altKey) {
			event.preventDefault();
			act();
		}
	});

	const sizes = new ResizeObserver(() => {
		height = view.clientHeight;
		draw();
	});
	sizes.observe(view);
	return {
		element: view,
		/** @param {Row[]} now @param {string} [none] */
		show(now, none = "") {
			const key = rows[active]?.key;
			rows = now;
			nothing = none;
			active = Math.max(0, rows.findIndex((row) => row.key === key));
			draw();
		},
		stop() {
			sizes.disconnect();
			cancelAnimationFrame(waiting);
		},
	};
}
