"""Random graphs of other RunningHub packs, in API format: settings, chains, uploads, orders."""

from __future__ import annotations

import random
from typing import Any

FILES = {"LoadImage": "image", "LoadVideo": "file"}


class _Maker:
    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.prompt: dict[str, Any] = {}

    def node(self, class_type: str, **inputs: Any) -> str:
        node_id = str(len(self.prompt) + 1)
        self.prompt[node_id] = {"class_type": class_type, "inputs": inputs}
        return node_id

    def text(self) -> str:
        return self.random.choice(
            ["a cat", "42", "0.5", "", "line\nline", "雪山", "true", ' "quoted" ']
        )

    def field(self, place: int) -> tuple[int, str]:
        return place + self.random.randrange(1, 5) * 10, self.random.choice(
            ["text", "seed", "image", "lora_name", "custom.part"]
        )

    def target(self) -> str:
        return f"19{self.random.randrange(10**17):017}"

    def picture(self) -> list[Any]:
        return [self.node("LoadImage", image=f"{self.random.choice('abc')}.png"), 0]

    def shown(self, order: str, outputs: int) -> None:
        for slot in range(outputs):
            if self.random.random() < 0.4:
                self.node("PreviewAny", source=[order, slot])


def apicall(seed: int) -> dict[str, Any]:
    """A graph of ComfyUI_RH_APICall: chains that several orders share, files, switches."""
    maker = _Maker(seed)
    draw = maker.random
    settings = [
        maker.node(
            "RH_SettingsNode",
            base_url="https://www.runninghub.cn",
            apiKey=f"{draw.getrandbits(128):032x}",
            workflowId_webappId=draw.choice(["", " "]) + maker.target(),
        )
        for _ in range(draw.randint(1, 2))
    ]
    ends: list[list[Any] | None] = [None]
    for place in range(draw.randint(0, 6)):
        config = [draw.choice(settings), 0]
        value: Any = draw.choice(
            [
                maker.text(),
                [maker.node("PrimitiveString", value=maker.text()), 0],
                [maker.node("RH_ImageUploaderNode", apiConfig=config, image=maker.picture()), 0],
                [maker.node("RH_VideoUploader", apiConfig=config, video="clip.mp4"), 0],
                [maker.node("RH_AudioUploader", apiConfig=config, audio="voice.wav"), 0],
            ]
        )
        number, name = maker.field(place * 100)
        entry = {"nodeId": number, "fieldName": name, "fieldValue": value}
        before = draw.choice(ends)
        if before:
            entry["previousNodeInfoList"] = before
        ends.append([maker.node("RH_NodeInfoListNode", **entry), 0])
    for _ in range(draw.randint(1, 3)):
        inputs: dict[str, Any] = {
            "apiConfig": [draw.choice(settings), 0],
            "run_timeout": draw.randint(1, 900),
            "concurrency_limit": 1,
            "is_webapp_task": draw.random() < 0.3,
            "use_rtx4090_48g": draw.random() < 0.3,
        }
        if end := draw.choice(ends):
            inputs["nodeInfoList"] = end
        maker.shown(maker.node("RH_ExecuteNode", **inputs), 10)
    return maker.prompt


def rh_api(seed: int) -> dict[str, Any]:
    """A graph of ComfyUI_RH_API: uploads that add to the list themselves, named fields."""
    maker = _Maker(seed)
    draw = maker.random
    config = [
        maker.node(
            "RH_Config",
            api_key=f"{draw.getrandbits(128):032x}",
            workflow_or_app_id=maker.target(),
            base_url="https://www.runninghub.cn",
            is_ai_app=draw.random() < 0.3,
        ),
        0,
    ]
    end: list[Any] | None = None
    for place in range(draw.randint(0, 5)):
        number, name = maker.field(place * 100)
        named = {"node_id": f" {number} ", "field_name": draw.choice(["custom", name])}
        named["custom_field_name"] = "prompt"
        before = {"previous_params": end} if end else {}
        match draw.randrange(4):
            case 0:
                picture = maker.picture()
                end = [
                    maker.node("RH_UploadImage", config=config, image=picture, **named, **before),
                    1,
                ]
            case 1:
                picture = maker.picture()
                images = {"image_2": picture, "node_id_2": str(number), "field_name_2": "image"}
                end = [maker.node("RH_MultiInputImage", config=config, **images, **before), 0]
            case _:
                end = [maker.node("RH_Param", field_value=maker.text(), **named, **before), 0]
    inputs: dict[str, Any] = {"config": config, "timeout": 600}
    inputs["use_high_performance"] = draw.random() < 0.3
    if end:
        inputs["params"] = end
    maker.shown(maker.node("RH_Execute", **inputs), 7)
    return maker.prompt


def runninghub(seed: int) -> dict[str, Any]:
    """A graph of ComfyUI-RunningHub."""
    maker = _Maker(seed)
    draw = maker.random
    config = [
        maker.node(
            "RH_Settings",
            api_key=f"{draw.getrandbits(128):032x}",
            base_url="https://www.runninghub.cn",
            workflow_id=maker.target(),
        ),
        0,
    ]
    end: list[Any] | None = None
    for place in range(draw.randint(0, 5)):
        number, name = maker.field(place * 100)
        upload = maker.node("RH_UploadImage", api_config=config, image=maker.picture())
        value = draw.choice([maker.text(), [upload, 0]])
        before = {"previous_list": end} if end else {}
        entry = maker.node(
            "RH_NodeInfo", node_id=number, field_name=name, field_value=value, **before
        )
        end = [entry, 0]
    inputs: dict[str, Any] = {"api_config": config, "run_timeout": 60, "poll_interval": 3}
    inputs["use_rtx4090"] = draw.random() < 0.3
    if end:
        inputs["node_info_list"] = end
    if draw.random() < 0.3:
        maker.shown(maker.node("RH_ExecuteAIApp", webapp_id=maker.target(), **inputs), 4)
    else:
        maker.shown(maker.node("RH_ExecuteWorkflow", **inputs), 10)
    return maker.prompt
