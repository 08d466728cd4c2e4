// @ts-check
// Which nodes are ours, and what a program node says that it runs.

/** Node classes that run a program of the site: its kind, and the input that names it. */
export const PROGRAMS = new Map(/** @type {[string, RhKind][]} */ ([
  ["RunningHubRemoteWorkflow", "workflow"],
  ["RunningHubAIApp", "app"],
]));

/** @param {any} node */
export function classOf(node) {
  return String(node?.comfyClass ?? node?.type ?? "");
}

/** What a program node runs, "workflow" or "app"; nothing for other nodes. @param {any} node */
export function kindOf(node) {
  return PROGRAMS.get(classOf(node));
}

/** @param {string} className */
export function isOurs(className) {
  return /^(RunningHub|RHUpload|RHLora)/.test(className);
}

/** The id in an id or a link; "" for what is none, or is still being typed. @param {unknown} text */
export function idIn(text) {
  const path = String(text ?? "").trim().replace(/[?#].*$/s, "");
  return path.match(/(?<![A-Za-z0-9])\d{10,19}(?=\/|$)/)?.[0] ?? "";
}

/** What a program node runs, as far as its widgets say. @param {any} node */
export function programOf(node) {
  const kind = PROGRAMS.get(classOf(node));
  const id = kind ? idIn(valueOf(node, kind)) : "";
  return id ? { kind, id, instance: valueOf(node, "instance") || "default", profile: valueOf(node, "profile") } : null;
}

/** @param {any} node @param {string} name */
export function valueOf(node, name) {
  return String(node?.widgets?.find((/** @type {any} */ widget) => widget.name === name)?.value ?? "");
}

/** Sets a widget as a person would. @param {any} node @param {string} name @param {string} value */
export function setWidget(node, name, value) {
  const found = node.widgets?.find((/** @type {any} */ widget) => widget.name === name);
  if (found) {
    found.value = value;
    found.callback?.(value);
  }
}
