// Settings page of keys and sites: stored accounts, options of each, and kept results.

import { loading } from "../host/dialogs.js";
import { get, post } from "../host/server.js";
import { bytesText, dotted, textsOf } from "../host/texts.js";
import { actionButton, statusLine, card, fill, form, h, row, setStatus, setStatusError } from "../lib/view.js";
import { readSettings, cacheProfiles, routeSelect } from "./profiles.js";

const t = textsOf("account");

/** @typedef {typeof import("./key_form.mjs")} Forms */

/** `at`: the name of the field to focus. @type {(forms: Forms, at?: string) => HTMLElement} */
export function keysPage(forms, at) {
	const view = loading();
	const show = () => fill(view, async () => profilesView(await readSettings(), show, forms));
	void show().then(() => at && view.querySelector(`[name="${CSS.escape(at)}"]`)?.focus());
	return view;
}

/** @type {(stored: RhSettings, reload: RhCallback, forms: Forms) => any[]} */
function profilesView(stored, reload, { keyForm, keyLinks, examining }) {
	const { profiles, default: chosen, environment, problem, models, max_tasks: most, sites } = stored;
	const add = keyForm(stored, reload);
	add.className = "card";
	add.prepend(h("h3", "", t("add")), h("p", "muted", t("offer.get_text"), ...keyLinks(sites)));
	return [
		environment && h("p", "muted", t("environment")),
		problem && h("p", "bad", problem),
		profiles.length === 0 && h("p", "", t("none")),
		profiles.length > 0 && !chosen && h("p", "bad", t("no_default")),
		...profiles.map((profile) => profileView(profile, profile.name === chosen, reload, deleteQuestion(profiles, profile.name, chosen), examining)),
		add,
		profiles.length > 0 && modelsView(models),
		profiles.length > 0 && tasksView(most),
		profiles.length > 0 && keptResultsView(),
	];
}

/** The confirmation before a profile is deleted: the default one pays where none is named. @type {(profiles: RhProfile[], name: string, chosen: string) => string} */
function deleteQuestion(profiles, name, chosen) {
	const [next, ...more] = profiles.filter((profile) => profile.name !== name);
	if (next && more.length === 0 && next.name !== chosen) return t("delete_next", { name: next.name });
	return next && name === chosen ? t("delete_default") : t("delete_sure");
}

/** The setting for segments with models that the cloud does not list: warn or refuse. @param {string} models */
function modelsView(models) {
	const status = statusLine();
	const words = ["warn", "strict"].map((value) => h("option", { value }, t(`models.${value}`)));
	const choice = h("select", "", ...words);
	choice.value = models;
	choice.onchange = savingHandler(status, () => post("/runninghub/models/save", { models: choice.value }));
	return card(t("marked"), h("label", "", t("models.label"), choice), status);
}

/** The user's own limit of tasks at once. @param {number | undefined} most 0: none */
function tasksView(most) {
	const status = statusLine();
	const input = h("input", { className: "grow", value: most || "", inputMode: "numeric" });
	const keep = actionButton(t("save"), status, async () => {
		await post("/runninghub/tasks/most", { most: input.value });
		setStatus(status, t("stored"));
	});
	return card(t("tasks"), form(keep, h("label", "", t("most"), row(input, keep))), status);
}

/** An event handler that stores a setting and reports the outcome in `status`. @type {(status: HTMLElement, keep: () => Promise<unknown>) => () => Promise<void>} */
const savingHandler = (status, keep) => async () => {
	try {
		await keep();
		setStatus(status, t("stored"));
	} catch (error) {
		setStatusError(status, error);
	}
};

function keptResultsView() {
	const status = statusLine();
	const show = ({ bytes = 0 }) => (status.textContent = t("kept", { size: bytesText(bytes) }));
	get("/runninghub/kept").then(show, () => {});
	const empty = async () => show(await post("/runninghub/kept/empty", {}));
	return row(status, actionButton(t("empty"), status, empty, t("empty_sure")));
}

/** @type {(profile: RhProfile, isDefault: boolean, reload: RhCallback, sure: string, examining: Forms["examining"]) => any} */
function profileView({ name, origin, key_tail: tail, workflow, webhook, route, from }, isDefault, reload, sure, examining) {
	const status = statusLine();
	const routed = statusLine();
	/** @type {(setting: "workflow" | "webhook", value: string, placeholder: string) => any} */
	const settingForm = (setting, value, placeholder) => {
		const fieldStatus = statusLine();
		const input = h("input", { className: "grow", name: `${setting} of ${name}`, value, placeholder });
		const keep = actionButton(t("save"), fieldStatus, async () => {
			const { value: sent } = input;
			const { profiles } = await post(`/runninghub/profiles/${setting}`, { name, [setting]: sent });
			// What was typed meanwhile stays.
			if (input.value === sent) input.value = profiles.find((/** @type {RhProfile} */ profile) => profile.name === name)?.[setting] ?? "";
			fieldStatus.textContent = t("stored");
		});
		return form(keep, h("label", "", t(setting), row(input, keep)), fieldStatus);
	};
	const way = routeSelect(route, t("routes.unsaid"));
	way.onchange = savingHandler(routed, () => post("/runninghub/profiles/route", { name, route: way.value }));
	const isStored = from === "file";
	const change = (verb = "") => async () => {
		cacheProfiles(await post(`/runninghub/profiles/${verb}`, { name }));
		await reload();
	};
	const test = examining(() => ({ name }));
	return card(
		isStored ? name : t("from_environment"),
		h("p", "muted", dotted(origin, t("key_set", { tail }), isDefault && t("is_default"))),
		row(
			test.button,
			isStored && !isDefault && actionButton(t("make_default"), status, change("default")),
			isStored && actionButton(t("delete"), status, change("delete"), sure),
		),
		status,
		test.status,
		test.found,
		isStored && settingForm("workflow", workflow, "1"),
		isStored && h("label", "", t("route"), way, h("span", "muted", t("routes.hint"))),
		isStored && routed,
		isStored && settingForm("webhook", webhook, "https://"),
	);
}
