// Access to ComfyUI's page: language, settings, toasts, commands, events, requests.

import { api, app } from "./scripts.js";
import { stores } from "./stores.js";
import { messageOf } from "../lib/view.js";

/** Register a feature as an extension. Getters are preserved, since ComfyUI re-reads them. @param {string} name @param {RhFeature} feature */
export const register = (name, feature) =>
	app.registerExtension(Object.defineProperties({ name: `runninghub.${name}` }, Object.getOwnPropertyDescriptors(feature)));

/** The first front end that sets no menu entry as HTML, whose names come from strangers. */
export const SAFE = "1.39.19";

export const frontendVersion = () => window.__COMFYUI_FRONTEND_VERSION__ ?? "?";

/** Whether menus of this page show a name as text; an unknown front end counts as one whose menus do not. */
export const isSafe = () => frontendVersion().localeCompare(SAFE, "en", { numeric: true }) >= 0;

export const language = () => (String(settingOf("Comfy.Locale")).startsWith("zh") ? "zh" : "en");

/** @param {string} id */
export const settingOf = (id) => app.extensionManager?.setting?.get(id);

/** Change a setting, which ComfyUI keeps: at once here, and on its server when it resolves. @type {(id: string, value: unknown) => Promise<void>} */
export const changeSetting = async (id, value) => app.extensionManager.setting.set(id, value);

/** @param {string} id @param {() => void} handler */
export const onSetting = (id, handler) => app.ui?.settings?.addEventListener?.(`${id}.change`, handler);

/** `detail`: a text or an error. @type {(severity: "success" | "info" | "warn", summary: string, detail?: unknown) => void} */
export function toast(severity, summary, detail = "") {
	const text = messageOf(detail);
	// A modal dialog covers ComfyUI's toasts.
	const said = severity === "warn" && [...document.querySelectorAll(".runninghub-dialog > .said")].at(-1);
	if (said) said.textContent = `${summary}\n${text}`.trim();
	const toasts = app.extensionManager?.toast;
	const own = toasts?.[severity === "warn" ? "warning" : severity];
	if (typeof own === "function") {
		own(summary, { description: text, duration: 8000 });
	} else {
		toasts?.add({ severity, summary, detail: text, life: 8000 });
	}
}

/** Show the error of what nothing else awaits. @param {unknown} error */
export const toastError = (error) => toast("warn", "RunningHub", error);

/** Dismiss ComfyUI's generic error overlay, or its dialogs in that place; the failed node stays outlined. */
export function closeOverlay() {
	const all = stores()?._s;
	all?.get("executionError")?.dismissErrorOverlay?.();
	for (const key of ["global-execution-error", "global-error"]) all?.get("dialog")?.closeDialog({ key });
}

/** Take away what ComfyUI shows of refused and failed nodes whose cause is gone. @param {(id: string, error: any) => boolean} isMended by execution id; `error`: as `/prompt` or `execution_error` has it */
export function clearNodeErrors(isMended) {
	const all = stores()?._s;
	const store = all?.get("executionError") ?? all?.get("execution"); // of 1.39
	const { lastExecutionError: failed, lastNodeErrors: refused } = store ?? {};
	/** @type {(name: string, value: unknown) => void} */
	const record = (name, value) => (store[`record${name}`] ? store[`record${name}`](value) : (store[`last${name}`] = value)); // before 1.49
	if (failed && isMended(`${failed.node_id}`, failed)) record("ExecutionError", null);
	const left = Object.entries(refused ?? {}).filter((entry) => !isMended(...entry));
	if (!refused || left.length === Object.keys(refused).length) return;
	record("NodeErrors", left.length > 0 ? Object.fromEntries(left) : null);
	if (left.length === 0) closeOverlay();
}

/** Listen to an event of ComfyUI's WebSocket; `first`: before ComfyUI's own listeners. @type {(type: string, handler: (detail: any) => void, first?: boolean) => void} */
export const onEvent = (type, handler, first = false) => api.addEventListener(type, ({ detail }) => handler(detail), first);

/** @param {string} route @param {RequestInit} [options] */
export const request = (route, options) => api.fetchApi(route, options);

/** @param {string} command */
export const execute = (command) => app.extensionManager.command.execute(command);

/** @param {ComfySidebarTab} tab */
export const addSidebarTab = (tab) => app.extensionManager.sidebarTab.registerSidebarTab(tab);

/** The URL of a server route, for what the browser itself loads (`src`, `href`). @param {string} route */
export const addressOf = (route) => api.apiURL(route);
