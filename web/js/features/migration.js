// Nodes of other RunningHub packs, and API keys in graphs: reported at load, handled by commands.

import { showNotice } from "../host/dialogs.js";
import { isRestoring, rootGraph, toWorkflow } from "../host/graph.js";
import { lazy } from "../host/lazy.js";
import { post } from "../host/server.js";
import { loadTexts, textsOf } from "../host/texts.js";
import { allThings } from "../lib/marks.js";
import { actionButton } from "../lib/view.js";

const t = textsOf("migration");

/** @type {RhFeature} */
export const migration = {
	commands: [
		{ id: "runninghub.migration.replace", label: "RunningHub: replace old nodes", icon: "pi pi-sync", function: () => openLazily("openReplace") },
		{ id: "runninghub.migration.keys", label: "RunningHub: clean keys", icon: "pi pi-key", function: () => openLazily("openKeys") },
	],
	menuCommands: [{ path: ["RunningHub"], commands: ["runninghub.migration.replace", "runninghub.migration.keys"] }],
	afterConfigureGraph() {
		// Deferred until the graph was drawn.
		if (!isRestoring()) setTimeout(() => void report().catch(() => null));
	},
};

/** @param {"openReplace" | "openKeys"} name */
async function openLazily(name) {
	await loadTexts();
	/** @type {typeof import("./migration.mjs")} */
	const opened = await lazy("features/migration.mjs");
	await opened[name]();
}

const OLD_TYPE = /^RH_|^RHSettingsNode$/;
const KEY_PATTERN = /(?<![0-9A-Za-z])[0-9a-f]{32}(?![0-9A-Za-z])|\/proxy\/[0-9A-Za-z]{16}/i;

/** Close functions of the open notices. @type {(() => void)[]} */
const closeFunctions = [];

let turn = 0;

/** Report what the server finds in the open graph; it is asked only if a local check finds candidates. */
export async function report() {
	turn += 1;
	const mine = turn;
	closeFunctions.splice(0).forEach((close) => close());
	const graph = toWorkflow();
	const mayBeOld = allThings(rootGraph()).some(({ type }) => OLD_TYPE.test(String(type)));
	if (!mayBeOld && !KEY_PATTERN.test(JSON.stringify(graph))) return;
	const { old, keys } = await post("/runninghub/migration/look", { graph });
	await loadTexts();
	if (mine !== turn) return; // another graph is open by now
	/** @type {(key: string, count: number, verb: string, name: "openReplace" | "openKeys") => void} */
	const addNotice = (key, count, verb, name) => {
		if (count === 0) return;
		showNotice("status", t(key), t(`${key}_text`, { count }), (close, status) => {
			closeFunctions.push(close);
			return [actionButton(t(verb), status, () => (close(), openLazily(name)))];
		});
	};
	addNotice("found", old, "replace", "openReplace");
	addNotice("keys_found", keys, "keys", "openKeys");
}
