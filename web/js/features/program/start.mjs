// Dialog of a node without a program: an id or link, recent programs, a key, samples of the sandbox.

import { toastError } from "../../host/comfy.js";
import { openDialog } from "../../host/dialogs.js";
import { loadTexts, textsOf } from "../../host/texts.js";
import { get, post } from "../../host/server.js";
import { setWidget } from "../../lib/nodes.js";
import { recentOf } from "../recent.js";
import { actionButton, statusLine, h, page, row } from "../../lib/view.js";
import { enterSandbox, offerKey } from "../account.js";
import { readSettings } from "../profiles.js";
import { programInput, stateOf, textOf } from "./state.js";

const t = textsOf("form");

/** Open the dialog; its result is set as if it were pasted. `reason`: why what the node names could not be read. @type {(node: ComfyNode, reason?: string) => Promise<void>} */
export async function openStart(node, reason = "") {
	await loadTexts();
	const kind = programInput(node);
	const label = t(`which.${kind}`);
	const input = h("input", { "aria-label": label, placeholder: t(`start.example.${kind}`), value: textOf(node) });
	const use = (text = "") => {
		stateOf(node).handledText = ""; // the same may be tried again
		setWidget(node, kind, text);
	};
	const ok = () => {
		const text = input.value.trim();
		if (!text) throw new Error(t("start.empty"));
		use(text);
	};
	const status = statusLine();
	const key = actionButton(t("start.no_key"), status, () => {
		dialog.close();
		void offerKey(node).catch(toastError);
	});
	key.hidden = true;
	readSettings().then(({ profiles }) => (key.hidden = profiles.length > 0), () => null);
	const recent = recentOf(kind).map(({ id, name }) => {
		const onclick = () => {
			dialog.close();
			use(id);
		};
		return h("button", { type: "button", className: "line", title: id, onclick }, name || id);
	});
	const tryOut = ({ id = "", name = "" }) => {
		const button = actionButton(name, status, async () => {
			await post("/runninghub/sandbox", { on: true });
			if (!status.isConnected) return; // cancelled meanwhile
			dialog.close();
			enterSandbox(node);
			use(id);
		});
		button.classList.add("line");
		return button;
	};
	const keyRow = row(key);
	const lately = recent.length > 0 && h("section", "", h("h3", "", t("start.lately")), h("div", "lines", ...recent));
	const dialog = openDialog({
		title: label,
		body: page(reason && h("p", "bad", reason), input, lately, keyRow, status),
		buttons: [{ label: t("cancel") }, { label: t("ok"), primary: true, run: ok }],
	});
	// What comes later: the dialog waits for no answer.
	/** @type {{ samples: { kind: string, id: string, name: string }[] }} */
	const { samples } = await get("/runninghub/samples").catch(() => ({ samples: [] }));
	// A recent sample may have been remembered in another language.
	recent.forEach((button) => (button.textContent = samples.find(({ id }) => id === button.title)?.name ?? button.textContent));
	const tries = samples.filter((sample) => sample.kind === kind).map(tryOut);
	if (tries.length > 0) keyRow.before(h("section", "", h("h3", "", t("start.samples")), h("div", "lines", ...tries)));
}
