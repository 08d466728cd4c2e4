// Dialog that asks for a program's password.

import { confirmDialog } from "../../host/dialogs.js";
import { post } from "../../host/server.js";
import { textsOf } from "../../host/texts.js";
import { idIn } from "../../lib/nodes.js";
import { h } from "../../lib/view.js";
import { programRef } from "./loader.js";
import { textOf } from "./state.js";

const t = textsOf("form");

/** Stored on the server, like the key, never in the graph. @type {(node: ComfyNode, message?: string) => Promise<boolean>} */
export function askPassword(node, message = "") {
	const label = t("password");
	const input = h("input", { type: "password", autocomplete: "off", placeholder: label, "aria-label": label });
	const body = h("div", "", h("p", "", message), input, h("p", "muted", t("password_kept")));
	return confirmDialog(t("protected"), body, () =>
		post("/runninghub/passwords/save", { ...programRef(node), id: idIn(textOf(node)), password: input.value }),
	);
}
