// @vitest-environment node
// A type stands beside the code that uses it; only what several modules share is global.

import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const read = (folder, ending) =>
  readdirSync(at(folder), { recursive: true })
    .filter((name) => ending.test(name))
    .map((name) => readFileSync(`${at(folder)}/${name}`, "utf8"));
const modules = read("../../web/js", /\.m?js$/);
const types = read("types", /\.d\.ts$/).join("\n");

/** How often a name stands in a text. */
const count = (text, name) => [...text.matchAll(new RegExp(`\\b${name}\\b`, "g"))].length;

test("no type of ours is global that one module alone uses", () => {
  const ours = [...types.matchAll(/^(?:interface|type) (Rh\w+)/gm)].map(([, name]) => name);
  expect(ours.length).toBeGreaterThan(10);
  const alone = ours.filter((name) => count(types, name) === 1 && modules.filter((code) => count(code, name)).length < 2);
  expect(alone).toEqual([]);
});
