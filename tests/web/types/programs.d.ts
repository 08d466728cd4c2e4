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

/** The value of a field that stays when its program changed. */
type RhCarry = (before: RhField, after: RhField, value: any) => unknown;

interface RhDialog {
  close(): void;
  element: HTMLDialogElement;
}
