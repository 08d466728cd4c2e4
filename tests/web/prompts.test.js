// Prompts of other programs, made ready for the canvas.

import { expect, test } from "vitest";
import { KIND_BY_CLASS } from "../../web/js/lib/nodes.js";
import { withForms } from "../../web/js/lib/api_prompt.js";

const remote = (inputs) => ({ class_type: "RunningHubRemoteWorkflow", inputs });
const formOf = (prompt, id) => JSON.parse(withForms(prompt, KIND_BY_CLASS)[id].inputs.form);

test("fields named in a prompt become a form, which comes first", () => {
  const prompt = {
    "1": { class_type: "LoadImage", inputs: { image: "a.png" } },
    "2": remote({ workflow: "1900", "10.image": ["1", 0], "6.text": "a\nb", "3.seed": 5, "3.cfg": 1.5, "4.on": true }),
  };
  expect(Object.keys(withForms(prompt, KIND_BY_CLASS)["2"].inputs)[0]).toBe("form");
  const kinds = Object.fromEntries(formOf(prompt, "2").fields.map((field) => [field.name, field.kind]));
  expect(kinds).toEqual({ "10.image": "*", "6.text": "STRING", "3.seed": "INT", "3.cfg": "FLOAT", "4.on": "BOOLEAN" });
});

test("without a form slots are the pool's, as far as something hangs on them", () => {
  const prompt = {
    "2": remote({ workflow: "1900", outputs: "9, 14" }),
    "3": { class_type: "PreviewImage", inputs: { images: ["2", 7] } },
  };
  const form = formOf(prompt, "2");
  expect(form.outputs.map((output) => output.id)).toEqual(["9", "14"]);
  expect(form.sockets).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
});

test("a form that came along stays, and so do other nodes", () => {
  const prompt = { "1": { class_type: "KSampler", inputs: {} }, "2": remote({ form: '{"v": 1, "fields": []}' }) };
  expect(withForms(prompt, KIND_BY_CLASS)).toEqual(prompt);
});

test.each([[null], [[]], ["text"], [{ "1": null }], [{ "1": { class_type: "RunningHubAIApp" } }]])(
  "%j is left alone",
  (prompt) => {
    expect(withForms(prompt, KIND_BY_CLASS)).toEqual(prompt);
  },
);
