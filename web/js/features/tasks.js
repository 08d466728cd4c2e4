// Running tasks, above all those without a waiting run, and orders of unknown fate.

import { onEvent } from "../host/comfy.js";
import { showNotice } from "../host/dialogs.js";
import { lazy } from "../host/lazy.js";
import { get } from "../host/server.js";
import { loadTexts, textsOf } from "../host/texts.js";
import { actionButton } from "../lib/view.js";

const t = textsOf("tasks");

/** @type {RhFeature} */
export const tasks = {
	commands: [{ id: "runninghub.tasks.open", label: "RunningHub: tasks", icon: "pi pi-list", function: openTasks }],
	menuCommands: [{ path: ["RunningHub"], commands: ["runninghub.tasks.open"] }],
	setup() {
		void announce();
		onEvent("reconnected", announce);
	},
};

/** Listeners, called with the order's number once the user has settled its fate. @type {Set<(order: number) => void>} */
export const settleListeners = new Set();

/** @returns {Promise<RhTask[]>} */
export const readTasks = async (which = "") => (await get(`/runninghub/tasks${which}`)).tasks;

/** Close the last notice of open tasks. */
let closeNotice = () => {};

/** Show a notice of open tasks, once per tab for the same ones. Errors are left to the command. */
async function announce() {
	const list = await readTasks().catch(() => []);
	const orders = String(list.map(({ order }) => order));
	if (!orders || sessionStorage.runninghub === orders) return;
	await loadTexts();
	const questions = list.filter(({ uncertain }) => uncertain).length;
	const ended = list.filter(({ over }) => over).length;
	const running = list.length - questions - ended;
	const line = (key = "", count = 0) => (count ? t(count === 1 ? `${key}_one` : key, { count }) : "");
	const text = [line("running", running), line("ended", ended), line("uncertain", questions)].filter(Boolean).join("\n");
	closeNotice();
	closeNotice = showNotice("status", t("before"), text, (close, status) => [actionButton(t("look"), status, () => (close(), openTasks()))]);
	try {
		sessionStorage.runninghub = orders;
	} catch {
		// Storage is full: told again at the next reload.
	}
}

export async function openTasks() {
	await (await lazy("features/tasks.mjs")).openTasks();
}

/** Cancelled, but not known to have ended. @param {RhTask} task */
export const isStopping = ({ cancelling, followed, over }) => cancelling && !followed && !over;
