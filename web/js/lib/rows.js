// @ts-check
// A tree of many rows to tick: only the rows in view are in the page, keys do all that clicks do.

import { h } from "./view.js";

const HEIGHT = 30; // as the style sheet has it
const SPARE = 6; // rows around those in view

let count = 0;

/**
 * `label`: what the tree is, for who cannot see it. A row with `open` has others below it.
 * @param {{label: string, tick: (row: RhRow) => void, fold?: (row: RhRow, open: boolean) => void}} asked
 */
export function rowsElement({ label, tick, fold }) {
  const id = `runninghub-rows-${(count += 1)}`;
  const space = h("div", { className: "space", role: "presentation" });
  /** @type {HTMLElement} */
  const view = h(
    "div",
    { className: "runninghub-rows", tabIndex: 0, role: "tree", "aria-label": label, "aria-multiselectable": "true" },
    space,
  );
  /** @type {RhRow[]} */
  let rows = [];
  let nothing = "";
  let active = 0;
  let waiting = 0;

  function draw() {
    waiting = 0;
    const first = Math.max(0, Math.floor(view.scrollTop / HEIGHT) - SPARE);
    const last = Math.ceil((view.scrollTop + view.clientHeight) / HEIGHT) + SPARE;
    space.style.height = `${rows.length * HEIGHT}px`;
    space.replaceChildren(
      ...(rows.length
        ? rows.slice(first, last).map((row, index) => rowElement(row, first + index))
        : [h("p", "none muted", nothing)]),
    );
    view.setAttribute("aria-activedescendant", active >= first && active < last ? `${id}-${active}` : "");
  }

  /** @param {RhRow} row @param {number} index */
  function rowElement(row, index) {
    const folds = row.open !== undefined;
    const made = h(
      "div",
      {
        className: `row${folds ? " above" : ""}${row.level === 2 ? " below" : ""}${index === active ? " active" : ""}`,
        id: `${id}-${index}`,
        title: row.tip ?? row.text,
        role: "treeitem",
        "aria-level": row.level,
        ...(folds && { "aria-expanded": row.open }),
        ...(row.ticked !== undefined && { "aria-checked": row.ticked }),
        ...(row.disabled && { "aria-disabled": "true" }),
      },
      folds && h("span", "fold", row.open ? "▼" : "▶"),
      row.ticked !== undefined &&
        h("span", { className: `box${row.ticked ? " on" : ""}`, "aria-hidden": "true" }, row.ticked && "✓"),
      h("span", { className: "text", dir: "auto" }, row.text),
      row.kind && h("span", "kind", row.kind),
      h("span", { className: "more", dir: "auto" }, row.more),
    );
    made.dataset.key = row.key;
    made.style.top = `${index * HEIGHT}px`;
    return made;
  }

  const drawSoon = () => (waiting ||= requestAnimationFrame(draw));

  /** @param {number} index */
  function go(index) {
    active = Math.min(Math.max(index, 0), rows.length - 1);
    const top = active * HEIGHT;
    view.scrollTop = Math.min(top, Math.max(view.scrollTop, top + HEIGHT - view.clientHeight));
    draw();
  }

  /** @param {RhRow | undefined} row */
  function use(row) {
    if (row?.open !== undefined) {
      fold?.(row, !row.open);
    } else if (row && !row.disabled) {
      tick(row);
    }
  }

  view.addEventListener("scroll", drawSoon, { passive: true });
  view.addEventListener("click", ({ target }) => {
    const hit = target instanceof Element ? target.closest(".row") : null;
    const index = rows.findIndex((row) => hit instanceof HTMLElement && row.key === hit.dataset.key);
    if (index !== -1) {
      active = index;
      use(rows[index]);
    }
  });
  view.addEventListener("keydown", (event) => {
    const row = rows[active];
    const page = Math.max(1, Math.floor(view.clientHeight / HEIGHT) - 1);
    /** @type {Record<string, () => unknown>} */
    const keys = {
      ArrowDown: () => go(active + 1),
      ArrowUp: () => go(active - 1),
      PageDown: () => go(active + page),
      PageUp: () => go(active - page),
      Home: () => go(0),
      End: () => go(rows.length - 1),
      ArrowRight: () => (row?.open === false ? fold?.(row, true) : go(active + 1)),
      ArrowLeft: () =>
        row?.open
          ? fold?.(row, false)
          : go(rows.findLastIndex((one, index) => index < active && (row?.level === 1 || one.level === 1))),
      " ": () => use(row),
    };
    const act = keys[event.key];
    if (act && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      act();
    }
  });

  const sizes = new ResizeObserver(drawSoon);
  sizes.observe(view);
  return {
    element: view,
    /** Shows these rows, or says that there are none; the active row stays. @param {RhRow[]} now @param {string} [none] */
    show(now, none = "") {
      const key = rows[active]?.key;
      rows = now;
      nothing = none;
      active = Math.max(0, rows.findIndex((row) => row.key === key));
      draw();
    },
    stop() {
      sizes.disconnect();
      cancelAnimationFrame(waiting);
    },
  };
}
