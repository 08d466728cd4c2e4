// @ts-check
// Makes a node look like its form: a widget or a socket for each field, a slot for each output.
// All of it in one go, so that it can stand inside `configure`.

import { app } from "../lib/comfy.js";
import { fitting, sent, standing, standsLike, startValue } from "../lib/fields.js";
import { slotOf, slotOrigins } from "../lib/pool.js";
import { isFieldName, readForm } from "../lib/reading.js";
import { t } from "../lib/texts.js";

/** The localized names of the pool's slots, as ComfyUI made them for a new node. @type {Map<string, string>} */
const localized = new Map();

/** The forms that nodes are built of now. @type {WeakMap<ComfyNode, RhForm>} */
const built = new WeakMap();

const ONE_SIZE = 7; // LiteGraph's shape of an optional socket

/** Takes a new node's pool of outputs off, and the sockets that the server alone fills. @param {ComfyNode} node */
export function strip(node) {
  for (let slot = (node.inputs?.length ?? 0) - 1; slot >= 0; slot -= 1) {
    if (/^link_\d+$/.test(node.inputs[slot]?.name ?? "")) {
      node.removeInput(slot);
    }
  }
  for (const { name, localized_name: shown } of node.outputs ?? []) {
    localized.set(name, shown ?? name);
  }
  node.outputs = [];
}

/** What ComfyUI calls an output in the language of now. @param {string} name */
export function shownName(name) {
  return localized.get(name) ?? name;
}

/** The form that a node is built of. @param {ComfyNode} node */
export function formOf(node) {
  return built.get(node) ?? readForm(node.properties?.runninghub?.form);
}

/**
 * Builds a node anew of a form; what stays keeps its links and values.
 * @param {ComfyNode} node @param {RhForm} form @param {RhCarry} [carry] the value of a field that stays
 */
export function build(node, form, carry = (field, _, value) => fitting(field, value)) {
  const before = built.get(node) ?? null;
  buildInputs(node, form, before, carry);
  buildOutputs(node, form, before);
  keep(node, form);
  order(node, form);
  fit(node);
}

/**
 * Only the inputs, for a node whose outputs and links come out of a file.
 * @param {ComfyNode} node @param {RhForm} form
 */
export function buildForFile(node, form) {
  buildInputs(node, form, built.get(node) ?? null, null);
  built.set(node, form);
  order(node, form);
  node.outputs = [];
}

/**
 * After the file's values and outputs came in: values go by their names, and the outputs are
 * those of the form whatever the file says.
 * @param {ComfyNode} node @param {RhForm} form @param {Record<string, unknown>} values
 */
export function finishFromFile(node, form, values) {
  const fields = new Map(form.fields.map((field) => [field.name, field]));
  for (const widget of node.widgets ?? []) {
    const field = fields.get(widget.name);
    const value = Object.hasOwn(values, widget.name) ? values[widget.name] : widget.value;
    if (field) {
      widget.value = fitting(field, value);
    } else if (isControl(widget.name) && widget.options?.values?.includes?.(value)) {
      widget.value = value;
    }
  }
  // The file's sockets took the place of those that were told.
  form.fields.forEach((field) => describe(node, field));
  while (node.outputs.length > form.sockets.length) {
    node.removeOutput(node.outputs.length - 1);
  }
  form.sockets.forEach((index, slot) => dress(node, slot, form, index));
  node.outputs = [...node.outputs];
  keep(node, form);
  order(node, form);
}

/**
 * The values of a node's fields and of what controls them, by name.
 * @param {ComfyNode} node
 */
export function valuesOf(node) {
  const widgets = (node.widgets ?? []).filter(({ name }) => isFieldName(name));
  return Object.fromEntries(widgets.map(({ name, value }) => [name, value]));
}

/** Pool indices of the slots that have links. @param {ComfyNode} node */
export function linkedSlots(node) {
  const { sockets = [] } = formOf(node) ?? {};
  return sockets.filter((_, slot) => node.outputs[slot] && node.isOutputConnected(slot));
}

/** Tooltips in the language of now. @param {ComfyNode} node */
export function explainAll(node) {
  formOf(node)?.fields.forEach((field) => explain(node, field));
}

/**
 * @param {ComfyNode} node @param {RhForm} form @param {RhForm | null} before
 * @param {RhCarry | null} carry null: no value is touched, since ComfyUI may still take the node
 *   for the one which it is a copy of
 */
function buildInputs(node, form, before, carry) {
  const now = new Map(form.fields.map((field) => [field.name, field]));
  const were = new Map(before?.fields.map((field) => [field.name, field]));
  /** @type {Map<string, {node: ComfyNode, slot: number}>} */
  const links = new Map();
  for (const [name, field] of were) {
    const after = now.get(name);
    if (!after || !standsLike(field, after)) {
      const source = sourceOf(node, name);
      if (after && source) {
        links.set(name, source);
      }
      removeField(node, name);
    }
  }
  for (const [name, field] of now) {
    const was = were.get(name);
    const there = widgetOf(node, name);
    if (there && was) {
      if (carry) {
        there.value = carry(field, was, there.value);
      }
      there.serializeValue = () => sent(field, there.value);
    } else if (!there && node.findInputSlot(name) === -1) {
      addField(node, field, carry !== null);
      const source = links.get(name);
      source?.node.connect(source.slot, node, node.findInputSlot(name));
    }
    label(node, field, was?.label);
    explain(node, field);
  }
}

