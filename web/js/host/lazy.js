// Modules that a page loads when somebody opens what they show.
// ComfyUI sends no caching rule for `.mjs`, so browsers keep them as they like: each has the version
// in its address. What they import as `.js` is the page's own; another `.mjs` they ask for here.

import { VERSION } from "../version.js";

const ROOT = import.meta.url.slice(0, import.meta.url.lastIndexOf("/host/"));

/** @param {string} path below web/js @returns {Promise<any>} */
export const lazy = (path) => import(/* @vite-ignore */ `${ROOT}/${path}?v=${VERSION}`);
