// Nodes with the inputs and outputs of their program, from whichever source a graph is loaded.

import { extendAdvanced, INPUT, isHidden, makeAdvanced, syncAdvanced, watchAdvanced } from "../../host/advanced.js";
import { onEvent, toastError } from "../../host/comfy.js";
import { isRestoring } from "../../host/graph.js";
import { labelBoxes } from "../../host/labels.js";
import { isLoadingPrompt, rerunNode, onPromptLoad } from "../../host/queue.js";
import { loadTexts, textsOf } from "../../host/texts.js";
import { fitHeight, withoutResize } from "../../host/widgets.js";
import { withForms } from "../../lib/api_prompt.js";
import { blankForm, isObject, readForm } from "../../lib/form.js";
import { onWidgetChange, classNamed, classOf, isOurs, kindOf, MODEL_CLASSES, KIND_BY_CLASS, widgetOf } from "../../lib/nodes.js";
import { build, buildForFile, explainAll, finishFromFile, formOf, removePoolSlots, showConditions, valuesOf } from "./build.js";
import { checkChanges, programNodes, review, update } from "./outdated.js";
import { choose } from "./choose.js";
import { growItems } from "./items.js";
import { askPassword } from "./loader.js";
import { skipChoice, openModels, openDiscontinued, prepareModel, showButtons } from "./models.js";
import { textChanged } from "./text_changed.js";
import { addFit, showFit } from "./fit.js";
import { recordOrders, followPrice, refreshPrice } from "./price.js";
import { addButton, isUnread, rememberText, shownText, labelButton, otherKind, stateOf, swap, textOf } from "./state.js";

const t = textsOf("form");

const BRAND = "RunningHub";
const FIRST_FOUND = "RunningHubRemoteWorkflow"; // of all nodes whose names begin with the brand

/** @type {RhFeature} */
export const programNode = {
	init() {
		const prepare = (/** @type {any} */ prompt) => withForms(prompt, KIND_BY_CLASS);
		onPromptLoad(prepare, () => programNodes().forEach(finishPrompt));
	},

	setup() {
		watchAdvanced(programNodes);
		onEvent("graphChanged", () => programNodes().forEach(refreshPrice));
	},

	beforeRegisterNodeDef(nodeType, nodeData) {
		const kind = KIND_BY_CLASS.get(classNamed(nodeData.name));
		if (kind) {
			// They are by slot index, and our slots move.
			nodeData.output_tooltips = undefined;
			extend(nodeType.prototype, kind);
		}
	},

	beforeRegisterVueAppNodeDefs(definitions) {
		definitions.forEach((definition, place) => {
			if (isOurs(definition.name)) definitions[place] = searchDefinition(definition);
			if (definition.name === FIRST_FOUND) Object.assign(/** @type {object} */ (definitions[place]), { postProcessSearchScores: rankAsBrand });
		});
	},

	getNodeMenuItems: (node) => (kindOf(node) ? menuOf(node) : []),

	nodeCreated(node) {
		if (kindOf(node) || node.isSubgraphNode?.()) labelBoxes(node);
	},

	afterConfigureGraph() {
		// Deferred until the graph was drawn.
		if (!isRestoring() && programNodes().length > 0) setTimeout(checkChanges);
	},
};

/** Rank in the node search as if the name were "RunningHub", where it begins with what was typed: the shortest is first. It replaces the front end's method, which puts the frequency of a node second. @param {number[]} scores */
const rankAsBrand = ([match = 0, place = 0, length = 0, ...rest]) => [match, 0, place, match === 1 ? BRAND.length : length, ...rest];

/**
 * A definition for the node search: one sentence, without the slots that only programs or the server
 * fill. The typed outputs stay, since the search filters by type.
 * @param {NodeData} whole @returns {NodeData}
 */
export function searchDefinition(whole) {
	const places = whole.output.flatMap((_, place) => (/^out_\d+$/.test(whole.output_name[place] ?? "") ? [] : [place]));
	const trimmed = Object.entries(whole).map(([name, value]) => {
		const isOfOutputs = name.startsWith("output") && Array.isArray(value) && value.length === whole.output.length;
		return [name, isOfOutputs ? places.map((place) => value[place]) : value];
	});
	const optional = Object.entries(whole.input.optional ?? {}).filter(([name]) => !isHidden(name) && !/^link_\d+$/.test(name));
	const input = { ...whole.input, optional: Object.fromEntries(optional) };
	const [description] = /^[^.。]*[.。]?/.exec(whole.description ?? "") ?? [""];
	return { .../** @type {NodeData} */ (Object.fromEntries(trimmed)), input, description };
}

/** Finish a node after its API-format prompt was loaded. @param {ComfyNode} node */
function finishPrompt(node) {
	syncAdvanced(node);
	const form = formOf(node);
	if (form?.kind === "model") {
		growItems(node, form, "trim");
		// It was sized for the maximum number of slots.
		fitHeight(node);
	}
	refreshModel(node);
}

/** Update what depends on a model node's current widgets. @param {ComfyNode} node */
function refreshModel(node) {
	if (kindOf(node) !== "model") return;
	showConditions(node);
	showButtons(node);
	showFit(node);
	followPrice(node);
}

