// Dialog with the orders that make up the total beside Run.

import { openDialog } from "../host/dialogs.js";
import { textsOf } from "../host/texts.js";
import { clean } from "../lib/form.js";
import { h, page } from "../lib/view.js";

const t = textsOf("sum");

/** @param {string} title @param {string} perRun text about each of several runs @param {{ title: string, quote: string }[]} orders */
export function openQuote(title, perRun, orders) {
	const rows = orders.flatMap((order) => [h("dt", "", clean(order.title, 120)), h("dd", "", order.quote)]);
	openDialog({ title, body: page(perRun && h("p", "", perRun), h("p", "muted", t("about")), h("dl", "", ...rows)) });
}
