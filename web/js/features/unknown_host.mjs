// A notice that our server refuses this page's host name, with the line that lets it in.

import { showNotice } from "../host/dialogs.js";
import { loadTexts, textsOf } from "../host/texts.js";
import { actionButton, h } from "../lib/view.js";

const t = textsOf("unknown_host");

export async function showUnknownHost() {
	await loadTexts();
	const { hostname } = location;
	const line = h("input", { readOnly: true, value: `RUNNINGHUB_HOSTS=${hostname}`, "aria-label": t("line") });
	line.onfocus = () => line.select();
	/** @param {HTMLElement} status */
	const copy = async (status) => {
		// Missing where the page is not a secure context, as behind a plain http name.
		await navigator.clipboard.writeText(line.value).then(
			() => (status.textContent = t("copied")),
			() => line.focus(),
		);
	};
	showNotice("alert", t("title"), t("text", { host: hostname }), (_, status) => [
		line,
		navigator.clipboard && actionButton(t("copy"), status, () => copy(status)),
	]);
}
