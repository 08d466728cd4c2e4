// @ts-check
// What an offload would do, as a page to read: built from the server's plain answer alone.

import { bytesText, estimateText } from "./amounts.js";
import { t } from "./texts.js";
import { h, page } from "./view.js";

/**
 * @param {RhExplained} explained
 * @param {(id: string) => unknown} select what a click on a node's name does
 * @returns {HTMLElement}
 */
export function explainedView({ refused, segments, local, notes }, select) {
  /** @type {RhSay} */
  const say = (key, params) => t(`segments.explain.${key}`, params);
  /** @param {RhNode} node */
  const button = ({ id, title, class_type: type = "" }) =>
    h(
      "button",
      { type: "button", className: "node", title: say("show", { id, class: type }), onclick: () => select(id) },
      title || type || id,
    );
  /** @param {RhNode[]} nodes */
  const names = (nodes) => nodes.flatMap((node, index) => [index ? ", " : "", button(node)]);
  /** @param {RhNode} node @param {string} text */
  const told = (node, text) => h("div", "", ...(node.id ? [button(node), ": "] : []), text);
  /** @param {string} title @param {(Node | string)[]} content */
  const card = (title, content) =>
    content.length > 0 ? h("section", "card", h("h3", "", title), h("div", "", ...content)) : null;
  /** @param {string} kind */
  const kindText = (kind) => t(`segments.kind.${kind.toLowerCase()}`);

  /** @param {RhUp} item */
  const up = ({ kind, from, name, bytes, known }) => {
    const [before = "", after = ""] = say("from", { node: "\n" }).split("\n");
    const more = [bytes === null ? "" : bytesText(bytes), known ? say("there") : ""].filter(Boolean).join(", ");
    const source = from ? [` ${before}`, button(from), after] : [];
    return h("div", "", kindText(kind), name && ` ${name}`, ...source, more && h("span", "muted", ` (${more})`));
  };

  /** @param {RhSegment} one */
  const segmentView = (one) => {
    const pulled = new Set(one.pulled.map(({ id }) => id));
    /** @type {[string, (Node | string)[]][]} */
    const rows = [
      ["estimate", [estimateText(one.estimate) || say("unknown")]],
      ["runs", names(one.nodes.filter(({ id }) => !pulled.has(id)))],
      ["pulled", one.pulled.map((node) => told(node, node.reason))],
      ["up", one.up.map(up)],
      ["back", one.back.map(({ kind, from, to }) => h("div", "", `${kindText(kind)} `, button(from), " \u2192 ", ...names(to)))],
      ["saved", names(one.saved)],
    ];
    const filled = rows.filter(([, value]) => value.length > 0);
    const table = h("dl", "", ...filled.flatMap(([key, value]) => [h("dt", "", say(key)), h("dd", "", ...value)]));
    const size = t(`segments.size.${one.instance || "default"}`);
    return card(say("segment", { name: one.name, size }), [table]);
  };

  const refusal = refused && card(say("refused"), [told(refused, refused.message)]);
  refusal?.classList.add("refused");
  return page(
    refusal,
    refused || segments.length > 0 ? null : h("p", "", say("nothing")),
    ...segments.map(segmentView),
    card(say("notes"), notes.map((note) => told(note, note.text))),
    card(say("local"), names(local)),
  );
}
