// Pages of ours: what a person reads and can press, from plain answers of the server.

import { beforeEach, expect, test, vi } from "vitest";

import english from "../../locales/en/main.json";
import chinese from "../../locales/zh/main.json";
import { app } from "./host/app.js";
import { showNotice } from "../../web/js/host/dialogs.js";
import { bytesText, estimateText } from "../../web/js/host/texts.js";
import { explainedView } from "../../web/js/features/explanation.mjs";
import { loadTexts } from "../../web/js/host/texts.js";
import { actionButton, statusLine, h } from "../../web/js/lib/view.js";
import { account } from "../../web/js/features/account.js";
import * as forms from "../../web/js/features/key_form.mjs";
import { openModels } from "../../web/js/features/program/models.js";
import { keysPage } from "../../web/js/features/keys.mjs";
import { limitsPage } from "../../web/js/features/limits.mjs";
import { profileSelect } from "../../web/js/features/profiles.js";
import { openSegmentOptions } from "../../web/js/features/segment_options.mjs";
import { inspectionText } from "../../web/js/features/tasks.mjs";

/** Answers of the server by path; what was sent is kept in `sent`. */
function serve(answers = {}) {
  const sent = [];
  vi.stubGlobal("fetch", async (path, options = {}) => {
    const route = path.replace("/api", "");
    if (options.body) {
      sent.push([route, JSON.parse(options.body)]);
    }
    const body = { "/i18n": { en: english, zh: chinese }, "/runninghub/session": { token: "t" }, ...answers }[route];
    return { ok: body !== undefined, status: body ? 200 : 404, json: async () => body };
  });
  return sent;
}

const { offerKey, accountText } = forms;
const settings = { "/runninghub/settings": { profiles: [], sites: ["https://www.runninghub.ai", "https://www.runninghub.cn"] } };

beforeEach(async () => {
  document.body.replaceChildren();
  serve();
  await loadTexts();
});

const press = (label) =>
  [...document.querySelectorAll("button")].find(({ textContent }) => textContent === label).click();

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [1234, "1.2 kB"],
  [2147483648, "2.1 GB"],
  [3e15, "3000000 GB"],
])("%d bytes are %s", (bytes, text) => {
  expect(bytesText(bytes)).toBe(text);
});

test("an estimate says what is known, money first, and nothing when nothing is", () => {
  expect(estimateText({ runs: 4, seconds: 33.7, quote: "about 7 coins" })).toBe("about 7 coins, usually 34 s");
  expect(estimateText({ runs: 1, seconds: 0.2, quote: "" })).toBe("usually 1 s");
  expect(estimateText({ runs: 1, seconds: 330 })).toBe("usually 5.5 min");
  expect(estimateText({ runs: 0, seconds: null })).toBe("");
  expect(estimateText(null)).toBe("");
});

test("titles of nodes are text, whatever is in them", () => {
  const view = explainedView(
    { segments: [], local: [], notes: [], refused: { id: "7:6", title: "<img src=x onerror=1>", message: "<b>no</b>", hint: "" } },
    () => {},
  );
  expect(view.querySelector("img, b")).toBeNull();
  expect(view.textContent).toContain("<img src=x onerror=1>: <b>no</b>");
});

test("a plan says what runs where, what was pulled in and why, and what goes up", () => {
  const shown = [];
  const view = explainedView(
    {
      segments: [
        {
          id: "3",
          name: "1",
          instance: "plus",
          nodes: [{ id: "3", title: "Sampler" }, { id: "4", title: "VAE" }],
          pulled: [{ id: "4", title: "VAE", reason: "it cannot cross" }],
          up: [{ kind: "IMAGE", from: { id: "1", title: "Load" }, name: "photo.png", bytes: 1200000, known: true }],
          back: [{ kind: "IMAGE", from: { id: "3", title: "Sampler" }, to: [{ id: "9", title: "Save" }] }],
          saved: [],
          estimate: { runs: null, seconds: null },
        },
      ],
      local: [{ id: "9", title: "", class_type: "SaveImage" }],
      notes: [],
      refused: null,
    },
    (id) => shown.push(id),
  );
  const rows = Object.fromEntries(
    [...view.querySelectorAll("dt")].map((name) => [name.textContent, name.nextElementSibling.textContent]),
  );
  expect(rows).toEqual({
    "Estimate": "no run yet, so time and price are not known",
    "Runs there": "Sampler",
    "Pulled in": "VAE: it cannot cross",
    "Uploads": "Picture photo.png from Load (1.2 MB, already there)",
    "Comes back": "Picture Sampler → Save",
  });
  [...view.querySelectorAll("button")].find(({ textContent }) => textContent === "SaveImage").click();
  expect(shown).toEqual(["9"]);
});

