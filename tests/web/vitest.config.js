// Unit tests of web/js in a DOM without a browser; ComfyUI's two scripts are small fakes.

import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const host = fileURLToPath(new URL("./host", import.meta.url));

export default defineConfig({
  resolve: {
    alias: [{ find: /^(?:\.\.\/)+scripts\/(app|api)\.js$/, replacement: `${host}/$1.js` }],
  },
  test: {
    environment: "happy-dom",
    // A page links its style sheet; nothing is fetched here.
    environmentOptions: { happyDOM: { settings: { handleDisabledFileLoadingAsSuccess: true } } },
    include: ["**/*.test.js"],
    restoreMocks: true,
    unstubGlobals: true,
    // A test says what it needs in its own lines; nothing is left for the next one.
    sequence: { shuffle: true },
  },
});
