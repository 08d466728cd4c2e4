// Recently used programs and favourites. ComfyUI keeps them, as settings, for every browser of its user.

import { changeSetting, settingOf } from "../host/comfy.js";

const RECENT = "runninghub.recent";
const FAVOURITES = "runninghub.favourites";
const MOST = 6;
const MOST_MODELS = 20;
const MOST_MARKED = 40; // with the recent ones at most 60 search entries

/** @typedef {{ kind: RhKind, id: string, name: string }} Recent */

/** @type {RhFeature} */
export const recent = {
	settings: [hidden(RECENT, "Recently used"), hidden(FAVOURITES, "Favourites")],
	// Before search entries are made of them.
	init: () => void [RECENT, FAVOURITES].map(takeOver),
};

/** A setting that no page shows. @type {(id: string, name: string) => ComfySetting} */
function hidden(id, name) {
	return { id, name, type: "hidden", defaultValue: [] };
}

/** Recently used programs of a kind, newest first. @param {RhKind} kind @returns {Recent[]} */
export const recentOf = (kind) => read(RECENT).filter((entry) => entry.kind === kind).slice(0, mostOf(kind));

/** @param {Recent} used */
export function rememberUse({ kind, id, name }) {
	const others = read(RECENT).filter((entry) => entry.kind !== kind || entry.id !== id);
	const same = others.filter((entry) => entry.kind === kind).slice(0, mostOf(kind) - 1);
	write(RECENT, [{ kind, id, name }, ...same, ...others.filter((entry) => entry.kind !== kind)]);
}

/** Favourites of every kind, newest first. */
export const allFavourites = () => read(FAVOURITES);

/** Favourite models. @returns {Recent[]} */
export const favouriteModels = () => allFavourites().filter(({ kind }) => kind === "model").slice(0, MOST_MARKED);

/** Toggle a favourite; whether it is one now. @type {(id: string, name: string, kind?: RhKind) => boolean} */
export function toggleFavourite(id, name, kind = "model") {
	const entries = allFavourites();
	const others = entries.filter((entry) => entry.kind !== kind || entry.id !== id);
	const isNew = others.length === entries.length;
	write(FAVOURITES, isNew ? [{ kind, id, name }, ...others] : others);
	return isNew;
}

/** @param {RhKind} kind */
const mostOf = (kind) => (kind === "model" ? MOST_MODELS : MOST);

const read = (id = "") => listed(settingOf(id));

/** What cannot be kept is used in this page alone. @type {(id: string, list: Recent[]) => void} */
const write = (id, list) => void changeSetting(id, list).catch(() => {});

/** Carry over what this browser kept in its localStorage, once. */
async function takeOver(id = "") {
	try {
		const older = listed(JSON.parse(localStorage.getItem(id) ?? "[]"));
		const known = read(id);
		const isKnown = (/** @type {Recent} */ one) => known.some(({ kind, id: other }) => kind === one.kind && other === one.id);
		if (older.length > 0) await changeSetting(id, [...known, ...older.filter((one) => !isKnown(one))]);
		localStorage.removeItem(id);
	} catch {
		// Not readable, or not kept: it stays there, and is tried again by the next page.
	}
}

/** The valid entries of a list from an untrusted source. @param {unknown} source @returns {Recent[]} */
function listed(source) {
	return Array.isArray(source) ? source.filter((entry) => typeof entry?.id === "string" && typeof entry.name === "string") : [];
}
