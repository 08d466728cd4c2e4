// Types of remote programs, and of the forms of nodes that run them. Global names, as in comfyui.d.ts.

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
  /** Of models only: the schema, as a form stores it. */
  model?: Record<string, any>;
  /** Pool indices of the outputs that it fills. */
  typed?: number[];
  complete?: boolean;
  status?: "active" | "withdrawn" | "gone" | "unlisted";
  successor?: { endpoint: string; name: string } | null;
  notice?: string;
  price?: string;
}

/** A field as a form stores it. */
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
  /** The model list from which it names one: CHECKPOINT, UNET, LORA or GGUF. */
  resource?: string;
  /** From here on only of a model's parameters. `array`: takes a list, and single items by number. */
  required?: boolean;
  array?: boolean;
  max_items?: number;
  /** It may stay unset, as "". */
  blank?: boolean;
  /** Active only while that field has one of these values; if empty, while it is given. */
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

/** What the user chose: full field names, ids of remote outputs, pool indices of typed ones. */
interface RhChoice {
  fields: Set<string>;
  outputs: string[];
  typed: number[];
}

/** Converts the value of a field that stays when its program or form changes. */
type RhCarry = (before: RhField, after: RhField, value: any) => unknown;

interface RhDialog {
  close(): void;
  element: HTMLDialogElement;
}
