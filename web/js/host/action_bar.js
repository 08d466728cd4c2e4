// The action-bar button beside Run. ComfyUI re-evaluates it when reactive state that it read changes.

import { signal } from "./stores.js";

const state = signal("runninghub.bar");

/** @typedef {{ label: string, tooltip: string, icon: string, onClick: RhCallback }} BarButton */

/** @type {(() => BarButton) | null} */
let shown = null;

/** Return an extension's `actionBarButtons`, and track the state that invalidates them. */
export function barButtons() {
	state.track();
	return shown ? [shown()] : [];
}

/** Show the button that `button` returns; null hides it. `button` reads the reactive state it depends on. @param {(() => BarButton) | null} button */
export function showInBar(button) {
	if (shown === button) return;
	shown = button;
	state.change();
}
