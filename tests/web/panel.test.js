// What of the panel is pure: which rows are drawn, where the keyboard leads, which days a chart has.

import { beforeEach, expect, test, vi } from "vitest";

import english from "../../locales/en/main.json";
import { app } from "../../web/js/host/scripts.js";
import { loadTexts } from "../../web/js/host/texts.js";
import { recent, toggleFavourite, allFavourites, recentOf, rememberUse } from "../../web/js/features/recent.js";
import { visibleRows } from "../../web/js/lib/windowing.js";
import { makeView as makeApps } from "../../web/js/features/panel/add.mjs";
import { makeView as makeHistory, ROW, rowForKey, shortWhen } from "../../web/js/features/panel/history.mjs";
import { makeView } from "../../web/js/features/panel/now.mjs";
import { taskView } from "../../web/js/features/tasks.mjs";
import { lastDays, makeView as makeSpend, spentText } from "../../web/js/features/panel/spend.mjs";

// Those that are asked for here; `lazy.test.js` has addresses with a version, which a file has none of.
vi.mock("../../web/js/host/lazy.js", () => ({
  lazy: (path) => (path === "features/covers.mjs" ? import("../../web/js/features/covers.mjs") : import("../../web/js/features/tasks.mjs")),
}));

beforeEach(() => void (app.extensionManager.setting.values = {}));

test("of ten thousand rows those are drawn that are seen, and a few around them", () => {
  expect(visibleRows(0, 600, 68, 10_000)).toEqual([0, 15]);
  expect(visibleRows(68 * 5_000, 600, 68, 10_000)).toEqual([4_994, 5_015]);
  expect(visibleRows(68 * 9_995, 600, 68, 10_000)).toEqual([9_989, 10_000]);
  expect(visibleRows(0, 600, 68, 3)).toEqual([0, 3]);
  expect(visibleRows(5_000, 600, 68, 0)).toEqual([0, 0]);
});

test("the keyboard stays within the list", () => {
  expect(rowForKey("ArrowDown", 0, 5, 3)).toBe(1);
  expect(rowForKey("ArrowDown", 4, 5, 3)).toBe(4);
  expect(rowForKey("PageUp", 1, 5, 3)).toBe(0);
  expect(rowForKey("End", 0, 5, 3)).toBe(4);
  expect(rowForKey("x", 0, 5, 3)).toBeNull();
  expect(rowForKey("Home", 0, 0, 3)).toBeNull();
});

test("a row has the time of today, the day of this year, and else the date", () => {
  const now = new Date(2027, 2, 1, 0, 30);
  const told = (...when) => shortWhen(new Date(...when).getTime() / 1000, now).replace(/\s/g, " ");
  expect(told(2027, 2, 1, 0, 5)).toBe("12:05 AM");
  expect(told(2027, 1, 28, 23, 55)).toBe("Feb 28");
  expect(told(2026, 11, 31)).toBe("Dec 31, 2026");
});

test("a chart has every day, over the end of a month and of summer time", () => {
  expect(lastDays(3, new Date(2027, 2, 1, 0, 30))).toEqual(["2027-02-27", "2027-02-28", "2027-03-01"]);
  const days = lastDays(30, new Date(2027, 10, 10, 23, 59));
  expect(new Set(days).size).toBe(30);
  expect(days.at(-1)).toBe("2027-11-10");
});

test("what was not told is not nothing", async () => {
  vi.stubGlobal("fetch", async () => ({ ok: true, json: async () => ({ en: english }) }));
  await loadTexts();
  const sum = (coins, untold) => spentText({ coins, money: null, third_party_money: null, untold }, "");
  expect(sum(0, 0)).toBe("nothing");
  expect(sum(null, 2)).toBe("not known");
  expect(sum(14, 2)).toBe("14 coins or more");
  expect(sum(14, 0)).toBe("14 coins");
});

test("a favourite stays until it is taken out, beside what was used lately", () => {
  const redraw = { kind: /** @type {const} */ ("app"), id: "1900000000000000201", name: "Redraw" };
  expect(toggleFavourite(redraw.id, redraw.name, "app")).toBe(true);
  rememberUse(/** @type {any} */ (redraw));
  expect(allFavourites()).toEqual([redraw]);
  expect(recentOf("app")).toEqual([redraw]);
  expect(toggleFavourite(redraw.id, redraw.name, "app")).toBe(false);
  expect(allFavourites()).toEqual([]);
  app.extensionManager.setting.values["runninghub.favourites"] = "no list";
  expect(allFavourites()).toEqual([]);
});

