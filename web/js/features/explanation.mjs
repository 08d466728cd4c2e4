// View of what a run would do in the cloud, before anything is paid.

import { bytesText, estimateText, textsOf } from "../host/texts.js";
import { card, h, page } from "../lib/view.js";

/** @typedef {{ id: string, title?: string, class_type?: string }} Named */

/** An upload; null: known only at run time. @typedef {{ kind: string, from: Named | null, name: string, bytes: number | null, known: boolean | null }} Upload */

/**
 * @typedef {object} Segment
 * @property {string} id
 * @property {string} name
 * @property {string} instance
 * @property {Named[]} nodes
 * @property {(Named & { reason: string })[]} pulled
 * @property {Upload[]} up
 * @property {{ kind: string, from: Named, to: Named[] }[]} back
 * @property {Named[]} saved
 * @property {import("../host/texts.js").Estimate} estimate
 * @property {{ text: string } | null} [quote]
 */

/**
 * `quote`: the expected total cost, as text.
 * @typedef {object} Explained
 * @property {Segment[]} segments
 * @property {Named[]} local
 * @property {string} [quote]
 * @property {(Named & { text: string })[]} notes
 * @property {(Named & { message: string, hint: string }) | null} refused
 */

const t = textsOf("segments");
const tExplain = textsOf("segments.explain");

/** @type {(explained: Explained, select: (id: string) => unknown) => any} */
export function explainedView({ refused, segments, local, notes, quote }, select) {
	/** @param {Named} node */
	const button = ({ id, title, class_type: type = "" }) =>
		h(
			"button",
			{ className: "node", title: tExplain("show", { id, class: type }), onclick: () => select(id) },
			title || type || id,
		);
	/** @param {Named[]} nodes */
	const names = (nodes) => nodes.flatMap((node, index) => [index ? tExplain("and") : "", button(node)]);
	/** The node of a sentence as a button, in the place of its label or else before it. @param {Named} node @param {string} text */
	const line = (node, text) => {
		if (!node.id) return h("div", "", text);
		const { id, title, class_type: type } = node;
		const label = [`${id} (${title} [${type}])`, `${id} (${title})`].find((shown) => text.includes(shown));
		const [before, ...after] = label ? text.split(label) : [];
		return h("div", "", ...(label ? [before, button(node), after.join(label)] : [button(node), tExplain("of", { node: "" }), text]));
	};
	/** @param {string} title @param {any[]} content */
	const filled = (title, content) => content.length > 0 && card(title, h("div", "", ...content));
	const kindText = (kind = "") => t(`kind.${kind.toLowerCase()}`);

	/** @param {Upload} item */
	const up = ({ kind, from, name, bytes, known: isThere }) => {
		const [before = "", after = ""] = tExplain("from", { node: "\n" }).split("\n");
		const more = [bytes !== null && bytesText(bytes), isThere && tExplain("there")].filter(Boolean).join(tExplain("and"));
		const source = from ? [` ${before}`, button(from), after] : [];
		return h("div", "", kindText(kind), name && ` ${name}`, ...source, more && h("span", "muted", ` (${more})`));
	};

	/** @param {Segment} segment */
	const segmentView = ({ name, instance, nodes, pulled, up: ups, back, saved, estimate, quote }) => {
		const moved = new Set(pulled.map(({ id }) => id));
		const rows = Object.entries({
			estimate: [estimateText({ ...estimate, quote: quote?.text }) || tExplain("unknown")],
			runs: names(nodes.filter(({ id }) => !moved.has(id))),
			pulled: pulled.map((node) => line(node, node.reason)),
			up: ups.map(up),
			back: back.map(({ kind, from, to }) => h("div", "", `${kindText(kind)} `, button(from), " → ", ...names(to))),
			saved: names(saved),
		}).filter(([, value]) => value.length > 0);
		const table = h("dl", "", ...rows.flatMap(([key, value]) => [h("dt", "", tExplain(key)), h("dd", "", ...value)]));
		return filled(tExplain("segment", { name, size: t(`size.${instance || "default"}`) }), [table]);
	};

	const refusal = refused && filled(tExplain("refused"), [line(refused, refused.message)]);
	refusal?.classList.add("refused");
	return page(
		refusal,
		!refused && segments.length === 0 && h("p", "", tExplain("nothing")),
		segments.length > 1 && quote && h("p", "", quote),
		...segments.map(segmentView),
		filled(tExplain("notes"), notes.map((note) => line(note, note.text))),
		filled(tExplain("local"), names(local)),
	);
}
