// Forms that store an API key, or switch a node to the sandbox. The server never returns a key.

import { toast } from "../host/comfy.js";
import { openDialog } from "../host/dialogs.js";
import { post } from "../host/server.js";
import { dotted, loadTexts, numberText, textsOf } from "../host/texts.js";
import { kindOf, setWidget, valueOf } from "../lib/nodes.js";
import { actionButton, statusLine, form, h, link, page, row } from "../lib/view.js";
import { enterSandbox } from "./account.js";
import { readSettings, cacheProfiles } from "./profiles.js";

const t = textsOf("account");

/**
 * Status of a profile's account; null for what it does not report.
 * @typedef {{ kind: string, coins: number | string | null, money: number | string | null, currency: string | null, running: number | null, queued: number | null, limit: number | null }} Account
 */

/** The service's kinds of keys → ours. @type {Record<string, string>} */
const KINDS = { NORMAL: "normal", SHARED: "shared", EXCLUSIVE: "dedicated" };

/**
 * `seen`, `advice`: sentences, for `other` alone the latter.
 * @typedef {{ id: string, question: string, verdict: "as_assumed" | "other" | "not_told", seen: string, advice: string }} Finding
 * @typedef {{ failure: string, account: Account | null, findings: Finding[] }} Examination
 */

const MUST_BE_KNOWN = ["upload", "fetch"]; // nothing is ordered with a picture without them

const KEY_PAGE = "/enterprise-api/consumerApi";

/** Links to the pages where keys are created. @param {string[]} sites */
export const keyLinks = (sites) => sites.flatMap((site) => [" ", link(new URL(site).host, site + KEY_PAGE)]);

/** @param {string[]} names */
function freeName(names) {
	let name = "main";
	for (let number = 2; names.includes(name); number += 1) name = `main ${number}`;
	return name;
}

/**
 * A form that stores a key. `replaced`: the profile whose key was refused.
 * @type {(stored: RhSettings, done: (name: string) => unknown, replaced?: RhProfile) => any}
 */
export function keyForm({ sites, profiles, has_users: hasUsers }, done, replaced) {
	const names = profiles.map(({ name }) => name);
	const status = statusLine();
	/** @param {string} key @param {Node} input */
	const field = (key, input) => h("label", "", t(key), input);
	const name = h("input", { value: replaced?.name ?? freeName(names), maxLength: 60 });
	const address = h("input", { placeholder: "https://", hidden: true, "aria-label": t("other_site") });
	const site = h(
		"select",
		{ onchange: () => (address.hidden = site.value !== "") },
		...sites.map((value) => h("option", { value }, new URL(value).host)),
		h("option", { value: "" }, t("other_site")),
	);
	const key = h("input", { type: "password", autocomplete: "new-password", placeholder: t("key_hint") });
	if (replaced) {
		site.value = sites.includes(replaced.origin) ? replaced.origin : "";
		address.value = replaced.origin;
		address.hidden = site.value !== "";
	}
	const entered = () => ({ name: name.value.trim(), origin: site.value || address.value, key: key.value });
	const test = examining(entered);
	let replacing = replaced?.name ?? "";
	const save = actionButton(t("save"), status, async () => {
		const typed = entered();
		const named = typed.name;
		if (names.includes(named) && replacing !== named) {
			replacing = named;
			status.textContent = t("replace_sure", { name: named });
			return;
		}
		cacheProfiles(await post("/runninghub/profiles/save", typed));
		key.value = "";
		await done(named);
		void showTest(named);
	});
	save.className = "primary";
	const fields = [field("site", site), address, field("key", key), field("name", name)];
	return form(save, ...fields, hasUsers && h("p", "muted", t("has_users")), row(save, test.button), test.status, test.found, status);
}

/** Test a key that was just stored, and show the result. @param {string} name */
async function showTest(name) {
	const saved = t("saved", { name });
	try {
		toast("success", saved, accountText(await post("/runninghub/profiles/test", { name })));
	} catch (error) {
		toast("warn", saved, error);
	}
}

/**
 * A button that examines an account, and where it says what it found. `asked`: the profile, or what was typed.
 * @type {(asked: () => { name: string, origin?: string, key?: string }) => { button: HTMLButtonElement, found: HTMLElement, status: HTMLElement }}
 */
export function examining(asked) {
	const status = statusLine();
	const found = h("div", { className: "examined", role: "status" });
	const button = actionButton(t("test"), status, async () => {
		found.replaceChildren();
		status.textContent = t("testing");
		found.replaceChildren(...examinationView(await post("/runninghub/profiles/examine", asked())));
		status.textContent = "";
	});
	return { button, found, status };
}