test("what this browser kept is carried over once, behind what ComfyUI keeps", async () => {
  const [mine, older, worse] = ["1", "2", 3].map((id) => ({ kind: "model", id, name: "m" }));
  const { setting } = app.extensionManager;
  setting.values = { "runninghub.favourites": [mine] };
  localStorage.setItem("runninghub.favourites", JSON.stringify([older, mine, worse]));
  localStorage.setItem("runninghub.recent", "no list");
  recent.init();
  expect(allFavourites()).toEqual([mine, older]);
  await vi.waitFor(() => expect(localStorage.getItem("runninghub.favourites")).toBeNull());
  toggleFavourite("2", "m");
  recent.init();
  expect(allFavourites()).toEqual([mine]);
});

test("what ComfyUI did not take stays in the browser", async () => {
  const older = JSON.stringify([{ kind: "model", id: "2", name: "m" }]);
  localStorage.setItem("runninghub.favourites", older);
  vi.spyOn(app.extensionManager.setting, "set").mockRejectedValue(new Error("no line"));
  recent.init();
  await Promise.resolve();
  expect(localStorage.getItem("runninghub.favourites")).toBe(older);
  localStorage.clear();
});

test.each([
  [false, "running for 317 s · usually 1 s", true],
  [true, "", false],
])("of a task that is over (%s) no time is counted, and it cannot be cancelled", async (over, facts, cancels) => {
  const task = {
    order: 1, task_id: "1900000000000000301", state: "placed", name: "A", kind: "workflow", program: "1", placed: 0, profile: "",
    uncertain: false, followed: false, link: "", line: "", share: null, over, elapsed: 317, usual: 1, node: "", preview: "", coins: null, money: null,
  };
  vi.stubGlobal("fetch", async (path) => {
    const body = { "/api/i18n": { en: english }, "/api/runninghub/session": { token: "t" }, "/api/runninghub/now": { tasks: [task] } }[path];
    return { ok: true, status: 200, json: async () => body };
  });
  await loadTexts();
  const view = makeView();
  const [, list] = /** @type {any} */ (view.content);
  await vi.waitFor(() => expect(list.querySelector(".progress")).not.toBeNull());
  expect(list.querySelector(".progress .muted").textContent).toBe(facts);
  const labels = [...list.querySelectorAll("button")].map(({ textContent }) => textContent);
  expect([labels.includes("Cancel task"), labels.includes("Fetch results")]).toEqual([cancels, true]);
  view.close();
});

/** The list of past orders, of which the newest is under way; `add` has another one placed, and waits until the list tells it. */
async function history(count, answers = {}) {
  let newest = count;
  const entry = (order) => ({
    order, state: order === newest ? "running" : "done", first: "text", placed: 0, results: 1, name: `No. ${order}`, text: "", kind: "workflow", program: "1",
    task_id: "", profile: "", coins: null, money: null, third_party: null, currency: "", emulated: false, owed: false, failure: "", inputs: [], link: "",
  });
  const page = () => ({ orders: Array.from({ length: newest }, (_, at) => entry(newest - at)), before: null });
  vi.useFakeTimers();
  vi.stubGlobal("fetch", async (path) => {
    const body = { "/api/i18n": { en: english }, "/api/runninghub/session": { token: "t" }, "/api/runninghub/history": page(), ...answers }[path];
    if (typeof body === "function") return body(entry);
    return { ok: Boolean(body), status: body ? 200 : 404, json: async () => body ?? {} };
  });
  await loadTexts();
  const view = makeHistory();
  const list = /** @type {any} */ (view.content)[0].querySelector(".orders");
  const titles = () => [...list.querySelectorAll(".order")].map((row) => row.querySelector(".title").textContent);
  await vi.waitFor(() => expect(titles()).toContain(`No. ${count}`));
  return {
    view,
    content: /** @type {any} */ (view.content)[0],
    list,
    row: (order) => list.querySelector(`#runninghub-order-${order}`),
    chosen: () => [...list.querySelectorAll(".order")].filter(({ ariaSelected }) => ariaSelected === "true").map(({ id }) => id),
    async add() {
      newest += 1;
      await vi.waitFor(async () => {
        await vi.advanceTimersByTimeAsync(3_000);
        expect(list.querySelector(".order").ariaSetSize).toBe(String(newest));
      });
    },
    close() {
      view.close();
      vi.useRealTimers();
    },
  };
}

