// @ts-check
// The nodes that run a program of the site, on the canvas: they grow the program's own inputs and
// outputs, and have them again whichever way a graph comes in.

import { app } from "../lib/comfy.js";
import { blankForm } from "../lib/form.js";
import { kindOf, PROGRAMS } from "../lib/programs.js";
import { withForms } from "../lib/prompts.js";
import { readForm } from "../lib/reading.js";
import { loadTexts } from "../lib/texts.js";
import { build, buildForFile, explainAll, finishFromFile, fit, formOf, strip, valuesOf, widgetOf } from "./build.js";
import { lookAtAll, ownNodes, review } from "./changed.js";
import { choose, settled, textChanged } from "./choose.js";
import { menuOf } from "./program_menu.js";
import { addButton, showState, stateOf } from "./state.js";

// What few people touch, and the list that follows the chosen outputs by itself.
const ADVANCED = [
  "outputs",
  "batch",
  "max_orders",
  "timeout",
  "reroll_seeds",
  "add_metadata",
  "use_personal_queue",
  "retain_seconds",
  "profile",
];

/** Prompts that are being loaded onto the canvas. */
let loading = 0;

/** @type {ComfyPart} */
export const programNode = {
  init() {
    const { loadApiJson } = app;
    app.loadApiJson = async function (/** @type {any} */ prompt, /** @type {any[]} */ ...more) {
      loading += 1;
      try {
        return await loadApiJson.call(app, withForms(prompt, PROGRAMS), ...more);
      } finally {
        loading -= 1;
      }
    };
  },

  beforeRegisterNodeDef(nodeType, nodeData) {
    const kind = PROGRAMS.get(nodeData.name);
    if (kind) {
      // They go by a slot's place, and ours move.
      nodeData.output_tooltips = undefined;
      extend(nodeType.prototype, kind);
    }
  },

  getNodeMenuItems(node) {
    return kindOf(node) ? menuOf(node) : [];
  },

  afterConfigureGraph() {
    // Undo and redo load the graph as well.
    const restoring = app.extensionManager?.workflow?.activeWorkflow?.changeTracker?._restoringState;
    if (!restoring && ownNodes().length > 0) {
      // The graph is drawn first.
      setTimeout(lookAtAll);
    }
  },
};

/** @param {ComfyNode} prototype @param {RhKind} kind */
function extend(prototype, kind) {
  const { onNodeCreated, configure, onSerialize } = prototype;

  prototype.onNodeCreated = function (...given) {
    const made = onNodeCreated?.apply(this, given);
    strip(this);
    this.widgets?.filter(({ name }) => ADVANCED.includes(name)).forEach((widget) => tuckAway(this, widget));
    watch(this, kind);
    addButton(this, () => void (stateOf(this).changed ? review(this) : choose(this)));
    if (loading === 0) {
      build(this, blankForm(kind));
    }
    settled(this);
    loadTexts().then(() => {
      showState(this);
      explainAll(this);
    });
    return made;
  };

  prototype.configure = function (info) {
    const kept = info.properties?.runninghub;
    const form = readForm(kept?.form) ?? readForm(savedText(this, info)) ?? blankForm(kind);
    buildForFile(this, form);
    configure.call(this, info);
    finishFromFile(this, form, isObject(kept?.values) ? kept.values : {});
    settled(this);
    showState(this);
  };

  prototype.onSerialize = function (info) {
    onSerialize?.call(this, info);
    const kept = info.properties?.runninghub;
    if (info.properties && kept) {
      info.properties.runninghub = { ...kept, form: formOf(this), values: valuesOf(this) };
    }
  };
}

/** Puts a widget behind "advanced". @param {ComfyNode} node @param {ComfyWidget} widget */
function tuckAway(node, widget) {
  // For Nodes 2.0, and for the classic canvas, which would leave a gap where it is.
  widget.options.advanced = true;
  widget.advanced = true;
  Object.defineProperty(widget, "hidden", {
    configurable: true,
    get: () => !node.showAdvanced && !window.LiteGraph?.vueNodesMode,
    set: () => {},
  });
}

/** @param {ComfyNode} node @param {RhKind} kind */
function watch(node, kind) {
  const form = widgetOf(node, "form");
  if (form) {
    // A prompt in API format comes in by its values, this one first.
    after(form, (text) => {
      const read = readForm(text);
      if (read) {
        build(node, read);
        fit(node);
      }
    });
  }
  const text = widgetOf(node, kind);
  if (text) {
    after(text, () => (loading === 0 ? textChanged(node) : settled(node)));
  }
}

/** @param {ComfyWidget} widget @param {(value: unknown) => void} act */
function after(widget, act) {
  const { callback } = widget;
  widget.callback = function (value, ...more) {
    callback?.call(this, value, ...more);
    act(value);
  };
}

/** The `form` of a saved node whose properties were lost. @param {ComfyNode} node @param {SavedNode} info */
function savedText(node, info) {
  const values = info.widgets_values;
  return Array.isArray(values) ? values[(node.widgets ?? []).findIndex(({ name }) => name === "form")] : values?.form;
}

/** @param {unknown} value @returns {value is Record<string, unknown>} */
function isObject(value) {
  return typeof value === "object" && value !== null;
}
