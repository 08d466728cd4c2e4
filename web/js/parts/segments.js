// @ts-check
// Parts of the local graph that run on RunningHub: marking and seeing them, and what a run would do.

import { dotted } from "../lib/amounts.js";
import { app, toast } from "../lib/comfy.js";
import { openDialog } from "../lib/dialog.js";
import { explainedView } from "../lib/explained.js";
import { change, rootGraph, show } from "../lib/graphs.js";
import * as marks from "../lib/marks.js";
import { draw, redraw } from "../lib/painter.js";
import { get, post } from "../lib/server.js";
import { loadTexts, t } from "../lib/texts.js";
import { h, page, wordsOf } from "../lib/view.js";
import { offerKey } from "./account.js";
import { listen } from "./running.js";

const { markOf } = marks;

/** All that is marked, in every subgraph, or what has one name of it. */
const marked = (segment = "") =>
  marks.allThings(rootGraph()).filter((thing) => {
    const mark = markOf(thing);
    return segment ? mark?.segment === segment : mark;
  });

/** What is selected, a group's own nodes left to the group. */
function selection() {
  const chosen = [...(app.canvas.selectedItems ?? [])];
  chosen.filter(marks.isGroup).forEach((group) => group.recomputeInsideNodes());
  return marks.markableOf(chosen);
}

/** @param {any[]} things @param {RhMark | null} wanted */
function put(things, wanted) {
  if (things.length > 0) {
    change(() => things.forEach((thing) => marks.setMark(thing, wanted)));
    look();
  }
}

/** @type {RhDo} */
function mark(things) {
  const chosen = things.flatMap((thing) => markOf(thing) ?? marks.insideOf(thing));
  const touched = things.flatMap(marks.neighboursOf).map(markOf);
  const given = marks.markFor(chosen, touched, marked().map(markOf));
  put(things.filter((thing) => !markOf(thing)), given);
}

/** @type {RhDo} */
const unmark = (things) => put(things.filter(markOf), null);

/** @param {RhDo} act */
const withSelection = (act) => () => {
  const things = selection();
  if (things.length > 0) {
    act(things);
  } else {
    toast("info", t("segments.select_first"));
  }
};

/** @param {any} thing @returns {RhChip[]} */
function chipsOf(thing) {
  const known = markOf(thing);
  if (!known) {
    const names = new Set(marks.insideOf(thing).map(({ segment }) => segment));
    return [...names].map((name) => ({ text: t("segments.inside", { name }), color: marks.colorOf(name) }));
  }
  const { segment, instance, only } = known;
  const size = instance && t(`segments.size.${instance}`);
  const text = dotted(`RunningHub ${segment}`, size, only && t("segments.only_chip"));
  return [{ text, color: marks.colorOf(segment), frame: true }];
}

/** @type {RhDo} */
function openOptions(things) {
  const known = things.map(markOf).find(Boolean);
  if (!known) {
    toast("info", t("segments.select_marked"));
    return;
  }
  const { segment: name } = known;
  const options = marks.INSTANCES.map((value) => h("option", { value }, t(`segments.size.${value}`)));
  const size = h("select", "", ...options);
  size.value = known.instance || "default";
  const only = h("input", { type: "checkbox", checked: known.only });
  const apply = () => put(marked(name), { segment: name, instance: size.value, only: only.checked });
  const sizeLine = h("label", "", t("segments.size_label"), size);
  openDialog({
    title: t("segments.options_title", { name, count: marked(name).length }),
    body: page(sizeLine, h("label", "check", only, h("span", "", t("segments.only_long")))),
    buttons: [
      { label: t("segments.unmark_segment"), run: () => unmark(marked(name)) },
      { label: t("segments.apply"), primary: true, run: apply },
    ],
  });
}

