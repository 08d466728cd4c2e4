// Panel tab of what can be added to the canvas: recent programs, favourites, the site's public AI apps.

import { classTitle } from "../../host/graph.js";
import { lazy } from "../../host/lazy.js";
import { post } from "../../host/server.js";
import { numberText, programTitle, textsOf } from "../../host/texts.js";
import { idIn, MODEL_CLASSES } from "../../lib/nodes.js";
import { toggleFavourite, allFavourites, recentOf } from "../recent.js";
import { actionButton, statusLine, form, h, keepFocus, row, setStatus, setStatusError } from "../../lib/view.js";
import { profileSelect } from "../profiles.js";

const { observeCovers } = await lazy("features/covers.mjs");
const t = textsOf("panel");

const SORTS = ["RECOMMEND", "HOTTEST", "NEWEST"];

/** @returns {RhPanelView} */
export function makeView() {
	const account = profileSelect("");
	account.setAttribute("aria-label", t("spend.account"));
	const programs = h("div", "programs");
	const showSaved = () => keepFocus(programs, () => programs.replaceChildren(...savedProgramViews(account, showSaved)));
	showSaved();
	const apps = appsView(account, showSaved);
	account.onchange = () => void apps.start();
	return { content: [account, pasteView(account), programs, modelsView(), ...apps.content], close: apps.close };
}

/** @type {(kind: RhKind, id: string, profile: string) => Promise<any>} */
async function place(kind, id, profile) {
	const { placeProgram } = await lazy("features/program/add_to_canvas.mjs");
	return placeProgram(kind, id, profile);
}

/** @param {HTMLSelectElement} account */
function pasteView(account) {
	const status = statusLine();
	const label = t("add.paste");
	const input = h("input", { className: "grow", placeholder: label, "aria-label": label });
	const put = actionButton(t("add.put"), status, async () => {
		const pasted = input.value.trim();
		if (!idIn(pasted)) throw new Error(t("add.no_id"));
		const kind = /ai-detail|call-api\/api-detail|webapp/.test(pasted) ? "app" : "workflow";
		const node = await place(kind, pasted, account.value);
		if (node && input.value.trim() === pasted) input.value = ""; // else it is another by now, or to be corrected
	});
	return form(put, row(input, put), status, h("p", "muted", t("add.own")));
}

/** Buttons that add a node by task, which offers that task's models. */
function modelsView() {
	const status = statusLine();
	const classes = [...MODEL_CLASSES.keys()].filter(classTitle);
	const buttons = classes.map((name) =>
		actionButton(classTitle(name), status, async () => {
			const { placeTask } = await lazy("features/program/add_to_canvas.mjs");
			await placeTask(name);
		}),
	);
	return classes.length > 0 && h("details", "", h("summary", "", t("add.models")), row(...buttons), status);
}

/** @type {(account: HTMLSelectElement, reload: RhCallback) => any[]} */
function savedProgramViews(account, reload) {
	const liked = allFavourites();
	const isLiked = (/** @type {any} */ program) => liked.some(({ kind, id }) => kind === program.kind && id === program.id);
	const recent = [...recentOf("workflow"), ...recentOf("app"), ...recentOf("model")].filter((program) => !isLiked(program));
	const section = (/** @type {string} */ key, /** @type {any[]} */ many) =>
		many.length > 0 && h("section", "", h("h3", "", t(`add.${key}`)), ...many.map((program) => programView(program, isLiked(program), account, reload)));
	return [section("favourites", liked), section("lately", recent)].filter(Boolean);
}

