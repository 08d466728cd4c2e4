// The action-bar buttons beside Run. ComfyUI re-evaluates them when reactive state that they read changes.

import { signal } from "./stores.js";

const state = signal("runninghub.bar");

/** @typedef {{ label: string, tooltip: string, icon: string, class?: string, onClick: RhCallback }} BarButton */

/** The buttons by their place, from the left. @type {Map<number, () => BarButton[]>} */
const shown = new Map();

/** Return an extension's `actionBarButtons`, and track the state that invalidates them. */
export function barButtons() {
	state.track();
	return [...shown.keys()].sort().flatMap((place) => shown.get(place)?.() ?? []);
}

/** Show at that place the buttons that `buttons` returns; null hides them. `buttons` reads the reactive state it depends on. @type {(place: number, buttons: (() => BarButton[]) | null) => void} */
export function showInBar(place, buttons) {
	if (shown.get(place) === (buttons ?? undefined)) return;
	if (buttons) shown.set(place, buttons);
	else shown.delete(place);
	state.change();
}

/** Evaluate all buttons anew. */
export const refreshBar = () => state.change();
