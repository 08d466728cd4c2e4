// @ts-check
// Calls of our own routes: JSON out, JSON in, errors as one class.

import { api, language } from "./comfy.js";
import { loadTexts, t } from "./texts.js";

/** What the server refused, in words for people. */
export class ServerError extends Error {
  /** @param {{key?: string, params?: Record<string, unknown>, message?: string, hint?: string}} said */
  constructor({ key = "", params = {}, message = "", hint = "" }) {
    super(message || key);
    this.name = "ServerError";
    this.key = key;
    this.params = params;
    this.hint = hint;
  }
}

/** @type {Promise<string> | null} */
let session = null;
let spoken = "";

/** @param {string} path @param {AbortSignal} [signal] */
export async function get(path, signal) {
  return read(await send(path, { signal }));
}

/** @param {string} path @param {object} body @param {AbortSignal} [signal] */
export async function post(path, body, signal) {
  let answer = await postOnce(path, body, signal);
  if (answer.status === 403) {
    // ComfyUI was started anew since; nothing was done with the old token.
    session = null;
    answer = await postOnce(path, body, signal);
  }
  return read(answer);
}

/** @param {string} path @param {object} body @param {AbortSignal} [signal] */
async function postOnce(path, body, signal) {
  const headers = { "X-RunningHub-Token": await token() };
  return send(path, json(body, headers, signal));
}

/** The token of this process of the server, which also learns our language. */
async function token() {
  if (session === null || spoken !== language()) {
    spoken = language();
    session = openSession(spoken);
    // Who waits for it hears of the failure; the next call tries again.
    session.catch(() => {
      session = null;
    });
  }
  return session;
}

/** @param {string} locale */
async function openSession(locale) {
  const { token: opened } = await read(await send("/runninghub/session", json({ locale })));
  return String(opened);
}

/** @param {object} body @param {Record<string, string>} [headers] @param {AbortSignal} [signal] */
function json(body, headers = {}, signal) {
  return {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
    signal,
  };
}

/** @param {string} path @param {object} options */
async function send(path, options) {
  try {
    return await api.fetchApi(path, options);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") {
      throw error;
    }
    await loadTexts();
    throw new ServerError({ key: "server.offline", message: t("server.offline") });
  }
}

/** @param {Response} answer */
async function read(answer) {
  const said = await answer.json().catch(() => null);
  if (answer.ok && said !== null) {
    return said;
  }
  if (said?.error && typeof said.error === "object") {
    throw new ServerError(said.error);
  }
  await loadTexts();
  const message = t("server.no_answer", { status: answer.status });
  throw new ServerError({ key: "server.no_answer", params: { status: answer.status }, message });
}