async function explain() {
  await loadTexts();
  const body = page(h("p", "", t("segments.explain.asking")));
  const life = new AbortController();
  const title = t("segments.explain.title");
  const onClose = () => life.abort();
  const dialog = openDialog({ title, body, wide: true, buttons: [{ label: t("account.close"), primary: true }], onClose });
  try {
    const { workflow, output } = await app.graphToPrompt();
    const asked = { prompt: output, extra_data: { extra_pnginfo: { workflow } } };
    const told = await post("/runninghub/explain", asked, life.signal);
    if (told.refused?.hint === "no_key") {
      dialog.close();
      await offerLocal();
    }
    body.replaceChildren(explainedView(told, (id) => show(id) && dialog.close()));
  } catch (error) {
    body.replaceChildren(h("p", "bad", wordsOf(error)));
  }
}

let asked = false;

/** Once a page: is there a key for what is marked? */
async function askForKey() {
  if (!asked) {
    asked = true;
    const { profiles } = await get("/runninghub/settings").catch(() => ({ profiles: null }));
    if (profiles?.length === 0) {
      await offerLocal();
    }
  }
}

async function offerLocal() {
  await loadTexts();
  const buttons = [
    { label: t("segments.later") },
    { label: t("segments.run_locally"), run: () => unmark(marked()) },
    { label: t("segments.enter_key"), primary: true, run: () => void offerKey(null) },
  ];
  const body = t("segments.no_key_text", { count: marked().length });
  openDialog({ title: t("segments.no_key_title"), body, buttons });
}

/** @param {any} thing @returns {MenuItem[]} */
function menuOf(thing) {
  if (!marks.isMarkable(thing)) {
    return [];
  }
  const chosen = selection();
  const things = chosen.includes(thing) ? chosen : [thing];
  const known = markOf(thing);
  if (!known) {
    return [{ content: t("segments.mark"), callback: () => mark(things) }];
  }
  return [
    { content: t("segments.unmark"), callback: () => unmark(things) },
    { content: t("segments.menu", { name: known.segment }), callback: () => openOptions([thing]) },
  ];
}

/** Shows the marks of a graph that has some. */
function look() {
  if (marked().length > 0) {
    listen();
    draw(chipsOf);
    void askForKey();
  }
}

/** @param {string} name */
const id = (name) => `runninghub.segments.${name}`;

/** @type {RhDo} One key for both: marks, unless all is marked. */
const toggle = (things) => (things.every(markOf) ? unmark(things) : mark(things));

/** @type {[string, string, string, RhAct][]} name, label, icon, what it does */
const COMMANDS = [
  ["mark", "Run on RunningHub", "cloud-upload", withSelection(mark)],
  ["unmark", "Run locally again", "desktop", withSelection(unmark)],
  ["toggle", "Run on RunningHub / locally", "cloud", withSelection(toggle)],
  ["whole", "Run the whole graph on RunningHub", "cloud-upload", () => mark(rootGraph().nodes.filter(marks.isMarkable))],
  ["unmark_all", "Run everything locally again", "desktop", () => unmark(marked())],
  ["options", "RunningHub segment: machine and rules", "sliders-h", withSelection(openOptions)],
  ["explain", "Explain what would run on RunningHub", "info-circle", explain],
];

/** @type {ComfyPart} */
export const segments = {
  commands: COMMANDS.map(([name, label, icon, act]) => ({
    id: id(name),
    label,
    icon: `pi pi-${icon}`,
    function: () => void act(),
  })),
  keybindings: [
    { commandId: id("toggle"), combo: { key: "r", alt: true } },
    // What Option+R types on a Mac.
    { commandId: id("toggle"), combo: { key: "\u00ae", alt: true } },
  ],
  menuCommands: [{ path: ["RunningHub"], commands: COMMANDS.slice(2).map(([name]) => id(name)) }],
  getSelectionToolboxCommands: (item) =>
    !marks.isMarkable(item) ? [] : markOf(item) ? [id("unmark"), id("options")] : [id("mark")],
  getNodeMenuItems: menuOf,
  getCanvasMenuItems: (canvas) => menuOf(canvas.graph?.getGroupOnPos(...canvas.graph_mouse)),
  setup() {
    void loadTexts().then(redraw);
    // A marked part may be pasted from another page.
    document.addEventListener("paste", () => setTimeout(look), true);
    look();
  },
  afterConfigureGraph: look,
};
