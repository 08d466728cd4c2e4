// The dialog of a node without a program.

import { expect, test, vi } from "vitest";

import english from "../../locales/en/main.json";
import chinese from "../../locales/zh/main.json";
import { app } from "../../web/js/host/scripts.js";
import { choose } from "../../web/js/features/program/choose.js";
import { openStart } from "../../web/js/features/program/start.mjs";

const keyButton = () => [...document.querySelectorAll("dialog")].at(-1)?.querySelector(".row > button");

test("a sample that was used in another language has its name in this one among the recent", async () => {
  const samples = [{ kind: "workflow", id: "7", name: "图生图" }];
  vi.stubGlobal("fetch", async (path) => {
    const served = { "/i18n": { en: english, zh: chinese }, "/runninghub/samples": { samples }, "/runninghub/settings": { profiles: [] } };
    const body = served[path.replace("/api", "")];
    return { ok: true, status: 200, json: async () => body ?? {} };
  });
  const used = [["7", "Image to image"], ["8", "My own"]].map(([id, name]) => ({ kind: "workflow", id, name }));
  app.extensionManager.setting.values = { "runninghub.recent": used };
  await openStart(/** @type {any} */ ({ comfyClass: "RunningHubRemoteWorkflow", widgets: [] }));
  const lines = [...document.querySelectorAll("dialog .line[title]")].map((line) => line.textContent);
  expect(lines).toEqual(["图生图", "My own"]);
  await vi.waitFor(() => expect(keyButton()?.hidden).toBe(false));
});

test("a wrong id opens the dialog again, with the reason, and the same id can be tried once more", async () => {
  let asked = 0;
  vi.stubGlobal("fetch", async (path) => {
    const isProgram = path.endsWith("/runninghub/program") && ++asked;
    const body = isProgram ? { error: { message: "no such workflow", hint: "" } } : { token: "t", samples: [], profiles: [{ name: "main" }] };
    return { ok: !isProgram, status: isProgram ? 400 : 200, json: async () => body };
  });
  const widget = { name: "workflow", value: "1900000000000000999" };
  const node = /** @type {any} */ ({ comfyClass: "RunningHubRemoteWorkflow", widgets: [widget], inputs: [], setDirtyCanvas() {}, findInputSlot: () => -1 });
  app.rootGraph = { id: "g", nodes: [node] };
  node.graph = app.rootGraph;
  widget.callback = () => void choose(node);
  await choose(node);
  const dialog = [...document.querySelectorAll("dialog")].at(-1);
  expect(dialog.querySelector(".bad")?.textContent).toBe("no such workflow");
  expect(dialog.querySelector("input")?.value).toBe("1900000000000000999");
  expect(keyButton()?.hidden).toBe(true);
  dialog.querySelector("button.primary").click();
  await vi.waitFor(() => expect(asked).toBe(2));
});
