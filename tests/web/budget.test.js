// @vitest-environment node
// What a page loads of ours at its start. It is shipped as it is written, comments and all, so that
// people can read it; what is counted is what a machine needs of it.

import { transformSync } from "esbuild";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const SHIPPED = fileURLToPath(new URL("../../web/js", import.meta.url));

/** The bytes of all modules with such a name. */
function sizeOf(ending) {
  const files = readdirSync(SHIPPED, { recursive: true }).filter((name) => name.endsWith(ending));
  const sources = files.map((name) => readFileSync(`${SHIPPED}/${name}`, "utf8"));
  return sources.map((code) => transformSync(code, { minify: true }).code.length).reduce((sum, size) => sum + size, 0);
}

test("what a page loads at its start is at most 105 kB", () => {
  expect(sizeOf(".js")).toBeGreaterThan(10_000);
  expect(sizeOf(".js")).toBeLessThanOrEqual(105_000);
});

test("what it loads later is at most 150 kB", () => {
  expect(sizeOf(".mjs")).toBeLessThanOrEqual(150_000);
});
