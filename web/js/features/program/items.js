// Input slots for single items of a media list, `imageUrls.1` …: their number grows as they are linked.

import { moveLastInput, OPTIONAL } from "../../host/widgets.js";
import { controlOf } from "../../lib/fields.js";
import { isLinked } from "../../lib/nodes.js";

const MAX_ITEMS = 32; // number of `link_n` inputs of the server

/** Whether a name is an item of a list: "imageUrls.3" of "imageUrls". */
export const isItemOf = (name = "", list = "") => name.startsWith(`${list}.`) && /^[1-9]\d*$/.test(name.slice(list.length + 1));

/** Keep one free slot after the last linked one; "all": as many as allowed, while a prompt loads; "trim": also remove surplus ones, which a copy whose links come one by one still needs. @type {(node: ComfyNode, form: RhForm, how?: "" | "all" | "trim") => void} */
export function growItems(node, form, how = "") {
	// Outside a graph the links are unknown.
	for (const field of node.graph ? form.fields : []) {
		const control = controlOf(field);
		if (field.array && "socket" in control) grow(node, field, control.socket, how);
	}
}

/** Add the item slots that a file has. @type {(node: ComfyNode, form: RhForm, saved: ComfyInputSlot[]) => void} */
export function addItems(node, form, saved) {
	for (const field of form.fields) {
		const control = controlOf(field);
		if (!field.array || !("socket" in control)) continue;
		const missing = saved.filter(({ name }) => isItemOf(name, field.name) && node.findInputSlot(name) === -1);
		missing.forEach(({ name }) => addItem(node, field, control.socket, name.slice(field.name.length + 1)));
	}
}

/** @type {(node: ComfyNode, field: RhField, type: string, number: string | number) => void} */
const addItem = (node, { name, label }, type, number) => node.addInput(`${name}.${number}`, type, { label: `${label} ${number}`, shape: OPTIONAL });

/** @type {(node: ComfyNode, field: RhField, type: string, how: string) => void} */
function grow(node, field, type, how) {
	const { name, max_items: most = MAX_ITEMS } = field;
	const slotOf = (number = 0) => node.findInputSlot(`${name}.${number}`);
	const numbers = Array.from({ length: Math.min(most, MAX_ITEMS) }, (_, index) => index + 1);
	const last = Math.max(0, ...numbers.filter((number) => isLinked(node, `${name}.${number}`)));
	const count = how === "all" ? numbers.length : Math.min(last + 1, numbers.length);
	for (const number of numbers) {
		const slot = slotOf(number);
		if (number > count && slot !== -1 && how === "trim") {
			node.removeInput(slot);
		} else if (number <= count && slot === -1) {
			addItem(node, field, type, number);
			const before = number === 1 ? node.findInputSlot(name) : slotOf(number - 1);
			moveLastInput(node, before + 1);
		}
	}
}
