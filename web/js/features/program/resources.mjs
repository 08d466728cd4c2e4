// Dialog to choose a cloud model of one kind: searched while the user types, whose text may also be kept.
// Styles of a Quick Create module have pictures.

import { openDialog } from "../../host/dialogs.js";
import { lazy } from "../../host/lazy.js";
import { post } from "../../host/server.js";
import { dotted, textsOf } from "../../host/texts.js";
import { h, keepFocus, page, messageOf } from "../../lib/view.js";

const { observeCovers } = await lazy("features/covers.mjs");
const t = textsOf("resources");

const DEBOUNCE = 350; // ms after a keystroke: the service's rate limit is low

/** @type {(question: { kind: string, profile: string, value: string, module: string }, show: (names: string[]) => void) => Promise<string>} */
export function openResources({ kind, profile, value, module }, show) {
	let answer = "";
	let timer = 0;
	let controller = new AbortController();
	const status = h("p", { className: "muted", role: "status" });
	const list = h("select", { size: 12, className: "list", "aria-label": t("list") });
	const styles = h("div", { className: "styles", role: "group", "aria-label": t("styles") });
	const covers = observeCovers(async (/** @type {any} */ frame) => {
		const { picture } = await post("/runninghub/apps/cover", { id: frame.dataset.cover, profile });
		return picture;
	});
	const words = h("input", { type: "search", placeholder: t("search"), "aria-label": t("search") });

	/** @param {{ name: string, title: string, cover?: string }[]} models */
	function showStyles(models) {
		covers.disconnect();
		const views = models.filter(({ cover }) => cover).map(({ name, title, cover }) => {
			const frame = h("div", "cover", h("i", { className: "pi pi-image", ariaHidden: "true" }));
			frame.dataset.cover = cover ?? "";
			covers.observe(frame);
			const button = h("button", { type: "button", className: "style", title: name }, frame, h("span", "", title));
			button.dataset.name = name;
			button.onclick = () => {
				list.value = name;
				mark();
			};
			button.ondblclick = () => finish();
			return button;
		});
		keepFocus(styles.parentElement ?? styles, () => {
			styles.replaceChildren(...views);
			styles.hidden = views.length === 0;
		});
		mark();
	}

	/** Highlight the picture of the chosen one. */
	const mark = () => [...styles.children].forEach((style) => style.setAttribute("aria-pressed", String(/** @type {any} */ (style).dataset.name === list.value)));
	const finish = () => /** @type {any} */ (styles.closest("dialog")?.querySelector("button.primary"))?.click();

	async function ask() {
		controller.abort();
		controller = new AbortController();
		const { signal } = controller;
		status.textContent = t("asking");
		try {
			const body = { kind, profile, module, words: words.value.trim() };
			/** @type {{ models: { name: string; title: string; cover?: string }[] }} */
			const { models } = await post("/runninghub/resources", body, signal);
			list.replaceChildren(...models.map(({ name, title }) => h("option", { value: name }, dotted(name, title !== name && title))));
			// Typed text takes precedence over the current value.
			if (words.value.trim() === "") list.value = value;
			showStyles(models);
			show(models.map(({ name }) => name));
			status.textContent = models.length === 0 ? t("none") : t("found", { count: models.length });
		} catch (error) {
			if (!signal.aborted) status.textContent = messageOf(error);
		}
	}

	words.oninput = () => {
		list.selectedIndex = -1; // typed text takes precedence
		mark();
		clearTimeout(timer);
		timer = window.setTimeout(ask, DEBOUNCE);
	};
	list.onchange = mark;
	words.onkeydown = (/** @type {KeyboardEvent} */ event) => {
		if (event.key !== "ArrowDown" || event.isComposing || list.options.length === 0) return;
		event.preventDefault();
		list.focus();
		if (list.selectedIndex === -1) list.selectedIndex = 0;
	};
	return new Promise((resolve) => {
		const run = () => {
			answer = list.value || words.value.trim();
			if (!answer) throw new Error(t("empty"));
		};
		openDialog({
			title: t(`title.${kind}`),
			body: page(words, styles, list, status, h("p", "muted", t("free"))),
			buttons: [{ label: t("cancel") }, { label: t("use"), primary: true, run }],
			onClose: () => {
				clearTimeout(timer);
				controller.abort();
				covers.disconnect();
				resolve(answer);
			},
		});
		list.ondblclick = finish;
		void ask();
	});
}
