// @ts-check
// Sentences for people, by key, in the language that ComfyUI speaks now.

import { api, language } from "./comfy.js";

/** @type {Record<string, any>} */
let languages = {};

/** @type {Promise<void> | null} */
let loading = null;

/** Fetches the sentences, once; a failure is tried again at the next call. */
export function loadTexts() {
  loading ??= fetchTexts().catch(() => {
    loading = null;
  });
  return loading;
}

async function fetchTexts() {
  const answer = await api.fetchApi("/i18n");
  if (!answer.ok) {
    throw new Error(String(answer.status));
  }
  languages = await answer.json();
}

/**
 * The sentence `runninghub.canvas.<key>` with its parameters filled in; the key itself as long
 * as the sentences are not there.
 * @param {string} key @param {Record<string, unknown>} [params]
 */
export function t(key, params = {}) {
  const sentence = find(language(), key) ?? find("en", key) ?? key;
  return fill(sentence, params);
}

/** @param {string} sentence @param {Record<string, unknown>} params */
export function fill(sentence, params) {
  return sentence.replace(/\{(\w+)\}/g, (hole, name) =>
    Object.hasOwn(params, name) ? String(params[name]) : hole,
  );
}

/** @param {string} locale @param {string} key */
function find(locale, key) {
  /** @type {any} */
  let found = languages[locale]?.runninghub?.canvas;
  for (const step of key.split(".")) {
    found = found?.[step];
  }
  return typeof found === "string" ? found : undefined;
}