test("a row of the history that a new order moved down is the one that a click chooses", async () => {
  const { list, row, chosen, add, close } = await history(3);
  row(2).click();
  expect(chosen()).toEqual(["runninghub-order-2"]);
  await add();
  expect(chosen()).toEqual(["runninghub-order-2"]);
  row(1).click();
  expect(chosen()).toEqual(["runninghub-order-1"]);
  expect(list.getAttribute("aria-activedescendant")).toBe("runninghub-order-1");
  close();
});

test("an arrow that walks through an input method's words does not leave the history's search", async () => {
  const { content, list, close } = await history(3);
  document.body.append(content);
  const search = content.querySelector("input");
  const press = (isComposing) => search.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowDown", isComposing, bubbles: true }));
  search.focus();
  press(true);
  expect(document.activeElement).toBe(search);
  press(false);
  expect(document.activeElement).toBe(list);
  content.remove();
  close();
});

test.each([[0, 0], [10, 11]])("a new order leaves what is read of the history where it is: scrolled by %d rows, then by %d", async (before, after) => {
  const { list, add, close } = await history(40);
  list.scrollTop = before * ROW;
  await add();
  expect(list.scrollTop).toBe(after * ROW);
  close();
});

test("thumbnails of the latest rows alone are kept", async () => {
  let asked = 0;
  const { list, close } = await history(600, {
    "/api/runninghub/history": async (entry) => answer({ orders: Array.from({ length: 600 }, (_, at) => ({ ...entry(600 - at), state: "done", first: "image" })), before: null }),
    "/api/runninghub/history/thumbnail": async () => (asked++, answer({ picture: "data:image/webp;base64,AA" })),
  });
  /** How often thumbnails are asked for while every row from one to another comes into view. */
  const scrolled = async (/** @type {number} */ from, /** @type {number} */ to) => {
    const before = asked;
    for (let at = from; at !== to; at += 4 * Math.sign(to - from)) {
      list.scrollTop = at * ROW;
      list.dispatchEvent(new Event("scroll"));
      await vi.advanceTimersByTimeAsync(1);
    }
    return asked - before;
  };
  expect(await scrolled(0, 600)).toBeGreaterThan(500);
  expect(await scrolled(600, 400)).toBe(0);
  expect(await scrolled(200, 0)).toBeGreaterThan(100);
  close();
});

test("a bound that cannot be looked at is told as a failure, until another one can", async () => {
  let fails = true;
  vi.stubGlobal("fetch", async (path) => {
    const retention = { days: 30, orders: 1000, bytes: 1e9, kept: 0, frees: { orders: 0, bytes: 0 } };
    const body = { "/api/i18n": { en: english }, "/api/runninghub/session": { token: "t" }, "/api/runninghub/history": { orders: [], before: null }, "/api/runninghub/retention": retention }[path];
    const isRefused = fails && path.endsWith("retention");
    return { ok: !isRefused, status: isRefused ? 400 : 200, json: async () => (isRefused ? { error: { key: "x", message: "No such bound." } } : body) };
  });
  await loadTexts();
  const view = makeHistory();
  const details = /** @type {any} */ (view.content)[0].querySelector(".retention");
  const status = details.querySelector(".answer");
  const failed = () => status.classList.contains("bad");
  details.open = true;
  details.ontoggle();
  await vi.waitFor(() => expect([status.textContent, failed()]).toEqual(["No such bound.", true]));
  fails = false;
  details.ontoggle();
  await vi.waitFor(() => expect(details.querySelector("input")).not.toBeNull());
  expect([status.textContent, failed()]).toEqual(["", false]);
  fails = true;
  details.querySelector("input").onchange();
  await vi.waitFor(() => expect([status.textContent, failed()]).toEqual(["No such bound.", true]));
  fails = false;
  details.querySelector("input").onchange();
  await vi.waitFor(() => expect([status.textContent, failed()]).toEqual(["", false]));
  view.close();
});