/** @type {(program: { kind: RhKind, id: string, name: string }, isLiked: boolean, account: HTMLSelectElement, reload: RhCallback, cover?: any) => any} */
function programView(program, isLiked, account, reload, cover) {
	const status = statusLine();
	const name = programTitle(program);
	const put = actionButton(name, status, () => place(program.kind, program.id, account.value));
	put.className = "line";
	put.title = `${t(`add.kind.${program.kind}`)} ${program.id}`;
	const star = h("button", { type: "button", className: "star", ariaPressed: String(isLiked), ariaLabel: t("add.favourite", { name }), title: t("add.favourite", { name }) }, isLiked ? "★" : "☆");
	star.onclick = () => {
		const liked = toggleFavourite(program.id, program.name, program.kind);
		star.ariaPressed = String(liked);
		star.textContent = liked ? "★" : "☆";
		reload();
	};
	return h("div", "program", cover, h("div", "grow", put, status), star);
}

/** @type {(account: HTMLSelectElement, reload: RhCallback) => { content: any[], start: () => Promise<void>, close: RhCallback }} */
function appsView(account, reload) {
	/** @type {any[]} */
	let apps = [];
	/** @type {number | null} */
	let next = 1;
	/** @type {number | null} */
	let total = null;
	let turn = 0;
	let isOpen = true;
	const status = statusLine();
	const countLine = h("p", "muted");
	const words = h("input", { type: "search", className: "grow", placeholder: t("add.search"), "aria-label": t("add.search"), oninput: draw });
	const sort = h("select", { "aria-label": t("add.sort"), onchange: () => void start() }, ...SORTS.map((value) => h("option", { value }, t(`add.sort_${value}`))));
	const list = h("div", "gallery");
	const more = actionButton(t("add.more"), status, () => load());
	const listing = h("section", "", h("h3", "", t("add.apps")), row(words, sort), countLine, status, list, row(more));
	/** @type {Map<string, string>} */
	const pictures = new Map();
	const covers = observeCovers(async (/** @type {any} */ frame) => {
		const { id } = frame.dataset;
		if (!pictures.has(id)) {
			const cover = await post("/runninghub/apps/cover", { id, profile: account.value }).catch(() => ({ picture: "" }));
			pictures.set(id, cover.picture);
		}
		return pictures.get(id) ?? "";
	});

	async function load() {
		const mine = ++turn;
		const page = await post("/runninghub/apps", { sort: sort.value, page: next ?? 1, profile: account.value }).catch((error) => {
			if (mine !== turn || !isOpen) return;
			draw(); // in place of "Loading…"
			listing.hidden = error.hint === "no_key";
			if (!listing.hidden) throw error;
			return null;
		});
		if (!page || mine !== turn || !isOpen) return;
		listing.hidden = false;
		const ids = new Set(apps.map(({ id }) => id));
		apps = [...apps, ...page.apps.filter((/** @type {any} */ { id }) => !ids.has(id))];
		next = page.next;
		total = page.total;
		draw();
	}

	async function start() {
		apps = [];
		next = 1;
		total = null;
		setStatus(status);
		keepFocus(list, () => list.replaceChildren(h("p", "muted", t("loading"))));
		try {
			await load();
		} catch (error) {
			setStatusError(status, error);
		}
	}

	function draw() {
		const sought = words.value.toLowerCase().split(/\s+/).filter(Boolean);
		const fits = ({ title = "", description = "", id = "" }) => sought.every((/** @type {string} */ word) => `${title} ${description} ${id}`.toLowerCase().includes(word));
		const matches = apps.filter(fits);
		const liked = allFavourites();
		covers.disconnect();
		const views = matches.map(({ id, title, cover }) => {
			const frame = h("div", "cover", h("i", { className: "pi pi-image", ariaHidden: "true" }));
			frame.dataset.id = id;
			if (cover) covers.observe(frame);
			return programView({ kind: "app", id, name: title }, liked.some((program) => program.kind === "app" && program.id === id), account, reload, frame);
		});
		keepFocus(list, () => list.replaceChildren(...views));
		countLine.textContent = t("add.loaded", { shown: numberText(matches.length), loaded: numberText(apps.length), total: total === null ? "?" : numberText(total) });
		if (next === null && document.activeElement === more) words.focus();
		more.hidden = next === null;
	}

	void start();
	return {
		content: [listing],
		start,
		close() {
			isOpen = false;
			covers.disconnect();
		},
	};
}
