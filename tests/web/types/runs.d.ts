// Plain values that the server answers with, and marks on the graph; see nodes/routes.

/** A part of the graph that runs on RunningHub: nodes of one name that touch are one order. */
interface RhMark {
  segment: string;
  /** Size of the machine; "" means the default. */
  instance: string;
  /** Nothing that is not marked may be pulled in. */
  only: boolean;
  /** The account that pays, where it is not the default one. */
  profile?: string;
  /** Seconds of running time after which an order is cancelled. */
  timeout?: number;
  /** How its graph goes out, where that is not the account's. */
  route?: string;
  /** Dedicated keys: wait instead of a refusal. */
  use_personal_queue?: boolean;
  /** Id or link of the saved workflow that the graph goes out under. */
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
  /** Id of the saved workflow that marked parts go out under; "" for none of its own. */
  workflow: string;
  /** Public address of the webhook listener that its orders carry; "" for none of its own. */
  webhook: string;
  /** How graphs go out that do not say it: "task", "native", "auto"; "" for nothing said. */
  route: string;
  from: "environment" | "file";
}

interface RhStored {
  profiles: RhProfile[];
  default: string;
  /** Whether a key in the environment wins. */
  environment: boolean;
  /** Whether this ComfyUI has users, who all pay with what is stored. */
  has_users?: boolean;
  /** With the environment's key or address. */
  problem?: string;
  /** What becomes of models that the cloud does not list. */
  models: "warn" | "strict";
  /** The official ones, the first to be offered first. */
  sites: string[];
}

/** An order that nobody here waits for. */
interface RhTask {
  order: number;
  /** "" while it is a question whether it runs. */
  task_id: string;
  state: string;
  name: string;
  kind: string;
  /** The id of a workflow or app; "" of a graph. */
  program: string;
  placed: number;
  uncertain: boolean;
  cancelling?: boolean;
  /** The cloud is done with it. */
  over?: boolean;
  /** How it ended, in a line. */
  end?: string;
  /** Somebody here waits for it. */
  followed: boolean;
  profile: string;
  link?: string;
}

type RhAct = () => unknown;
/** What is drawn around a node or a group. */
type RhChips = (thing: any) => RhChip[];

/** A view of the panel; `close` ends what it does in the background. */
interface RhPanelView {
  content: any[];
  close: RhAct;
}
