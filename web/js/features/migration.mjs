// Dialogs: a preview of replacing old nodes, before anything changes, and the API keys in graphs.

import { toast } from "../host/comfy.js";
import { loading, openDialog } from "../host/dialogs.js";
import { replaceGraph, toWorkflow, typeName } from "../host/graph.js";
import { get, post } from "../host/server.js";
import { dotted, t as tAll, textsOf } from "../host/texts.js";
import { report } from "./migration.js";
import { actionButton, setStatusError, statusLine, card, fill, h, page, row } from "../lib/view.js";

const t = textsOf("migration");

/** Refresh the notices, which may be outdated. */
const refreshNotices = () => void report().catch(() => null);

/** @param {{ class: string; title: string; id: string }} node */
const nameOf = ({ class: kind, title, id }) => dotted(`${title || kind} (#${id})`, title !== kind && kind);

export async function openReplace() {
	const graph = toWorkflow();
	/** @type {any} */
	let look = null;
	/** @type {Set<string>} */
	const skip = new Set();
	const body = loading();
	const run = async () => {
		if (!look) return false;
		if (look.replaced.length === 0) return;
		const result = skip.size === 0 ? look : await post("/runninghub/migration/replace", { graph, skip: [...skip] });
		if (result.replaced.length === 0 || !body.isConnected) return; // closed meanwhile: the graph may be another
		await replaceGraph(result.graph);
		refreshNotices();
		toast("success", t("replaced", { count: result.replaced.flatMap((/** @type {any} */ { nodes }) => nodes).length }));
	};
	// Opened before the answer: nobody can change the graph meanwhile.
	const dialog = openDialog({
		title: t("title"),
		body,
		buttons: [{ label: tAll("form.cancel") }, { label: t("replace"), primary: true, run }],
	});
	/** @type {any[]} */
	const [other, main] = [...dialog.element.querySelectorAll(".buttons button")];
	main.hidden = true;
	other.focus(); // else the page behind would hear the keys
	await fill(body, async () => {
		look = await post("/runninghub/migration/replace", { graph });
		if (look.replaced.length + look.stays.length === 0) return [h("p", "", t("none"))];
		main.hidden = look.replaced.length === 0;
		const cards = look.replaced.map((/** @type {any} */ replacement) => replacedCard(replacement, skip));
		const stays = look.stays.map((/** @type {any} */ node) => h("li", { dir: "auto" }, `${nameOf(node)}: ${node.why}`));
		const stayCard = stays.length > 0 && card(t("stays"), h("ul", "", ...stays));
		return [h("p", "muted", t("intro")), ...cards, stayCard];
	});
	if (document.activeElement === other) body.querySelector("input")?.focus({ preventScroll: true });
}

/** @type {(replacement: any, skip: Set<string>) => HTMLElement} */
function replacedCard({ nodes, becomes, program, notes }, skip) {
	const { id } = nodes[0];
	const box = h("input", {
		type: "checkbox",
		checked: true,
		onchange: () => void (box.checked ? skip.delete(id) : skip.add(id)),
	});
	const title = h("label", "check", box, nodes.map(nameOf).join(", "));
	const text = dotted(t("becomes", { becomes: typeName(becomes) }), program && t("program", { program }));
	return h(
		"section",
		"card",
		h("h3", "", title),
		h("p", "", text),
		notes.length > 0 && h("ul", "muted", ...notes.map((/** @type {string} */ note) => h("li", { dir: "auto" }, note))),
	);
}

export async function openKeys() {
	const here = h("div");
	const saved = h("div");
	const status = statusLine();
	let removed = Promise.resolve();
	/** One at a time: a later answer's graph would bring back the key that an earlier one has removed. @param {() => Promise<void>} remove */
	const inTurn = (remove) => (removed = removed.catch(() => null).then(() => (here.isConnected ? remove() : undefined)));
	const showHere = () =>
		fill(here, async () => {
			const { keys } = await post("/runninghub/keys/find", { graph: toWorkflow() });
			return keys.length > 0 ? keys.map((/** @type {any} */ key) => keyCard(key, inTurn, () => here.isConnected, showHere)) : [h("p", "", t("no_keys"))];
		});
	const showSaved = () =>
		fill(saved, async () => {
			const { files } = await get("/runninghub/keys/saved");
			const cards = files.flatMap((/** @type {any} */ file) =>
				file.keys.map((/** @type {any} */ key) => savedCard(file, key, () => showSaved())),
			);
			return cards.length > 0 ? cards : [h("p", "", t("no_saved"))];
		});
	openDialog({
		title: t("keys_title"),
		body: page(
			h("p", "muted", t("keys_intro")),
			h("h3", "", t("here")),
			here,
			h("h3", "", t("saved")),
			saved,
			row(actionButton(t("look_saved"), status, showSaved), status),
		),
		wide: true,
	});
	await showHere();
}

/** @param {any} key */
const keyDetails = ({ surety, places }) => h("p", { className: "muted", dir: "auto" }, dotted(t(`surety.${surety}`), ...places));

/** @type {(key: any, inTurn: (remove: () => Promise<void>) => Promise<void>, isOpen: () => boolean, reload: () => Promise<void>) => HTMLElement} */
function keyCard(key, inTurn, isOpen, reload) {
	const status = statusLine();
	const remove = async () => {
		const { graph } = await post("/runninghub/keys/clean", { graph: toWorkflow(), keys: [key.id] });
		if (!isOpen()) return; // closed meanwhile: another graph may be open
		await replaceGraph(graph);
		refreshNotices();
		toast("success", t("removed"));
		await reload();
	};
	return card(key.key, keyDetails(key), row(actionButton(t("remove"), status, () => inTurn(remove), t("remove_sure"))), storeForm(key), status);
}

/** @type {(file: any, key: any, reload: () => Promise<void>) => HTMLElement} */
function savedCard(file, key, reload) {
	const status = statusLine();
	const remove = async () => {
		const { backup } = await post("/runninghub/keys/saved/clean", { file: file.id, keys: [key.id] });
		toast("success", t("removed_saved", { backup }));
		await reload();
	};
	return card(dotted(key.key, file.name), keyDetails(key), row(actionButton(t("remove"), status, remove, t("remove_sure"))), status);
}

/** A collapsed form that stores a found key as a profile; nothing is preselected. @param {any} key */
function storeForm(key) {
	const status = statusLine();
	const name = h("input", { "aria-label": t("name"), placeholder: t("name") });
	const site = h("select", { "aria-label": t("site") });
	const folded = h("details", {
		ontoggle: async () => {
			if (!folded.open || site.options.length > 0) return;
			const { sites } = await get("/runninghub/settings").catch((error) => (setStatusError(status, error), { sites: [] }));
			if (sites.length > 0) site.replaceChildren(...["", ...sites].map((value) => h("option", { value }, value || t("site"))));
		},
	});
	const store = async () => {
		await post("/runninghub/keys/keep", { graph: toWorkflow(), key: key.id, name: name.value.trim(), origin: site.value });
		status.textContent = t("stored", { name: name.value.trim() });
	};
	folded.append(h("summary", "", t("mine")), h("p", "muted", t("mine_text")), row(name, site, actionButton(t("store"), status, store)), status);
	return folded;
}
