// @ts-check
// The one door to ComfyUI: no other module imports its scripts.

// @ts-ignore: these paths exist on the server alone.
import { app as comfyApp } from "../../../../scripts/app.js";
// @ts-ignore
import { api as comfyApi } from "../../../../scripts/api.js";

/** @type {any} */
export const app = comfyApp;

/** @type {any} */
export const api = comfyApi;

/** A setting of ComfyUI, or nothing when there is none of that name. @param {string} id @returns {any} */
export function setting(id) {
  return app.extensionManager?.setting?.get(id);
}

/** "zh" where ComfyUI speaks Chinese of any kind, else "en". */
export function language() {
  return String(setting("Comfy.Locale") ?? "en").startsWith("zh") ? "zh" : "en";
}

/**
 * A note in the corner.
 * @param {"success" | "info" | "warn" | "error"} severity @param {string} summary @param {string} [detail]
 */
export function toast(severity, summary, detail = "") {
  const life = severity === "error" ? undefined : 8000;
  const toasts = app.extensionManager?.toast;
  const own = toasts?.[severity === "warn" ? "warning" : severity];
  if (typeof own === "function") {
    own(summary, { description: detail, duration: life });
  } else {
    toasts?.add({ severity, summary, detail, life });
  }
}
