// What a run would do in the cloud, told before anything is paid.

import { bytesText, estimateText, textsOf } from "../host/texts.js";
import { card, h, page } from "../lib/view.js";

const t = textsOf("segments");
const say = textsOf("segments.explain");

/** @type {(explained: RhExplained, select: (id: string) => unknown) => any} */
export function explainedView({ refused, segments, local, notes, quote }, select) {
	/** @param {RhNode} node */
	const button = ({ id, title, class_type: type = "" }) =>
		h(
			"button",
			{ className: "node", title: say("show", { id, class: type }), onclick: () => select(id) },
			title || type || id,
		);
	/** @param {RhNode[]} nodes */
	const names = (nodes) => nodes.flatMap((node, index) => [index ? ", " : "", button(node)]);
	/** @param {RhNode} node @param {string} text */
	const told = (node, text) => h("div", "", ...(node.id ? [button(node), ": "] : []), text);
	/** @param {string} title @param {any[]} content */
	const filled = (title, content) => content.length > 0 && card(title, h("div", "", ...content));
	const kindText = (kind = "") => t(`kind.${kind.toLowerCase()}`);

	/** @param {RhUp} item */
	const up = ({ kind, from, name, bytes, known }) => {
		const [before = "", after = ""] = say("from", { node: "\n" }).split("\n");
		const more = [bytes !== null && bytesText(bytes), known && say("there")].filter(Boolean).join(", ");
		const source = from ? [` ${before}`, button(from), after] : [];
		return h("div", "", kindText(kind), name && ` ${name}`, ...source, more && h("span", "muted", ` (${more})`));
	};

	/** @param {RhSegment} one */
	const segmentView = ({ name, instance, nodes, pulled, up: ups, back, saved, estimate, quote }) => {
		const moved = new Set(pulled.map(({ id }) => id));
		const rows = Object.entries({
			estimate: [estimateText({ ...estimate, quote: quote?.text }) || say("unknown")],
			runs: names(nodes.filter(({ id }) => !moved.has(id))),
			pulled: pulled.map((node) => told(node, node.reason)),
			up: ups.map(up),
			back: back.map(({ kind, from, to }) => h("div", "", `${kindText(kind)} `, button(from), " → ", ...names(to))),
			saved: names(saved),
		}).filter(([, value]) => value.length > 0);
		const table = h("dl", "", ...rows.flatMap(([key, value]) => [h("dt", "", say(key)), h("dd", "", ...value)]));
		return filled(say("segment", { name, size: t(`size.${instance || "default"}`) }), [table]);
	};

	const refusal = refused && filled(say("refused"), [told(refused, refused.message)]);
	refusal?.classList.add("refused");
	return page(
		refusal,
		!refused && segments.length === 0 && h("p", "", say("nothing")),
		segments.length > 1 && quote && h("p", "", quote),
		...segments.map(segmentView),
		filled(say("notes"), notes.map((note) => told(note, note.text))),
		filled(say("local"), names(local)),
	);
}
