// What web/js uses of ComfyUI's front end, in its versions 1.39.19 to 1.58: nothing more is relied on.
// Global names, so that a module says `@param {ComfyNode} node` without an import.

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** An input or output of a node as object_info and the widget makers have it. */
type InputSpec = [string | (string | number)[], Record<string, any>?];

interface ComfyWidget {
  name: string;
  type: string;
  value: any;
  label?: string;
  tooltip?: string;
  hidden?: boolean;
  advanced?: boolean;
  disabled?: boolean;
  serialize?: boolean;
  options: Record<string, any> & { values?: any; serialize?: boolean; hidden?: boolean };
  callback?: (value: any, ...more: any[]) => void;
  serializeValue?: (node: ComfyNode, index: number) => any;
  computeSize?: (width?: number) => [number, number];
  computeLayoutSize?: (node: ComfyNode) => { minHeight: number; minWidth: number; maxHeight?: number };
  linkedWidgets?: ComfyWidget[];
  element?: HTMLElement;
  inputEl?: HTMLElement;
  onRemove?: () => void;
  beforeQueued?: (...args: any[]) => void;
  afterQueued?: (...args: any[]) => void;
  y?: number;
}

interface ComfySlot {
  name: string;
  type: string | number;
  label?: string;
  localized_name?: string;
  tooltip?: string;
  shape?: number;
}

interface ComfyInputSlot extends ComfySlot {
  /** Deprecated in 1.58: use isInputConnected and getInputLink. */
  link: number | null;
  widget?: { name: string; [key: string]: any };
}

interface ComfyOutputSlot extends ComfySlot {
  links: number[] | null;
  slot_index?: number;
}

interface ComfyLink {
  id: number;
  origin_id: number | string;
  origin_slot: number;
  target_id: number | string;
  target_slot: number;
  type: string | number;
}

/** A node as it is saved in a workflow file. */
interface SavedNode {
  id: number | string;
  type: string;
  pos: [number, number];
  size: [number, number];
  mode?: number;
  title?: string;
  inputs?: any[];
  outputs?: any[];
  properties?: Record<string, any>;
  widgets_values?: any;
  [key: string]: any;
}

interface ComfyNode {
  /** A number in 1.49, a string in 1.58: compare with String(). */
  id: number | string;
  type: string;
  comfyClass?: string;
  title: string;
  mode: number;
  pos: [number, number];
  size: [number, number];
  color?: string;
  bgcolor?: string;
  flags: Record<string, any>;
  properties: Record<string, any>;
  inputs: ComfyInputSlot[];
  outputs: ComfyOutputSlot[];
  widgets?: ComfyWidget[];
  badges: any[];
  badgePosition?: string;
  graph: ComfyGraph | null;
  subgraph?: ComfyGraph;
  imgs?: HTMLImageElement[];
  constructor: Function & {
    nodeData?: NodeData;
    title?: string;
    type?: string;
    comfyClass?: string;
  };
  addInput(name: string, type: string | number, extra?: Record<string, any>): ComfyInputSlot;
  removeInput(slot: number): void;
  addOutput(name: string, type: string | number, extra?: Record<string, any>): ComfyOutputSlot;
  removeOutput(slot: number): void;
  findInputSlot(name: string): number;
  findOutputSlot(name: string): number;
  isInputConnected(slot: number): boolean;
  isOutputConnected(slot: number): boolean;
  getInputLink(slot: number): ComfyLink | null;
  getInputNode(slot: number): ComfyNode | null;
  getOutputNodes(slot: number): ComfyNode[] | null;
  connect(slot: number, target: ComfyNode, targetSlot: number | string): ComfyLink | null;
  disconnectInput(slot: number | string, keepReroutes?: boolean): boolean;
  disconnectOutput(slot: number | string, target?: ComfyNode): boolean;
  addWidget(
    type: string,
    name: string,
    value: any,
    callback: ((...args: any[]) => void) | string | null,
    options?: Record<string, any>,
  ): ComfyWidget;
  addDOMWidget(
    name: string,
    type: string,
    element: HTMLElement,
    options?: Record<string, any>,
  ): ComfyWidget;
  removeWidget?(widget: ComfyWidget): void;
  ensureWidgetRemoved?(widget: ComfyWidget): void;
  computeSize(out?: [number, number]): [number, number];
  setSize(size: [number, number]): void;
  setProperty(name: string, value: any): void;
  setDirtyCanvas(front: boolean, back?: boolean): void;
  isSubgraphNode?(): boolean;
  clone(): ComfyNode | null;
  configure(info: SavedNode): void;
  serialize(): SavedNode;
  onNodeCreated?: (...args: any[]) => any;
  onConfigure?: (info: SavedNode) => void;
  onSerialize?: (info: SavedNode) => void;
  onAdded?: (graph: ComfyGraph) => void;
  onRemoved?: () => void;
  onExecuted?: (output: any) => void;
  onConnectionsChange?: (...args: any[]) => void;
  onDrawForeground?: (context: CanvasRenderingContext2D, ...more: any[]) => void;
  onDrawBackground?: (context: CanvasRenderingContext2D, ...more: any[]) => void;
  onMouseDown?: (event: any, position: [number, number], canvas: any) => boolean | undefined;
  [key: string]: any;
}

