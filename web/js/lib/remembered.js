// Recently used programs and favourites, in this browser's localStorage.

const KEY = "runninghub.recent";
const MARKED = "runninghub.favourites";
const SANDBOX = "runninghub.sandbox";
const WHOLE = "runninghub.whole";
const MOST_WHOLE = 200;
const MOST = 6;
const MOST_MODELS = 20;
const MOST_MARKED = 40; // with the recent ones at most 60 search entries

/** @typedef {{ kind: RhKind, id: string, name: string }} Recent */

/** Recently used programs of a kind, newest first. @param {RhKind} kind @returns {Recent[]} */
export const recentOf = (kind) => read(KEY).filter((entry) => entry.kind === kind).slice(0, mostOf(kind));

/** @param {Recent} used */
export function rememberUse({ kind, id, name }) {
	const others = read(KEY).filter((entry) => entry.kind !== kind || entry.id !== id);
	const same = others.filter((entry) => entry.kind === kind).slice(0, mostOf(kind) - 1);
	write(KEY, [{ kind, id, name }, ...same, ...others.filter((entry) => entry.kind !== kind)]);
}

/** Favourites of every kind, newest first. */
export const allFavourites = () => read(MARKED);

/** Favourite models. @returns {Recent[]} */
export const favouriteModels = () => allFavourites().filter(({ kind }) => kind === "model").slice(0, MOST_MARKED);

/** Toggle a favourite; whether it is one now. @type {(id: string, name: string, kind?: RhKind) => boolean} */
export function toggleFavourite(id, name, kind = "model") {
	const entries = allFavourites();
	const others = entries.filter((entry) => entry.kind !== kind || entry.id !== id);
	const isNew = others.length === entries.length;
	write(MARKED, isNew ? [{ kind, id, name }, ...others] : others);
	return isNew;
}

/** Whether the sandbox was chosen, for want of a key, which later marks then do as well. */
export const prefersSandbox = () => read(SANDBOX).length > 0;

export const rememberSandbox = () => write(SANDBOX, [{ kind: "workflow", id: "sandbox", name: "" }]);

/** Whether the user has let that graph go to RunningHub as a whole. */
export const isWholeAllowed = (graph = "") => read(WHOLE).some(({ id }) => id === graph);

export function allowWhole(graph = "") {
	const others = read(WHOLE).filter(({ id }) => id !== graph);
	write(WHOLE, [{ kind: /** @type {RhKind} */ ("workflow"), id: graph, name: "" }, ...others].slice(0, MOST_WHOLE));
}

/** @param {RhKind} kind */
const mostOf = (kind) => (kind === "model" ? MOST_MODELS : MOST);

/** @returns {Recent[]} */
function read(key = "") {
	try {
		const stored = JSON.parse(localStorage.getItem(key) ?? "[]");
		return stored.filter((/** @type {any} */ entry) => typeof entry?.id === "string" && typeof entry.name === "string");
	} catch {
		return [];
	}
}

/** @type {(key: string, list: Recent[]) => void} */
function write(key, list) {
	try {
		localStorage.setItem(key, JSON.stringify(list));
	} catch {
		// Storage is blocked or full: nothing is remembered.
	}
}
