// Dialog of what has changed in a program since its node was built, which updates the node.

import { toast } from "../../host/comfy.js";
import { openDialog } from "../../host/dialogs.js";
import { textsOf } from "../../host/texts.js";
import { choiceOf, makeForm } from "../../lib/form.js";
import { h } from "../../lib/view.js";
import { formOf } from "./build.js";
import { applyForm, choose } from "./choose.js";
import { readProgram } from "./loader.js";
import { compare, listsOf, seenBy } from "./outdated.js";
import { labelButton, stateOf } from "./state.js";

const t = textsOf("form");

/** Show the changes, and offer to apply them. @param {ComfyNode} node */
export function review(node) {
	const program = stateOf(node).newProgram;
	const form = formOf(node);
	if (!program || !form) return;
	const lists = listsOf(node, form, program).flatMap(({ title, lines }) => [
		h("p", "", title),
		h("ul", "", ...lines.slice(0, 200).map((line) => h("li", { dir: "auto" }, line))),
	]);
	const inside = lists.length === 0 && h("p", "", t("changed_inside"));
	const applyChanges = () => applyForm(node, program, merge(form, seenBy(node), program));
	openDialog({
		title: t("changed", { name: node.title }),
		body: h("div", "", inside, ...lists, h("p", "muted", t("update_keeps"))),
		buttons: [
			{ label: t("choose"), run: () => void choose(node) },
			{ label: t("later") },
			{ label: t("update"), primary: true, run: applyChanges },
		],
	});
}

/** Read the program anew, and review its changes. @param {ComfyNode} node */
export async function update(node) {
	const program = await readProgram(node, true);
	const form = formOf(node);
	if (!program || !form) return;
	if (program.id !== form.id) {
		await choose(node);
	} else if (program.hash === form.hash) {
		toast("success", t("same"));
	} else {
		stateOf(node).newProgram = program;
		labelButton(node);
		review(node);
	}
}

/** The form for the current program: what stays, and suggested new fields and outputs. @type {import("./outdated.js").WithProgram<RhForm>} */
export function merge(form, seen, program) {
	const choice = choiceOf(program, form);
	const { added, addedOutputs } = compare(form, seen, program);
	const grownNodes = new Set(added.map((node) => node.id));
	const fields = program.nodes.filter((node) => grownNodes.has(node.id)).flatMap((node) => node.fields);
	fields.filter((field) => field.suggested).forEach((field) => choice.fields.add(field.name));
	choice.outputs.push(...addedOutputs.map((output) => output.id));
	return makeForm(program, choice, form);
}