interface ComfyGroup {
  id: number | string;
  title: string;
  color?: string;
  pos: [number, number];
  size: [number, number];
  flags: Record<string, any>;
  graph?: ComfyGraph;
  children?: Set<any>;
  nodes?: ComfyNode[];
  recomputeInsideNodes(): void;
  [key: string]: any;
}

interface ComfyGraph {
  id: string;
  nodes: ComfyNode[];
  groups: ComfyGroup[];
  _nodes: ComfyNode[];
  _groups: ComfyGroup[];
  extra: Record<string, any>;
  links: any;
  subgraphs: Map<string, ComfyGraph>;
  rootGraph: ComfyGraph;
  isRootGraph?: boolean;
  name?: string;
  add(item: any): any;
  remove(item: any): void;
  clear(): void;
  change(): void;
  beforeChange(): void;
  afterChange(): void;
  setDirtyCanvas(front: boolean, back?: boolean): void;
  getNodeById(id: number | string): ComfyNode | null;
  getGroupOnPos(x: number, y: number): ComfyGroup | null | undefined;
  getLink?(id: number): ComfyLink | undefined;
  serialize(): any;
  [key: string]: any;
}

interface ComfyCanvas {
  graph: ComfyGraph | null;
  graph_mouse: [number, number];
  canvas: HTMLCanvasElement;
  ds: { scale: number; offset: [number, number] };
  selected_nodes: Record<string, ComfyNode>;
  selectedItems: Set<any>;
  onDrawForeground?: ((this: unknown, ...args: any[]) => void) | null;
  setDirty(front: boolean, back?: boolean): void;
  selectNode?(node: ComfyNode): void;
  selectItems?(items: any[]): void;
  deselectAll?(): void;
  centerOnNode?(node: ComfyNode): void;
  animateToBounds?(bounds: any): void;
  [key: string]: any;
}

interface NodeData {
  name: string;
  display_name: string;
  category: string;
  input: {
    required?: Record<string, InputSpec>;
    optional?: Record<string, InputSpec>;
    hidden?: Record<string, any>;
  };
  output: any[];
  output_name: string[];
  output_node: boolean;
  python_module?: string;
  [key: string]: any;
}

/** The class of a node type, whose prototype an extension may extend. */
interface NodeType {
  prototype: ComfyNode;
  comfyClass?: string;
  title?: string;
  nodeData?: NodeData;
}

interface ComfyCommand {
  id: string;
  label?: string | (() => string);
  icon?: string | (() => string);
  tooltip?: string | (() => string);
  menubarLabel?: string | (() => string);
  versionAdded?: string;
  function: (...args: any[]) => void | Promise<void>;
}

interface ComfyKeybinding {
  commandId: string;
  combo: { key: string; ctrl?: boolean; shift?: boolean; alt?: boolean; meta?: boolean };
  targetElementId?: string;
}

interface ComfySetting {
  id: string;
  name: string;
  type:
    | "boolean"
    | "number"
    | "slider"
    | "combo"
    | "text"
    | "hidden"
    | ((name: string, set: (value: any) => void, value: any, attributes?: any) => HTMLElement);
  defaultValue: any;
  tooltip?: string;
  category?: string[];
  options?: any;
  attrs?: Record<string, any>;
  sortOrder?: number;
  onChange?: (value: any, old?: any) => void;
}

/** An entry of a context menu; null is a separating line. */
type MenuItem = {
  content: string;
  disabled?: boolean;
  has_submenu?: boolean;
  submenu?: { options: MenuItem[] };
  callback?: (...args: any[]) => any;
} | null;

