// Standard models: search entries that preset one, a command that refreshes the catalogue, and an
// override where only the catalogue rejects a value.

import { toast } from "../host/comfy.js";
import { redraw, setType } from "../host/graph.js";
import { queueByUser } from "../host/queue.js";
import { post } from "../host/server.js";
import { loadTexts, textsOf } from "../host/texts.js";
import { ANY_MODEL, kindOf, setWidget, widgetOf } from "../lib/nodes.js";
import { actionButton } from "../lib/view.js";
import { FIT } from "./program/fit.js";
import { skipChoice } from "./program/models.js";
import { failureActions } from "./failure_notices.js";
import { favouriteModels, recentOf } from "./recent.js";

const t = textsOf("models");

const MAX_ENTRIES = 60; // each adds to the page's load time
const DOUBTFUL = /DoubtfulValue$/; // exception types of a refusal that the user may override

/** @type {RhFeature} */
export const models = {
	commands: [{ id: "runninghub.models.refresh", label: "RunningHub: refresh models", function: refresh }],

	addCustomNodeDefs(definitions) {
		const general = definitions[ANY_MODEL];
		if (!general) return;
		for (const [name, entry] of entriesOf(general)) definitions[name] ??= entry;
	},

	beforeRegisterNodeDef(nodeType, { name }) {
		const [, endpoint] = name.split(`${ANY_MODEL}:`);
		if (endpoint) presetModel(nodeType.prototype, endpoint);
	},

	setup() {
		failureActions.push(({ node, kind, openNode }, status, close) =>
			DOUBTFUL.test(kind) && kindOf(node) === "model" ? overrideActions(node, openNode, status, close) : [],
		);
	},
};

/** Search entries for favourite and recently used models. @param {NodeData} general @returns {[string, NodeData][]} */
function entriesOf(general) {
	const names = new Map([...favouriteModels(), ...recentOf("model")].map(({ id, name }) => [id, name]));
	return [...names].slice(0, MAX_ENTRIES).map(([id, shown]) => {
		const name = `${ANY_MODEL}:${id}`;
		const aliases = [id, ...(general.search_aliases ?? [])];
		return [name, { ...general, name, display_name: `${shown} · RunningHub`, search_aliases: aliases }];
	});
}

/** Patch a search entry's class: its node becomes one of the general class, preset to that model. @type {(prototype: ComfyNode, endpoint: string) => void} */
function presetModel(prototype, endpoint) {
	const { onAdded } = prototype;
	prototype.onAdded = function (graph) {
		const isNew = this.type !== ANY_MODEL;
		setType(this, ANY_MODEL);
		onAdded?.call(this, graph);
		if (!isNew) return;
		skipChoice(this);
		setTimeout(() => this.graph && setWidget(this, "model", endpoint));
	};
}

async function refresh() {
	await loadTexts();
	toast("info", t("refreshing"));
	try {
		const { text } = await post("/runninghub/models/refresh", { profile: "" });
		toast("success", t("refreshed"), text);
	} catch (error) {
		toast("warn", t("not_refreshed"), error);
	}
}

/** Buttons that override the refusal and run again. @type {(node: any, openNode: () => Promise<any>, status: HTMLElement, close: () => void) => any[]} */
function overrideActions(node, openNode, status, close) {
	const fit = widgetOf(node, FIT);
	const isOffered = fit && !fit.hidden && !fit.value;
	const button = (/** @type {string} */ label, /** @type {string} */ choice) =>
		actionButton(t(label), status, async () => {
			const own = await openNode();
			close();
			setWidget(own, choice, /** @type {any} */ (true));
			redraw();
			return queueByUser();
		});
	return [...(isOffered ? [button("make_fit", FIT)] : []), button("send_anyway", "send_anyway")];
}