/** @param {ComfyNode} node @param {RhField} field @param {boolean} anew */
function addField(node, field, anew) {
  const stand = standing(field);
  if ("socket" in stand) {
    node.addInput(field.name, stand.socket, { shape: ONE_SIZE });
    return;
  }
  const { widget } = app.widgets[stand.widget](node, field.name, stand.spec, app);
  if (anew) {
    // An older value of the same name may still be known to ComfyUI.
    widget.value = startValue(field);
  }
  widget.serializeValue = () => sent(field, widget.value);
  if (node.findInputSlot(field.name) === -1) {
    node.addInput(field.name, stand.widget, { widget: { name: field.name }, shape: ONE_SIZE });
  }
  describe(node, field);
}

/**
 * Tells what a field's socket takes: without it a Primitive would connect, and give no value.
 * @param {ComfyNode} node @param {RhField} field
 */
function describe(node, field) {
  const stand = standing(field);
  const input = node.inputs[node.findInputSlot(field.name)];
  if (input?.widget && "spec" in stand) {
    window.comfyAPI?.widgetInputs?.setWidgetConfig?.(input, stand.spec);
  }
}

/** @param {ComfyNode} node @param {string} name */
function removeField(node, name) {
  const slot = node.findInputSlot(name);
  if (slot !== -1) {
    node.removeInput(slot);
  }
  const widget = widgetOf(node, name);
  const controls = (node.widgets ?? []).filter((one) => isControl(one.name) && one.name.startsWith(`${name} `));
  for (const one of [...controls, widget]) {
    if (one && node.widgets?.includes(one)) {
      (node.ensureWidgetRemoved ?? node.removeWidget)?.call(node, one);
    }
  }
}

/**
 * Labels a field, unless a person gave it another name.
 * @param {ComfyNode} node @param {RhField} field @param {string} [before]
 */
function label(node, field, before) {
  for (const one of [node.inputs[node.findInputSlot(field.name)], widgetOf(node, field.name)]) {
    if (one && (before === undefined || one.label === before)) {
      one.label = field.label;
    }
  }
}

/** @param {ComfyNode} node @param {RhField} field */
function explain(node, field) {
  const widget = widgetOf(node, field.name);
  if (widget) {
    const stored = field.stored === null ? "" : String(startValue(field)).slice(0, 300);
    widget.tooltip = stored ? t("form.tip", { tip: field.tip, stored }) : field.tip;
  }
}

/** @param {ComfyNode} node @param {RhForm} form @param {RhForm | null} before */
function buildOutputs(node, form, before) {
  const stay = before ? slotOrigins(before, form.outputs).map((index) => form.sockets.includes(index)) : [];
  for (let slot = node.outputs.length - 1; slot >= 0; slot -= 1) {
    if (!stay[slot]) {
      node.removeOutput(slot);
    }
  }
  const labels = before?.outputs.map((output) => output.label) ?? [];
  form.sockets.forEach((index, slot) => dress(node, slot, form, index, labels));
  // Nodes 2.0 sees a new list, not a changed slot.
  node.outputs = [...node.outputs];
}

/**
 * Gives a slot the name, label and type of its place in the pool; a label that a person gave stays.
 * @param {ComfyNode} node @param {number} slot @param {RhForm} form @param {number} index
 * @param {string[]} [before] labels of the form before
 */
function dress(node, slot, form, index, before = []) {
  const { name, type, label: shown } = slotOf(form, index);
  if (!node.outputs[slot]) {
    node.addOutput(name, type);
  }
  const output = node.outputs[slot];
  if (output) {
    output.name = name;
    output.type = type;
    output.localized_name = shownName(name);
    // Every output is a list.
    output.shape = window.LiteGraph?.GRID_SHAPE ?? 6;
    if (shown && (!output.label || before.includes(output.label))) {
      output.label = shown;
    }
  }
}

/** The form where a file, the server and the next build find it. @param {ComfyNode} node @param {RhForm} form */
function keep(node, form) {
  built.set(node, form);
  node.properties.runninghub = { ...node.properties.runninghub, form };
  const hidden = widgetOf(node, "form");
  if (hidden) {
    hidden.value = JSON.stringify(form);
  }
  const outputs = widgetOf(node, "outputs");
  if (outputs && form.id) {
    outputs.value = form.outputs.map((output) => output.id).join(",");
  }
}

/**
 * Fields in the form's order behind the node's own widgets; what is not saved comes last, since
 * older front ends count saved values by place.
 * @param {ComfyNode} node @param {RhForm} form
 */
function order(node, form) {
  const places = new Map(form.fields.map((field, index) => [field.name, index]));
  const place = (/** @type {ComfyWidget} */ widget) => {
    if (widget.serialize === false) {
      return places.size + 1;
    }
    return places.get(isControl(widget.name) ? controlled(widget.name) : widget.name) ?? -1;
  };
  const widgets = node.widgets ?? [];
  const sorted = [...widgets].sort((one, other) => place(one) - place(other));
  if (sorted.some((widget, index) => widget !== widgets[index])) {
    node.widgets = sorted;
  }
}

/** Room for everything, and none that a smaller form left over. @param {ComfyNode} node */
export function fit(node) {
  const [width, height] = node.computeSize();
  node.setSize([Math.max(node.size[0], width), height]);
  node.setDirtyCanvas(true, true);
}

/** @param {ComfyNode} node @param {string} name */
function sourceOf(node, name) {
  const slot = node.findInputSlot(name);
  const link = slot === -1 ? null : node.getInputLink(slot);
  const source = link && node.graph?.getNodeById(link.origin_id);
  return link && source ? { node: source, slot: link.origin_slot } : null;
}

/** @param {ComfyNode} node @param {string} name */
export function widgetOf(node, name) {
  return node.widgets?.find((widget) => widget.name === name);
}

const CONTROL = " control_after_generate";

/** @param {string} name */
function isControl(name) {
  return name.endsWith(CONTROL) && isFieldName(name);
}

/** @param {string} name */
function controlled(name) {
  return name.slice(0, -CONTROL.length);
}
