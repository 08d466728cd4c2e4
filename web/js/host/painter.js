// Labels and frames around nodes and groups, drawn where the canvas is visible in both renderers.

import { isClassic } from "./advanced.js";
import { elementOf, redraw } from "./graph.js";
import { app } from "./scripts.js";

const HEIGHT = 18;
const PAD = 6;
const FRAME = 3;
export const MIN_WIDTH = 180; // minimum width for labels, in canvas units
const MIN_SCALE = 0.45; // canvas scale below which labels are illegible, and omitted

/** @type {Set<RhChips>} */
const sources = new Set();

/** Observed elements of labelled nodes: Nodes 2.0 shrinks one without redrawing the canvas. @type {WeakMap<any, HTMLElement>} */
const elements = new WeakMap();
/** @type {ResizeObserver | undefined} */
let sizeObserver;

let hooked = false;

/** Draw the chips of `source` in every frame from now on; idempotent. @param {RhChips} source */
export function addChipSource(source) {
	sources.add(source);
	if (!hooked && app.canvas) {
		hooked = true;
		const before = app.canvas.onDrawForeground;
		app.canvas.onDrawForeground = function (...args) {
			before?.apply(this, args);
			paint(args[0]);
		};
	}
	redraw();
}

/** @param {CanvasRenderingContext2D} context */
function paint(context) {
	const { graph, ds, visible_nodes: nodes } = app.canvas;
	for (const thing of [...(graph?.groups ?? []), ...(nodes ?? graph?.nodes ?? [])]) {
		const chips = [...sources].flatMap((source) => source(thing));
		if (chips.length > 0) {
			const [x, y, width, height] = thing.boundingRect ?? thing.bounding;
			const element = isClassic() || !("inputs" in thing) ? undefined : watchedElement(thing);
			// After a change from outside, as undo is, 1.58 knows another size than it shows.
			drawChips(context, [x, y, element?.offsetWidth || width, element?.offsetHeight || height], chips, ds.scale, thing.selected);
		}
	}
}

/** A node's element; from then on each change of its size is drawn. @param {any} thing */
function watchedElement(thing) {
	const known = elements.get(thing);
	if (known?.isConnected) return known;
	const element = elementOf(thing);
	if (element) {
		elements.set(thing, element);
		sizeObserver ??= new ResizeObserver(redraw);
		sizeObserver.observe(element);
	}
	return element;
}

/** Above a thing, or below one that is selected: above that stands ComfyUI's toolbox. @type {(context: any, [x, y, width, height]: Iterable<number>, chips: RhChip[], scale: number, isSelected?: boolean) => void} */
export function drawChips(context, [x = 0, y = 0, width = 0, height = 0], chips, scale, isSelected = false) {
	context.save();
	let line = 0;
	for (const { color } of chips.filter(({ frame }) => frame)) {
		context.lineWidth = FRAME / Math.min(Math.max(scale, 0.1), 1);
		line += context.lineWidth;
		context.strokeStyle = color;
		context.beginPath();
		context.roundRect(x - line, y - line, width + 2 * line, height + 2 * line, 10);
		context.stroke();
	}
	context.font = "600 12px Inter, system-ui, sans-serif";
	context.textBaseline = "middle";
	const room = Math.max(width, MIN_WIDTH);
	let top = isSelected ? y + height + 2 * FRAME : y - HEIGHT - 2 * FRAME;
	let left = x;
	for (const { text: whole, color } of scale < MIN_SCALE ? [] : chips) {
		const text = truncated(context, whole, room - 2 * PAD);
		const wide = context.measureText(text).width + 2 * PAD;
		if (left > x && left + wide > x + room) {
			left = x;
			top += (isSelected ? 1 : -1) * (HEIGHT + 2);
		}
		context.fillStyle = color;
		context.beginPath();
		context.roundRect(left, top, wide, HEIGHT, 5);
		context.fill();
		context.fillStyle = "#fff";
		context.fillText(text, left + PAD, top + HEIGHT / 2);
		left += wide + 4;
	}
	context.restore();
}

/** Truncate a text to a width, after a whole word if there is one: a longer label would cover a neighbour's. @type {(context: any, text: string, width: number) => string} */
export function truncated(context, text, width) {
	let cut = text;
	while (cut.length > 1 && context.measureText(cut).width > width) cut = `${cut.slice(0, -2).trimEnd()}…`;
	if (cut === text) return text;
	const kept = cut.slice(0, -1);
	return `${/[\s,]/.test(text[kept.length] ?? "") ? kept : kept.replace(/\s+[\x21-\x7e]*$/, "")}…`;
}
