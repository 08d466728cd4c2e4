// @ts-check
// Tasks of earlier starts that still run, and orders whose fate nobody knows.

import { dotted, numberText } from "../lib/amounts.js";
import { app, language, toast } from "../lib/comfy.js";
import { openDialog } from "../lib/dialog.js";
import { change, rootGraph, show } from "../lib/graphs.js";
import { setWidget } from "../lib/programs.js";
import { get, post } from "../lib/server.js";
import { loadTexts, t } from "../lib/texts.js";
import { action, answer, h, link, notice, page, wordsOf } from "../lib/view.js";

/** @type {ComfyPart} */
export const tasks = {
  commands: [{ id: "runninghub.tasks.open", label: "RunningHub: tasks", icon: "pi pi-list", function: open }],
  menuCommands: [{ path: ["RunningHub"], commands: ["runninghub.tasks.open"] }],
  setup: tell,
};

/** Once a page, and only when there is something to tell; without an answer the command says why. */
async function tell() {
  /** @type {{tasks: RhTask[]}} */
  const { tasks: found } = await get("/runninghub/tasks").catch(() => ({ tasks: [] }));
  if (found.length === 0) {
    return;
  }
  await loadTexts();
  const questions = found.filter(({ uncertain }) => uncertain).length;
  const running = found.length - questions;
  /** @param {string} key @param {number} count */
  const line = (key, count) => (count ? t(count === 1 ? `tasks.${key}_one` : `tasks.${key}`, { count }) : "");
  const text = `${line("running", running)}\n${line("uncertain", questions)}`.trim();
  const said = answer();
  notice("status", t("tasks.before"), text, (close) => [
    action(t("tasks.look"), said, () => (close(), open())),
    action(t("account.close"), said, close),
  ]);
}

async function open() {
  await loadTexts();
  const body = page(h("p", "muted", t("account.loading")));
  const dialog = openDialog({ title: t("tasks.title"), body, wide: true, buttons: [{ label: t("account.close") }] });
  const again = async () => {
    try {
      const { tasks: found } = await get("/runninghub/tasks");
      const views = found.map((/** @type {RhTask} */ task) => taskView(task, again, dialog.close));
      body.replaceChildren(...(views.length > 0 ? views : [h("p", "", t("tasks.none"))]));
    } catch (error) {
      body.replaceChildren(h("p", "bad", wordsOf(error)));
    }
  };
  await again();
}

/** @param {RhTask} task @param {() => Promise<void>} again @param {() => void} leave */
function taskView(task, again, leave) {
  const { order, task_id: id, profile = "", kind, placed, link: address } = task;
  const said = answer();
  /** @param {string} verb */
  const send = (verb, more = {}) => post(`/runninghub/tasks/${verb}`, { order, task_id: id, profile, ...more });
  /** @param {string} key @param {RhAct} run */
  const button = (key, run, ask = false) => action(t(`tasks.${key}`), said, run, ask ? t(`tasks.${key}_sure`) : "");
  /** @param {string} verb @param {() => object} more */
  const doing = (verb, more = () => ({}), did = verb) => async () => {
    const { confirmed = true } = await send(verb, more());
    toast(confirmed ? "success" : "warn", t(confirmed ? `tasks.did.${did}` : "tasks.cancel_unsure"));
    await again();
  };
  const unborn = () => ({ task_id: "", not_started: true });
  const label = t("tasks.task_id");
  const named = h("input", { className: "grow", inputMode: "numeric", placeholder: label, "aria-label": label });
  const rows = task.uncertain
    ? [
        h("p", "", t("tasks.question")),
        h(
          "div",
          "row",
          button("look_again", async () => {
            said.textContent = sightText(await send("look"));
          }),
          button("not_started", doing("settle", unborn), true),
          // To say that it did not start is what lets equal inputs be ordered again.
          button("again", doing("settle", unborn, "again"), true),
        ),
        h("div", "row", named, button("is_task", doing("settle", () => ({ task_id: named.value.trim() })))),
      ]
    : [
        h(
          "div",
          "row",
          button("follow", () => (leave(), follow(id, profile))),
          button("fetch", doing("fetch")),
          button("cancel", doing("cancel"), true),
          address && link(t("tasks.on_site"), address),
        ),
      ];
  const when = new Date((placed ?? 0) * 1000).toLocaleString(language());
  const facts = dotted(
    id ? t("tasks.task", { id }) : t("tasks.order", { order }),
    placed && t("tasks.placed", { when }),
    task.cancelling && t("tasks.cancelling"),
  );
  const title = h("h3", "", task.name || t(`tasks.kind.${kind}`));
  return h("section", "card", title, h("p", "muted", facts), ...rows, said);
}

/** @param {RhSight} sight */
export function sightText({ before, now, ours }) {
  if (now === null) {
    return t("tasks.sight_none");
  }
  const seen = t("tasks.sight_now", { now: numberText(now), ours: numberText(ours) });
  return before === null ? seen : `${seen} ${t("tasks.sight_before", { before: numberText(before) })}`;
}

/** Runs a node for the task, which shows all that any node does. @param {string} id @param {string} profile */
async function follow(id, profile) {
  const root = rootGraph();
  const node = window.LiteGraph.createNode("RunningHubTask");
  change(() => {
    // Below all others, where it covers none.
    node.pos = [0, Math.max(0, ...root.nodes.map((/** @type {ComfyNode} */ { pos, size }) => pos[1] + size[1])) + 80];
    root.add(node);
    setWidget(node, "task_id", id);
    setWidget(node, "profile", profile);
  });
  show(String(node.id));
  await app.extensionManager.command.execute("Comfy.QueueSelectedOutputNodes");
}
