// Client of our own routes: JSON in both directions, failures as ServerError.

import { language, request } from "./comfy.js";
import { lazy } from "./lazy.js";
import { loadTexts, t } from "./texts.js";

export class ServerError extends Error {
	constructor({ key = "", message = "", hint = "" }) {
		super(message || key);
		this.key = key;
		this.hint = hint;
	}
}

/** @type {Promise<string> | null} */
let session = null;
let sessionLanguage = "";
let isHostShown = false;

/** @type {(path: string, signal?: AbortSignal) => Promise<any>} */
export const get = (path, signal) => send(path, { signal }).then(readResponse);

/** @type {(path: string, body: object, signal?: AbortSignal) => Promise<any>} */
export async function post(path, body, signal) {
	const once = async () => send(path, json(body, { "X-RunningHub-Token": await token() }, signal));
	let answer = await once();
	if (answer.status === 403) {
		// ComfyUI was restarted. Nothing was done for the old token, so a retry is safe.
		session = null;
		answer = await once();
	}
	return readResponse(answer);
}

/** The CSRF token of this session, cached per language, which the request also tells the server. */
function token() {
	if (session === null || sessionLanguage !== language()) {
		sessionLanguage = language();
		session = send("/runninghub/session", json({ locale: sessionLanguage })).then(readResponse).then((body) => String(body.token));
		// Waiting callers get the rejection; the next call retries.
		session.catch(() => {
			session = null;
		});
	}
	return session;
}

/** @type {(body: object, headers?: Record<string, string>, signal?: AbortSignal) => object} */
function json(body, headers, signal) {
	return {
		method: "POST",
		headers: { "Content-Type": "application/json", ...headers },
		body: JSON.stringify(body),
		signal,
	};
}

/** @type {(path: string, options: object) => Promise<Response>} */
async function send(path, options) {
	try {
		return await request(path, options);
	} catch (error) {
		if (/** @type {Error} */ (error).name === "AbortError") throw error;
		throw await failure("server.offline");
	}
}

/** @param {Response} answer */
async function readResponse(answer) {
	const body = await answer.json().catch(() => null);
	if (answer.ok && body !== null) return body;
	const { error } = body ?? {};
	if (error?.key === "node.route_host" && !isHostShown) {
		isHostShown = true; // every later call is refused alike
		void lazy("features/unknown_host.mjs").then(({ showUnknownHost }) => showUnknownHost());
	}
	throw error && typeof error === "object" ? new ServerError(error) : await failure("server.no_answer", answer.status);
}

/** @type {(key: string, status?: number) => Promise<Error>} */
async function failure(key, status) {
	await loadTexts();
	return new ServerError({ key, message: t(key, { status }) });
}
