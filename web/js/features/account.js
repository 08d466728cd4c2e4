// Asks for an API key where one is missing, or offers the sandbox. The server never returns a key.

import { addBadge, redrawBadges } from "../host/badges.js";
import { openDialog } from "../host/dialogs.js";
import { lazy } from "../host/lazy.js";
import { post } from "../host/server.js";
import { loadTexts, textsOf } from "../host/texts.js";
import { classOf, isOurs, setWidget, valueOf } from "../lib/nodes.js";
import { actionButton, h, fill } from "../lib/view.js";
import { SANDBOX } from "./profiles.js";
import { failureActions } from "./failure_notices.js";

const t = textsOf("account");

const KEY_FAILURE = /KeyFailure$/; // exception types that another key resolves

/** @type {RhFeature} */
export const account = {
	settings: [
		pageSetting("runninghub.account", "Account", "Keys and sites", () => keysPage()),
		pageSetting("runninghub.costs", "Costs", "Limits of cost", async () => (await lazy("features/limits.mjs")).limitsPage()),
	],
	setup() {
		failureActions.push(({ node, kind, openNode }, status, close) => (KEY_FAILURE.test(kind) ? keyActions(node, openNode, status, close) : []));
	},
	nodeCreated(node) {
		if (isOurs(classOf(node))) addBadge(node, () => sandboxBadge(node));
	},
};

/**
 * A setting that is a page of ours. What is set there is not stored as a ComfyUI setting: any page can read those.
 * @param {string} id @param {string} section @param {string} name @param {() => Promise<HTMLElement>} load
 */
function pageSetting(id, section, name, load) {
	const type = () => {
		const container = h("div", "runninghub-setting");
		void fill(container, async () => (await loadTexts(), [await load()]));
		return container;
	};
	return { id, name, category: ["RunningHub", section, name], defaultValue: "", type };
}

/** Open the keys page, focused on the saved workflow that a profile's segments are sent under. @param {string} profile */
export async function openWorkflowOf(profile) {
	openDialog({ title: t("title"), body: await keysPage(`workflow of ${profile}`) });
}

const keyForm = () => lazy("features/key_form.mjs");

/** @param {string} [at] @returns {Promise<HTMLElement>} */
async function keysPage(at) {
	const forms = await keyForm();
	return (await lazy("features/keys.mjs")).keysPage(forms, at);
}

/**
 * Ask for a key or offer the sandbox; true if a retry makes sense. `isRefused`: the node's key was rejected, for `reason`.
 * @type {(node: ComfyNode | null, reason?: string, isRefused?: boolean) => Promise<boolean>}
 */
export const offerKey = async (...asked) => (await keyForm()).offerKey(...asked);

/** Buttons under a failure that a key resolves. @type {(node: any, openNode: () => Promise<any>, status: HTMLElement, close: () => void) => any[]} */
function keyActions(_node, openNode, status, close) {
	const enter = async () => {
		const node = await openNode();
		close();
		await offerKey(node, "", true);
	};
	const sandbox = async () => {
		const node = await openNode();
		const { samples } = await post("/runninghub/sandbox", { on: true });
		close();
		await (await keyForm()).useSandbox(node, samples);
	};
	return [actionButton(t("offer.enter"), status, enter), actionButton(t("offer.try_button"), status, sandbox)];
}

/** @param {ComfyNode} node */
export function enterSandbox(node) {
	setWidget(node, "profile", SANDBOX);
	redrawBadges();
}

/** @type {(node: ComfyNode) => RhChip | undefined} */
const sandboxBadge = (node) =>
	valueOf(node, "profile") === SANDBOX ? { text: t("sandbox.chip"), color: "#8a4b00" } : undefined;
