// Each order that the sum beside Run is made of.

import { openDialog } from "../host/dialogs.js";
import { textsOf } from "../host/texts.js";
import { clean } from "../lib/form.js";
import { h, page } from "../lib/view.js";

const t = textsOf("sum");

/** @param {string} title @param {string} each what holds for each of several runs @param {{ title: string, quote: string }[]} orders */
export function openSum(title, each, orders) {
	const rows = orders.flatMap((one) => [h("dt", "", clean(one.title, 120)), h("dd", "", one.quote)]);
	openDialog({ title, body: page(each && h("p", "", each), h("p", "muted", t("about")), h("dl", "", ...rows)) });
}