test("a segment's options can be left as they were", async () => {
  serve();
  await loadTexts();
  const marks = [];
  openSegmentOptions({ segment: "1", instance: "plus" }, 2, (mark) => marks.push(mark));
  const dialog = document.querySelector("dialog");
  const buttons = [...dialog.querySelectorAll(".buttons button")];
  expect(buttons.map(({ textContent }) => textContent)).toEqual(["Run this segment locally again", "Cancel", "Apply"]);
  buttons[1].click();
  await vi.waitFor(() => expect(dialog.isConnected).toBe(false));
  expect(marks).toEqual([]);
});

test("a sentence about a node names it once, as the button that shows it", () => {
  const node = { id: "2", title: "Invert Image Colors", class_type: "ImageInvert" };
  const note = { ...node, text: "The pictures of 2 (Invert Image Colors [ImageInvert]) come back as PNG." };
  const refused = { id: "5", title: "KSampler", class_type: "KSampler", message: "5 (KSampler) cannot run.", hint: "" };
  const view = explainedView({ segments: [], local: [], notes: [note], refused }, () => {});
  expect(view.textContent).toContain("The pictures of Invert Image Colors come back as PNG.");
  expect([...view.querySelectorAll("button")].map(({ textContent }) => textContent)).toEqual(["KSampler", "Invert Image Colors"]);
  expect(view.textContent).toContain("KSampler cannot run.");
});

test("a plan in Chinese has Chinese signs between names", () => {
  vi.spyOn(app.extensionManager.setting, "get").mockReturnValue("zh");
  const nodes = [{ id: "3", title: "采样" }, { id: "4", title: "解码" }];
  const view = explainedView({ segments: [], local: nodes, notes: [{ ...nodes[0], text: "不产生费用" }], refused: null }, () => {});
  expect(view.textContent).toContain("采样、解码");
  expect(view.textContent).toContain("采样：不产生费用");
});

test("what a test of an account found is said without what is not known", () => {
  const account = { kind: "SHARED", coins: "76600", money: null, currency: null, running: 1, queued: 0, limit: 3 };
  expect(accountText(account)).toBe("It works: enterprise key, shared · 76600 coins · 1 of 3 tasks running");
  expect(accountText({ ...account, kind: "BRAND-NEW", coins: null, limit: null })).toBe("It works: BRAND-NEW");
  expect(accountText({ ...account, coins: null, limit: null, money: "12.5", currency: "CNY" })).toContain("12.5 CNY");
  expect(accountText({ ...account, coins: null, limit: null, money: "12.5" })).toContain("12.5 of the wallet");
});

test("a typed key is tested before it is stored: three lines, and the table behind Details", async () => {
  const finding = (id, verdict, seen, advice = "") => ({ id, question: `${id}?`, verdict, seen, advice });
  const account = { kind: "SHARED", coins: "12", money: null, currency: null, running: 1, queued: 2, limit: 5 };
  const findings = [
    finding("upload", "not_told", "no answer in time"),
    finding("native-socket", "other", "closed", "Progress comes by polls."),
    finding("older-upload", "not_told", "no answer in time"),
  ];
  const sent = serve({ "/runninghub/profiles/examine": { failure: "", account, findings } });
  const form = forms.keyForm({ profiles: [], sites: ["https://www.runninghub.ai"] }, () => {});
  document.body.append(form);
  form.querySelector("input[type=password]").value = "typed";
  press("Test");
  await vi.waitFor(() => expect(form.querySelector("details")).not.toBe(null));
  expect(sent.at(-1)[1]).toEqual({ name: "main", origin: "https://www.runninghub.ai", key: "typed" });
  expect([...form.querySelectorAll(".examined > p")].map(({ textContent }) => textContent)).toEqual([
    "It works: enterprise key, shared · 12 coins",
    "Tasks at once: 5; 1 running now, 2 waiting.",
    "What does not fit: upload? – no answer in time. native-socket? – closed. See Details.",
  ]);
  expect(form.querySelector("details").open).toBe(false);
  expect([...form.querySelectorAll("tr")].map(({ textContent }) => textContent)).toEqual([
    "upload?not toldno answer in time",
    "native-socket?other than assumedclosedProgress comes by polls.",
    "older-upload?not toldno answer in time",
  ]);
  expect(form.querySelector("input[type=password]").value).toBe("typed");
});

