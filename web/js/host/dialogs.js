// Dialogs and notices over ComfyUI's page, whose shortcuts must not receive their keys.

import { actionButton, statusLine, h, keepKey, page, row } from "../lib/view.js";
import { t } from "./texts.js";

/** The dialog closes after `run`, unless that returns (or resolves to) false. @typedef {{ label: string, primary?: boolean, run?: () => unknown }} Button */

/**
 * `buttons` defaults to one that closes the dialog.
 * @typedef {{ title: string, body: HTMLElement | string, buttons?: Button[], onClose?: () => void, wide?: boolean }} DialogContent
 */

// Events that must not propagate to the canvas behind.
const OURS = ["keydown", "keyup", "keypress", "copy", "cut", "paste", "wheel", "drop", "dragover"];

export const loading = () => page(h("p", "muted", t("account.loading")));

/**
 * Open a modal dialog: traps the focus, restores it on close; Enter presses the primary button.
 * @type {(content: DialogContent) => RhDialog}
 */
export function openDialog({ title, body, buttons = [{ label: t("account.close") }], onClose, wide }) {
	/** @type {any} */
	const before = document.activeElement;
	const id = `runninghub-${Math.random()}`;
	const status = h("p", { className: "said", role: "alert" });
	const content = h("div", "body", typeof body === "string" ? h("p", "", body) : body);
	const actions = buttons.map(({ label, primary, run }) => {
		const button = actionButton(label, status, async () => (await run?.()) === false || close());
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
		before?.focus?.({ preventScroll: true });
		onClose?.();
	};
	// Whichever way the browser closes it.
	dialog.addEventListener("close", close);
	dialog.addEventListener("keydown", (event) => {
		const own = /** @type {Element} */ (event.target).closest("button, a, textarea, summary");
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
 * Ask for confirmation; true once `run` was confirmed and has succeeded. Without `run` only a message.
 * @type {(title: string, body: HTMLElement | string, run?: () => unknown, label?: string) => Promise<boolean>}
 */
export const confirmDialog = (title, body, run, label = t(run ? "form.ok" : "account.close")) =>
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
 * Show a non-modal notice, without taking the focus; returns a function that closes it.
 * @type {(role: "status" | "alert", title: string, text: string, buttons: (close: () => void, status: HTMLElement) => any[], onClose?: () => void) => () => void}
 */
export function showNotice(role, title, text, buttons, onClose) {
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
	const status = statusLine();
	const element = h(
		"div",
		{ role, onkeydown },
		h("h3", "", title),
		h("p", "", text),
		row(...buttons(close, status), actionButton(t("account.close"), status, close), status),
	);
	corner.append(element);
	corner.scrollTop = corner.scrollHeight; // brings the newest notice's buttons into view, however small the page is
	return close;
}
