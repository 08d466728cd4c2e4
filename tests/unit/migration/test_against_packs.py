"""The old packs' own code beside ours, for whoever has it: RUNNINGHUB_OLD_PACKS names a folder.

There lie copies of their repositories as `ComfyUI_RH_APICall` and `ComfyUI_RH_OpenAPI`. Their code
makes the bodies of orders out of the same graphs, published and random; what hangs on torch and
ComfyUI there is stood in for. RUNNINGHUB_LONG: 100 random graphs in place of 10.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import json
import os
import random
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import MagicMock

import pytest

from rh_api.migration import migrate
from rh_api.migration.model_nodes import ModelClasses
from rh_api.models.body import compose
from rh_api.models.catalogue import Catalogue
from rh_api.models.stored import read_catalogue
from tests.support import old_graphs
from tests.support.canvas_graphs import to_prompt
from tests.support.old_packs import ordered, orders, value_of

PACKS = os.environ.get("RUNNINGHUB_OLD_PACKS", "")
pytestmark = pytest.mark.skipif(not PACKS, reason="RUNNINGHUB_OLD_PACKS names no folder")

COUNT = 100 if os.environ.get("RUNNINGHUB_LONG") else 10
SHIPPED = Path(__file__).parents[3] / "rh_api" / "models" / "catalogue.json"
STAND_INS = (
    "av",
    "comfy",
    "comfy.utils",
    "comfy_api",
    "comfy_api.input_impl",
    "comfy_api.latest",
    "cv2",
    "folder_paths",
    "safetensors",
    "safetensors.torch",
    "server",
    "soundfile",
    "torch",
    "torch.nn",
    "torch.nn.functional",
    "torchaudio",
    "websocket",
)
OURS = ("model", "batch", "send_anyway", "reroll_seeds", "timeout")


@pytest.fixture(scope="module")
def load() -> Iterator[Callable[[str, str], ModuleType]]:
    """A module of an old pack, by the pack's folder and its name there."""
    before = {name: sys.modules.get(name) for name in STAND_INS}
    for name in STAND_INS:
        sys.modules[name] = MagicMock()

    def module(pack: str, name: str) -> ModuleType:
        package = f"old_{pack}"
        if package not in sys.modules:
            holder = ModuleType(package)
            holder.__path__ = [str(Path(PACKS) / pack)]
            sys.modules[package] = holder
        return importlib.import_module(f"{package}.{name}")

    yield module
    for name, original in before.items():
        if original is None:
            sys.modules.pop(name, None)
        else:
            sys.modules[name] = original


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return read_catalogue(SHIPPED.read_bytes())


class Sent(Exception):
    """The body that an old node would have sent."""

    def __init__(self, path: str, body: Mapping[str, Any]) -> None:
        super().__init__(path)
        self.path, self.body = path, body


class Wire:
    """Stands in for their `requests`."""

    class exceptions:  # noqa: N801 - as they call it
        Timeout = RequestException = OSError

    def post(self, url: str, json: Any, **_: Any) -> Any:
        answer = MagicMock()
        answer.json.return_value = {"code": 0, "data": {"taskId": "1", "netWssUrl": ""}}
        self.sent = Sent(url, json)
        return answer