/** What a module of features/ registers: an extension without its name. */
interface RhFeature {
  commands?: ComfyCommand[];
  keybindings?: ComfyKeybinding[];
  menuCommands?: { path: string[]; commands: string[] }[];
  settings?: ComfySetting[];
  bottomPanelTabs?: any[];
  aboutPageBadges?: { label: string; url: string; icon: string }[];
  topbarBadges?: any[];
  actionBarButtons?: any[];
  init?: (app: ComfyApp) => void | Promise<void>;
  setup?: (app: ComfyApp) => void | Promise<void>;
  getCustomWidgets?: (app: ComfyApp) => any;
  beforeRegisterNodeDef?: (
    nodeType: NodeType,
    nodeData: NodeData,
    app: ComfyApp,
  ) => void | Promise<void>;
  addCustomNodeDefs?: (definitions: Record<string, NodeData>, app: ComfyApp) => void | Promise<void>;
  registerCustomNodes?: (app: ComfyApp) => void | Promise<void>;
  beforeRegisterVueAppNodeDefs?: (definitions: NodeData[], app: ComfyApp) => void;
  nodeCreated?: (node: ComfyNode, app: ComfyApp) => void;
  loadedGraphNode?: (node: ComfyNode, app: ComfyApp) => void;
  beforeConfigureGraph?: (graph: any, missing: any, app: ComfyApp) => void | Promise<void>;
  afterConfigureGraph?: (missing: any, app: ComfyApp) => void | Promise<void>;
  getSelectionToolboxCommands?: (item: any) => string[];
  getCanvasMenuItems?: (canvas: ComfyCanvas) => MenuItem[];
  getNodeMenuItems?: (node: ComfyNode) => MenuItem[];
}

interface ComfyExtension extends RhFeature {
  name: string;
}

interface ComfyToast {
  severity?: "success" | "info" | "warn" | "error" | "secondary" | "contrast";
  summary?: string;
  detail?: string;
  life?: number;
  closable?: boolean;
}

interface ComfySidebarTab {
  id: string;
  icon: string;
  title: string;
  label?: string;
  tooltip?: string;
  type: "custom";
  render: (container: HTMLElement) => void;
  destroy?: () => void;
}

type ToastSpeaker = (title: string, more?: { description?: string; duration?: number }) => unknown;

interface ComfyExtensionManager {
  setting: {
    get(id: string): any;
    set(id: string, value: any): void | Promise<void>;
  };
  toast: {
    add(message: ComfyToast): void;
    remove?(message: ComfyToast): void;
    /** Since 1.58. */
    success?: ToastSpeaker;
    info?: ToastSpeaker;
    warning?: ToastSpeaker;
    error?: ToastSpeaker;
  };
  dialog: {
    prompt(ask: {
      title: string;
      message: string;
      defaultValue?: string;
    }): Promise<string | null>;
    confirm(ask: {
      title: string;
      message: string;
      type?: "default" | "overwrite" | "delete" | "dirtyClose" | "reinstall";
      itemList?: string[];
    }): Promise<boolean | null>;
  };
  command: { execute(id: string, ...args: any[]): Promise<void> };
  sidebarTab: { registerSidebarTab(tab: ComfySidebarTab): void };
  workflow?: any;
  [key: string]: any;
}

type WidgetMaker = (
  node: ComfyNode,
  name: string,
  spec: InputSpec,
  app: ComfyApp,
) => { widget: ComfyWidget; minWidth?: number; minHeight?: number };

interface ComfyApp {
  registerExtension(extension: ComfyExtension): void;
  rootGraph: ComfyGraph;
  canvas: ComfyCanvas;
  widgets: Record<string, WidgetMaker> & {
    STRING: WidgetMaker;
    INT: WidgetMaker;
    FLOAT: WidgetMaker;
    BOOLEAN: WidgetMaker;
    COMBO: WidgetMaker;
  };
  extensionManager: ComfyExtensionManager;
  ui: any;
  lastNodeErrors?: any;
  lastExecutionError?: any;
  queuePrompt(number: number, batch?: number, nodes?: any): Promise<boolean>;
  loadGraphData(graph: any, ...more: any[]): Promise<void>;
  graphToPrompt(graph?: ComfyGraph): Promise<{ workflow: any; output: Record<string, any> }>;
  [key: string]: any;
}

interface ComfyApi extends Omit<EventTarget, "addEventListener" | "removeEventListener"> {
  clientId?: string;
  initialClientId?: string | null;
  apiURL(route: string): string;
  fileURL(route: string): string;
  fetchApi(route: string, options?: RequestInit): Promise<Response>;
  addEventListener(
    type: string,
    listener: ((event: CustomEvent<any>) => void) | null,
    options?: AddEventListenerOptions | boolean,
  ): void;
  removeEventListener(
    type: string,
    listener: ((event: CustomEvent<any>) => void) | null,
    options?: EventListenerOptions | boolean,
  ): void;
  dispatchCustomEvent(type: string, detail?: any): boolean;
  getSetting?(id: string): Promise<any>;
  queuePrompt(number: number, data: any, options?: any): Promise<any>;
  interrupt(runningPromptId?: string | null): Promise<void>;
  [key: string]: any;
}

/** What the front end puts on window for extensions; internal, so it may be missing. */
interface Window {
  comfyAPI?: {
    widgetInputs?: {
      setWidgetConfig?: (slot: ComfyInputSlot, spec: InputSpec) => void;
      [key: string]: any;
    };
    [module: string]: any;
  };
  LiteGraph?: any;
  LGraphBadge?: any;
  app?: ComfyApp;
  __COMFYUI_FRONTEND_VERSION__?: string;
}
