// Fields of standard models: how they stand, what stays unset, and what another model keeps of them.

import { beforeEach, expect, test, vi } from "vitest";
import english from "../../locales/en/main.json";
import { app } from "../../web/js/host/scripts.js";
import { loadTexts } from "../../web/js/host/texts.js";
import { withForms } from "../../web/js/lib/api_prompt.js";
import { coerce, convert, controlOf, startValue } from "../../web/js/lib/fields.js";
import { blankForm, firstChoice, isFieldName, makeForm, readField, readForm, slotOf } from "../../web/js/lib/form.js";
import { classOf, kindOf, MODEL_CLASSES, KIND_BY_CLASS, programOf } from "../../web/js/lib/nodes.js";
import { favouriteModels, toggleFavourite, recentOf, rememberUse } from "../../web/js/features/recent.js";
import { openChoice } from "../../web/js/features/program/models.mjs";

const field = (kind, more = {}) => readField({ name: "x", label: "x", kind, stored: null, ...more }, "model");

const program = (more = {}) => ({
  kind: "model",
  id: "a/text-to-video",
  name: "A",
  hash: "h",
  nodes: [
    {
      id: "",
      title: "",
      class_type: "",
      fields: [
        { name: "prompt", field: "prompt", kind: "STRING", stored: null, multiline: true, suggested: true, required: true, description: "words" },
        { name: "seed", field: "seed", kind: "INT", stored: null, blank: true, suggested: false },
        { name: "imageUrls", field: "imageUrls", kind: "IMAGE", stored: null, array: true, max_items: 3, suggested: true },
      ],
    },
  ],
  outputs: [],
  model: { endpoint: "a/text-to-video", parameters: [] },
  typed: [2],
  ...more,
});

const modelForm = (remote = program(), before = null) => makeForm(remote, firstChoice(remote, before, []), before);

beforeEach(() => void (app.extensionManager.setting.values = {}));

test("a model's form has its suggested fields, its outputs and its schema", () => {
  const form = modelForm();
  expect(form.fields.map(({ name }) => name)).toEqual(["prompt", "imageUrls"]);
  expect(form.fields[0].tip).toBe("words");
  expect(form.sockets.map((index) => slotOf(form, index).type)).toEqual(["VIDEO"]);
  expect(readForm(JSON.stringify(form))).toEqual(form);
  expect(slotOf(blankForm("model", [7]), 7)).toMatchObject({ name: "model_3d" });
});

test("a workflow's form is what it was before there were models", () => {
  const form = readForm({ v: 1, kind: "workflow", fields: [{ name: "3.text" }], sockets: [7], model: { endpoint: "x" } });
  expect(Object.keys(form.fields[0])).toHaveLength(11);
  expect("model" in form).toBe(false);
});

test.each([
  ["INT", { blank: true, min: 3, max: 15 }, "STRING", "INT"],
  ["FLOAT", { blank: true }, "STRING", "FLOAT"],
  ["BOOLEAN", { blank: true }, "COMBO", "BOOLEAN"],
  ["URL", {}, "STRING", "VIDEO"],
])("a %s that may stay unset, or is an address, still takes links of its kind", (kind, more, widget, type) => {
  const stand = controlOf(field(kind, more));
  expect(stand.widget).toBe(widget);
  expect(stand.takes.split(",")).toContain(type);
});

test("what is not set stays so, and what fits is kept", () => {
  const number = field("INT", { blank: true });
  expect([startValue(number), coerce(number, ""), coerce(number, 5), coerce(number, "x")]).toEqual(["", "", "5", ""]);
  const choice = field("COMBO", { blank: true, options: ["1k", "2k"] });
  expect(controlOf(choice).spec[0]).toEqual(["", "1k", "2k"]);
  expect([coerce(choice, "2k"), coerce(choice, "8k")]).toEqual(["2k", ""]);
});

test("seconds move between a list and a number", () => {
  const list = field("COMBO", { options: ["5", "8", "10"], stored: "5" });
  const number = field("INT", { stored: 5, min: 3, max: 15 });
  expect(convert(list, number, "8")).toBe(8);
  expect(convert(number, list, 8)).toBe("8");
  expect(convert(number, list, 7)).toBe("5");
});

test.each(["prompt", "imageUrl", "p.model", "aspect-ratio", "imageUrls.3"])("%s is a parameter", (name) => {
  expect(isFieldName(name, "model")).toBe(true);
});

test.each(["model", "link_3", "send_anyway", "seed control_after_generate", "../x", "3.text", "__proto__"])("%s is none", (name) => {
  expect(isFieldName(name, "model")).toBe(false);
});

test("a prompt without a form shows its parameters and the single items of a list", () => {
  const inputs = { model: "a/b", prompt: "words", "imageUrls.2": ["5", 0], duration: 5, batch: "each" };
  const prompt = { 1: { class_type: "RunningHubModel", inputs }, 2: { class_type: "SaveVideo", inputs: { video: ["1", 2] } } };
  const form = readForm(withForms(prompt, KIND_BY_CLASS)[1].inputs.form);
  expect(form.fields.map(({ name, kind }) => [name, kind])).toEqual([["prompt", "STRING"], ["imageUrls.2", "*"], ["duration", "INT"]]);
  expect(form.sockets).toEqual([0, 1, 2]);
});

