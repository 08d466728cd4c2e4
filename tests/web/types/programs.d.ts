// What the nodes that run a program know of it. Global names, as in comfyui.d.ts.

type RhKind = "workflow" | "app" | "model" | "module";

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
  resource?: string;
  suggested?: boolean;
  label?: string;
  description?: string;
  required?: boolean;
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
  /** Of models alone. Their schema, as a form keeps it. */
  model?: Record<string, any>;
  /** Outputs that it fills, as places in the pool. */
  typed?: number[];
  complete?: boolean;
  status?: "active" | "withdrawn" | "gone" | "unlisted";
  successor?: { endpoint: string; name: string } | null;
  notice?: string;
  price?: string;
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
  /** The list of models that has what it names: CHECKPOINT, UNET, LORA or GGUF. */
  resource?: string;
  /** The rest of a model's parameters alone. `array`: takes a list, and single items by numbers. */
  required?: boolean;
  array?: boolean;
  max_items?: number;
  /** It may stay unset, as "". */
  blank?: boolean;
  /** It counts only while that other one has one of these values; none: is given. */
  when?: { name: string; values: string[] };
  excludes?: string[];
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
  /** The schema of a model, as the server keeps it. */
  model?: Record<string, any>;
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
  level: number;
  text: string;
  kind?: string;
  more?: string;
  tip?: string;
  open?: boolean;
  ticked?: boolean;
  disabled?: boolean;
}

/** The value of a field that stays when its program changed. */
type RhCarry = (before: RhField, after: RhField, value: any) => unknown;
/** A value of a field made one that its widget takes, or that is sent. */
type RhFitting = (field: RhField, value: any) => unknown;
type RhStanding =
  | { socket: string }
  | { widget: "STRING" | "INT" | "FLOAT" | "BOOLEAN" | "COMBO"; takes?: string; spec: [any, Record<string, any>] };
/** Makes something of a form and a program; `seen`: the program then, as `seenOf` gave it. */
type RhFollow<T> = (form: RhForm, seen: string, program: RhProgram) => T;

/** What an output that every node has is called, and what it carries. */
interface RhTypedText {
  name: string;
  tip: string;
}

/** `label`: for who cannot see it. A row with `open` has others below it. */
interface RhTree {
  label: string;
  tick: (row: RhRow) => void;
  fold?: (row: RhRow, open: boolean) => void;
}

/** `run` closes the dialog afterwards, unless it gives (or resolves to) false. */
interface RhButton {
  label: string;
  primary?: boolean;
  run?: () => unknown;
}

interface RhAsked {
  title: string;
  body: HTMLElement | string;
  /** Without any: one that closes. */
  buttons?: RhButton[];
  onClose?: () => void;
  wide?: boolean;
}

interface RhDialog {
  close(): void;
  element: HTMLDialogElement;
}


/** What goes on at a node. `timer`: until a typed id counts as whole. */
interface RhState {
  /** The id or link that was dealt with. */
  text: string;
  /** The one that the node was built from. */
  named: string;
  timer: number;
  asking: AbortController | null;
  /** The program as it is now, when it is not what the node was built from. */
  changed: RhProgram | null;
  /** The model as it is now, when the service no longer offers it. */
  notice: RhProgram | null;
}