test("apps that one account could not list are nothing to the account chosen since", async () => {
  /** @type {(answer: any) => void} */
  let answerFirst = () => {};
  let requests = 0;
  const app = { id: "1900000000000000201", title: "Redraw", description: "", cover: "" };
  const refusal = { ok: false, status: 400, json: async () => ({ error: { key: "x", message: "No key." } }) };
  vi.stubGlobal("fetch", (path) => {
    if (path === "/api/runninghub/apps" && ++requests === 1) return new Promise((resolve) => (answerFirst = resolve));
    const body = { "/api/i18n": { en: english }, "/api/runninghub/session": { token: "t" }, "/api/runninghub/settings": { profiles: [], default: "" }, "/api/runninghub/apps": { apps: [app], next: null, total: 1 } }[path];
    return Promise.resolve({ ok: true, status: 200, json: async () => body });
  });
  await loadTexts();
  const view = makeApps();
  document.body.replaceChildren(.../** @type {any} */ (view.content));
  const gallery = () => document.querySelector(".gallery").textContent;
  await vi.waitFor(() => expect(requests).toBe(1));
  /** @type {any} */ (document.querySelector("select")).onchange();
  await vi.waitFor(() => expect(gallery()).toContain("Redraw"));
  answerFirst(refusal);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(gallery()).toContain("Redraw");
  expect(document.querySelector(".bad")).toBeNull();
  view.close();
});

const answer = (body) => ({ ok: true, status: 200, json: async () => body });

test("what becomes of one order neither closes another one nor takes the focus from the search", async () => {
  let end = () => {};
  const more = { results: [], task_id: "1900000000000000301", seconds: 1, instance: "default" };
  const { view, content, row, close } = await history(3, {
    "/api/runninghub/history/order": async (entry) => answer({ ...entry(1), ...more }),
    "/api/runninghub/history/again": () => new Promise((resolve) => (end = () => resolve(answer({ task_id: "" })))),
  });
  const detail = /** @type {any} */ (view.content)[1];
  document.body.replaceChildren(content, detail);
  const again = () => [...detail.querySelectorAll("button")].find(({ textContent }) => /again/i.test(textContent));
  row(1).click();
  await vi.waitFor(() => expect(again()).toBeDefined());
  again().click();
  again().click();
  detail.querySelector(".back").click();
  row(2).click();
  await vi.waitFor(() => expect(again()).toBeDefined());
  end();
  await vi.advanceTimersByTimeAsync(10);
  expect([detail.hidden, Boolean(again())]).toEqual([false, true]);
  document.body.replaceChildren();
  close();
});

test("Escape leads from an order back to the list", async () => {
  const { view, content, list, row, close } = await history(3, { "/api/runninghub/history/order": async (entry) => answer({ ...entry(1), results: [], seconds: 1, instance: "default" }) });
  const detail = /** @type {any} */ (view.content)[1];
  document.body.replaceChildren(content, detail);
  const escape = (isComposing) => document.activeElement?.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", isComposing, bubbles: true }));
  row(1).click();
  await vi.waitFor(() => expect(detail.querySelector("h3")).not.toBeNull());
  detail.focus(); // as a click on its text does
  expect(document.activeElement).toBe(detail);
  escape(true);
  expect(detail.hidden).toBe(false);
  escape(false);
  expect([detail.hidden, content.hidden, document.activeElement]).toEqual([true, false, list]);
  document.body.replaceChildren();
  close();
});

test("a history that was closed is asked for no more, though an order of it ends", async () => {
  const pending = () => {};
  let end = pending;
  let asked = 0;
  const more = { results: [], task_id: "1900000000000000301", seconds: 1, instance: "default" };
  const { view, row, close } = await history(3, {
    "/api/runninghub/history": async (entry) => (asked++, answer({ orders: [3, 2, 1].map(entry), before: null })),
    "/api/runninghub/history/order": async (entry) => answer({ ...entry(1), ...more }),
    "/api/runninghub/history/again": () => new Promise((resolve) => (end = () => resolve(answer({ task_id: "" })))),
  });
  const detail = /** @type {any} */ (view.content)[1];
  const again = () => [...detail.querySelectorAll("button")].find(({ textContent }) => /again/i.test(textContent));
  row(1).click();
  await vi.waitFor(() => expect(again()).toBeDefined());
  again().click();
  again().click();
  await vi.waitFor(() => expect(end).not.toBe(pending));
  view.close();
  asked = 0;
  end();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(asked).toBe(0);
  close();
});

