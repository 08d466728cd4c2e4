// DOM helpers for our pages, dialogs and notices. Text is never parsed as markup.

/**
 * Create an element from tag, properties (or a class name) and children: nodes and texts, falsy ones are skipped.
 * @type {(tag: string, props?: Record<string, any> | string, ...content: any[]) => any}
 */
export function h(tag, props = "", ...content) {
	/** @type {any} */
	const element = document.createElement(tag);
	for (const [name, value] of Object.entries(typeof props === "string" ? { className: props } : props)) {
		if (name in element) {
			element[name] = value;
		} else {
			element.setAttribute(name, value);
		}
	}
	element.append(...content.filter(Boolean));
	return element;
}

/** @type {(...content: any[]) => any} */
export const page = (...content) => h("div", "runninghub-page", ...content);

/** Replace the content by what `load` resolves to, or by its error's message, unless it was to be filled anew meanwhile. @type {(container: any, load: () => Promise<any[]>) => Promise<void>} */
export async function fill(container, load) {
	container.filling = load;
	const content = await load().catch((error) => [h("p", "bad", messageOf(error))]);
	if (container.filling === load) keepFocus(container, () => container.replaceChildren(...content.filter(Boolean)));
}

/** Change the content of `container`, which gets the focus if what had it is gone: on the page's body ComfyUI's shortcuts would hear the keys. @type {(container: any, change: RhCallback) => void} */
export function keepFocus(container, change) {
	const focused = container.querySelector(":focus");
	change();
	if (!focused || focused.isConnected) return;
	container.tabIndex = -1;
	container.focus();
}

export const statusLine = () => h("p", { className: "answer", role: "status" });

/** Set the text of a status line, no longer as an error. @param {HTMLElement} status */
export function setStatus(status, text = "") {
	status.classList.remove("bad");
	status.textContent = text;
}

/** @type {(status: HTMLElement, error: unknown) => void} */
export function setStatusError(status, error) {
	setStatus(status, messageOf(error));
	status.classList.add("bad");
}

/** @type {(...content: any[]) => any} */
export const row = (...content) => h("div", "row", ...content);

/** @type {(title: string, ...content: any[]) => any} */
export const card = (title, ...content) => h("section", "card", h("h3", "", title), ...content);

/**
 * A button that runs `run`, one at a time, and shows its error in `status`; `question`: asked on the button first, a second press confirms. Never disabled, which would drop the keyboard focus.
 * @type {(label: string, status: HTMLElement, run: RhCallback, question?: string) => HTMLButtonElement}
 */
export function actionButton(label, status, run, question = "") {
	let armed = !question;
	let busy = false;
	const button = h("button", { type: "button", onblur: () => arm() }, label);
	const arm = (on = false) => {
		armed = on || !question;
		button.textContent = on ? question : label;
		// The style sheet reserves width for both labels: the button must not move between two presses.
		if (question) button.dataset.other = on ? label : question;
		button.classList.toggle("armed", on);
	};
	arm();
	button.onclick = async (/** @type {MouseEvent} */ { detail }) => {
		// The second press of a double click is no answer to a question that came with its first.
		if (busy || !armed || (question && detail > 1)) return arm(!busy);
		arm(false);
		busy = true;
		button.ariaBusy = "true";
		setStatus(status);
		try {
			await run();
		} catch (error) {
			setStatusError(status, error);
		} finally {
			busy = false;
			button.ariaBusy = null;
		}
	};
	return button;
}

/** A form in whose fields Enter presses the button. @type {(button: HTMLButtonElement, ...content: any[]) => any} */
export function form(button, ...content) {
	button.type = "submit";
	return h("form", { onsubmit: (/** @type {Event} */ event) => event.preventDefault() }, ...content);
}

/** `count` rem in pixels: the root font size is a browser setting. */
export const rem = (count = 1) => count * (parseFloat(getComputedStyle(document.documentElement).fontSize) || 16);

/** @type {(text: string, href: string) => any} */
export const link = (text, href) => h("a", { href, target: "_blank", rel: "noopener noreferrer" }, text);

/**
 * Stop a key from reaching the canvas's shortcuts, except Run (Ctrl+Enter) and Save (Ctrl+S).
 * @param {KeyboardEvent} event
 */
export function keepKey(event) {
	if ((event.ctrlKey || event.metaKey) && /^(enter|s)$/i.test(event.key)) event.preventDefault();
	else event.stopPropagation();
}

/** @param {unknown} error */
export const messageOf = (error) => (error instanceof Error ? error.message : String(error));