def test_what_they_order_is_what_the_model_says(
    load: Callable[[str, str], ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their Settings, Node Info List and Execute, run over random graphs."""
    lists = load("ComfyUI_RH_APICall", "RH_NodeInfoListNode")
    executes = load("ComfyUI_RH_APICall", "RH_ExecuteNode")
    wire = Wire()
    monkeypatch.setattr(executes, "requests", wire)
    for seed in range(COUNT):
        prompt = old_graphs.apicall(seed)

        def listed(link: Any, prompt: Any = prompt) -> list[dict[str, Any]]:
            if not link:
                return []
            inputs = prompt[link[0]]["inputs"]
            before = listed(inputs.get("previousNodeInfoList"), prompt)
            value = value_of(prompt, inputs["fieldValue"])
            (extended,) = lists.NodeInfoListNode().process(
                inputs["nodeId"], inputs["fieldName"], value, before
            )
            return extended

        nodes = [node for node in prompt.values() if node["class_type"] == "RH_ExecuteNode"]
        for node, order in zip(nodes, orders(prompt), strict=True):
            inputs = node["inputs"]
            config = prompt[inputs["apiConfig"][0]]["inputs"]
            entries = listed(inputs.get("nodeInfoList"))
            big, target = inputs["use_rtx4090_48g"], config["workflowId_webappId"]
            runner = executes.ExecuteNode()
            if inputs["is_webapp_task"]:
                runner.create_ai_app_task(config, entries, target, big)
            else:
                runner.create_task(config, entries, config["base_url"], big)
            body = wire.sent.body
            fields = {(str(e["nodeId"]), e["fieldName"], e["fieldValue"]) for e in entries}
            assert body["nodeInfoList"] == entries
            assert fields == order.fields
            assert str(body.get("webappId", body.get("workflowId"))) == order.target
            assert body.get("instanceType") == order.instance


def test_their_models_send_the_same_bodies(
    load: Callable[[str, str], ModuleType], catalogue: Catalogue
) -> None:
    """Each class, with random values and sockets."""
    factory = load("ComfyUI_RH_OpenAPI", "nodes.node_factory")
    classes = ModelClasses(catalogue)
    differ: dict[str, Any] = {}
    unknown = 0
    for definition in factory._load_registry():
        endpoint = definition["endpoint"]
        name = f"RH_{definition['class_name']}"
        model = classes.model_of(name)
        assert model is not None, endpoint
        if not model.parameters:
            unknown += 1
            continue
        node_class = factory.create_node_class(definition)
        for seed in range(max(1, COUNT // 10)):
            inputs, links = _filled(node_class, random.Random(f"{endpoint}{seed}"))
            urls = {f"__url_{socket}": f"https://files/{socket}" for socket in links}
            old = node_class().build_payload(**inputs, **urls)
            prompt = {"1": {"class_type": name, "inputs": {**inputs, **links}}}
            document = migrate(prompt, catalogue).document
            new = document["1"]["inputs"]
            values = {key: _link(value, document) for key, value in new.items() if key not in OURS}
            body = dict(compose(model, values).body)
            if _differences(endpoint, old, body):
                differ[endpoint] = (old, body)
    assert unknown <= 4
    assert not differ, json.dumps(differ, ensure_ascii=False, indent=1)


def _link(value: Any, document: Mapping[str, Any]) -> Any:
    """What a link brings: the address of a socket's file, or a text."""
    if not isinstance(value, list):
        return value
    text = document.get(value[0])
    return text["inputs"]["value"] if text else f"https://files/{value[0]}"


# What differs, and why.
IDLE = {
    "maxImages",
    "cw",
    "iw",
    "ow",
    "sw",
    "shotType",
}  # counts only beside another value: left out
AS_LIST = {"pronunciation_dict", "conversionSlots"}  # documented as a list, sent there as one text
FILLED = {  # required today; the old classes did not know them
    "rhart-image/f-dev": {"aspectRatio", "outputFormat"},
    "rhart-image/f-dev-lora": {"aspectRatio", "outputFormat"},
}
RATIO = "rhart-image-g-2/"  # there the aspect ratio went into the prompt


def _differences(endpoint: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> set[str]:
    """Keys of two bodies that differ for no reason that is known."""
    theirs, ours = _plain(old), _plain(new)
    differing = {key for key in {*theirs, *ours} if theirs.get(key) != ours.get(key)}
    usual = AS_LIST | FILLED.get(endpoint, set()) | {key for key in IDLE if key not in new}
    return differing - usual - ({"prompt", "aspectRatio"} if endpoint.startswith(RATIO) else set())


def _plain(body: Mapping[str, Any]) -> dict[str, str]:
    """Numbers and texts alike: 5, 5.0 and "5" are one value to the service."""
    return {key: _word(value) for key, value in body.items()}


def _word(value: Any) -> str:
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=False)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _filled(node_class: Any, draw: random.Random) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    inputs: dict[str, Any] = {}
    links: dict[str, list[Any]] = {}
    kinds = node_class.INPUT_TYPES()
    for part in ("required", "optional"):
        for name, spec in kinds[part].items():
            if name in ("api_config", "asset_ids", "real_person_mode", "conversion_slots"):
                continue
            kind = spec[0]
            options = spec[1] if len(spec) > 1 else {}
            if kind in ("IMAGE", "VIDEO", "AUDIO"):
                if part == "required" or draw.random() < 0.5:
                    links[name] = [name, 0]
            elif isinstance(kind, list):
                inputs[name] = draw.choice(kind)
            elif kind == "STRING":
                inputs[name] = draw.choice(["a cat", " 雪山 ", "x" * 20])
            elif kind == "BOOLEAN":
                inputs[name] = draw.random() < 0.5
            else:
                low, high = options.get("min", 0), options.get("max", 100)
                inputs[name] = draw.randint(int(low), min(int(high), 2**31 - 1))
    inputs["skip_error"] = False
    return inputs, links


def published(pack: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted((Path(PACKS) / pack / "examples").rglob("*.json")):
        with contextlib.suppress(ValueError):  # one of them is a command line
            yield path.name, json.loads(path.read_text("utf-8"))


def test_published_graphs_order_the_same(catalogue: Catalogue) -> None:
    count = 0
    for name, graph in published("ComfyUI_RH_APICall"):
        document = migrate(graph, catalogue).document
        old = [replace(order, target=order.target.strip()) for order in orders(to_prompt(graph))]
        assert ordered(to_prompt(document)) == old, name
        count += len(old)
    assert count == 8


def test_published_models_send_the_same_bodies(
    load: Callable[[str, str], ModuleType], catalogue: Catalogue
) -> None:
    """Old values by the names that they fit; what a graph does not tell is the old class's own."""
    factory = load("ComfyUI_RH_OpenAPI", "nodes.node_factory")
    definitions = {f"RH_{row['class_name']}": row for row in factory._load_registry()}
    classes = ModelClasses(catalogue)
    count = 0
    broken: list[str] = []
    for name, graph in published("ComfyUI_RH_OpenAPI"):
        document = migrate(graph, catalogue).document
        new = {str(node["id"]): node for node in document["nodes"]}
        for node in graph["nodes"]:
            ours = new.get(str(node["id"]), {})
            if ours.get("type") != "RunningHubModel":
                continue
            old = factory.create_node_class(definitions[node["type"]])
            kinds = old.INPUT_TYPES()
            every = {**kinds["required"], **kinds["optional"]}
            inputs = {key: _usual(spec) for key, spec in every.items() if _is_plain(spec)}
            saved = node["widgets_values"]
            names = classes.widgets_of(node["type"], saved) or ()
            inputs |= dict(zip(names, saved, strict=False))
            urls = {f"__url_{key}": url for key, url in _sources(graph, node).items()}
            try:
                body = old().build_payload(**inputs, **urls)
            except ValueError:
                broken.append(name)  # its own pack does not run it any more
                continue
            values = {**ours["properties"]["runninghub"]["values"], **_sources(document, ours)}
            values = {key: value for key, value in values.items() if " " not in key}
            model = classes.model_of(node["type"])
            assert model is not None
            sent = dict(compose(model, values).body)
            assert not _differences(model.endpoint, body, sent), (name, body, sent)
            count += 1
    assert count > 200
    assert len(broken) <= 4, broken


def _sources(graph: Mapping[str, Any], node: Mapping[str, Any]) -> dict[str, str]:
    """An address for each socket that is linked, made of where its link starts."""
    starts = {link[0]: f"https://files/{link[1]}" for link in graph["links"]}
    inputs = [socket for socket in node["inputs"] if socket.get("link") is not None]
    return {socket["name"]: starts[socket["link"]] for socket in inputs}


def _is_plain(spec: Any) -> bool:
    return spec[0] not in ("IMAGE", "VIDEO", "AUDIO", "RH_OPENAPI_CONFIG")


def _usual(spec: Any) -> Any:
    """What the canvas gives a new widget."""
    options = spec[1] if len(spec) > 1 else {}
    return options.get("default", "" if spec[0] == "STRING" else 0)


def test_every_published_graph_becomes_ours(catalogue: Catalogue) -> None:
    left: dict[str, list[str]] = {}
    for pack, orders_of in (("ComfyUI_RH_APICall", "RH_ExecuteNode"), ("ComfyUI_RH_OpenAPI", "")):
        for name, graph in published(pack):
            moved = migrate(graph, catalogue)
            stays = [stay.why.key for stay in moved.left if stay.why.key != "migrate.stays_needed"]
            if stays:
                left[name] = stays
            if orders_of:
                assert not stays, name
                assert any(
                    "Workflow" in new.becomes or "App" in new.becomes for new in moved.replaced
                )
    # Models that are gone, one of which the catalogue knows no parameters, and one of assets.
    assert len(left) <= 14, left
    assert {why for stays in left.values() for why in stays} <= {
        "error.model_gone",
        "error.model_gone_alone",
        "migrate.stays_unknown_model",
        "migrate.stays_assets",
    }
