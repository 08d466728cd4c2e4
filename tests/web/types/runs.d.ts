// Plain values that the server answers with, and marks on the graph; see nodes/routes.

/** A part of the graph that runs on RunningHub: nodes of one name that touch are one order. */
interface RhMark {
  segment: string;
  /** Size of the machine; "" means the default. */
  instance: string;
  /** Nothing that is not marked may be pulled in. */
  only: boolean;
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
}

interface RhProfile {
  name: string;
  origin: string;
  key_tail: string;
  from: "environment" | "file";
}

interface RhStored {
  profiles: RhProfile[];
  default: string;
  /** Whether a key in the environment wins. */
  environment: boolean;
  /** With the environment's key or address. */
  problem?: string;
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
}

interface RhExplained {
  segments: RhSegment[];
  local: RhNode[];
  notes: (RhNode & { text: string })[];
  refused: (RhNode & { message: string; hint: string }) | null;
}

type RhSay = (key: string, params?: Record<string, unknown>) => string;
type RhAct = () => unknown;
type RhMarkFor = (
  /** Of what is chosen, of what has a link with it, of the whole graph. */
  chosen: (RhMark | null)[],
  touched: (RhMark | null)[],
  all: (RhMark | null)[],
) => RhMark;
interface RhFailure {
  prompt_id: string;
  node_id: string;
  node_type: string;
  exception_message?: string;
}
type RhMarkOf = (thing: any) => RhMark | null;
/** Whether a thing of the graph is one of a kind. */
type RhTest = (thing: any) => boolean;
/** Does something to things of the graph. */
type RhDo = (things: any[]) => void;
/** What is drawn around a node or a group. */
type RhChips = (thing: any) => RhChip[];
/** Tag, properties (or a class name), and what is in it: nodes and texts; what is falsy is left out. */
type RhBuild = (tag: string, given?: Record<string, any> | string, ...content: any[]) => any;
/** Label, where a failure is told, what it does, and a question that is asked on the button first. */
type RhAction = (label: string, said: HTMLElement, run: RhAct, question?: string) => HTMLButtonElement;