/** Patch the prototype of a program node's class. @type {(node: ComfyNode, kind: RhKind) => void} */
function extend(prototype, kind) {
	extendAdvanced(prototype);
	const { onNodeCreated, configure, onSerialize, onConnectionsChange, onExecuted } = prototype;

	if (kind === "model") {
		prototype.onConnectionsChange = function (...args) {
			if (args[0] === INPUT && !isLoadingPrompt() && !configuring.has(this)) onLinkChange(this, Boolean(args[2]));
			return onConnectionsChange?.apply(this, args);
		};
	}

	prototype.onExecuted = function (output) {
		recordOrders(this, output);
		return onExecuted?.call(this, output);
	};

	prototype.onNodeCreated = function (...args) {
		const result = onNodeCreated?.apply(this, args);
		removePoolSlots(this);
		makeAdvanced(this);
		watchWidgets(this, kind);
		withoutResize(this, () => {
			if (kind === "model") addFit(this);
			addButton(this, () => void onButton(this));
			if (kind === "model") prepareModel(this);
		});
		if (!isLoadingPrompt()) {
			syncAdvanced(this);
			build(this, blankForm(kind, MODEL_CLASSES.get(classOf(this))));
		}
		rememberText(this);
		loadTexts().then(() => {
			labelButton(this);
			explainAll(this);
			refreshModel(this);
		});
		return result;
	};

	prototype.configure = function (info) {
		const stored = info.properties?.runninghub;
		const form = readForm(stored?.form) ?? readForm(savedForm(this, info)) ?? blankForm(kind, MODEL_CLASSES.get(classOf(this)));
		skipChoice(this);
		configuring.add(this);
		buildForFile(this, form, info.inputs ?? []);
		configure.call(this, info);
		configuring.delete(this);
		finishFromFile(this, form, isObject(stored?.values) ? stored.values : {});
		const named = widgetOf(this, kind);
		if (named && kind !== "module" && isUnread(this)) named.value = stored?.cleared ? "" : form.id;
		rememberText(this);
		labelButton(this);
		refreshModel(this);
	};

	prototype.onSerialize = function (info) {
		onSerialize?.call(this, info);
		const stored = info.properties?.runninghub;
		const isCleared = textOf(this) === ""; // so as to order nothing
		if (info.properties && stored) {
			info.properties.runninghub = { ...stored, form: formOf(this), values: valuesOf(this), cleared: isCleared || undefined };
		}
		// A file, a copy or an undo step names the program that it shows, even while another is read.
		const place = (this.widgets ?? []).findIndex(({ name }) => name === kind);
		if (isCleared || !isUnread(this)) return;
		if (Array.isArray(info.widgets_values)) info.widgets_values[place] = shownText(this);
		if (info.widgets_values_named) info.widgets_values_named[kind] = shownText(this);
	};
}

/** Nodes whose links are changing, and whether one was removed. @type {Map<ComfyNode, boolean>} */
const relinking = new Map();

/** In a microtask, after all link changes: a copy or a subgraph restores its links by slot index. @type {(node: ComfyNode, isOn: boolean) => void} */
function onLinkChange(node, isOn) {
	const isNew = !relinking.has(node);
	relinking.set(node, !isOn || relinking.get(node) === true);
	if (!isNew) return;
	queueMicrotask(() => {
		const form = formOf(node);
		const isOff = relinking.get(node);
		relinking.delete(node);
		if (!form || !node.graph) return;
		growItems(node, form, isOff ? "trim" : "");
		refreshModel(node);
	});
}

/** @type {WeakSet<ComfyNode>} */
const configuring = new WeakSet();

/** @param {ComfyNode} node */
function onButton(node) {
	const { newProgram, discontinued } = stateOf(node);
	return (discontinued ? openDiscontinued(node) : newProgram ? review(node) : choose(node)).catch(toastError);
}

/** @type {(node: ComfyNode, kind: RhKind) => void} */
function watchWidgets(node, kind) {
	const form = widgetOf(node, "form");
	const text = widgetOf(node, kind);
	if (form) {
		// An API-format prompt is loaded value by value, this one first.
		onWidgetChange(form, (value) => {
			const newForm = readForm(value);
			if (!newForm) return;
			build(node, newForm);
			if (isLoadingPrompt()) growItems(node, newForm, "all");
		});
		// The server refuses `unread`: a program not read yet, or a node that another pack recreated from values.
		const isShown = () => (readForm(form.value)?.id ?? "") === (formOf(node)?.id ?? "");
		form.serializeValue = () => (isUnread(node) || !isShown() ? JSON.stringify({ ...formOf(node), unread: true }) : form.value);
	}
	if (text) onWidgetChange(text, () => (isLoadingPrompt() ? rememberText(node) : textChanged(node, choose)));
}

/** The saved form of a file whose properties were lost. @type {(node: ComfyNode, info: SavedNode) => any} */
function savedForm(node, info) {
	const values = info.widgets_values;
	return Array.isArray(values) ? values[(node.widgets ?? []).findIndex(({ name }) => name === "form")] : values?.form;
}

/** @param {ComfyNode} node @returns {MenuItem[]} */
function menuOf(node) {
	const target = otherKind(node);
	const isModel = kindOf(node) === "model";
	const isModule = kindOf(node) === "module"; // all that is known of it is in the node
	const own = [
		{ content: `${t("password")}…`, callback: () => void askPassword(node) },
		{ content: t(`swap.${target}`), callback: () => void swap(node, target).catch(toastError) },
	];
	return [
		null,
		...(isModel ? [{ content: t("choose_model"), callback: () => void openModels(node) }] : []),
		{ content: t("choose"), callback: () => void choose(node) },
		...(isModule ? [] : [{ content: t("update_menu"), disabled: !formOf(node)?.id, callback: () => update(node).catch(toastError) }]),
		...(isModel || isModule ? [] : own),
		{ content: t("again"), callback: () => rerunNode(node).catch(toastError) },
	];
}
