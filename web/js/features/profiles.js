// The stored accounts (profiles), cached, as a widget on nodes and a <select> in dialogs.

import { redraw } from "../host/graph.js";
import { get } from "../host/server.js";
import { loadTexts, textsOf } from "../host/texts.js";
import { makeLazyOptions, makeWidget } from "../host/widgets.js";
import { h } from "../lib/view.js";

const t = textsOf("account");

/** The profile of the local emulator of RunningHub. */
export const SANDBOX = "sandbox";

/** The profile whose key comes from the environment. */
const ENVIRONMENT = "environment";

/** @type {Promise<unknown> | null} */
let loading = null;
let names = [""];
let defaultName = "";
let accountsKey = ""; // the default and the keys, to notice a change

const FOLLOWER = "runninghub-profiles"; // class of elements with a listener

/** Listeners to account changes, by element; called while it is on the page. @type {WeakMap<Element, RhCallback>} */
const listeners = new WeakMap();

/** @type {(element: HTMLElement, listener: RhCallback) => void} */
export function onProfilesChange(element, listener) {
	element.classList.add(FOLLOWER);
	listeners.set(element, listener);
}

/** @returns {Promise<RhSettings>} */
export async function readSettings() {
	const stored = await get("/runninghub/settings");
	cacheProfiles(stored);
	return stored;
}

/** Cache the accounts of a response, and notify listeners of a change. @param {RhSettings} stored */
export function cacheProfiles({ profiles: stored, default: chosen }) {
	names = ["", ...stored.map(({ name }) => name), SANDBOX];
	defaultName = chosen;
	redraw();
	const before = accountsKey;
	accountsKey = JSON.stringify([chosen, ...stored.map(({ name, key_tail: tail }) => [name, tail])]);
	if (before && before !== accountsKey) document.querySelectorAll(`.${FOLLOWER}`).forEach((element) => listeners.get(element)?.());
}

/** Load the accounts once per page, again after a failure; later changes come through `cacheProfiles`. */
function loadOnce() {
	loading ??= Promise.all([loadTexts(), readSettings()]).catch(() => (loading = null));
}

/** @returns {string} */
function labelOf(name = "") {
	if (name === SANDBOX) return t("sandbox.choice");
	if (name === ENVIRONMENT) return t("from_environment");
	if (name) return name;
	if (defaultName) return t("default_is", { name: labelOf(defaultName) });
	return t(names.length > 2 ? "no_default_is" : "is_default"); // beside "" and the sandbox
}

/** @type {RhFeature} */
export const profiles = {
	getCustomWidgets: () => ({
		/** @type {(node: ComfyNode, name: string) => { widget: ComfyWidget }} */
		RUNNINGHUB_PROFILE(node, name) {
			const widget = makeWidget(node, name, "COMBO", [[""], { default: "" }]);
			makeLazyOptions(widget, () => names, labelOf);
			loadOnce();
			return { widget };
		},
	}),
};

/** A <select> of the accounts, kept up to date. @param {string} chosen */
export function profileSelect(chosen) {
	const select = h("select");
	const show = () => {
		const value = select.options.length > 0 ? select.value : chosen; // "" is a choice, too
		select.replaceChildren(...[...new Set([...names, chosen])].map(optionOf));
		select.value = value;
	};
	show();
	onProfilesChange(select, show);
	readSettings().then(show, () => null);
	return select;
}

/** A <select> of the routes by which graphs are sent; `unsaid` labels "". @param {string} chosen @param {string} unsaid */
export function routeSelect(chosen, unsaid) {
	const ways = ["task", "native", "auto"].map((value) => h("option", { value }, t(`routes.${value}`)));
	const select = h("select", "", h("option", { value: "" }, unsaid), ...ways);
	select.value = chosen;
	return select;
}

const optionOf = (value = "") => h("option", { value }, labelOf(value));
