// The panel's tabs: running orders, history, spending, programs to add. One view is open at a time.

import { lazy } from "../../host/lazy.js";
import { post } from "../../host/server.js";
import { textsOf } from "../../host/texts.js";
import { actionButton, fill, h, keepKey, row, setStatusError, statusLine } from "../../lib/view.js";
import { offerKey } from "../account.js";
import { onProfilesChange, readSettings, SANDBOX } from "../profiles.js";

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
	const keyless = keylessView();
	onProfilesChange(keyless, () => tabs.forEach((tab, index) => tab.ariaSelected === "true" && void show(NAMES[index] ?? "now")));
	OURS.forEach((kind) => root.addEventListener(kind, (event) => event.stopPropagation()));
	root.addEventListener("keydown", keepKey);

	/** @param {string} name */
	async function show(name) {
		const mine = ++opened;
		closeView();
		closeView = () => {};
		void showKeyless();
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

	/** Offer a key and the sandbox where there is no key. */
	async function showKeyless() {
		const stored = await readSettings().catch(() => null);
		keyless.hidden = stored?.profiles.length !== 0;
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
		content: [list, keyless, body],
		close() {
			opened += 1;
			closeView();
		},
	};
}

/** What a person without a key can do: enter one, or have a sample of the sandbox on the canvas. */
function keylessView() {
	const status = statusLine();
	const enter = actionButton(t("keyless.enter"), status, () => void offerKey(null).catch((error) => setStatusError(status, error)));
	enter.className = "primary";
	const sandbox = actionButton(t("keyless.sandbox"), status, async () => {
		const { samples } = await post("/runninghub/sandbox", { on: true });
		const sample = samples.find((/** @type {any} */ { kind }) => kind === "workflow");
		const { placeProgram } = await lazy("features/program/add_to_canvas.mjs");
		await placeProgram("workflow", sample.id, SANDBOX);
	});
	return h("section", { className: "card", hidden: true }, h("p", "", t("keyless.text")), row(enter, sandbox), status);
}
