// The sidebar tab; its content is loaded when it is opened.

import { addSidebarTab, execute } from "../../host/comfy.js";
import { loading } from "../../host/dialogs.js";
import { lazy } from "../../host/lazy.js";
import { loadTexts } from "../../host/texts.js";
import { fill, page } from "../../lib/view.js";

const TAB = "runninghub";
const LABEL = "Running\u200bHub"; // a zero-width space: may wrap there

/** Close the open view. @type {RhCallback | null} */
let close = null;

/** @type {RhFeature} */
export const panel = {
	commands: [{ id: "runninghub.panel.open", label: "RunningHub: panel", icon: "pi pi-cloud", function: () => execute(`Workspace.ToggleSidebarTab.${TAB}`) }],
	menuCommands: [{ path: ["RunningHub"], commands: ["runninghub.panel.open"] }],
	setup() {
		addSidebarTab({ id: TAB, icon: "pi pi-cloud", title: "RunningHub", label: LABEL, tooltip: "RunningHub", type: "custom", render, destroy });
	},
};

/** @param {HTMLElement} into */
function render(into) {
	destroy();
	const view = page(loading());
	view.classList.add("runninghub-panel");
	into.style.height = "100%";
	into.replaceChildren(view);
	let isOpen = true;
	close = () => (isOpen = false);
	void fill(view, async () => {
		/** @type {[typeof import("./panel.mjs"), void]} */
		const [{ makePanel }] = await Promise.all([lazy("features/panel/panel.mjs"), loadTexts()]);
		if (!isOpen) return [];
		const shown = makePanel(view);
		close = shown.close;
		return shown.content;
	});
}

function destroy() {
	close?.();
	close = null;
}
