// What this browser remembers of the user's decisions, in its localStorage.

const SANDBOX = "runninghub.sandbox";
const WHOLE = "runninghub.whole";
const MOST_WHOLE = 200;

/** Whether the sandbox was chosen, for want of a key, which later marks then do as well. */
export const prefersSandbox = () => read(SANDBOX).length > 0;

export const rememberSandbox = () => write(SANDBOX, ["sandbox"]);

/** Whether the user has let that graph go to RunningHub as a whole. */
export const isWholeAllowed = (graph = "") => read(WHOLE).includes(graph);

export function allowWhole(graph = "") {
	write(WHOLE, [graph, ...read(WHOLE).filter((id) => id !== graph)].slice(0, MOST_WHOLE));
}

/** @returns {string[]} */
function read(key = "") {
	try {
		const stored = JSON.parse(localStorage.getItem(key) ?? "[]");
		return stored.filter((/** @type {unknown} */ entry) => typeof entry === "string");
	} catch {
		return [];
	}
}

/** @type {(key: string, list: string[]) => void} */
function write(key, list) {
	try {
		localStorage.setItem(key, JSON.stringify(list));
	} catch {
		// Storage is blocked or full: nothing is remembered.
	}
}
