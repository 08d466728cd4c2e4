// The pieces that our pages, dialogs and notices are made of. Text is text, never markup.

import { t } from "./texts.js";

// What the graph behind must not take as its own.
const OURS = ["keydown", "keyup", "keypress", "copy", "cut", "paste", "wheel", "drop", "dragover"];

/** @type {RhBuild} */
export function h(tag, given = "", ...content) {
	/** @type {any} */
	const made = document.createElement(tag);
	for (const [name, value] of Object.entries(typeof given === "string" ? { className: given } : given)) {
		if (name in made) {
			made[name] = value;
		} else {
			made.setAttribute(name, value);
		}
	}
	made.append(...content.filter(Boolean));
	return made;
}

/** @type {RhPiece} */
export const page = (...content) => h("div", "runninghub-page", ...content);

/** @type {RhFill} */
export async function fill(into, make) {
	try {
		into.replaceChildren(...(await make()).filter(Boolean));
	} catch (error) {
		into.replaceChildren(h("p", "bad", wordsOf(error)));
	}
}

export const answer = () => h("p", { className: "answer", role: "status" });

/** @type {RhPiece} */
export const row = (...content) => h("div", "row", ...content);

/** @type {RhCard} */
export const card = (title, ...content) => h("section", "card", h("h3", "", title), ...content);

export const loading = () => page(h("p", "muted", t("account.loading")));

/** Never disabled: that would take the focus away from who uses the keyboard. @type {RhAction} */
export function action(label, said, run, question = "") {
	let armed = !question;
	let busy = false;
	const made = h("button", { type: "button", onblur: () => arm() }, label);
	const arm = (on = false) => {
		armed = on || !question;
		made.textContent = on ? question : label;
		made.classList.toggle("armed", on);
	};
	made.onclick = async () => {
		if (busy || !armed) return arm(!busy);
		arm(false);
		busy = true;
		made.ariaBusy = "true";
		said.textContent = "";
		said.classList.remove("bad");
		try {
			await run();
		} catch (error) {
			said.classList.add("bad");
			said.textContent = wordsOf(error);
		} finally {
			busy = false;
			made.ariaBusy = null;
		}
	};
	return made;
}

/** @type {RhLink} */
export const link = (text, href) => h("a", { href, target: "_blank", rel: "noopener noreferrer" }, text);

/** @param {unknown} error */
export const wordsOf = (error) => (error instanceof Error ? error.message : String(error));

/** The focus stays in it, and goes back; Enter means the primary button. @type {(asked: RhAsked) => RhDialog} */
export function openDialog({ title, body, buttons = [{ label: t("account.close") }], onClose, wide }) {
	const before = document.activeElement;
	const id = `runninghub-${Math.random()}`;
	const said = h("p", { className: "said", role: "alert" });
	const content = h("div", "body", typeof body === "string" ? h("p", "", body) : body);
	const made = buttons.map(({ label, primary, run }) => {
		const button = action(label, said, async () => (await run?.()) === false || close());
		button.className = primary ? "primary" : "";
		return button;
	});
	const main = made.find((_, index) => buttons[index]?.primary);
	/** @type {HTMLDialogElement} */
	const dialog = h(
		"dialog",
		{ className: `runninghub-dialog${wide ? " wide" : ""}`, "aria-labelledby": id },
		h("h2", { id }, title),
		content,
		said,
		h("div", "buttons", ...made),
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
	const first = content.querySelector("[autofocus], input, select, textarea");
	(first ?? main ?? made[0])?.focus({ preventScroll: true });
	return { close, element: dialog };
}

/** Whether it was agreed to, and done. @type {RhAsk} */
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

/** Takes neither the focus nor the graph away. @type {RhNotice} */
export function notice(role, title, text, buttons) {
	if (!corner?.isConnected) {
		corner = page();
		corner.classList.add("runninghub-notices");
		document.body.append(corner);
	}
	const close = () => made.remove();
	/** @param {KeyboardEvent} event */
	const onkeydown = (event) => {
		// The graph must not take it as its own.
		event.stopPropagation();
		if (event.key === "Escape") close();
	};
	const said = answer();
	const made = h(
		"div",
		{ role, onkeydown },
		h("h3", "", title),
		h("p", "", text),
		row(...buttons(close, said), action(t("account.close"), said, close), said),
	);
	corner.append(made);
}