test("a search of the history that fails is made again while an order is under way", async () => {
  let fails = false;
  const { content, close } = await history(3, {
    "/api/runninghub/history": async (entry) => (fails ? { ok: false, status: 500, json: async () => ({ error: { key: "x", message: "No disk." } }) } : answer({ orders: [3, 2, 1].map(entry), before: null })),
  });
  const said = () => content.querySelector(".answer").textContent;
  fails = true;
  content.querySelector("select").onchange();
  await vi.waitFor(() => expect(said()).toBe("No disk."));
  fails = false;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(said()).toBe("");
  close();
});

test("a list of what is under way that was closed is asked for no more, though an action of it ends", async () => {
  const task = {
    order: 1, task_id: "1900000000000000301", state: "placed", name: "A", kind: "workflow", program: "1", placed: 0, profile: "",
    uncertain: false, followed: false, link: "", line: "", share: null, over: false, elapsed: 1, usual: 1, node: "", preview: "", coins: null, money: null,
  };
  const pending = () => {};
  let end = pending;
  let looks = 0;
  vi.useFakeTimers();
  vi.stubGlobal("fetch", async (path) => {
    if (path === "/api/runninghub/tasks/fetch") return new Promise((resolve) => (end = () => resolve(answer({}))));
    looks += path === "/api/runninghub/now" ? 1 : 0;
    return answer({ "/api/i18n": { en: english }, "/api/runninghub/session": { token: "t" }, "/api/runninghub/now": { tasks: [task] } }[path]);
  });
  await loadTexts();
  const view = makeView();
  const [, list] = /** @type {any} */ (view.content);
  await vi.waitFor(() => expect(list.querySelector(".card")).not.toBeNull());
  [...list.querySelectorAll("button")].find(({ textContent }) => textContent === "Fetch results").click();
  await vi.waitFor(() => expect(end).not.toBe(pending));
  view.close();
  looks = 0;
  end();
  await vi.advanceTimersByTimeAsync(20_000);
  expect(looks).toBe(0);
  vi.useRealTimers();
});

test("an order that begins while none runs is shown within a second", async () => {
  const task = {
    order: 1, task_id: "1900000000000000301", state: "placed", name: "A", kind: "workflow", program: "1", placed: 0, profile: "",
    uncertain: false, followed: true, link: "", line: "", share: null, over: false, elapsed: 1, usual: 1, node: "", preview: "", coins: null, money: null,
  };
  let runs = false;
  vi.useFakeTimers();
  vi.stubGlobal("fetch", async (path) =>
    answer({ "/api/i18n": { en: english }, "/api/runninghub/session": { token: "t" }, "/api/runninghub/now": { tasks: runs ? [task] : [] } }[path]),
  );
  await loadTexts();
  const view = makeView();
  const [status, list] = /** @type {any} */ (view.content);
  await vi.waitFor(() => expect(status.textContent).toBe("Nothing is running."));
  runs = true;
  await vi.advanceTimersByTimeAsync(1_000);
  expect(list.querySelectorAll(".card").length).toBe(1);
  view.close();
  vi.useRealTimers();
});

test("an earlier look at what is under way, answered later, brings no card back", async () => {
  const task = {
    order: 1, task_id: "1900000000000000301", state: "placed", name: "A", kind: "workflow", program: "1", placed: 0, profile: "",
    uncertain: false, followed: false, link: "", line: "", share: null, over: false, elapsed: 1, usual: 1, node: "", preview: "", coins: null, money: null,
  };
  const late = [];
  let looks = 0;
  vi.useFakeTimers();
  vi.stubGlobal("fetch", async (path) => {
    if (path !== "/api/runninghub/now") return answer({ "/api/i18n": { en: english }, "/api/runninghub/session": { token: "t" }, "/api/runninghub/tasks/fetch": {} }[path]);
    looks += 1;
    if (looks === 2) return new Promise((resolve) => late.push(() => resolve(answer({ tasks: [task] }))));
    return answer({ tasks: looks === 1 ? [task] : [] });
  });
  await loadTexts();
  const view = makeView();
  const [, list] = /** @type {any} */ (view.content);
  await vi.waitFor(() => expect(list.querySelector(".card")).not.toBeNull());
  await vi.advanceTimersByTimeAsync(1_100);
  expect(looks).toBe(2);
  [...list.querySelectorAll("button")].find(({ textContent }) => textContent === "Fetch results").click();
  await vi.waitFor(() => expect(list.querySelector(".card")).toBeNull());
  late[0]();
  await vi.advanceTimersByTimeAsync(10);
  expect(list.querySelector(".card")).toBeNull();
  view.close();
  vi.useRealTimers();
});

