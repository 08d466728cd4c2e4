// @ts-check
// What runs usually take before one, what it took after, and of a failure what a person must know.

import { estimateText } from "../lib/amounts.js";
import { api, language } from "../lib/comfy.js";
import { openDialog } from "../lib/dialog.js";
import { nodeOf, show } from "../lib/graphs.js";
import { draw, redraw } from "../lib/painter.js";
import { classOf, isOurs, programOf } from "../lib/programs.js";
import { post } from "../lib/server.js";
import { loadTexts, t } from "../lib/texts.js";
import { action, answer, h, link, notice } from "../lib/view.js";

const PAUSE = 600; // ms without a change of the program before the server is asked
const TEXT_LINE = "$$node-text-preview"; // ComfyUI's widget; 1.49 keeps our last line in it

/** @type {Map<string, string>} sentences by what they are about; "" when there is none */
const estimates = new Map();
/** @type {string[]} */
let wanted = [];
const done = new WeakMap(); // what a node's last run took
const failed = new Set(); // nodes whose twin in the cloud failed in the last run
let twin = { prompt_id: "", node: "" };
let asking = 0;
let listening = false;

/** @type {ComfyPart} */
export const running = {
  nodeCreated(node) {
    if (isOurs(classOf(node))) {
      listen();
      watch(node);
    }
  },
  setup() {
    // Segments run without a node of ours on the canvas.
    api.addEventListener("runninghub.failed", (/** @type {any} */ { detail }) => {
      listen();
      twin = detail;
      failed.add(nodeOf(detail.node));
    });
    api.addEventListener("execution_error", (/** @type {any} */ { detail }) => {
      if (isOurs(detail.node_type)) {
        void tell(detail);
      }
    });
  },
};

/** From the first node or mark of ours on; the server learns in which language to tell errors. */
export function listen() {
  if (listening) {
    return;
  }
  listening = true;
  void post("/runninghub/session", { locale: language() }).catch(() => null);
  draw(chipsOf);
  void loadTexts().then(redraw);
  api.addEventListener("execution_start", () => {
    failed.clear();
    redraw();
  });
  api.addEventListener("executed", (/** @type {any} */ { detail }) => {
    const id = detail.display_node ?? detail.node;
    const node = nodeOf(id);
    const program = programOf(node);
    if (isOurs(classOf(node))) {
      dropPreview(id, node);
    }
    if (program) {
      done.set(node, String(detail.output?.text?.[0] ?? ""));
      estimates.delete(JSON.stringify(program));
      redraw();
    }
  });
}

/** ComfyUI goes on to show the sampler's last preview in the result's place. @param {string} id @param {any} node */
function dropPreview(id, node) {
  /** @type {any} */
  const root = document.querySelector("#vue-app");
  const outputs = root?.__vue_app__?.config.globalProperties.$pinia?._s.get("nodeOutput");
  outputs?.revokePreviewsByExecutionId?.(id);
  // It does so a little later, and neither 1.49 nor the classic canvas sees it.
  setTimeout(() => {
    outputs?.refreshNodeOutputs?.(node);
    node.images = undefined;
    redraw();
  }, PAUSE);
}

/** Nodes 2.0 does not draw the canvas when a widget changes. @param {ComfyNode} node */
function watch(node) {
  for (const widget of node.widgets ?? []) {
    if (["workflow", "app", "instance", "profile"].includes(widget.name)) {
      const before = widget.callback;
      widget.callback = function (/** @type {any} */ ...given) {
        before?.apply(this, given);
        done.delete(node);
        redraw();
      };
    }
  }
}

/** @param {any} thing @returns {RhChip[]} */
function chipsOf(thing) {
  if (failed.has(thing)) {
    return [{ text: t("running.failed_chip"), color: "#b3261e", frame: true }];
  }
  const program = programOf(thing);
  if (!program) {
    return [];
  }
  const took = done.get(thing);
  if (took && !thing.widgets.some((/** @type {any} */ { name }) => name === TEXT_LINE)) {
    return [{ text: took, color: "#1f6b3a" }];
  }
  const key = JSON.stringify(program);
  const text = estimates.get(key);
  if (text === undefined) {
    estimates.set(key, "");
    wanted.push(key);
    clearTimeout(asking);
    asking = window.setTimeout(askAll, PAUSE);
  }
  return text ? [{ text, color: "#4a4f57" }] : [];
}

async function askAll() {
  const keys = wanted;
  wanted = [];
  for (const key of keys) {
    // It is no more than a hint; what is wrong the run says.
    const told = await post("/runninghub/estimate", JSON.parse(key)).catch(() => null);
    estimates.set(key, estimateText(told));
  }
  redraw();
}

/**
 * ComfyUI hides the message of a run that failed behind a button.
 * @param {{prompt_id: string, node_id: string, node_type: string, exception_message?: string}} detail
 */
async function tell({ prompt_id, node_id, node_type, exception_message: said = "" }) {
  await loadTexts();
  const id = (twin.prompt_id === prompt_id && twin.node) || node_id;
  const node = nodeOf(id);
  const report = await post("/runninghub/report", { node_id, words: false }).catch(() => null);
  const told = answer();
  const copy = async () => {
    if (navigator.clipboard) {
      await navigator.clipboard.writeText(report.text);
      told.textContent = t("running.copied");
    } else {
      // The page is not from a secure origin.
      const body = h("textarea", { readOnly: true, rows: 12, value: report.text });
      openDialog({ title, body, buttons: [{ label: t("account.close") }] });
    }
  };
  const title = t("running.failed", { node: node?.title ?? node_type });
  notice("alert", title, said.trim(), (close) => [
    node && action(t("running.show_node"), told, () => show(id)),
    report?.link && link(t("running.open_task"), report.link),
    report && action(t("running.copy_report"), told, copy),
    action(t("account.close"), told, close),
    told,
  ]);
}
