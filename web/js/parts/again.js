// @ts-check
// "Run again": the next prompt with a node says that this node's order shall be a new one.

import { api, app } from "../lib/comfy.js";
import { nodeOf } from "../lib/graphs.js";

/** Queues the graph, with a new order for one node. @param {ComfyNode} node */
export async function runAgain(node) {
  const { queuePrompt } = api;
  const once = (/** @type {number} */ number, /** @type {any} */ data, /** @type {any} */ options) => {
    api.queuePrompt = queuePrompt;
    const ids = Object.keys(data?.output ?? {}).filter((id) => nodeOf(id) === node);
    return withWord(ids, () => queuePrompt.call(api, number, data, options));
  };
  api.queuePrompt = once;
  try {
    await app.queuePrompt(0);
  } finally {
    // Still there when the graph could not be made a prompt.
    if (api.queuePrompt === once) {
      api.queuePrompt = queuePrompt;
    }
  }
}

/**
 * ComfyUI has no way to say something beside the prompt, so it is added on the way out.
 * @template T @param {string[]} ids @param {() => Promise<T>} queue
 */
async function withWord(ids, queue) {
  const { fetchApi } = api;
  const saying = (/** @type {string} */ route, /** @type {RequestInit} */ options) => {
    const isPrompt = route === "/prompt" && typeof options?.body === "string";
    if (isPrompt) {
      api.fetchApi = fetchApi;
    }
    return fetchApi.call(api, route, isPrompt ? { ...options, body: said(String(options.body), ids) } : options);
  };
  api.fetchApi = saying;
  try {
    return await queue();
  } finally {
    if (api.fetchApi === saying) {
      api.fetchApi = fetchApi;
    }
  }
}

/** The body of a prompt that says which nodes shall run anew. @param {string} body @param {string[]} ids */
export function said(body, ids) {
  const prompt = JSON.parse(body);
  const extra = prompt.extra_data ?? {};
  const runninghub = { ...extra.runninghub, again: ids };
  return JSON.stringify({ ...prompt, extra_data: { ...extra, runninghub } });
}
