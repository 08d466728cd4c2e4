// Dialog of a graph that arrived switched over to RunningHub, before its first run.

import { openDialog } from "../host/dialogs.js";
import { loadTexts, textsOf } from "../host/texts.js";
import { h, page } from "../lib/view.js";
import { quoteText } from "./quote_bar.js";

const t = textsOf("whole");

const QUOTING = 300; // ms between two looks at the sum, which may come after the question

/** Where it is to run; "" if the user has not said. @returns {Promise<"" | "here" | "there">} */
export async function askArrived() {
	await loadTexts();
	const line = h("p");
	const show = () => {
		const text = t("arrived_text", { sum: quoteText() || t("sum_unknown") });
		if (line.textContent !== text) line.textContent = text;
	};
	show();
	const timer = setInterval(show, QUOTING);
	return new Promise((resolve) => {
		openDialog({
			title: t("arrived"),
			body: page(line),
			buttons: [
				{ label: t("cancel") },
				{ label: t("run_here"), run: () => resolve("here") },
				{ label: t("run_there"), primary: true, run: () => resolve("there") },
			],
			onClose() {
				clearInterval(timer);
				resolve("");
			},
		});
	});
}
