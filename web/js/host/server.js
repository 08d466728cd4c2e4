// Calls of our own routes: JSON out, JSON in, errors as one class.

import { api, language } from "./comfy.js";
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
let spoken = "";

/** @type {RhGet} */
export const get = (path, signal) => send(path, { signal }).then(read);

/** @type {RhPost} */
export async function post(path, body, signal) {
	const once = async () => send(path, json(body, { "X-RunningHub-Token": await token() }, signal));
	let answer = await once();
	if (answer.status === 403) {
		// ComfyUI was started anew since; nothing was done with the old token.
		session = null;
		answer = await once();
	}
	return read(answer);
}

/** The server also learns our language. */
function token() {
	if (session === null || spoken !== language()) {
		spoken = language();
		session = send("/runninghub/session", json({ locale: spoken })).then(read).then((said) => String(said.token));
		// Who waits for it hears of the failure; the next call tries again.
		session.catch(() => {
			session = null;
		});
	}
	return session;
}

/** @type {RhJson} */
function json(body, headers, signal) {
	return {
		method: "POST",
		headers: { "Content-Type": "application/json", ...headers },
		body: JSON.stringify(body),
		signal,
	};
}

/** @type {RhSend} */
async function send(path, options) {
	try {
		return await api.fetchApi(path, options);
	} catch (error) {
		if (error instanceof DOMException && error.name === "AbortError") throw error;
		throw await failure("server.offline");
	}
}

/** @param {Response} answer */
async function read(answer) {
	const said = await answer.json().catch(() => null);
	if (answer.ok && said !== null) return said;
	const { error } = said ?? {};
	throw error && typeof error === "object" ? new ServerError(error) : await failure("server.no_answer", answer.status);
}

/** @type {RhFailed} */
async function failure(key, status) {
	await loadTexts();
	return new ServerError({ key, message: t(key, { status }) });
}