test("a limit of tasks is stored from the page of keys", async () => {
  const profile = { name: "main", origin: "https://www.runninghub.ai", key_tail: "abcd", from: "file" };
  const stored = { profiles: [profile], default: "main", sites: [], models: "warn", max_tasks: 2 };
  const sent = serve({ "/runninghub/settings": stored, "/runninghub/tasks/most": { ...stored, max_tasks: 3 } });
  const view = keysPage(forms);
  document.body.append(view);
  await vi.waitFor(() => expect(view.textContent).toContain("Tasks at once"));
  const card = [...view.querySelectorAll("section.card")].find(({ textContent }) => textContent.startsWith("Tasks at once"));
  expect(card.querySelector("input").value).toBe("2");
  card.querySelector("input").value = "3";
  card.querySelector("button").click();
  await vi.waitFor(() => expect(card.textContent).toContain("Saved."));
  expect(sent.at(-1)).toEqual(["/runninghub/tasks/most", { most: "3" }]);
});

test("a key that fails its test says why, beside what was learnt", async () => {
  serve({ "/runninghub/profiles/examine": { failure: "RunningHub does not accept the key.", account: null, findings: [] } });
  const form = forms.keyForm({ profiles: [], sites: [] }, () => {});
  document.body.append(form);
  press("Test");
  await vi.waitFor(() => expect(form.querySelector(".examined > .bad")?.textContent).toBe("RunningHub does not accept the key."));
});

// The service's own words, as tests/contract/samples has them.
test.each([
  ["NORMAL", "member key"],
  ["SHARED", "enterprise key, shared"],
  ["EXCLUSIVE", "enterprise key, dedicated"],
  ["", "key of unknown kind"],
])("a key of the kind %s is called by its name", (kind, name) => {
  expect(accountText({ kind, coins: null, money: null, currency: null, running: null, queued: null, limit: null })).toBe(`It works: ${name}`);
});

test("a look at an uncertain order says what was seen, and when nothing was", () => {
  expect(inspectionText({ before: 2, now: 3, ours: 1 })).toBe(
    "Tasks of the account now: 3; known here: 1. Before this order: 2. " +
      "A task that is over already is counted in neither: see the call records on the site.",
  );
  expect(inspectionText({ before: 2, now: null, ours: 1 })).toBe("RunningHub does not answer right now.");
});

test("an action that cannot be taken back happens at the second press, and not after a look away", async () => {
  const done = [];
  const button = actionButton("Delete", statusLine(), () => done.push(1), "Sure?");
  button.click();
  expect([button.textContent, done.length]).toEqual(["Sure?", 0]);
  button.onblur();
  button.click();
  button.click();
  await vi.waitFor(() => expect(done.length).toBe(1));
  expect(button.textContent).toBe("Delete");
});

test("the second press of a double click answers no question", () => {
  const done = [];
  const button = actionButton("Run again", statusLine(), () => done.push(1), "It costs money. Again?");
  for (const detail of [1, 2]) button.dispatchEvent(new MouseEvent("click", { detail }));
  expect([button.textContent, done.length]).toEqual(["It costs money. Again?", 0]);
  button.dispatchEvent(new MouseEvent("click", { detail: 1 }));
  expect(done.length).toBe(1);
});

test("an action is not begun twice, and says why it failed", async () => {
  let fail = () => {};
  const began = [];
  const status = statusLine();
  const button = actionButton("Go", status, () => {
    began.push(1);
    return new Promise((_, reject) => (fail = reject));
  });
  button.click();
  button.click();
  expect(began.length).toBe(1);
  fail(new Error("no line"));
  await vi.waitFor(() => expect(status.textContent).toBe("no line"));
});

