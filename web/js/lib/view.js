// The pieces that our pages, dialogs and notices are made of. Text is text, never markup.

/**
 * Tag, properties (or a class name), and what is in it: nodes and texts; what is falsy is left out.
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

/** @type {(into: any, make: () => Promise<any[]>) => Promise<void>} */
export async function fill(into, make) {
	try {
		into.replaceChildren(...(await make()).filter(Boolean));
	} catch (error) {
		into.replaceChildren(h("p", "bad", wordsOf(error)));
	}
}

export const answer = () => h("p", { className: "answer", role: "status" });

/** In such a line, whatever stood there. @param {HTMLElement} status */
export function say(status, text = "") {
	status.classList.remove("bad");
	status.textContent = text;
}

/** @type {(status: HTMLElement, error: unknown) => void} */
export function sayError(status, error) {
	status.classList.add("bad");
	status.textContent = wordsOf(error);
}

/** @type {(...content: any[]) => any} */
export const row = (...content) => h("div", "row", ...content);

/** @type {(title: string, ...content: any[]) => any} */
export const card = (title, ...content) => h("section", "card", h("h3", "", title), ...content);

/**
 * Never disabled: that would take the focus away from who uses the keyboard. Label, where a failure is told, what it does, and a question that is asked on the button first.
 * @type {(label: string, status: HTMLElement, run: RhAct, question?: string) => HTMLButtonElement}
 */
export function action(label, status, run, question = "") {
	let armed = !question;
	let busy = false;
	const button = h("button", { type: "button", onblur: () => arm() }, label);
	const arm = (on = false) => {
		armed = on || !question;
		button.textContent = on ? question : label;
		// The style sheet leaves room for both: the second press must meet what the first one met.
		if (question) button.dataset.other = on ? label : question;
		button.classList.toggle("armed", on);
	};
	arm();
	button.onclick = async () => {
		if (busy || !armed) return arm(!busy);
		arm(false);
		busy = true;
		button.ariaBusy = "true";
		say(status);
		try {
			await run();
		} catch (error) {
			sayError(status, error);
		} finally {
			busy = false;
			button.ariaBusy = null;
		}
	};
	return button;
}

/** Enter in one of its fields presses the button. @type {(button: HTMLButtonElement, ...content: any[]) => any} */
export function form(button, ...content) {
	button.type = "submit";
	return h("form", { onsubmit: (/** @type {Event} */ event) => event.preventDefault() }, ...content);
}

/** A length of the style sheet in pixels: texts are as large as the browser is told. */
export const rem = (count = 1) => count * (parseFloat(getComputedStyle(document.documentElement).fontSize) || 16);

/** @type {(text: string, href: string) => any} */
export const link = (text, href) => h("a", { href, target: "_blank", rel: "noopener noreferrer" }, text);

/**
 * The graph behind must not take a key as its own; but Run and Save are these, wherever the focus was left.
 * @param {KeyboardEvent} event
 */
export function keepKey(event) {
	if ((event.ctrlKey || event.metaKey) && ["enter", "s"].includes(event.key.toLowerCase())) event.preventDefault();
	else event.stopPropagation();
}

/** @param {unknown} error */
export const wordsOf = (error) => (error instanceof Error ? error.message : String(error));
