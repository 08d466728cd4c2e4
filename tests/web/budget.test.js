// @vitest-environment node
// What a page loads of ours: shipped as it is written, so every byte counts.

import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const SHIPPED = fileURLToPath(new URL("../../web/js", import.meta.url));

test("all scripts together are less than 100 kB", () => {
  const files = readdirSync(SHIPPED, { recursive: true }).filter((name) => name.endsWith(".js"));
  const bytes = files.map((name) => readFileSync(`${SHIPPED}/${name}`).length);
  expect(bytes.length).toBeGreaterThan(1);
  expect(bytes.reduce((sum, size) => sum + size)).toBeLessThan(100_000);
});
