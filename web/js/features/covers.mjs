// Pictures of programs and styles, read once their element comes into view.

import { h } from "../lib/view.js";

const VISIBLE = 0.1; // visible fraction at which a picture is requested
const MAX_REQUESTS = 3; // at a time: a browser has six connections to a server, and Run needs one

/** Observer that shows the picture of each element it observes, the last that came into view first. @param {(frame: any) => Promise<string>} read gives its URL, "" for none */
export function observeCovers(read) {
	/** @type {any[]} */
	const waiting = [];
	let busy = 0;

	async function showNext() {
		const frame = busy < MAX_REQUESTS && waiting.pop();
		if (!frame) return;
		busy += 1;
		const picture = frame.isConnected && (await read(frame).catch(() => ""));
		if (picture) frame.replaceChildren(h("img", { src: picture, alt: "" }));
		busy -= 1;
		void showNext();
	}

	const observer = new IntersectionObserver(
		(entries) => {
			for (const { target } of entries.filter(({ isIntersecting }) => isIntersecting)) {
				observer.unobserve(target);
				waiting.push(target);
				void showNext();
			}
		},
		{ threshold: VISIBLE },
	);
	return observer;
}