test("an entry of the search is a node of the general class", () => {
  const node = { comfyClass: "RunningHubModel:a/b", properties: { runninghub: { form: { id: "a/b" } } }, widgets: [{ name: "model", value: "a/b" }] };
  expect([classOf(node), kindOf(node), programOf(node)?.id]).toEqual(["RunningHubModel", "model", "a/b"]);
  expect(MODEL_CLASSES.size).toBe(13);
});

test("favourites are marked and unmarked, and models used lately push no workflow away", () => {
  expect(toggleFavourite("a", "A")).toBe(true);
  expect(toggleFavourite("b", "B")).toBe(true);
  expect(toggleFavourite("a", "A")).toBe(false);
  expect(favouriteModels().map(({ id }) => id)).toEqual(["b"]);
  rememberUse({ kind: "workflow", id: "1", name: "one" });
  Array.from({ length: 30 }, (_, index) => rememberUse({ kind: "model", id: String(index), name: "m" }));
  expect(recentOf("workflow").map(({ id }) => id)).toEqual(["1"]);
  expect(recentOf("model")).toHaveLength(20);
  expect(recentOf("model")[0].id).toBe("29");
});

/** The dialog of three models; what is searched for later gets `later`, by default no answer. @type {(words: string, later?: Promise<any>) => Promise<any>} */
async function choice(words, later = new Promise(() => {})) {
  const row = (endpoint) => ({ endpoint, name: endpoint, other: "", family: "", task: "", task_name: "", price: "", takes: [], complete: true, status: "active" });
  const listing = { found: 3, total: 3, date: "", models: ["a/text-to-video", "a/image-to-video", "b/text-to-video"].map(row) };
  let searches = 0;
  vi.stubGlobal("fetch", (path, { signal } = /** @type {any} */ ({})) => {
    if (path === "/api/runninghub/models" && ++searches > 1) {
      return new Promise((resolve, reject) => {
        if (signal.aborted) reject(signal.reason);
        signal.addEventListener("abort", () => reject(signal.reason));
        void later.then(resolve);
      });
    }
    const body = { "/api/i18n": { en: english }, "/api/runninghub/session": { token: "t" }, "/api/runninghub/settings": { profiles: [] }, "/api/runninghub/models": listing }[path];
    return Promise.resolve({ ok: true, status: 200, json: async () => body });
  });
  await loadTexts();
  const chosen = openChoice({ task: "", profile: "", words, reason: "" }, () => {});
  const rows = () => [...document.querySelectorAll(".runninghub-models .row")];
  await vi.waitFor(() => expect(rows().length).toBe(3));
  return { chosen, second: /** @type {any} */ (rows()[1]), field: /** @type {any} */ (document.querySelector(".runninghub-choice [type=search]")) };
}

test("a model that is clicked is chosen, whatever was typed to find it", async () => {
  const { chosen, second } = await choice("a/");
  second.click();
  expect(await chosen).toBe("a/image-to-video");
});

test("a model that is clicked is chosen while another search is under way", async () => {
  const { chosen, second, field } = await choice("");
  field.value = "b";
  field.oninput();
  second.click();
  expect(await chosen).toBe("a/image-to-video");
});

test("Enter waits for what is typed after it as well", async () => {
  let answer = (_) => {};
  const { chosen, second, field } = await choice("", new Promise((resolve) => (answer = resolve)));
  const type = (text) => {
    field.value = text;
    field.oninput();
  };
  type("b");
  /** @type {any} */ (document.querySelector("dialog button.primary")).click();
  type("b t");
  await new Promise((done) => setTimeout(done, 20)); // the first search was given up
  expect(document.querySelector("dialog")).not.toBeNull();
  const models = [{ endpoint: "b/text-to-video", name: "B", other: "", family: "", task: "", task_name: "", price: "", takes: [], complete: true, status: "active" }];
  answer({ ok: true, status: 200, json: async () => ({ found: 1, total: 3, date: "", models }) });
  expect(await chosen).toBe("b/text-to-video");
  expect(second.isConnected).toBe(false);
});

test("after a search that failed no model of the former list is chosen", async () => {
  const refusal = { ok: false, status: 500, json: async () => ({ error: { key: "x", message: "No list." } }) };
  const { chosen, field } = await choice("", Promise.resolve(refusal));
  field.value = "flux";
  field.oninput();
  const primary = /** @type {any} */ (document.querySelector("dialog button.primary"));
  primary.click();
  expect(await chosen).toBe("flux");
});

test("a list stays of which more could not be asked for", async () => {
  const refusal = { ok: false, status: 500, json: async () => ({ error: { key: "x", message: "No list." } }) };
  const { chosen, second } = await choice("a/", Promise.resolve(refusal));
  /** @type {any} */ (document.querySelector(".runninghub-choice .more")).click();
  await vi.waitFor(() => expect(document.querySelector(".runninghub-choice [role=status]")?.textContent).toBe("No list."));
  expect(second.isConnected).toBe(true);
  second.click();
  expect(await chosen).toBe("a/image-to-video");
});
