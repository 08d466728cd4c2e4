// Forms that store an API key, or switch a node to the sandbox. The server never returns a key.

import { toast } from "../host/comfy.js";
import { openDialog } from "../host/dialogs.js";
import { post } from "../host/server.js";
import { dotted, loadTexts, numberText, textsOf } from "../host/texts.js";
import { kindOf, setWidget, valueOf } from "../lib/nodes.js";
import { actionButton, statusLine, form, h, link, page, row } from "../lib/view.js";
import { enterSandbox } from "./account.js";
import { readSettings, cacheProfiles } from "./profiles.js";

/**
 * Status of a profile's account; null for what it does not report.
 * @typedef {{ kind: string, coins: number | string | null, money: number | string | null, currency: string | null, running: number | null, limit: number | null }} Account
 */

const t = textsOf("account");

const KEY_PAGE = "/enterprise-api/consumerApi";

/** The service's kinds of keys → ours. @type {Record<string, string>} */
const KINDS = { NORMAL: "normal", SHARED: "shared", EXCLUSIVE: "dedicated" };

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
	let replacing = replaced?.name ?? "";
	const save = actionButton(t("save"), status, async () => {
		const named = name.value.trim();
		if (names.includes(named) && replacing !== named) {
			replacing = named;
			status.textContent = t("replace_sure", { name: named });
			return;
		}
		cacheProfiles(await post("/runninghub/profiles/save", { name: named, origin: site.value || address.value, key: key.value }));
		key.value = "";
		await done(named);
		void showTest(named);
	});
	save.className = "primary";
	const fields = [field("site", site), address, field("key", key), field("name", name)];
	return form(save, ...fields, hasUsers && h("p", "muted", t("has_users")), row(save), status);
}

/** Test a key that was just stored, and show the result. @param {string} name */
async function showTest(name) {
	const saved = t("saved", { name });
	try {
		toast("success", saved, testText(await post("/runninghub/profiles/test", { name })));
	} catch (error) {
		toast("warn", saved, error);
	}
}

/** @param {Account} account */
export function testText({ kind, coins, money, currency, running, limit }) {
	const key = KINDS[kind];
	const facts = dotted(
		key ? t(`kind.${key}`) : kind || t("kind.unknown"),
		coins !== null && t("coins", { coins: numberText(coins) }),
		money !== null && t(currency ? "money" : "wallet", { money: numberText(money), currency }),
		limit !== null && t("running", { running: running ?? 0, limit }),
	);
	return t("works", { found: facts });
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
