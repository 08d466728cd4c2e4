// What stands beside ComfyUI's Run button. ComfyUI reads it again when state of its own that was read changes.

import { shared } from "./stores.js";

const state = shared("runninghub.bar");

/** @typedef {{ label: string, tooltip: string, icon: string, onClick: RhAct }} BarButton */

/** @type {(() => BarButton) | null} */
let shown = null;

/** What a part gives ComfyUI as its `actionBarButtons`. */
export function barButtons() {
	state.follow();
	return shown ? [shown()] : [];
}

/** What makes it reads state of ComfyUI's that it depends on. @param {(() => BarButton) | null} button */
export function showInBar(button) {
	if (shown === button) return;
	shown = button;
	state.change();
}
