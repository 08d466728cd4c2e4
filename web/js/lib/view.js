// @ts-check
// The small pieces that our pages are made of. Text is text, never markup.

/** An element with its properties (or its class name) and content; what is falsy is left out. @type {RhBuild} */
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

/** Brings the style sheet along, once. @returns {HTMLLinkElement} */
export function styles() {
  const href = new URL("../../css/runninghub.css", import.meta.url).href;
  /** @type {HTMLLinkElement | null} */
  const there = document.querySelector(`link[href="${href}"]`);
  const link = there ?? h("link", { rel: "stylesheet", href });
  if (!there) {
    document.head.append(link);
  }
  return link;
}

/** The frame of all. @param {...any} content */
export function page(...content) {
  styles();
  return h("div", "runninghub-page", ...content);
}

/** Where an action says how it went. */
export const answer = () => h("p", { className: "answer", role: "status" });

/**
 * A button that does something, after a question on itself if there is one. It is never disabled:
 * that would take the focus away from who uses the keyboard.
 * @type {RhAction}
 */
export function action(label, said, run, question = "") {
  let armed = !question;
  /** @param {boolean} on */
  const arm = (on) => {
    armed = on || !question;
    made.textContent = on ? question : label;
    made.classList.toggle("armed", on);
  };
  let busy = false;
  const made = h("button", { type: "button", onblur: () => arm(false) }, label);
  made.onclick = async () => {
    if (busy || !armed) {
      arm(!busy);
      return;
    }
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

/** @param {string} text @param {string} href */
export const link = (text, href) => h("a", { href, target: "_blank", rel: "noopener noreferrer" }, text);

/** @param {unknown} error */
export const wordsOf = (error) => (error instanceof Error ? error.message : String(error));

/** @type {any} */
let corner = null;

/**
 * A notice in the corner that takes neither the focus nor the graph away.
 * @param {"status" | "alert"} role
 * @param {string} title
 * @param {string} text
 * @param {(close: () => void) => any[]} buttons
 */
export function notice(role, title, text, buttons) {
  if (!corner?.isConnected) {
    corner = page();
    corner.classList.add("runninghub-notices");
    document.body.append(corner);
  }
  const close = () => made.remove();
  const row = h("div", "row", ...buttons(close));
  /** @param {KeyboardEvent} event */
  const onkeydown = (event) => {
    // The graph must not take it as its own.
    event.stopPropagation();
    if (event.key === "Escape") {
      close();
    }
  };
  const made = h("div", { role, onkeydown }, h("h3", "", title), h("p", "", text), row);
  corner.append(made);
}
