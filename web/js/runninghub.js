// Takes the sockets link_0, link_1 … off new nodes: they are filled by the server alone.

import { app } from "../../../scripts/app.js";

const NODES = new Set(["RunningHubRemoteWorkflow"]);

function removeLinkSockets(node) {
  for (let slot = (node.inputs?.length ?? 0) - 1; slot >= 0; slot -= 1) {
    if (/^link_\d+$/.test(node.inputs[slot].name)) {
      node.removeInput(slot);
    }
  }
}

app.registerExtension({
  name: "runninghub.sockets",
  beforeRegisterNodeDef(nodeType, nodeData) {
    if (!NODES.has(nodeData.name)) {
      return;
    }
    const onNodeCreated = nodeType.prototype.onNodeCreated;
    nodeType.prototype.onNodeCreated = function (...given) {
      const made = onNodeCreated?.apply(this, given);
      removeLinkSockets(this);
      return made;
    };
  },
});
