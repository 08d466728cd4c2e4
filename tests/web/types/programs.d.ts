// What the nodes that run a program know of it. Global names, as in comfyui.d.ts.

type RhKind = "workflow" | "app";

/** A field as the server lists it; `name` is its full name, "6.text". */
interface RhRemoteField {
  name: string;
  field: string;
  kind: string;
  stored: any;
  multiline?: boolean;
  min?: number | string | null;
  max?: number | string | null;
  step?: number | string | null;
  options?: unknown[] | null;
  seed?: boolean;
  suggested?: boolean;
  label?: string;
  description?: string;
}

interface RhRemoteNode {
  id: string;
  title: string;
  class_type: string;
  fields: RhRemoteField[];
}

interface RhRemoteOutput {
  id: string;
  title: string;
  class_type: string;
  type: string;
  suggested?: boolean;
}

interface RhProgram {
  kind: RhKind;
  id: string;
  name: string;
  link?: string;
  hash: string;
  sandbox?: boolean;
  nodes: RhRemoteNode[];
  outputs: RhRemoteOutput[];
  app?: { name: string; description: string; cover: string } | null;
}

/** A field as a form has it. */
interface RhField {
  name: string;
  kind: string;
  label: string;
  tip: string;
  stored: any;
  multiline: boolean;
  min: number | null;
  max: number | null;
  step: number | null;
  options: (string | number | boolean)[] | null;
  seed: boolean;
}

interface RhOutput {
  id: string;
  type: string;
  label: string;
}

/** `sockets`: pool index of each visible output slot. */
interface RhForm {
  v: 1;
  kind: RhKind;
  id: string;
  name: string;
  hash: string;
  fields: RhField[];
  outputs: RhOutput[];
  sockets: number[];
}

/** What is ticked: full names, ids of remote outputs, pool indices of the typed ones. */
interface RhChoice {
  fields: Set<string>;
  outputs: string[];
  typed: number[];
}

/** `added`: nodes with fields that were not there. `other`: fields of another kind now. */
interface RhChanges {
  added: { title: string; id: string; count: number }[];
  gone: RhField[];
  other: { field: RhField; kind: string }[];
  values: { field: RhField; stored: unknown }[];
  goneOutputs: RhOutput[];
  addedOutputs: RhRemoteOutput[];
}

interface RhRow {
  key: string;
  level: 1 | 2;
  text: string;
  kind?: string;
  more?: string;
  tip?: string;
  open?: boolean;
  ticked?: boolean;
  disabled?: boolean;
}

/** The value of a field that stays when its program changed. */
type RhCarry = (field: RhField, before: RhField, value: unknown) => unknown;

/** `run` closes the dialog afterwards, unless it gives (or resolves to) false. */
interface RhButton {
  label: string;
  primary?: boolean;
  run?: () => unknown;
}

interface RhAsked {
  title: string;
  body: HTMLElement | string;
  buttons: RhButton[];
  onClose?: () => void;
  wide?: boolean;
}

/** `say` shows a sentence above the buttons, for what went wrong. */
interface RhDialog {
  close(): void;
  element: HTMLDialogElement;
  say(text: string): void;
}

/** What goes on at a node. `timer`: until a typed id counts as whole. */
interface RhState {
  /** The id or link that was dealt with. */
  text: string;
  timer: number;
  asking: AbortController | null;
  /** The program as it is now, when it is not what the node was built from. */
  changed: RhProgram | null;
}