/** The tab of programs to add, with pages of apps that are answered by hand: `answers` by the place of their request. */
async function apps() {
  const answers = [];
  vi.stubGlobal("fetch", async (path) => {
    if (path === "/api/runninghub/apps") return new Promise((resolve) => answers.push(resolve));
    return answer({ "/api/i18n": { en: english }, "/api/runninghub/session": { token: "t" }, "/api/runninghub/settings": { profiles: [], default: "" } }[path]);
  });
  await loadTexts();
  const view = makeApps();
  document.body.replaceChildren(.../** @type {any} */ (view.content));
  const button = (label) => /** @type {any} */ ([...document.querySelectorAll("button")].find(({ textContent }) => textContent === label));
  await vi.waitFor(() => expect(answers).toHaveLength(1));
  const page = (title, next) => answer({ apps: [{ id: title, title, description: "", cover: "" }], next, total: 2 });
  return { answers, button, page, close: view.close, gallery: () => /** @type {any} */ (document.querySelector(".gallery")).textContent };
}

const MORE = english.runninghub.canvas.panel.add.more;
const refused = { ok: false, status: 500, json: async () => ({ error: { key: "x", message: "No line." } }) };

test("the button for more apps hands the focus on when there are no more", async () => {
  const { answers, button, page, gallery, close } = await apps();
  answers[0](page("Redraw", 2));
  await vi.waitFor(() => expect(gallery()).toContain("Redraw"));
  const more = button(MORE);
  more.focus();
  more.click();
  await vi.waitFor(() => expect(answers).toHaveLength(2));
  answers[1](page("Upscale", null));
  await vi.waitFor(() => expect(gallery()).toContain("Upscale"));
  expect([more.hidden, document.activeElement]).toEqual([true, document.querySelector("input[type=search]")]);
  close();
});

test("apps that cannot be listed leave no word of loading", async () => {
  const { answers, button, page, gallery, close } = await apps();
  answers[0](page("Redraw", 2));
  await vi.waitFor(() => expect(gallery()).toContain("Redraw"));
  /** @type {any} */ (document.querySelectorAll("select")[1]).onchange();
  button(MORE).click();
  await vi.waitFor(() => expect(answers).toHaveLength(3));
  answers[2](refused);
  answers[1](page("Late", null));
  await vi.waitFor(() => expect(document.querySelector(".bad")?.textContent).toBe("No line."));
  expect(gallery()).toBe("");
  close();
});

test("a favourite that is marked among those used lately keeps the focus in the list", async () => {
  rememberUse(/** @type {any} */ ({ kind: "app", id: "1900000000000000201", name: "Redraw" }));
  const { close } = await apps();
  const star = /** @type {any} */ (document.querySelector(".programs .star"));
  star.focus();
  star.click();
  expect(document.querySelector(".programs")?.contains(document.activeElement)).toBe(true);
  close();
});

test("the sums of one account do not stand under another's name", async () => {
  let asked = 0;
  const sum = { orders: 0, coins: null, money: null, third_party_money: null, untold: 0 };
  const spending = { currency: "", days: [], programs: [], today: sum, week: sum, all: sum, limits: [], balance: "14 coins", csv: {} };
  vi.stubGlobal("fetch", async (path) => {
    if (path === "/api/runninghub/spend" && ++asked > 1) return new Promise(() => {});
    return answer({ "/api/i18n": { en: english }, "/api/runninghub/session": { token: "t" }, "/api/runninghub/settings": { profiles: [], default: "" }, "/api/runninghub/spend": spending }[path]);
  });
  await loadTexts();
  const view = makeSpend();
  const [account, , body] = /** @type {any} */ (view.content);
  await vi.waitFor(() => expect(body.textContent).toContain("14 coins"));
  account.onchange();
  expect(body.textContent).toBe("");
  view.close();
});

