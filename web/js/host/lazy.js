// Lazy loading of `.mjs` modules, when the user opens what they show.
// ComfyUI sends no Cache-Control for `.mjs`, so browsers cache them heuristically: hence the version
// query. Their `.js` imports are the page's own instances; they load another `.mjs` through `lazy`.

import { VERSION } from "../version.js";

const ROOT = import.meta.url.slice(0, import.meta.url.lastIndexOf("/host/"));

/** @param {string} path below web/js @returns {Promise<any>} */
export const lazy = (path) => import(/* @vite-ignore */ `${ROOT}/${path}?v=${VERSION}`);
