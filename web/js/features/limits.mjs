// Spending limits of one key: stored in the journal, never in ComfyUI's settings.

import { loading } from "../host/dialogs.js";
import { post } from "../host/server.js";
import { textsOf } from "../host/texts.js";
import { actionButton, statusLine, card, fill, form, h, page, row } from "../lib/view.js";
import { onProfilesChange, profileSelect } from "./profiles.js";

const t = textsOf("limits");

const SCOPES = ["order", "prompt", "day", "floor"];

/** @typedef {{ program: string, sum: string }} Allowed */
/** @typedef {{ order: string, prompt: string, day: string, floor: string, allowed: Allowed[], today: string }} Limits */
/** @typedef {(path: string, body?: Record<string, string>) => Promise<Limits>} Ask */

/** The page: a choice of profile, and the limits of its key. */
export function limitsPage() {
	const profile = profileSelect("");
	const view = loading();
	/** @type {Ask} */
	const ask = (path, body = {}) => post(`/runninghub/limits${path}`, { profile: profile.value, ...body });
	const show = () =>
		fill(view, async () => {
			const limits = await ask("").catch((error) => {
				// The general message sends the user to this page.
				throw error.key === "error.no_key" ? new Error(t("no_key")) : error;
			});
			return limitsView(limits, ask, show);
		});
	profile.onchange = () => {
		view.replaceChildren(loading()); // not the limits of another key meanwhile
		void show();
	};
	onProfilesChange(view, show);
	void show();
	return page(h("label", "", t("profile"), profile), view);
}

/** @type {(limits: Limits, ask: Ask, reload: () => unknown) => any[]} */
function limitsView(limits, ask, reload) {
	/** @type {(label: string, value: string, body: Record<string, string>, placeholder?: string) => any} */
	const sum = (label, value, body, placeholder = t("none")) => {
		const sumStatus = statusLine();
		const input = h("input", { className: "grow", value, placeholder, "aria-label": label });
		const save = actionButton(t("save"), sumStatus, async () => {
			const { value: sent } = input;
			const limits = await ask("/save", { ...body, sum: sent });
			sumStatus.textContent = t("stored");
			if (body["program"]) await reload();
			// With its unit; what was typed meanwhile stays.
			else if (input.value === sent) input.value = String(Reflect.get(limits, body["scope"] ?? ""));
		});
		return form(save, h("label", "", label), row(input, save), sumStatus);
	};
	const program = h("input", { placeholder: "app/1900000000000000202", "aria-label": t("program") });
	const allowing = h("input", { placeholder: t("sum_example"), "aria-label": t("sum") });
	const status = statusLine();
	const allow = actionButton(t("allow"), status, async () => {
		await ask("/save", { program: program.value, sum: allowing.value });
		await reload();
	});
	return [
		h("p", "muted", t("about")),
		...SCOPES.map((scope) => sum(t(scope), String(Reflect.get(limits, scope)), { scope }, t(scope === "floor" ? "no_floor" : "none"))),
		h("p", "", t("today", { sum: limits.today || "0" })),
		card(
			t("allowed"),
			h("p", "muted", t("allowed_about")),
			...limits.allowed.map((allowance) => sum(allowance.program, allowance.sum, { program: allowance.program })),
			form(allow, row(program, allowing, allow), status),
		),
		h("p", "muted", t("promise")),
	];
}