test("a notice is closed by Escape, and keeps keys from the graph behind", () => {
  const graph = vi.fn();
  document.body.addEventListener("keydown", graph);
  showNotice("alert", "Title", "text", (close) => [h("button", { onclick: close }, "Close")]);
  const [shown] = document.querySelectorAll("[role=alert]");
  const press = (key) => shown.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  press("Delete");
  expect(shown.isConnected).toBe(true);
  press("Escape");
  expect([shown.isConnected, graph.mock.calls.length]).toEqual([false, 0]);
});

test("Run and Save are left to ComfyUI, and not to the browser", () => {
  const heard = vi.fn();
  document.body.addEventListener("keydown", heard);
  showNotice("alert", "Title", "text", () => []);
  const [shown] = document.querySelectorAll("[role=alert]");
  for (const [key, more] of [["Enter", { ctrlKey: true }], ["s", { metaKey: true }], ["z", { ctrlKey: true }]]) {
    shown.dispatchEvent(new KeyboardEvent("keydown", { key, ...more, bubbles: true, cancelable: true }));
  }
  expect(heard.mock.calls.map(([event]) => [event.key, event.defaultPrevented])).toEqual([
    ["Enter", true],
    ["s", true],
  ]);
});

test("a key goes to the server once, and not to the page", async () => {
  const sent = serve({ ...settings, "/runninghub/profiles/save": { profiles: [] } });
  const ready = offerKey(null);
  await vi.waitFor(() => expect(document.querySelector("dialog")).not.toBeNull());
  const field = document.querySelector("input[type=password]");
  field.value = "0123456789abcdef0123456789abcdef";
  press("Save");
  expect(await ready).toBe(true);
  const saved = sent.filter(([route]) => route.endsWith("/save"));
  expect(saved).toEqual([
    [
      "/runninghub/profiles/save",
      { name: "main", origin: "https://www.runninghub.ai", key: "0123456789abcdef0123456789abcdef" },
    ],
  ]);
  expect([field.value, document.querySelector("dialog")]).toEqual(["", null]);
});

test.each([true, false])("where others pay with it too, a key says so: %s", async (users) => {
  serve({ "/runninghub/settings": { ...settings["/runninghub/settings"], has_users: users } });
  void offerKey(null);
  await vi.waitFor(() => expect(document.querySelector("dialog")).not.toBeNull());
  expect(document.body.textContent.includes("All users of this ComfyUI share")).toBe(users);
});

test("without a key a node can be tried in the sandbox with a sample of its kind", async () => {
  const samples = [
    { kind: "app", id: "2", name: "An app" },
    { kind: "workflow", id: "1", name: "Text to image" },
  ];
  serve({ ...settings, "/runninghub/sandbox": { on: true, samples } });
  const widgets = ["workflow", "profile"].map((name) => ({ name, value: "" }));
  const again = offerKey({ comfyClass: "RunningHubRemoteWorkflow", widgets });
  await vi.waitFor(() => press("Start the sandbox"));
  await vi.waitFor(() => press("Text to image"));
  // Its new program is read by itself; what failed before is not asked again.
  expect(await again).toBe(false);
  expect(widgets.map(({ value }) => value)).toEqual(["1", "sandbox"]);
});

test("a default account that is chosen stays chosen when the accounts arrive", async () => {
  serve({ "/runninghub/settings": { profiles: [{ name: "work" }], default: "" } });
  const select = profileSelect("work");
  select.value = "";
  await vi.waitFor(() => expect([...select.options].map(({ value }) => value)).toEqual(["", "work", "sandbox"]));
  expect(select.value).toBe("");
});

// Modules that come later have an address with a version, by which there are none here.
test("a choice of models that cannot be loaded says so", async () => {
  const add = vi.spyOn(app.extensionManager.toast, "add");
  await openModels(/** @type {any} */ ({}));
  expect(add.mock.calls.map(([{ severity, summary }]) => [severity, summary])).toEqual([["warn", "RunningHub"]]);
});

