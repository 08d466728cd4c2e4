// In place of all features, on a page where a stranger's name in a menu would run as a script: says so.

import { frontendVersion, SAFE } from "../host/comfy.js";
import { showNotice } from "../host/dialogs.js";
import { loadTexts, t } from "../host/texts.js";

export async function sayUnsafe() {
	await loadTexts();
	showNotice("alert", t("unsafe.title"), t("unsafe.text", { safe: SAFE, version: frontendVersion() }), () => []);
}
