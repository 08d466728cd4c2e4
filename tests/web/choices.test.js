// The rows of the chooser.

import { expect, test } from "vitest";
import { fieldRows, searchIndex, openAtFirst, openChooser, outputRows, toggled } from "../../web/js/features/program/chooser.mjs";
import { firstChoice } from "../../web/js/lib/form.js";
import { field, node, output, program } from "./sample.js";

const TEXTS = Array.from({ length: 7 }, (_, index) => ({ name: `typed ${index}`, tip: "" }));

function rows({ workflow = program(), sought = "", flat = false } = {}) {
  const choice = firstChoice(workflow, null, []);
  return fieldRows(searchIndex(workflow, choice), choice, openAtFirst(workflow, choice), sought, flat);
}
const keys = (list) => list.map((row) => row.key);

test("nodes are followed by their fields, with what is stored", () => {
  expect(keys(rows()).slice(0, 4)).toEqual(["node 3", "3.text", "node 10", "10.image"]);
  expect(rows()[1]).toMatchObject({ text: "text", kind: "STRING", more: "a cat", ticked: true });
});

test("nodes with a suggested field come first, the others are closed", () => {
  const many = Array.from({ length: 20 }, (_, id) => node(String(100 + id), "Other", "Other", [field(`${100 + id}.a`, "INT", 1)]));
  const workflow = program({ nodes: [...many, ...program().nodes] });
  const list = rows({ workflow });
  expect(list[0].key).toBe("node 3");
  expect(list.find((row) => row.key === "node 100").open).toBe(false);
  expect(keys(list)).not.toContain("100.a");
});

test.each([
  ["by title", "positive", ["node 3", "3.text"]],
  ["by field, whatever the case", "CFG", ["node 12", "12.cfg"]],
  ["by stored value", "euler", ["node 12", "12.sampler_name"]],
  ["by several words", "ksampler ste", ["node 12", "12.steps"]],
  ["by id", "#10", ["node 10", "10.image"]],
  ["and nothing", "zebra", []],
])("a search finds %s", (_, sought, expected) => {
  expect(keys(rows({ sought }))).toEqual(expected);
});

test("an app's form has no nodes but labels", () => {
  const list = rows({ flat: true });
  expect(list[0]).toMatchObject({ key: "3.text", text: "Positive", level: 1 });
});

test("a click ticks and unticks", () => {
  const choice = firstChoice(program(), null, []);
  expect([...toggled(choice, "12.cfg").fields]).toContain("12.cfg");
  expect([...toggled(choice, "3.text").fields]).not.toContain("3.text");
  expect(toggled(choice, "out 15").outputs).toEqual(["14", "15"]);
  expect(toggled(choice, "typed 6").typed).toEqual([6]);
  expect(toggled(choice, "typed 0").typed).toEqual([0]);
});

test("a field whose name has spaces is ticked by its whole name", () => {
  const choice = { fields: new Set(), outputs: [], typed: [] };
  expect([...toggled(choice, "12:3.out put").fields]).toEqual(["12:3.out put"]);
});

test("once twelve outputs are chosen no other can be", () => {
  const outputs = Array.from({ length: 13 }, (_, id) => output(String(id), `Out ${id}`, "IMAGE", true));
  const workflow = program({ outputs });
  const list = outputRows(workflow, firstChoice(workflow, null, []), TEXTS);
  expect(list[11]).toMatchObject({ ticked: true, disabled: false });
  expect(list[12]).toMatchObject({ ticked: false, disabled: true });
});

test("an arrow that walks through an input method's words does not leave the search", () => {
  void openChooser(program(), firstChoice(program(), null, []));
  const search = document.querySelector("dialog input");
  const press = (isComposing) => search.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowDown", isComposing, bubbles: true }));
  press(true);
  expect(document.activeElement).toBe(search);
  press(false);
  expect(document.activeElement.getAttribute("role")).toBe("tree");
});
