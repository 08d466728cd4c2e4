// @ts-check
// One kind of dialog: modal, usable by keyboard, in the colours of ComfyUI's theme.

import { t } from "./texts.js";
import { h, styles } from "./view.js";

// What the graph behind must not take as its own.
const OURS = ["keydown", "keyup", "keypress", "copy", "cut", "paste", "wheel", "drop", "dragover"];

/**
 * Opens a modal dialog. The focus stays in it, Escape closes it, Enter means the primary button
 * wherever it has no meaning of its own, and afterwards the focus is where it was.
 * @param {RhAsked} asked
 *
 */
export function openDialog({ title, body, buttons, onClose, wide = false }) {
  const before = document.activeElement;
  const id = `runninghub-${crypto.randomUUID?.() ?? Math.random()}`;
  const content = h("div", "body", typeof body === "string" ? h("p", "", body) : body);
  const said = h("p", { className: "said", role: "alert" });
  const row = h("div", "buttons", ...buttons.map((button) => buttonElement(button, close, say)));
  /** @type {HTMLDialogElement} */
  const dialog = h(
    "dialog",
    { className: `runninghub-dialog${wide ? " wide" : ""}`, "aria-labelledby": id },
    h("h2", { id }, title),
    content,
    said,
    row,
  );

  let open = true;
  function close() {
    if (open) {
      open = false;
      dialog.close();
      dialog.remove();
      if (before instanceof HTMLElement && before.isConnected) {
        before.focus({ preventScroll: true });
      }
      onClose?.();
    }
  }
  /** @param {string} text */
  function say(text) {
    said.textContent = text;
  }
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    close();
  });
  // However else the browser closes it.
  dialog.addEventListener("close", close);
  dialog.addEventListener("keydown", (event) => {
    const own = event.target instanceof Element && event.target.closest("button, a, textarea, summary");
    if (event.key === "Enter" && !event.isComposing && !own && !event.defaultPrevented) {
      event.preventDefault();
      row.querySelector("button.primary")?.click();
    }
  });
  OURS.forEach((kind) => dialog.addEventListener(kind, (event) => event.stopPropagation()));
  const sheet = styles();
  if (!sheet.sheet) {
    // Not seen before it looks as it should.
    dialog.style.opacity = "0";
    const show = () => dialog.style.removeProperty("opacity");
    sheet.addEventListener("load", show);
    sheet.addEventListener("error", show);
  }
  document.body.append(dialog);
  dialog.showModal();
  const first = content.querySelector("[autofocus], input, select, textarea");
  (first ?? row.querySelector("button.primary") ?? row.querySelector("button"))?.focus({ preventScroll: true });
  return { close, element: dialog, say };
}

/**
 * A question with Cancel and OK, or `label`; without `run` it only says something.
 * @param {string} title @param {HTMLElement | string} body @param {() => unknown} [run] @param {string} [label]
 * @returns {Promise<boolean>} whether it was agreed to, and done
 */
export function ask(title, body, run, label = t(run ? "form.ok" : "form.close")) {
  return new Promise((resolve) => {
    let done = false;
    const agree = async () => {
      await run?.();
      done = run !== undefined;
    };
    const buttons = [...(run ? [{ label: t("form.cancel") }] : []), { label, primary: true, run: agree }];
    openDialog({ title, body, buttons, onClose: () => resolve(done) });
  });
}

/** @param {RhButton} button @param {() => void} close @param {(text: string) => void} say */
function buttonElement({ label, primary, run }, close, say) {
  const made = h("button", { type: "button", className: primary ? "primary" : "" }, label);
  made.onclick = async () => {
    say("");
    made.disabled = true;
    try {
      if ((await run?.()) !== false) {
        close();
      }
    } catch (error) {
      say(error instanceof Error ? error.message : String(error));
    } finally {
      made.disabled = false;
    }
  };
  return made;
}