test("a chart's sum has its unit, and no separator, as those beside it", async () => {
  const sum = { orders: 1, coins: 12345, money: "0.5", third_party_money: null, untold: 0 };
  const [day = ""] = lastDays(1);
  const spending = { currency: "CNY", days: [{ ...sum, day }], programs: [], today: sum, week: sum, all: sum, limits: [{ unit: "coins", spent: "12345", limit: "20000" }], balance: "70000 coins", csv: {} };
  vi.stubGlobal("fetch", async (path) =>
    answer({ "/api/i18n": { en: english }, "/api/runninghub/session": { token: "t" }, "/api/runninghub/settings": { profiles: [{ name: "main" }], default: "main" }, "/api/runninghub/spend": spending }[path]),
  );
  await loadTexts();
  const view = makeSpend();
  const [account, , body] = /** @type {any} */ (view.content);
  await vi.waitFor(() => expect(body.querySelectorAll("figcaption").length).toBe(2));
  expect([...body.querySelectorAll("figcaption")].map(({ textContent }) => textContent)).toEqual(["most expensive day: 12345 coins", "most expensive day: 0.5 CNY"]);
  expect(body.textContent).toContain("Today 12345 of 20000 coins");
  expect(body.textContent).toContain("12345 coins · 0.5 CNY");
  expect(account.hidden).toBe(false);
  view.close();
});

test("what was spent and used lately is called as in the history", async () => {
  rememberUse({ kind: "workflow", id: "19", name: "" });
  const sum = { orders: 1, coins: 1, money: null, third_party_money: null, untold: 0 };
  const programs = [{ kind: "workflow", id: "19", name: "" }, { kind: "graph", id: "", name: "" }, { kind: "app", id: "20", name: "Redraw" }].map((program) => ({ ...sum, ...program }));
  const spending = { currency: "", days: [], programs, today: sum, week: sum, all: sum, limits: [], balance: "", csv: {} };
  vi.stubGlobal("fetch", async (path) =>
    answer({ "/api/i18n": { en: english }, "/api/runninghub/session": { token: "t" }, "/api/runninghub/settings": { profiles: [], default: "" }, "/api/runninghub/spend": spending, "/api/runninghub/apps": { apps: [], next: null, total: 0 } }[path]),
  );
  await loadTexts();
  const [spend, add] = [makeSpend(), makeApps()];
  const table = /** @type {any} */ (spend.content[2]);
  await vi.waitFor(() => expect([...table.querySelectorAll("td:first-child")].map(({ textContent }) => textContent)).toEqual(["Workflow · 19", "Part of a local graph", "Redraw"]));
  const used = add.content.map((/** @type {any} */ part) => part?.querySelector?.(".program .line")?.textContent).filter(Boolean);
  expect(used).toEqual(["Workflow · 19"]);
  // Nobody has a key, and no day has a bar.
  expect([spend.content[0].hidden, table.textContent.includes("By day")]).toEqual([true, false]);
  spend.close();
  add.close();
});

test("an order has the same time in the list and on its card", async () => {
  const { row, close } = await history(3);
  const task = { order: 1, task_id: "", profile: "", kind: "workflow", program: "1", placed: 0, link: "", uncertain: false, followed: false, over: false };
  const card = taskView(/** @type {any} */ (task), async () => {}, () => {});
  const [, when] = /placed (.*)/.exec(card.querySelector("p").textContent) ?? [];
  expect(row(1).querySelector(".muted").title).toContain(when);
  close();
});

test("what a bound would free is that of the bounds that were looked at last", async () => {
  const answers = [];
  let looks = 0;
  const freed = (orders) => ({ days: 30, orders: 1000, bytes: 1e9, kept: 0, frees: { orders, bytes: 0 } });
  vi.stubGlobal("fetch", async (path) => {
    if (path === "/api/runninghub/retention" && ++looks > 1) return new Promise((resolve) => answers.push(resolve));
    return answer({ "/api/i18n": { en: english }, "/api/runninghub/session": { token: "t" }, "/api/runninghub/history": { orders: [], before: null }, "/api/runninghub/retention": freed(0) }[path]);
  });
  await loadTexts();
  const view = makeHistory();
  const details = /** @type {any} */ (view.content)[0].querySelector(".retention");
  details.open = true;
  await vi.waitFor(() => expect(details.querySelector("input")).not.toBeNull());
  for (const input of [...details.querySelectorAll("input")].slice(0, 2)) input.onchange();
  await vi.waitFor(() => expect(answers).toHaveLength(2));
  const effect = () => details.querySelector(".kept .muted").textContent;
  expect(effect()).toContain("nothing is removed");
  answers[1](answer(freed(22)));
  await vi.waitFor(() => expect(effect()).toContain("22"));
  answers[0](answer(freed(777)));
  await new Promise((done) => setTimeout(done, 20));
  expect(effect()).toContain("22");
  view.close();
});
