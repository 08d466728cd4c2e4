// @vitest-environment node
// A browser keeps a lazy module until its address changes.

import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { VERSION } from "../../web/js/version.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const files = readdirSync(`${ROOT}/web/js`, { recursive: true }).filter((name) => /\.m?js$/.test(name));
const sources = new Map(files.map((name) => [name.replaceAll("\\", "/"), readFileSync(`${ROOT}/web/js/${name}`, "utf8")]));

test("the scripts know the version of the pack", () => {
  expect(readFileSync(`${ROOT}/pyproject.toml`, "utf8")).toContain(`\nversion = "${VERSION}"\n`);
});

test("each lazy module is asked for with the version, and by nobody else", () => {
  const requested = [...sources.values()].flatMap((code) => [...code.matchAll(/lazy\("([^"]+)"\)/g)].map(([, path]) => path));
  const lazy = [...sources.keys()].filter((name) => name.endsWith(".mjs"));
  expect(requested.length).toBeGreaterThan(0);
  expect([...new Set(requested)].sort()).toEqual(lazy.sort());
  for (const [name, code] of sources) {
    expect(code, name).not.toMatch(/^(import|export)[^;]*from "[^"]+\.mjs"/m);
  }
});
