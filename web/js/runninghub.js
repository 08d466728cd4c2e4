// Entry point, the only script with side effects: registers the extensions of the other modules.

import { register } from "./host/comfy.js";
import { h } from "./lib/view.js";
import { account } from "./parts/account.js";
import { autoRuns } from "./parts/auto_runs.js";
import { panel } from "./parts/panel/panel.js";
import { profiles } from "./parts/profiles.js";
import { migration } from "./parts/migration.js";
import { models } from "./parts/models.js";
import { programNode } from "./parts/program/node.js";
import { restore } from "./parts/restore.js";
import { running } from "./parts/run_state.js";
import { segments } from "./parts/segments.js";
import { sum } from "./parts/quote_bar.js";
import { tasks } from "./parts/tasks.js";

// ComfyUI calls hooks in this order: marks must be read before a run of theirs is restored.
for (const [name, part] of Object.entries({ profiles, programNode, models, account, running, segments, restore, tasks, migration, panel, sum, autoRuns })) {
	register(name, part);
}
document.head.append(h("link", { rel: "stylesheet", href: new URL("../css/runninghub.css", import.meta.url).href }));