test("a settings page that cannot be loaded says so in its place", async () => {
  const page = account.settings[0].type();
  await vi.waitFor(() => expect(page.querySelector(".bad").textContent).not.toBe(""));
});

/** Answers that route by hand, once the returned promise's function is called. @type {(route: string, body: any) => Promise<() => void>} */
function held(route, body) {
  const fetchRest = globalThis.fetch;
  return new Promise((asked) =>
    vi.stubGlobal("fetch", (path, options) =>
      path === `/api${route}` ? new Promise((resolve) => asked(() => resolve({ ok: true, status: 200, json: async () => body }))) : fetchRest(path, options),
    ),
  );
}

test("a sandbox that has started after Cancel is nothing to the node", async () => {
  serve(settings);
  const asked = held("/runninghub/sandbox", { on: true, samples: [] });
  const widgets = ["workflow", "profile"].map((name) => ({ name, value: "" }));
  const ready = offerKey(/** @type {any} */ ({ comfyClass: "RunningHubRemoteWorkflow", widgets }));
  await vi.waitFor(() => press("Start the sandbox"));
  const answer = await asked;
  press("Close");
  expect(await ready).toBe(false);
  answer();
  await new Promise((done) => setTimeout(done, 20));
  expect(widgets.map(({ value }) => value)).toEqual(["", ""]);
});

test("a key that was stored after Cancel is said, and nothing to the node", async () => {
  const add = vi.spyOn(app.extensionManager.toast, "add");
  const profile = { name: "main", origin: "https://www.runninghub.ai", from: "file" };
  serve({ "/runninghub/settings": { ...settings["/runninghub/settings"], profiles: [profile], default: "main" } });
  const asked = held("/runninghub/profiles/save", { profiles: [] });
  const widgets = ["workflow", "profile"].map((name) => ({ name, value: "" }));
  const ready = offerKey(/** @type {any} */ ({ comfyClass: "RunningHubRemoteWorkflow", widgets }), "No such key.");
  await vi.waitFor(() => expect(document.querySelector("dialog")).not.toBeNull());
  /** @type {any} */ (document.querySelector("input[maxlength]")).value = "other";
  press("Save");
  const answer = await asked;
  press("Close");
  expect(await ready).toBe(false);
  answer();
  await vi.waitFor(() => expect(add.mock.lastCall[0].summary).toContain("other"));
  expect(widgets.map(({ value }) => value)).toEqual(["", ""]);
});

test("a limit that was stored is shown with its unit, unless more was typed meanwhile", async () => {
  const none = { order: "", prompt: "", day: "", floor: "", allowed: [], today: "" };
  serve({ ...settings, "/runninghub/limits": none, "/runninghub/limits/save": { ...none, day: "10 coins" } });
  document.body.replaceChildren(limitsPage());
  const field = () => /** @type {any} */ (document.querySelectorAll("form input")[2]);
  await vi.waitFor(() => expect(field()).toBeDefined());
  const save = async (meanwhile) => {
    field().value = "10";
    field().closest("form").querySelector("button").click();
    field().value = meanwhile;
    await vi.waitFor(() => expect(field().closest("form").textContent).toContain("Saved"));
    return field().value;
  };
  expect(await save("10")).toBe("10 coins");
  expect(await save("105")).toBe("105");
});

test("what is typed while an account's setting is stored stays", async () => {
  const profile = { name: "main", origin: "https://www.runninghub.ai", key_tail: "1", workflow: "", webhook: "", route: "", from: "file" };
  serve({ "/runninghub/settings": { ...settings["/runninghub/settings"], profiles: [profile], default: "main" }, "/runninghub/kept": { bytes: 0 } });
  const asked = held("/runninghub/profiles/webhook", { profiles: [{ ...profile, webhook: "https://a" }] });
  document.body.replaceChildren(keysPage(forms));
  const field = () => /** @type {any} */ (document.querySelector('[name="webhook of main"]'));
  await vi.waitFor(() => expect(field()).not.toBeNull());
  field().value = "https://a";
  field().closest("form").querySelector("button").click();
  const answer = await asked;
  field().value = "https://a/b";
  answer();
  await vi.waitFor(() => expect(field().closest("form").textContent).toContain("Saved"));
  expect(field().value).toBe("https://a/b");
});
