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
