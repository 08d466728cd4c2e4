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

/** What earlier runs took; nulls where nothing is known. */
interface RhEstimate {
  runs: number | null;
  seconds: number | null;
  coins: number | null;
  money: number | null;
  /** What a run will probably cost, in words. */
  quote?: string;
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
  /** With the environment's key or address. */
  problem?: string;
  /** What becomes of models that the cloud does not list. */
  models: "warn" | "strict";
  /** The official ones, the first to be offered first. */
  sites: string[];
}

interface RhAccount {
  kind: string;
  coins: number | string | null;
  money: number | string | null;
  currency: string | null;
  running: number | null;
  limit: number | null;
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

interface RhSight {
  before: number | null;
  now: number | null;
  ours: number;
}

interface RhNode {
  id: string;
  title?: string;
  class_type?: string;
}

interface RhUp {
  kind: string;
  from: RhNode | null;
  name: string;
  /** null: only the run will tell. */
  bytes: number | null;
  known: boolean | null;
}

interface RhSegment {
  id: string;
  name: string;
  instance: string;
  nodes: RhNode[];
  pulled: (RhNode & { reason: string })[];
  up: RhUp[];
  back: { kind: string; from: RhNode; to: RhNode[] }[];
  saved: RhNode[];
  estimate: RhEstimate;
  quote?: { text: string } | null;
}

interface RhExplained {
  segments: RhSegment[];
  local: RhNode[];
  /** What all of it will probably cost, in words. */
  quote?: string;
  notes: (RhNode & { text: string })[];
  refused: (RhNode & { message: string; hint: string }) | null;
}

type RhSay = (key: string, params?: Record<string, unknown>) => string;
type RhAct = () => unknown;
interface RhFailure {
  prompt_id: string;
  node_id: string;
  node_type: string;
  exception_type?: string;
  exception_message?: string;
}
/** Whether a thing of the graph is one of a kind. */
type RhTest = (thing: any) => boolean;
/** Does something to things of the graph. */
type RhDo = (things: any[]) => void;
/** What is drawn around a node or a group. */
type RhChips = (thing: any) => RhChip[];

/** A run that is over: its nodes as they were queued, what each showed, and which ComfyUI kept. */
interface RhRun {
  nodes: Record<string, any>;
  outputs: Record<string, any>;
  cached: Set<string>;
}

/** A view of the panel; `close` ends what it does in the background. */
interface RhPanelView {
  content: any[];
  close: RhAct;
}
