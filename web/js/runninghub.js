// The one script with effects: it registers what the other modules describe.

import { app } from "./lib/comfy.js";
import { h } from "./lib/view.js";
import { account } from "./parts/account.js";
import { programNode } from "./parts/program_node.js";
import { running } from "./parts/running.js";
import { segments } from "./parts/segments.js";
import { tasks } from "./parts/tasks.js";

for (const [name, part] of Object.entries({ programNode, account, running, segments, tasks })) {
	app.registerExtension({ name: `runninghub.${name}`, ...part });
}
document.head.append(h("link", { rel: "stylesheet", href: new URL("../css/runninghub.css", import.meta.url).href }));
