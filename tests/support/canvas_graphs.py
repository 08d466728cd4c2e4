"""Prompts as the canvas would save them, and back as it would send them."""

from __future__ import annotations

from typing import Any

# Saved values by place, and the sockets, as each pack's nodes have them on the canvas.
WIDGETS: dict[str, list[str]] = {
    "RH_SettingsNode": ["base_url", "apiKey", "workflowId_webappId"],
    "RH_NodeInfoListNode": ["nodeId", "fieldName", "fieldValue"],
    "RH_ExecuteNode": ["run_timeout", "concurrency_limit", "is_webapp_task", "use_rtx4090_48g"],
    "RH_ImageUploaderNode": [],
    "RH_VideoUploader": ["video"],
    "RH_AudioUploader": ["audio"],
    "RH_Config": ["api_key", "workflow_or_app_id", "base_url", "is_ai_app"],
    "RH_Param": ["node_id", "field_name", "field_value", "custom_field_name"],
    "RH_MultiInputImage": [
        f"{name}_{place}" for place in range(1, 9) for name in ("node_id", "field_name")
    ],
    "RH_UploadImage": ["node_id", "field_name", "custom_field_name"],
    "RH_Execute": ["timeout", "use_high_performance", "save_to_local", "output_prefix"],
    "RH_Settings": ["api_key", "base_url", "workflow_id"],
    "RH_NodeInfo": ["node_id", "field_name", "field_value"],
    "RH_ExecuteWorkflow": ["run_timeout", "poll_interval", "use_rtx4090"],
    "RH_ExecuteAIApp": ["webapp_id", "run_timeout", "poll_interval", "use_rtx4090"],
    "LoadImage": ["image", "upload"],
    "PrimitiveString": ["value"],
    "PreviewAny": [],
}
TYPED = ["images", "masks", "video", "audio", "text", "files", "task_id"]
FORMS = {"RunningHubRemoteWorkflow": "workflow", "RunningHubAIApp": "app"}
UNTOUCHED: dict[str, Any] = {"is_ai_app": False, "save_to_local": True, "output_prefix": "RH"}


def to_canvas(prompt: dict[str, Any]) -> dict[str, Any]:
    """The workflow of which a canvas would make this prompt."""
    nodes: list[dict[str, Any]] = []
    links: list[list[Any]] = []
    for node_id, node in prompt.items():
        widgets = WIDGETS[node["class_type"]]
        inputs: list[dict[str, Any]] = []
        for name, value in node["inputs"].items():
            if isinstance(value, list):
                link = [len(links) + 1, int(value[0]), value[1], int(node_id), len(inputs), "*"]
                links.append(link)
                socket: dict[str, Any] = {"name": name, "type": "*", "link": link[0]}
                if name in widgets:
                    socket["widget"] = {"name": name}
                inputs.append(socket)
        nodes.append(
            {
                "id": int(node_id),
                "type": node["class_type"],
                "pos": [300 * int(node_id), 0],
                "size": [300, 100],
                "mode": 0,
                "inputs": inputs,
                "outputs": [],
                "widgets_values": [_saved(node["inputs"], name) for name in widgets],
            }
        )
    for node in nodes:
        own = [link for link in links if link[1] == node["id"]]
        slots = max((link[2] for link in own), default=-1) + 1
        node["outputs"] = [
            {"name": str(slot), "type": "*", "links": [link[0] for link in own if link[2] == slot]}
            for slot in range(slots)
        ]
    last = {"last_node_id": len(nodes), "last_link_id": len(links)}
    return {**last, "nodes": nodes, "links": links, "groups": [], "version": 0.4}


def _saved(inputs: dict[str, Any], name: str) -> Any:
    value = inputs.get(name, UNTOUCHED.get(name, ""))
    return "" if isinstance(value, list) else value


def to_prompt(workflow: dict[str, Any]) -> dict[str, Any]:
    """What the canvas sends for a workflow, outputs of ours counted as the pool counts them."""
    nodes = {node["id"]: node for node in workflow["nodes"]}
    origins = {link[0]: (link[1], link[2]) for link in workflow["links"]}
    prompt: dict[str, Any] = {}
    for node_id, node in nodes.items():
        class_type = node["type"]
        sockets = node["inputs"]
        widgets = [socket["name"] for socket in sockets if socket.get("widget")]
        names = WIDGETS.get(class_type) or widgets
        stored = node.get("properties", {}).get("runninghub", {})
        values = node.get("widgets_values") or []
        inputs: dict[str, Any] = (
            dict(values) if isinstance(values, dict) else dict(zip(names, values, strict=False))
        )
        inputs |= stored.get("values", {})
        for socket in sockets:
            if socket.get("link") is not None:
                origin, slot = origins[socket["link"]]
                inputs[socket["name"]] = [str(origin), _pooled(nodes[origin], slot)]
        prompt[str(node_id)] = {"class_type": class_type, "inputs": inputs}
    return prompt


def _pooled(node: dict[str, Any], slot: int) -> int:
    if node["type"] not in FORMS:
        return slot
    return node["properties"]["runninghub"]["form"]["sockets"][slot]
