// Keys, sites, kept results, the sandbox. A key goes to the server once and never comes back.

import { kindOf, setWidget, toast, valueOf } from "../lib/comfy.js";
import { draw } from "../lib/painter.js";
import { get, post } from "../lib/server.js";
import { bytesText, dotted, loadTexts, numberText, textsOf } from "../lib/texts.js";
import { action, answer, card, fill, h, link, loading, openDialog, page, row } from "../lib/view.js";

const t = textsOf("account");

const SANDBOX = "sandbox";
const KEY_PAGE = "/enterprise-api/consumerApi";

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
	],
	loadedGraphNode: noticeSandbox,
};

function accountPage() {
	const view = loading();
	const show = () => fill(view, async () => profilesView(await get("/runninghub/settings"), show));
	void show();
	return view;
}

/** @type {RhProfilesView} */
function profilesView({ profiles, default: chosen, environment, problem, sites }, again) {
	const add = keyForm(sites, again);
	add.className = "card";
	add.prepend(h("h3", "", t("add")));
	return [
		environment && h("p", "muted", t("environment")),
		problem && h("p", "bad", problem),
		profiles.length === 0 && h("p", "", t("none")),
		...profiles.map((profile) => profileView(profile, profile.name === chosen, again)),
		add,
		profiles.length > 0 && keptView(),
	];
}

function keptView() {
	const said = answer();
	const show = ({ bytes = 0 }) => (said.textContent = t("kept", { size: bytesText(bytes) }));
	get("/runninghub/kept").then(show, () => {});
	const empty = async () => show(await post("/runninghub/kept/empty", {}));
	return row(said, action(t("empty"), said, empty, t("empty_sure")));
}

/** @type {RhProfileView} */
function profileView({ name, origin, key_tail: tail, from }, isDefault, again) {
	const said = answer();
	const isStored = from === "file";
	const change = (verb = "") => async () => {
		await post(`/runninghub/profiles/${verb}`, { name });
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
			isStored && action(t("delete"), said, change("delete"), t("delete_sure")),
		),
		said,
	);
}

/** @param {string[]} sites @param {(name: string) => unknown} done */
function keyForm(sites, done) {
	const said = answer();
	/** @param {string} key @param {Node} input */
	const field = (key, input) => h("label", "", t(key), input);
	const name = h("input", { value: "main", maxLength: 60 });
	const other = h("input", { placeholder: "https://", hidden: true, "aria-label": t("other_site") });
	const site = h(
		"select",
		{ onchange: () => (other.hidden = site.value !== "") },
		...sites.map((value) => h("option", { value }, new URL(value).host)),
		h("option", { value: "" }, t("other_site")),
	);
	const key = h("input", { type: "password", autocomplete: "new-password", placeholder: t("key_hint") });
	const save = action(t("save"), said, async () => {
		await post("/runninghub/profiles/save", { name: name.value, origin: site.value || other.value, key: key.value });
		key.value = "";
		await done(name.value.trim());
	});
	save.className = "primary";
	save.type = "submit";
	/** @param {Event} event */
	const onsubmit = (event) => event.preventDefault();
	const fields = [field("site", site), other, field("key", key), field("name", name)];
	return h("form", { onsubmit }, ...fields, row(save), said);
}

/** @param {RhAccount} found */
export function testText({ kind, coins, money, currency, running, limit }) {
	const isKnown = ["NORMAL", "SHARED", "DEDICATED"].includes(kind);
	const found = dotted(
		isKnown ? t(`kind.${kind.toLowerCase()}`) : kind || t("kind.unknown"),
		coins !== null && t("coins", { coins: numberText(coins) }),
		money !== null && t("money", { money: numberText(money), currency: currency ?? "" }),
		limit !== null && t("running", { running: running ?? 0, limit }),
	);
	return t("works", { found });
}

/** Whether what failed is worth another try. @param {ComfyNode | null} node @returns {Promise<boolean>} */
export async function offerKey(node) {
	await loadTexts();
	/** @type {RhStored} */
	const { sites } = await get("/runninghub/settings");
	return new Promise((resolve) => {
		let ready = false;
		const form = keyForm(sites, (name) => {
			ready = true;
			toast("success", t("saved", { name }));
			dialog.close();
		});
		form.querySelector("input[type=password]")?.setAttribute("autofocus", "");
		const said = answer();
		const sandbox = action(t("offer.try_button"), said, async () => {
			const { samples } = await post("/runninghub/sandbox", { on: true });
			resolve(useSandbox(/** @type {ComfyNode} */ (node), samples));
			dialog.close();
		});
		/** @param {string} key @param {...Node} content */
		const way = (key, ...content) => h("section", "", h("h3", "", t(`offer.${key}`)), ...content);
		const links = sites.flatMap((site) => [" ", link(new URL(site).host, site + KEY_PAGE)]);
		const body = page(
			way("enter", form),
			way("get", h("p", "", t("offer.get_text"), ...links)),
			node && way("try", h("p", "muted", t("offer.try_text")), sandbox, said),
		);
		const dialog = openDialog({ title: t("offer.title"), body, onClose: () => resolve(ready) });
	});
}

/** @type {RhUseSandbox} */
async function useSandbox(node, samples) {
	setWidget(node, "profile", SANDBOX);
	noticeSandbox(node);
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

/** @type {RhChips} */
function chipsOf(thing) {
	const sandboxed = kindOf(thing) && valueOf(thing, "profile") === SANDBOX;
	return sandboxed ? [{ text: t("sandbox.chip"), color: "#8a4b00" }] : [];
}

/** @param {ComfyNode} node */
function noticeSandbox(node) {
	if (chipsOf(node).length > 0) draw(chipsOf);
}
