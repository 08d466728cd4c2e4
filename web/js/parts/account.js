// Keys, sites, kept results, the sandbox. A key goes to the server once and never comes back.

import { toast } from "../host/comfy.js";
import { addBadge, redrawBadges } from "../host/badges.js";
import { loading, openDialog } from "../host/dialogs.js";
import { lazy } from "../host/lazy.js";
import { get, post } from "../host/server.js";
import { bytesText, dotted, loadTexts, numberText, textsOf } from "../host/texts.js";
import { classOf, isOurs, kindOf, setWidget, valueOf } from "../lib/nodes.js";
import { action, answer, card, fill, form, h, link, page, row, say, sayError, wordsOf } from "../lib/view.js";
import { readSettings, remember, routeSelect, SANDBOX } from "./profiles.js";
import { waysOut } from "./running.js";

const t = textsOf("account");

const KEY = /KeyFailure$/; // the server's word for what another key mends
const KEY_PAGE = "/enterprise-api/consumerApi";

/** Kinds of keys as the service calls them. @type {Record<string, string>} */
const KINDS = { NORMAL: "normal", SHARED: "shared", EXCLUSIVE: "dedicated" };

/** @type {ComfyPart} */
export const account = {
	settings: [
		{
			id: "runninghub.account",
			name: "Keys and sites",
			category: ["RunningHub", "Account", "Keys and sites"],
			defaultValue: "",
			// Nothing of it is a setting of ComfyUI's: those are readable by every page.
			type: () => {
				const holder = h("div", "runninghub-setting");
				void loadTexts().then(() => holder.append(accountPage()));
				return holder;
			},
		},
		{
			id: "runninghub.costs",
			name: "Limits of cost",
			category: ["RunningHub", "Costs", "Limits of cost"],
			defaultValue: "",
			type: () => {
				const holder = h("div", "runninghub-setting");
				void loadTexts().then(async () => holder.append((await lazy("parts/limits.mjs")).limitsPage()));
				return holder;
			},
		},
	],
	setup() {
		waysOut.push(({ kind, there }, said, close) => (KEY.test(kind) ? keyWays(there, said, close) : []));
	},
	nodeCreated(node) {
		if (isOurs(classOf(node))) addBadge(node, () => sandboxBadge(node));
	},
};

/** @param {string} [at] name of the field that the focus goes to */
function accountPage(at) {
	const view = loading();
	const show = () => fill(view, async () => profilesView(await readSettings(), show));
	void show().then(() => at && view.querySelector(`[name="${CSS.escape(at)}"]`)?.focus());
	return view;
}

/** The keys' page at the workflow that a profile's marked parts go out under. @param {string} profile */
export const openWorkflowOf = (profile) => openDialog({ title: t("title"), body: accountPage(`workflow of ${profile}`) });

/** @type {(stored: RhStored, again: RhAct) => any[]} */
function profilesView({ profiles, default: chosen, environment, problem, models, sites }, again) {
	const add = keyForm(sites, profiles.map(({ name }) => name), again);
	add.className = "card";
	add.prepend(h("h3", "", t("add")), h("p", "muted", t("offer.get_text"), ...keyLinks(sites)));
	return [
		environment && h("p", "muted", t("environment")),
		problem && h("p", "bad", problem),
		profiles.length === 0 && h("p", "", t("none")),
		profiles.length > 0 && !chosen && h("p", "bad", t("no_default")),
		...profiles.map((profile) => profileView(profile, profile.name === chosen, again, deleteSure(profiles, profile.name, chosen))),
		add,
		profiles.length > 0 && modelsView(models),
		profiles.length > 0 && keptView(),
	];
}

/** What is asked before one is deleted: the default pays for what names none. @type {(profiles: RhProfile[], name: string, chosen: string) => string} */
function deleteSure(profiles, name, chosen) {
	const [next, ...more] = profiles.filter((one) => one.name !== name);
	if (next && more.length === 0 && next.name !== chosen) return t("delete_next", { name: next.name });
	return next && name === chosen ? t("delete_default") : t("delete_sure");
}

