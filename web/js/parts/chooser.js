// @ts-check
// The dialog in which a person says which fields and outputs of a remote program the node shows.

import { fieldRows, indexed, openAtFirst, outputRows, ticked } from "../lib/choices.js";
import { openDialog } from "../lib/dialog.js";
import { clean } from "../lib/plain.js";
import { MOST_OUTPUTS, TYPED } from "../lib/pool.js";
import { rowsElement } from "../lib/rows.js";
import { t } from "../lib/texts.js";
import { h } from "../lib/view.js";
import { shownName } from "./build.js";

/**
 * Opens the dialog with these ticked; null when it was left.
 * @param {RhProgram} program
 * @param {RhChoice} first
 *
 */
export function openChooser(program, first) {
  /** @type {RhChoice | null} */
  let answer = null;
  let choice = first;
  const index = indexed(program, first);
  const open = openAtFirst(program, first);
  const typed = typedTexts();

  const tick = (/** @type {RhRow} */ row) => {
    choice = ticked(choice, row.key);
    draw();
  };
  const fields = rowsElement({
    label: t("form.fields"),
    tick,
    fold: (row, isOpen) => {
      open[isOpen ? "add" : "delete"](row.key.slice("node ".length));
      draw();
    },
  });
  const outputs = rowsElement({ label: t("form.outputs"), tick });
  const counts = [h("span", "muted"), h("span", "muted")];
  /** @type {HTMLInputElement} */
  const search = h("input", {
    type: "search",
    placeholder: t("form.search"),
    "aria-label": t("form.search"),
    oninput: () => draw(),
    onkeydown: (/** @type {KeyboardEvent} */ event) => {
      if (event.key === "ArrowDown") {
        event.preventDefault();
        fields.element.focus();
      }
    },
  });
  const body = h(
    "div",
    "runninghub-chooser",
    ...about(program),
    search,
    h(
      "div",
      "panes",
      h("section", "pane", h("h3", "", t("form.fields"), counts[0]), fields.element),
      h("section", "pane", h("h3", "", t("form.outputs"), counts[1]), outputs.element),
    ),
  );

  function draw() {
    const none = t(index.length === 0 ? "form.no_fields" : "form.none_found");
    fields.show(fieldRows(index, choice, open, search.value, Boolean(program.app)), none);
    outputs.show(outputRows(program, choice, typed));
    counts[0].textContent = t("form.chosen", { count: choice.fields.size });
    const full = choice.outputs.length >= MOST_OUTPUTS;
    const count = choice.outputs.length + choice.typed.length;
    counts[1].textContent = t(full ? "form.chosen_full" : "form.chosen", { count, most: MOST_OUTPUTS });
  }

  return new Promise((resolve) => {
    openDialog({
      title: clean(program.app?.name || program.name, 200) || t(`form.title.${program.kind}`, { id: program.id }),
      body,
      wide: true,
      buttons: [
        { label: t("form.cancel") },
        { label: t("form.ok"), primary: true, run: () => void (answer = choice) },
      ],
      onClose: () => {
        fields.stop();
        outputs.stop();
        resolve(answer);
      },
    });
    draw();
  });
}

/** What the outputs that every node has are called, and what they carry. */
export function typedTexts() {
  return TYPED.map(({ name }) => ({ name: shownName(name), tip: t(`form.typed.${name}`) }));
}

/** What the program is: an app's cover and words, its page. @param {RhProgram} program */
function about({ app, link, sandbox }) {
  const cover = isAddress(app?.cover) && h("img", { alt: "", referrerPolicy: "no-referrer", src: app?.cover });
  cover && (cover.onerror = () => cover.remove());
  const page = isAddress(link) && h("a", { href: link, target: "_blank", rel: "noopener noreferrer" }, link);
  return [
    (cover || app?.description) && h("div", "app", cover, h("p", { dir: "auto" }, app?.description)),
    page && h("div", "", page),
    sandbox && h("div", "note", t("form.sandbox")),
  ];
}

/** @param {string | undefined} text */
function isAddress(text) {
  return /^https?:\/\//i.test(text ?? "");
}
