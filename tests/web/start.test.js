// The dialog of a node without a program.

import { expect, test, vi } from "vitest";

import english from "../../locales/en/main.json";
import chinese from "../../locales/zh/main.json";
import { openStart } from "../../web/js/features/program/start.mjs";

test("a sample that was used in another language has its name in this one among the recent", async () => {
  const samples = [{ kind: "workflow", id: "7", name: "图生图" }];
  vi.stubGlobal("fetch", async (path) => {
    const body = { "/i18n": { en: english, zh: chinese }, "/runninghub/samples": { samples } }[path.replace("/api", "")];
    return { ok: true, status: 200, json: async () => body ?? {} };
  });
  const used = [["7", "Image to image"], ["8", "My own"]].map(([id, name]) => ({ kind: "workflow", id, name }));
  localStorage.setItem("runninghub.recent", JSON.stringify(used));
  await openStart(/** @type {any} */ ({ comfyClass: "RunningHubRemoteWorkflow", widgets: [] }));
  const lines = [...document.querySelectorAll("dialog .line[title]")].map((line) => line.textContent);
  expect(lines).toEqual(["图生图", "My own"]);
});
