// @ts-check
// Reads the program that a node names, and settles with the person what stands in the way.

import { ask } from "../lib/dialog.js";
import { idIn, kindOf, valueOf } from "../lib/programs.js";
import { post, ServerError } from "../lib/server.js";
import { loadTexts, t } from "../lib/texts.js";
import { h } from "../lib/view.js";
import { offerKey } from "./account.js";
import { showState, stateOf } from "./state.js";
import { swap } from "./swap.js";

/** What the node's widget says. @param {ComfyNode} node */
export function textOf(node) {
  return valueOf(node, kindOf(node) ?? "").trim();
}

/**
 * @param {ComfyNode} node @param {boolean} fresh not what the server remembers @param {AbortSignal} [signal]
 *
 */
export function fetchProgram(node, fresh, signal) {
  const asked = { kind: kindOf(node), text: textOf(node), profile: valueOf(node, "profile"), fresh };
  return post("/runninghub/program", asked, signal);
}

/**
 * The program, asking the person for what is missing; null when there is none, which was said, and
 * when the node has another question or is gone meanwhile.
 * @param {ComfyNode} node @param {boolean} fresh
 */
export async function readProgram(node, fresh) {
  const state = stateOf(node);
  state.asking?.abort();
  const asking = new AbortController();
  state.asking = asking;
  await loadTexts();
  showState(node);
  try {
    for (;;) {
      const found = await fetchProgram(node, fresh, asking.signal).catch((error) => ({ error }));
      if (asking.signal.aborted || !node.graph) {
        return null;
      }
      if (!("error" in found)) {
        return found;
      }
      if (!(await settle(node, found.error))) {
        return null;
      }
    }
  } finally {
    if (state.asking === asking) {
      state.asking = null;
    }
    showState(node);
  }
}

/** @param {ComfyNode} node @param {unknown} error @returns {Promise<boolean>} whether it is worth another try */
async function settle(node, error) {
  const { message, hint } = error instanceof ServerError ? error : { message: String(error), hint: "" };
  const title = t(`form.failed.${kindOf(node)}`);
  const other = kindOf(node) === "app" ? "workflow" : "app";
  switch (hint) {
    case "no_key":
      return offerKey(node);
    case "password":
      return askPassword(node, message);
    case "wrong_kind":
      await ask(title, message, () => void swap(node, other), t(`form.swap.${other}`));
      return false; // the new node asks for itself
    default:
      return ask(title, message);
  }
}

/**
 * A password goes to the server's store, like the key, and never into the graph.
 * @param {ComfyNode} node @param {string} message
 */
function askPassword(node, message) {
  const words = t("form.password");
  const input = h("input", { type: "password", autocomplete: "off", placeholder: words, "aria-label": words });
  const body = h("div", "", h("p", "", message), input, h("p", "muted", t("form.password_kept")));
  return ask(t("form.protected"), body, () =>
    post("/runninghub/passwords/save", {
      kind: kindOf(node),
      id: idIn(textOf(node)),
      profile: valueOf(node, "profile"),
      password: input.value,
    }),
  );
}
