// What functions of web/js take and give, where one line of theirs cannot say it.

type RhDiffers = (one: unknown, other: unknown) => boolean;
type RhOpenAtFirst = (program: RhProgram, choice: RhChoice) => Set<string>;
type RhNodeRow = (node: RhRemoteNode, choice: RhChoice, open: boolean) => RhRow;
type RhFieldRow = (field: RhRemoteField, choice: RhChoice, flat: boolean) => RhRow;
type RhOutputRows = (program: RhProgram, choice: RhChoice, typedTexts: RhTypedText[]) => RhRow[];
type RhTicked = (choice: RhChoice, key: string) => RhChoice;
type RhIsNoted = (node: RhRemoteNode, choice: RhChoice) => boolean;
type RhShown = (stored: unknown, most: number) => string;
type RhToast = (severity: "success" | "info" | "warn", summary: string, detail?: string) => void;
type RhFirstChoice = (program: RhProgram, before: RhForm | null, linked: number[]) => RhChoice;
type RhMakeForm = (program: RhProgram, choice: RhChoice, before: RhForm | null) => RhForm;
type RhArrange = (outputs: RhOutput[], typed: number[], before: RhForm | null) => number[];
type RhSlotOrigins = (before: RhForm, outputs: RhOutput[]) => number[];
type RhFieldOf = (node: RhRemoteNode, field: RhRemoteField) => RhField | null;
type RhSetMark = (thing: any, mark: RhMark | null) => void;
type RhDrawChips = (context: any, [x, y, width, height]: Iterable<number>, chips: RhChip[], scale: number) => void;
type RhClean = (text: unknown, most?: number) => string;
type RhWidgetOf = (node: any, name: string) => ComfyWidget | undefined;
type RhValueOf = (node: any, name: string) => string;
type RhSetWidget = (node: any, name: string, value: string) => void;
type RhAfter = (widget: ComfyWidget, act: (value: any) => void) => void;
type RhWithForms = (prompt: any, kinds: Map<string, RhKind>) => any;
type RhGet = (path: string, signal?: AbortSignal) => Promise<any>;
type RhPost = (path: string, body: object, signal?: AbortSignal) => Promise<any>;
type RhSend = (path: string, options: object) => Promise<Response>;
type RhFailed = (key: string, status?: number) => Promise<Error>;
type RhFind = (locale: string, key: string) => string | undefined;
type RhNumberText = (value: number | string, digits?: number) => string;
type RhFill = (into: any, make: () => Promise<any[]>) => Promise<void>;
type RhLink = (text: string, href: string) => any;
type RhBuildNode = (node: ComfyNode, form: RhForm, carry?: RhCarry) => void;
type RhToForm = (node: ComfyNode, form: RhForm) => void;
type RhFinishFromFile = (node: ComfyNode, form: RhForm, values: Record<string, unknown>) => void;
type RhBuildInputs = (node: ComfyNode, form: RhForm, before: RhForm | null, carry: RhCarry | null) => void;
type RhAtOnce = (node: ComfyNode, act: RhAct) => void;
type RhAddField = (node: ComfyNode, field: RhField, anew: boolean) => void;
type RhDescribe = (node: ComfyNode, field: RhField) => void;
type RhRemoveField = (node: ComfyNode, name: string) => void;
type RhBuildOutputs = (node: ComfyNode, form: RhForm, before: RhForm | null) => void;
type RhSeeProgram = (node: ComfyNode, program: RhProgram | null) => void;
type RhAddButton = (node: ComfyNode, press: () => void) => void;
type RhTake = (node: ComfyNode, program: RhProgram, form: RhForm) => void;
type RhFetchProgram = (node: ComfyNode, fresh: boolean, signal?: AbortSignal) => Promise<any>;
type RhReadProgram = (node: ComfyNode, fresh: boolean) => Promise<any>;
type RhSettle = (node: ComfyNode, error: unknown) => Promise<boolean>;
type RhAskPassword = (node: ComfyNode, message?: string) => Promise<boolean>;
type RhSwap = (node: ComfyNode, kind: RhKind) => void;
type RhMoveLinks = (from: ComfyNode, to: ComfyNode) => void;
type RhWithWord = (body: string, ids: string[]) => string;
type RhTuckAway = (node: ComfyNode, widget: ComfyWidget) => void;
type RhSavedText = (node: ComfyNode, info: SavedNode) => any;
type RhDropPreview = (id: string, node: any) => void;
type RhPut = (things: any[], wanted: RhMark | null) => void;
type RhTaskView = (task: RhTask, again: () => Promise<void>, leave: () => void) => any;
type RhFollowTask = (id: string, profile: string) => Promise<void>;
/** Gives whether the node still names what it did. */
type RhUseSandbox = (node: ComfyNode, samples: { kind: string; id: string; name: string }[]) => Promise<boolean>;
type RhFieldRows = (
  index: { node: RhRemoteNode; words: string; fields: { field: RhRemoteField; words: string }[] }[],
  choice: RhChoice,
  open: Set<string>,
  sought: string,
  /** Fields alone, by their labels: an app's form has no nodes. */
  flat?: boolean,
) => RhRow[];
type RhExplain = (explained: RhExplained, select: (id: string) => unknown) => any;
type RhProfilesView = (stored: RhStored, again: RhAct) => any[];
type RhProfileView = (profile: RhProfile, isDefault: boolean, again: RhAct) => any;
type RhLists = (node: ComfyNode, form: RhForm, program: RhProgram) => { title: string; lines: string[] }[];
type RhJson = (body: object, headers?: Record<string, string>, signal?: AbortSignal) => object;
type RhPiece = (...content: any[]) => any;
type RhCard = (title: string, ...content: any[]) => any;
