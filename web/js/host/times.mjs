// Points in time as text, in ComfyUI's language.

import { language } from "./comfy.js";

/** Formatters by language, cached: creating one costs more than the rest of a list's row. @type {Map<string, Intl.DateTimeFormat>} */
const clocks = new Map();

/** Date and time, to the minute. */
export function whenText(seconds = 0) {
	const locale = language();
	const clock = clocks.get(locale) ?? new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
	clocks.set(locale, clock);
	return clock.format(new Date(seconds * 1000));
}
