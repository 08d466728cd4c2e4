// Dialogs and notices over ComfyUI's page, which must not take their keys as its own.

import { action, answer, h, keepKey, page, row } from "../lib/view.js";
import { t } from "./texts.js";

/** `run` closes the dialog afterwards, unless it gives (or resolves to) false. @typedef {{ label: string, primary?: boolean, run?: () => unknown }} Button */

/**
 * Without `buttons`: one that closes.
 * @typedef {{ title: string, body: HTMLElement | string, buttons?: Button[], onClose?: () => void, wide?: boolean }} DialogContent
 */

// What the graph behind must not take as its own.
const OURS = ["keydown", "keyup", "keypress", "copy", "cut", "paste", "wheel", "drop", "dragover"];

export const loading = () => page(h("p", "muted", t("account.loading")));

/**
 * The focus stays in it, and goes back; Enter means the primary button.
 * @type {(content: DialogContent) => RhDialog}
 */
export function openDialog({ title, body, buttons = [{ label: t("account.close") }], onClose, wide }) {
	const before = document.activeElement;
	const id = `runninghub-${Math.random()}`;
	const status = h("p", { className: "said", role: "alert" });
	const content = h("div", "body", typeof body === "string" ? h("p", "", body) : body);
	const actions = buttons.map(({ label, primary, run }) => {
		const button = action(label, status, async () => (await run?.()) === false || close());
		button.className = primary ? "primary" : "";
		return button;
	});
	const main = actions.find((_, index) => buttons[index]?.primary);
	/** @type {HTMLDialogElement} */
	const dialog = h(
		"dialog",
		{ className: `runninghub-dialog${wide ? " wide" : ""}`, "aria-labelledby": id },
		h("h2", { id }, title),
		content,
		status,
		h("div", "buttons", ...actions),
	);
	const close = () => {
		if (!dialog.isConnected) return;
		dialog.remove();
		if (before instanceof HTMLElement) before.focus({ preventScroll: true });
		onClose?.();
	};
	// However the browser closes it.
	dialog.addEventListener("close", close);
	dialog.addEventListener("keydown", (event) => {
		const own = event.target instanceof Element && event.target.closest("button, a, textarea, summary");
		if (main && event.key === "Enter" && !event.isComposing && !own && !event.defaultPrevented) {
			event.preventDefault();
			main.click();
		}
	});
	OURS.forEach((kind) => dialog.addEventListener(kind, (event) => event.stopPropagation()));
	document.body.append(dialog);
	dialog.showModal();
	const first = content.querySelector("[autofocus]") ?? content.querySelector("input, select, textarea");
	(first ?? main ?? actions[0])?.focus({ preventScroll: true });
	return { close, element: dialog };
}

/**
 * Whether it was agreed to, and done.
 * @type {(title: string, body: HTMLElement | string, run?: () => unknown, label?: string) => Promise<boolean>}
 */
export const ask = (title, body, run, label = t(run ? "form.ok" : "account.close")) =>
	new Promise((resolve) => {
		let done = false;
		const agree = async () => {
			await run?.();
			done = run !== undefined;
		};
		const buttons = [...(run ? [{ label: t("form.cancel") }] : []), { label, primary: true, run: agree }];
		openDialog({ title, body, buttons, onClose: () => resolve(done) });
	});

/** @type {any} */
let corner = null;

/**
 * Takes neither the focus nor the graph away; gives what closes it.
 * @type {(role: "status" | "alert", title: string, text: string, buttons: (close: () => void, status: HTMLElement) => any[], onClose?: () => void) => () => void}
 */
export function notice(role, title, text, buttons, onClose) {
	if (!corner?.isConnected) {
		corner = page();
		corner.classList.add("runninghub-notices");
		document.body.append(corner);
	}
	const close = () => {
		element.remove();
		onClose?.();
	};
	/** @param {KeyboardEvent} event */
	const onkeydown = (event) => {
		keepKey(event);
		if (event.key === "Escape") close();
	};
	const status = answer();
	const element = h(
		"div",
		{ role, onkeydown },
		h("h3", "", title),
		h("p", "", text),
		row(...buttons(close, status), action(t("account.close"), status, close), status),
	);
	corner.append(element);
	corner.scrollTop = corner.scrollHeight; // to the buttons of the newest, however small the page is
	return close;
}
