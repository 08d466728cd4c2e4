// Dialog of running tasks and orders of unknown fate, with the actions on each.

import { execute, language, toast } from "../host/comfy.js";
import { loading, openDialog } from "../host/dialogs.js";
import { withUndoStep, createNode, rootGraph, revealNode } from "../host/graph.js";
import { post } from "../host/server.js";
import { dotted, loadTexts, numberText, textsOf } from "../host/texts.js";
import { setWidget } from "../lib/nodes.js";
import { actionButton, statusLine, card, fill, form, h, link, row } from "../lib/view.js";
import { isStopping, readTasks, settleListeners } from "./tasks.js";

/** Number of tasks on the account before an uncertain order and now; `ours`: of the latter, known here. @typedef {{ before: number | null, now: number | null, ours: number }} Inspection */

const t = textsOf("tasks");

export async function openTasks() {
	await loadTexts();
	const body = loading();
	const dialog = openDialog({ title: t("title"), body, wide: true });
	const reload = () =>
		fill(body, async () => {
			const views = (await readTasks("/all")).map((task) => taskView(task, reload, dialog.close));
			return views.length > 0 ? views : [h("p", "", t("none"))];
		});
	await reload();
}

/** @type {(task: RhTask, reload: () => Promise<void>, leave: () => void) => any} */
export function taskView(task, reload, leave) {
	const { order, task_id: id, profile, kind, program, placed, link: address } = task;
	const status = statusLine();
	const send = (verb = "", more = {}) => post(`/runninghub/tasks/${verb}`, { order, task_id: id, profile, ...more });
	/** @param {string} key @param {RhCallback} run */
	const button = (key, run, ask = false) => actionButton(t(key), status, run, ask ? t(`${key}_sure`) : "");
	/** @param {string} verb @param {() => object} more */
	const handlerOf = (verb, more = () => ({}), did = verb) => async () => {
		const { confirmed = true } = await send(verb, more());
		if (verb === "settle") settleListeners.forEach((act) => act(order));
		toast(confirmed ? "success" : "warn", t(confirmed ? `did.${did}` : "cancel_unsure"));
		await reload();
	};
	const notStarted = () => ({ task_id: "", not_started: true });
	const label = t("task_id");
	const idInput = h("input", { className: "grow", inputMode: "numeric", placeholder: label, "aria-label": label });
	const assignButton = button("is_task", handlerOf("settle", () => ({ task_id: idInput.value.trim() })));
	const rows = task.uncertain
		? [
				h("p", "", t("question")),
				row(
					button("look_again", async () => {
						status.textContent = inspectionText(await send("look"));
					}),
					button("not_started", handlerOf("settle", notStarted), true),
					// Settling it as not started is what allows equal inputs to be ordered again.
					button("again", handlerOf("settle", notStarted, "again"), true),
					address && link(t("records"), address),
				),
				form(assignButton, row(idInput, assignButton)),
			]
		: [
				row(
					...(task.followed
						? [button("detach", handlerOf("detach"))]
						: [button("follow", () => (leave(), follow(id, profile))), button("fetch", handlerOf("fetch"))]),
					!task.over && button("cancel", handlerOf("cancel"), true),
					address && link(t("on_site"), address),
				),
			];
	const when = new Date(placed * 1000).toLocaleString(language(), { dateStyle: "medium", timeStyle: "short" }); // as in the history
	const facts = dotted(
		id ? t("task", { id }) : t("order", { order }),
		t("placed", { when }),
		isStopping(task) && t("cancelling"),
		task.followed && t("followed"),
		task.end,
	);
	return card(task.name || `${t(`kind.${kind}`)} ${program}`, h("p", "muted", facts), ...rows, status);
}

/** @param {Inspection} inspection */
export function inspectionText({ before, now, ours }) {
	if (now === null) return t("sight_none");
	const sight = t("sight_now", { now: numberText(now), ours: numberText(ours) });
	const then = before === null ? "" : t("sight_before", { before: numberText(before) });
	return [sight, then, t("sight_over")].filter(Boolean).join(" ");
}

/** @type {(id: string, profile: string) => Promise<void>} */
async function follow(id, profile) {
	const root = rootGraph();
	const node = createNode("RunningHubTask");
	withUndoStep(() => {
		// Below all other nodes.
		node.pos = [0, Math.max(0, ...root.nodes.map(({ pos, size }) => pos[1] + size[1])) + 80];
		root.add(node);
		setWidget(node, "task_id", id);
		setWidget(node, "profile", profile);
	});
	revealNode(node);
	await execute("Comfy.QueueSelectedOutputNodes");
}
