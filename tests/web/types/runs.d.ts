// Responses of the server (see nodes/routes), and marks on the graph.

/** The mark of a segment: adjacent nodes with the same name are one order. */
interface RhMark {
  segment: string;
  /** Size of the machine; "" means the default. */
  instance: string;
  /** Unmarked nodes must not be pulled in. */
  only: boolean;
  /** The account that pays, where it is not the default one. */
  profile?: string;
  /** Seconds of running time after which an order is cancelled. */
  timeout?: number;
  /** The route by which its graph is sent, where it is not the account's. */
  route?: string;
  /** Dedicated keys: wait instead of a refusal. */
  use_personal_queue?: boolean;
  /** Id or link of the saved workflow under which the graph is sent. */
  workflow?: string;
}

/** A label above a node; with `frame` a frame of its colour goes around. */
interface RhChip {
  text: string;
  color: string;
  frame?: boolean;
}

interface RhProfile {
  name: string;
  origin: string;
  key_tail: string;
  /** Id of the saved workflow under which segments are sent; "" for none of its own. */
  workflow: string;
  /** Webhook URL that its orders carry; "" for none of its own. */
  webhook: string;
  /** The default route of graphs: "task", "native", "auto"; "" if unset. */
  route: string;
  from: "environment" | "file";
}

interface RhSettings {
  profiles: RhProfile[];
  default: string;
  /** Whether a key in the environment takes precedence. */
  environment: boolean;
  /** Whether this ComfyUI has users, who all pay with what is stored. */
  has_users?: boolean;
  /** A problem with the environment's key or address. */
  problem?: string;
  /** Whether models that the cloud does not list are warned of or refused. */
  models: "warn" | "strict";
  /** How many tasks of an account run at once; 0: all it may. */
  max_tasks?: number;
  /** Origins of the official sites, in the order in which they are offered. */
  sites: string[];
}

/** An open order, as the task list shows it. */
interface RhTask {
  order: number;
  /** "" while it is unknown whether it started. */
  task_id: string;
  state: string;
  name: string;
  kind: string;
  /** The id of a workflow or app; "" of a graph. */
  program: string;
  placed: number;
  uncertain: boolean;
  cancelling?: boolean;
  /** It has ended in the cloud. */
  over?: boolean;
  /** How it ended, as one line of text. */
  end?: string;
  /** A run on this server waits for it. */
  followed: boolean;
  profile: string;
  link?: string;
}

type RhCallback = () => unknown;
/** The chips to draw around a node or group. */
type RhChips = (thing: any) => RhChip[];

/** A view of the panel; `close` stops its background work. */
interface RhPanelView {
  content: any[];
  close: RhCallback;
}