/** What becomes of marked parts with models that the cloud does not list. @param {string} models */
function modelsView(models) {
	const said = answer();
	const words = ["warn", "strict"].map((value) => h("option", { value }, t(`models.${value}`)));
	const choice = h("select", "", ...words);
	choice.value = models;
	choice.onchange = told(said, () => post("/runninghub/models/save", { models: choice.value }));
	return card(t("marked"), h("label", "", t("models.label"), choice), said);
}

/** Keeps what was chosen, and says so. @type {(said: HTMLElement, keep: () => Promise<unknown>) => () => Promise<void>} */
const told = (said, keep) => async () => {
	try {
		await keep();
		say(said, t("stored"));
	} catch (error) {
		sayError(said, error);
	}
};

function keptView() {
	const said = answer();
	const show = ({ bytes = 0 }) => (said.textContent = t("kept", { size: bytesText(bytes) }));
	get("/runninghub/kept").then(show, () => {});
	const empty = async () => show(await post("/runninghub/kept/empty", {}));
	return row(said, action(t("empty"), said, empty, t("empty_sure")));
}

/** @type {(profile: RhProfile, isDefault: boolean, again: RhAct, sure: string) => any} */
function profileView({ name, origin, key_tail: tail, workflow, webhook, route, from }, isDefault, again, sure) {
	const said = answer();
	const routed = answer();
	/** @type {(what: "workflow" | "webhook", value: string, placeholder: string) => any} */
	const kept = (what, value, placeholder) => {
		const said = answer();
		const input = h("input", { className: "grow", name: `${what} of ${name}`, value, placeholder });
		const keep = action(t("save"), said, async () => {
			const { profiles } = await post(`/runninghub/profiles/${what}`, { name, [what]: input.value });
			input.value = profiles.find((/** @type {RhProfile} */ one) => one.name === name)?.[what] ?? "";
			said.textContent = t("stored");
		});
		return form(keep, h("label", "", t(what), row(input, keep)), said);
	};
	const way = routeSelect(route, t("routes.unsaid"));
	way.onchange = told(routed, () => post("/runninghub/profiles/route", { name, route: way.value }));
	const isStored = from === "file";
	const change = (verb = "") => async () => {
		remember(await post(`/runninghub/profiles/${verb}`, { name }));
		await again();
	};
	const test = async () => {
		said.textContent = t("testing");
		said.textContent = testText(await post("/runninghub/profiles/test", { name }));
	};
	return card(
		isStored ? name : t("from_environment"),
		h("p", "muted", dotted(origin, t("key_set", { tail }), isDefault && t("is_default"))),
		row(
			action(t("test"), said, test),
			isStored && !isDefault && action(t("make_default"), said, change("default")),
			isStored && action(t("delete"), said, change("delete"), sure),
		),
		said,
		isStored && kept("workflow", workflow, "1"),
		isStored && h("label", "", t("route"), way, h("span", "muted", t("routes.hint"))),
		isStored && routed,
		isStored && kept("webhook", webhook, "https://"),
	);
}

/** Where keys are made. @param {string[]} sites */
const keyLinks = (sites) => sites.flatMap((site) => [" ", link(new URL(site).host, site + KEY_PAGE)]);

/** @param {string[]} taken */
function freeName(taken) {
	let name = "main";
	for (let number = 2; taken.includes(name); number += 1) name = `main ${number}`;
	return name;
}

/**
 * `taken`: names of profiles; `replaced`: the one whose key was refused.
 * @type {(sites: string[], taken: string[], done: (name: string) => unknown, replaced?: RhProfile) => any}
 */
function keyForm(sites, taken, done, replaced) {
	const said = answer();
	/** @param {string} key @param {Node} input */
	const field = (key, input) => h("label", "", t(key), input);
	const name = h("input", { value: replaced?.name ?? freeName(taken), maxLength: 60 });
	const other = h("input", { placeholder: "https://", hidden: true, "aria-label": t("other_site") });
	const site = h(
		"select",
		{ onchange: () => (other.hidden = site.value !== "") },
		...sites.map((value) => h("option", { value }, new URL(value).host)),
		h("option", { value: "" }, t("other_site")),
	);
	const key = h("input", { type: "password", autocomplete: "new-password", placeholder: t("key_hint") });
	if (replaced) {
		site.value = sites.includes(replaced.origin) ? replaced.origin : "";
		other.value = replaced.origin;
		other.hidden = site.value !== "";
	}
	let replacing = replaced?.name ?? "";
	const save = action(t("save"), said, async () => {
		const named = name.value.trim();
		if (taken.includes(named) && replacing !== named) {
			replacing = named;
			said.textContent = t("replace_sure", { name: named });
			return;
		}
		remember(await post("/runninghub/profiles/save", { name: named, origin: site.value || other.value, key: key.value }));
		key.value = "";
		await done(named);
		void tellTested(named);
	});
	save.className = "primary";
	const fields = [field("site", site), other, field("key", key), field("name", name)];
	return form(save, ...fields, row(save), said);
}

