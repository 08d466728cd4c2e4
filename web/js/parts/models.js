// Standard models on the page: entries of the search that preset one, a command that looks for newer
// ones, and a way out when only the catalogue speaks against a value.

import { toast } from "../host/comfy.js";
import { redraw, setType } from "../host/graph.js";
import { queueAgain } from "../host/queue.js";
import { post } from "../host/server.js";
import { loadTexts, textsOf } from "../host/texts.js";
import { ANY_MODEL, kindOf, setWidget, widgetOf } from "../lib/nodes.js";
import { favourites, recentOf } from "../lib/recent.js";
import { action, wordsOf } from "../lib/view.js";
import { FIT } from "./program/fit.js";
import { markNamed } from "./program/models.js";
import { waysOut } from "./running.js";

const t = textsOf("models");

const MOST = 60; // each costs a page some time at its start
const DOUBTFUL = /DoubtfulValue$/; // the server's word for a refusal that a person may overrule

/** @type {ComfyPart} */
export const models = {
	commands: [{ id: "runninghub.models.refresh", label: "RunningHub: refresh models", function: refresh }],

	addCustomNodeDefs(definitions) {
		const general = definitions[ANY_MODEL];
		if (!general) return;
		for (const [name, entry] of entriesOf(general)) definitions[name] ??= entry;
	},

	beforeRegisterNodeDef(nodeType, { name }) {
		const [, endpoint] = name.split(`${ANY_MODEL}:`);
		if (endpoint) preset(nodeType.prototype, endpoint);
	},

	setup() {
		waysOut.push(({ node, kind, there }, status, close) =>
			DOUBTFUL.test(kind) && kindOf(node) === "model" ? anyway(node, there, status, close) : [],
		);
	},
};

/** Of those that a person marked or used lately. @param {NodeData} general @returns {[string, NodeData][]} */
function entriesOf(general) {
	const names = new Map([...favourites(), ...recentOf("model")].map(({ id, name }) => [id, name]));
	return [...names].slice(0, MOST).map(([id, shown]) => {
		const name = `${ANY_MODEL}:${id}`;
		const aliases = [id, ...(general.search_aliases ?? [])];
		return [name, { ...general, name, display_name: `${shown} · RunningHub`, search_aliases: aliases }];
	});
}

/** In the graph and in prompts it is a node of the general class. @type {(prototype: ComfyNode, endpoint: string) => void} */
function preset(prototype, endpoint) {
	const { onAdded } = prototype;
	prototype.onAdded = function (graph) {
		const isNew = this.type !== ANY_MODEL;
		setType(this, ANY_MODEL);
		onAdded?.call(this, graph);
		if (!isNew) return;
		markNamed(this);
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
		toast("warn", t("not_refreshed"), wordsOf(error));
	}
}

/** Run again with what a person decides. @type {(node: any, there: () => Promise<any>, status: HTMLElement, close: () => void) => any[]} */
function anyway(node, there, status, close) {
	const fit = widgetOf(node, FIT);
	const isOffered = fit && !fit.hidden && !fit.value;
	const button = (/** @type {string} */ label, /** @type {string} */ choice) =>
		action(t(label), status, async () => {
			const own = await there();
			close();
			setWidget(own, choice, /** @type {any} */ (true));
			redraw();
			return queueAgain();
		});
	return [...(isOffered ? [button("make_fit", FIT)] : []), button("send_anyway", "send_anyway")];
}
