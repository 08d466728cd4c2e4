// What stands beside ComfyUI's Run button. ComfyUI reads it again when state of its own that was read changes.

import { stores } from "./stores.js";

const STATE = "runninghub.bar";

/** @typedef {{ label: string, tooltip: string, icon: string, onClick: RhAct }} BarButton */

/** @type {(() => BarButton) | null} */
let shown = null;

/** What a part gives ComfyUI as its `actionBarButtons`. */
export function barButtons() {
	void stores()?.state.value[STATE]?.changes;
	return shown ? [shown()] : [];
}

/** What makes it reads state of ComfyUI's that it depends on. @param {(() => BarButton) | null} button */
export function showInBar(button) {
	if (shown === button) return;
	shown = button;
	const state = stores()?.state.value;
	if (state) state[STATE] = { changes: (state[STATE]?.changes ?? 0) + 1 };
}
