// The form of a choice: which fields and outputs a node has, and where its slots are.

import { expect, test } from "vitest";
import { blankForm, firstChoice, makeForm, choiceOf, readForm, slotOf } from "../../web/js/lib/form.js";
import { output, program } from "./sample.js";

const built = (changes = {}, before = null) => {
  const workflow = program(changes);
  return makeForm(workflow, firstChoice(workflow, before, []), before);
};
const names = (form) => form.fields.map((field) => field.name);
const slots = (form) => form.sockets.map((index) => slotOf(form, index).label || slotOf(form, index).name);

test("the first choice is what the server suggests", () => {
  const form = built();
  expect(names(form)).toEqual(["3.text", "10.image", "12.seed", "12.steps"]);
  expect(form.outputs).toEqual([{ id: "14", type: "IMAGE", label: "Save Image" }]);
  // The one picture has no second, equal slot.
  expect(form.sockets).toEqual([7]);
});

test("several outputs of a type have one slot for all of them as well", () => {
  const outputs = [output("9", "A", "IMAGE", true), output("14", "B", "IMAGE", true), output("15", "C", "VIDEO", true)];
  expect(slots(built({ outputs }))).toEqual(["images", "A", "B", "C"]);
});

test("typed outputs that have a link stay, and new slots come behind them", () => {
  const workflow = program();
  const before = { ...blankForm("workflow"), sockets: [4, 0] };
  const form = makeForm(workflow, firstChoice(workflow, before, [4]), before);
  expect(slots(form)).toEqual(["text", "Save Image"]);
});

test("a program that does not say what it makes has sockets for all media", () => {
  expect(slots(built({ outputs: [] }))).toEqual(["images", "video", "audio", "text"]);
});

test("another program takes over chosen fields of the same name and kind", () => {
  const before = built();
  const another = program({ id: "2", nodes: program().nodes.map((node) => ({ ...node, fields: node.fields.map((field) => ({ ...field, suggested: false })) })) });
  expect([...firstChoice(another, before, []).fields]).toEqual(["3.text", "10.image", "12.seed", "12.steps"]);
});

test("what is gone from the program is no longer chosen", () => {
  const form = built();
  const now = program({ nodes: program().nodes.slice(1), outputs: [] });
  const choice = choiceOf(now, form);
  expect([...choice.fields]).toEqual(["10.image", "12.seed", "12.steps"]);
  expect(choice.outputs).toEqual([]);
});

test("slots keep their places when an output before them goes", () => {
  const outputs = [output("9", "A", "IMAGE", true), output("14", "B", "IMAGE", true)];
  const form = built({ outputs });
  expect(slots(form)).toEqual(["images", "A", "B"]);
  const less = makeForm(program({ outputs }), { fields: new Set(), outputs: ["14"], typed: [0, 6] }, form);
  expect(slots(less)).toEqual(["images", "B", "task_id"]);
  expect(less.sockets).toEqual([0, 7, 6]);
});

test("outputs of one title are told apart, and no more than twelve get a socket", () => {
  const many = Array.from({ length: 14 }, (_, index) => output(String(index), "Save Image", "IMAGE", true));
  const form = built({ outputs: many });
  expect(form.outputs).toHaveLength(12);
  expect(new Set(form.outputs.map(({ label }) => label)).size).toBe(12);
  expect(Math.max(...form.sockets)).toBe(18);
});

test("titles of strangers become one short line", () => {
  const title = `\u202e<b>x</b>\n${"y".repeat(10_000)}`;
  const [shortened] = built({ outputs: [output("9", title, "IMAGE", true)] }).outputs;
  expect(shortened.label).toMatch(/^<b>x<\/b> y+…$/);
  expect([...shortened.label]).toHaveLength(40);
});

test("fields can be taken away", () => {
  const { outputs, sockets } = built();
  const choice = { fields: new Set(["10.image", "12.steps"]), outputs: outputs.map(({ id }) => id), typed: sockets };
  expect(names(makeForm(program(), choice, built()))).toEqual(["10.image", "12.steps"]);
});

test("a form comes back out of its JSON as it was", () => {
  const form = built();
  expect(readForm(JSON.stringify(form))).toEqual(form);
});

test.each([
  ["half a JSON", '{"v": 1, "fields": ['],
  ["no object", "[1]"],
  ["another version", '{"v": 2, "fields": []}'],
  ["nothing", undefined],
])("%s is no form", (_, source) => {
  expect(readForm(source)).toBeNull();
});

test("a form that was edited by hand is read as far as it makes sense", () => {
  const form = readForm({
    v: 1,
    kind: "workflow",
    fields: [{ name: "3.text" }, { name: "3.text", kind: "INT" }, { name: "constructor" }, 7, null],
    outputs: [{ id: 9, type: "IMAGE" }, { id: "" }, "x"],
    sockets: [0, 0, 99, -1, "7", 7],
  });
  expect(names(form)).toEqual(["3.text"]);
  expect(form.fields[0].kind).toBe("STRING");
  expect(form.outputs).toEqual([{ id: "9", type: "IMAGE", label: "9" }]);
  expect(form.sockets).toEqual([0, 7]);
});

test("without a socket map the slots are the pool's", () => {
  const form = readForm({ v: 1, outputs: [{ id: "9", type: "IMAGE" }] });
  expect(form.sockets).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});

test("the addresses are an output behind the remote ones, and stay through a reload", () => {
  const workflow = program();
  const choice = firstChoice(workflow, null, []);
  const form = makeForm(workflow, { ...choice, typed: [...choice.typed, 19] }, null);
  expect(slots(form)).toEqual(["Save Image", "urls"]);
  expect(readForm(JSON.stringify(form))).toEqual(form);
  expect(choiceOf(workflow, form).typed).toEqual([19]);
  expect(slots(makeForm(workflow, firstChoice(workflow, form, [19]), form))).toEqual(["Save Image", "urls"]);
  expect(slotOf(blankForm("model"), 8)).toMatchObject({ name: "urls", type: "STRING" });
});