/** A key that was stored is tried at once. @param {string} name */
async function tellTested(name) {
	const saved = t("saved", { name });
	try {
		toast("success", saved, testText(await post("/runninghub/profiles/test", { name })));
	} catch (error) {
		toast("warn", saved, wordsOf(error));
	}
}

/** @param {RhAccount} found */
export function testText({ kind, coins, money, currency, running, limit }) {
	const known = KINDS[kind];
	const found = dotted(
		known ? t(`kind.${known}`) : kind || t("kind.unknown"),
		coins !== null && t("coins", { coins: numberText(coins) }),
		money !== null && t("money", { money: numberText(money), currency: currency ?? "" }),
		limit !== null && t("running", { running: running ?? 0, limit }),
	);
	return t("works", { found });
}

/** Under a failure for want of a key. @type {(there: () => Promise<any>, said: HTMLElement, close: () => void) => any[]} */
function keyWays(there, said, close) {
	const enter = async () => {
		const node = await there();
		close();
		await offerKey(node, "", true);
	};
	const sandbox = async () => {
		const node = await there();
		const { samples } = await post("/runninghub/sandbox", { on: true });
		close();
		await useSandbox(node, samples);
	};
	return [action(t("offer.enter"), said, enter), action(t("offer.try_button"), said, sandbox)];
}

/**
 * Whether what failed is worth another try. `isRefused`: the node's key is there and was not accepted, as `reason` says.
 * @type {(node: ComfyNode | null, reason?: string, isRefused?: boolean) => Promise<boolean>}
 */
export async function offerKey(node, reason = "", isRefused = reason !== "") {
	await loadTexts();
	const { sites, profiles, default: chosen, environment } = await readSettings();
	const used = (node && valueOf(node, "profile")) || (environment ? "" : chosen);
	const replaced = isRefused ? profiles.find(({ name, from }) => name === used && from === "file") : undefined;
	return new Promise((resolve) => {
		let ready = false;
		const enter = keyForm(sites, profiles.map(({ name }) => name), (name) => {
			ready = true;
			// Else the node goes on with the key that was refused.
			if (node && isRefused && name !== used && profiles.length > 0) setWidget(node, "profile", name);
			dialog.close();
		}, replaced);
		enter.querySelector("input[type=password]")?.setAttribute("autofocus", "");
		const said = answer();
		const sandbox = action(t("offer.try_button"), said, async () => {
			const { samples } = await post("/runninghub/sandbox", { on: true });
			resolve(useSandbox(/** @type {ComfyNode} */ (node), samples));
			dialog.close();
		});
		/** @param {string} key @param {...Node} content */
		const way = (key, ...content) => h("section", "", h("h3", "", t(`offer.${key}`)), ...content);
		const body = page(
			reason && h("p", "bad", reason),
			way("enter", enter),
			way("get", h("p", "", t("offer.get_text"), ...keyLinks(sites))),
			node && way("try", h("p", "muted", t("offer.try_text")), sandbox, said),
		);
		const dialog = openDialog({ title: t(reason ? "offer.refused" : "offer.title"), body, onClose: () => resolve(ready) });
	});
}

/** @param {ComfyNode} node */
export function enterSandbox(node) {
	setWidget(node, "profile", SANDBOX);
	redrawBadges();
}

/**
 * Gives whether the node still names what it did.
 * @type {(node: ComfyNode, samples: { kind: string; id: string; name: string }[]) => Promise<boolean>}
 */
async function useSandbox(node, samples) {
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

/** @type {(node: ComfyNode) => RhChip | undefined} */
const sandboxBadge = (node) =>
	valueOf(node, "profile") === SANDBOX ? { text: t("sandbox.chip"), color: "#8a4b00" } : undefined;
