// Tasks that run, those that nobody waits for above all, and orders whose fate nobody knows.

import { onEvent } from "../host/comfy.js";
import { notice } from "../host/dialogs.js";
import { lazy } from "../host/lazy.js";
import { get } from "../host/server.js";
import { loadTexts, textsOf } from "../host/texts.js";
import { action } from "../lib/view.js";

const t = textsOf("tasks");

/** @type {ComfyPart} */
export const tasks = {
	commands: [{ id: "runninghub.tasks.open", label: "RunningHub: tasks", icon: "pi pi-list", function: openTasks }],
	menuCommands: [{ path: ["RunningHub"], commands: ["runninghub.tasks.open"] }],
	setup() {
		void announce();
		onEvent("reconnected", announce);
	},
};

/** What is done when a question about an order was answered, given its number. @type {Set<(order: number) => void>} */
export const whenAnswered = new Set();

/** @returns {Promise<RhTask[]>} */
export const readTasks = async (which = "") => (await get(`/runninghub/tasks${which}`)).tasks;

/** The same ones once in a tab; without an answer the command says why. */
async function announce() {
	const list = await readTasks().catch(() => []);
	const orders = String(list.map(({ order }) => order));
	if (!orders || sessionStorage.runninghub === orders) return;
	sessionStorage.runninghub = orders;
	await loadTexts();
	const questions = list.filter(({ uncertain }) => uncertain).length;
	const ended = list.filter(({ over }) => over).length;
	const running = list.length - questions - ended;
	const line = (key = "", count = 0) => (count ? t(count === 1 ? `${key}_one` : key, { count }) : "");
	const text = [line("running", running), line("ended", ended), line("uncertain", questions)].filter(Boolean).join("\n");
	notice("status", t("before"), text, (close, status) => [action(t("look"), status, () => (close(), openTasks()))]);
}

export async function openTasks() {
	await (await lazy("parts/tasks.mjs")).openTasks();
}

/** Stopped, and not seen to end. @param {RhTask} task */
export const isStopping = ({ cancelling, followed, over }) => cancelling && !followed && !over;
