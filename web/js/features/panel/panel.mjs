// The panel's tabs: running orders, history, spending, programs to add. One view is open at a time.

import { lazy } from "../../host/lazy.js";
import { textsOf } from "../../host/texts.js";
import { fill, h, keepKey } from "../../lib/view.js";

const t = textsOf("panel");

// Events that must not propagate to the canvas.
const OURS = ["keyup", "keypress", "copy", "cut", "paste"];
const KEY = "runninghub.panel";

/** @type {Record<string, () => Promise<any>>} */
const VIEWS = {
	now: () => lazy("features/panel/now.mjs"),
	history: () => lazy("features/panel/history.mjs"),
	spend: () => lazy("features/panel/spend.mjs"),
	add: () => lazy("features/panel/add.mjs"),
};
const NAMES = Object.keys(VIEWS);

/** @param {HTMLElement} root @returns {{ content: any[], close: RhCallback }} */
export function makePanel(root) {
	/** @type {RhCallback} */
	let closeView = () => {};
	let opened = 0;
	const body = h("div", { className: "view", role: "tabpanel", id: "runninghub-view" });
	const tabs = NAMES.map((name) =>
		h("button", { type: "button", role: "tab", id: `runninghub-tab-${name}`, "aria-controls": body.id, onclick: () => void show(name) }, t(`tab.${name}`)),
	);
	const list = h("div", { className: "tabs", role: "tablist", "aria-label": "RunningHub", onkeydown: onKey }, ...tabs);
	OURS.forEach((kind) => root.addEventListener(kind, (event) => event.stopPropagation()));
	root.addEventListener("keydown", keepKey);

	/** @param {string} name */
	async function show(name) {
		const mine = ++opened;
		closeView();
		closeView = () => {};
		try {
			sessionStorage.setItem(KEY, name);
		} catch {
			// Storage is full: the next panel opens with an earlier view.
		}
		tabs.forEach((tab, index) => {
			const isChosen = NAMES[index] === name;
			tab.ariaSelected = String(isChosen);
			tab.tabIndex = isChosen ? 0 : -1;
		});
		body.setAttribute("aria-labelledby", `runninghub-tab-${name}`);
		await fill(body, async () => {
			const module = await VIEWS[name]?.();
			if (mine !== opened) return [];
			const view = module.makeView();
			closeView = view.close;
			return view.content;
		});
	}

	/** @param {KeyboardEvent} event */
	function onKey(event) {
		const at = tabs.indexOf(document.activeElement);
		const last = tabs.length - 1;
		/** @type {Record<string, number>} */
		const to = { ArrowRight: at === last ? 0 : at + 1, ArrowLeft: at === 0 ? last : at - 1, Home: 0, End: last };
		const next = tabs[to[event.key] ?? -1];
		if (at === -1 || !next) return;
		event.preventDefault();
		next.focus();
		next.click();
	}

	const before = sessionStorage.getItem(KEY) ?? "";
	void show(NAMES.includes(before) ? before : "now");
	return {
		content: [list, body],
		close() {
			opened += 1;
			closeView();
		},
	};
}
