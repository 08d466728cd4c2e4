// Entry point, the only script with side effects: registers the extensions of the other modules.

import { isSafe, register } from "./host/comfy.js";
import { lazy } from "./host/lazy.js";
import { h } from "./lib/view.js";
import { account } from "./features/account.js";
import { autoRuns } from "./features/auto_runs.js";
import { panel } from "./features/panel/panel.js";
import { profiles } from "./features/profiles.js";
import { failureNotices } from "./features/failure_notices.js";
import { migration } from "./features/migration.js";
import { models } from "./features/models.js";
import { programNode } from "./features/program/node.js";
import { recent } from "./features/recent.js";
import { rescue } from "./features/rescue.js";
import { restore } from "./features/restore.js";
import { runState } from "./features/run_state.js";
import { segments } from "./features/segments.js";
import { quoteBar } from "./features/quote_bar.js";
import { whole } from "./features/whole.js";
import { tasks } from "./features/tasks.js";

// ComfyUI calls hooks in this order: marks must be read before a run of theirs is restored.
const all = { recent, profiles, programNode, models, account, runState, failureNotices, segments, whole, rescue, restore, tasks, migration, panel, quoteBar, autoRuns };
const none = { unsafe: { setup: async () => (await lazy("features/unsafe.mjs")).sayUnsafe() } };
for (const [name, feature] of Object.entries(isSafe() ? all : none)) register(name, feature);
document.head.append(h("link", { rel: "stylesheet", href: new URL("../css/runninghub.css", import.meta.url).href }));
