// Windowing of long lists (virtual scrolling). Pure.

/**
 * The half-open range of rows to draw, with `extra` more on both sides; lengths in pixels.
 * @type {(top: number, height: number, rowHeight: number, count: number, extra?: number) => [number, number]}
 */
export function visibleRows(top, height, rowHeight, count, extra = 6) {
	const first = Math.max(0, Math.floor(top / rowHeight) - extra);
	const last = Math.min(count, Math.ceil((top + height) / rowHeight) + extra);
	return [Math.min(first, count), Math.max(last, 0)];
}

/** The row index that a navigation key leads to, clamped, where `page` rows are visible; null for another key. @type {(key: string, at: number, count: number, page: number) => number | null} */
export function rowForKey(key, at, count, page) {
	/** @type {Record<string, number>} */
	const to = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: count - 1 };
	const target = to[key];
	return target === undefined || count === 0 ? null : Math.min(Math.max(target, 0), count - 1);
}