/** @param {Account} account */
export function accountText({ kind, coins, money, currency, running, limit }) {
	const key = KINDS[kind];
	const facts = dotted(
		key ? t(`kind.${key}`) : kind || t("kind.unknown"),
		coins !== null && t("coins", { coins: numberText(coins) }),
		money !== null && t(currency ? "money" : "wallet", { money: numberText(money), currency }),
		limit !== null && t("running", { running: running ?? 0, limit }),
	);
	return t("works", { found: facts });
}

/** @param {Examination} examination */
export function examinationView({ failure, account, findings }) {
	if (!account) return [h("p", "bad", failure), details(findings)];
	const { running, queued, limit } = account;
	const misfits = findings.filter(({ id, verdict }) => verdict === "other" || (verdict === "not_told" && MUST_BE_KNOWN.includes(id)));
	const parts = misfits.map(({ question, seen }) => t("examined.part", { question, seen }));
	return [
		h("p", "", accountText({ ...account, limit: null })),
		h("p", "", limit === null ? t("examined.no_limit") : t("examined.limit", { limit, running: running ?? 0, queued: queued ?? 0 })),
		misfits.length > 0 ? h("p", "bad", t("examined.misfits", { parts: parts.join("") })) : h("p", "", t("examined.fits")),
		details(findings),
	];
}

/** @param {Finding[]} findings */
function details(findings) {
	const rows = findings.map(({ question, verdict, seen, advice }) =>
		h(
			"tr",
			verdict,
			h("th", { scope: "row" }, question),
			h("td", verdict === "other" ? "bad" : "", t(`examined.${verdict}`)),
			h("td", "", seen, advice && h("p", "", advice)),
		),
	);
	return h("details", "", h("summary", "", t("examined.details")), h("table", "", h("tbody", "", ...rows)));
}

/** As `offerKey` of account.js. @type {(node: ComfyNode | null, reason?: string, isRefused?: boolean) => Promise<boolean>} */
export async function offerKey(node, reason = "", isRefused = reason !== "") {
	await loadTexts();
	const stored = await readSettings();
	const { sites, profiles, default: chosen, environment } = stored;
	const used = (node && valueOf(node, "profile")) || (environment ? "" : chosen);
	const replaced = isRefused ? profiles.find(({ name, from }) => name === used && from === "file") : undefined;
	return new Promise((resolve) => {
		let ready = false;
		const enter = keyForm(stored, (name) => {
			ready = true;
			// Otherwise the node keeps using the rejected key; it does after Cancel.
			if (node && enter.isConnected && isRefused && name !== used && profiles.length > 0) setWidget(node, "profile", name);
			dialog.close();
		}, replaced);
		enter.querySelector("input[type=password]")?.setAttribute("autofocus", "");
		const status = statusLine();
		const sandbox = actionButton(t("offer.try_button"), status, async () => {
			const { samples } = await post("/runninghub/sandbox", { on: true });
			if (status.isConnected) resolve(useSandbox(/** @type {ComfyNode} */ (node), samples)); // not cancelled meanwhile
			dialog.close();
		});
		/** @param {string} key @param {...Node} content */
		const way = (key, ...content) => h("section", "", h("h3", "", t(`offer.${key}`)), ...content);
		const body = page(
			reason && h("p", "bad", reason),
			way("enter", enter),
			way("get", h("p", "", t("offer.get_text"), ...keyLinks(sites))),
			node && way("try", h("p", "muted", t("offer.try_text")), sandbox, status),
		);
		const dialog = openDialog({ title: t(reason ? "offer.refused" : "offer.title"), body, onClose: () => resolve(ready) });
	});
}

/**
 * Switch a node to the sandbox and offer a sample; true if it still names the same program.
 * @type {(node: ComfyNode, samples: { kind: string; id: string; name: string }[]) => Promise<boolean>}
 */
export async function useSandbox(node, samples) {
	enterSandbox(node);
	const kind = kindOf(node);
	const fitting = samples.filter((sample) => sample.kind === kind);
	if (!kind || fitting.length === 0) return true;
	return new Promise((resolve) => {
		const picks = fitting.map(({ id, name }, index) => {
			const onclick = () => {
				resolve(valueOf(node, kind) === id);
				dialog.close();
				setWidget(node, kind, id);
			};
			return h("button", { className: "line", autofocus: index === 0, onclick }, name);
		});
		const dialog = openDialog({
			title: t("sandbox.title"),
			body: page(h("p", "", t("sandbox.pick")), ...picks),
			buttons: [{ label: t("sandbox.none") }],
			onClose: () => resolve(true),
		});
	});
}
