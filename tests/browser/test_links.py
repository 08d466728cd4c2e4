"""Links drawn with the mouse: each socket takes what fits it, and none is covered by another."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from rh_api.emulator import Emulator, catalog
from tests.browser.canvas import Canvas
from tests.browser.frontends import NEWEST, OLDEST
from tests.browser.hosts import Host

PROGRAMS = {
    "workflow": ("RunningHubRemoteWorkflow", catalog.IMAGE_TO_IMAGE),
    "app": ("RunningHubAIApp", "1900000000000000203"),
}
HIDDEN = [
    *("form", "outputs", "batch", "max_orders", "timeout", "reroll_seeds"),
    *("add_metadata", "use_personal_queue", "retain_seconds", "profile"),
]
EMPTY_PLACE = (420.0, 800.0)


@pytest.fixture(params=[(NEWEST, False), (NEWEST, True), (OLDEST, False), (OLDEST, True)], ids=str)
def each(
    request: pytest.FixtureRequest,
    kind: str,
    hosts: Callable[[str, str], Host],
    opened: Callable[..., Canvas],
    emulator: Emulator,
) -> Canvas:
    """Both front ends with both renderers."""
    version, classic = request.param
    canvas = opened(hosts(kind, version), classic=classic)
    canvas.clear()
    return canvas


def program(canvas: Canvas, name: str = "workflow") -> str:
    kind, link = PROGRAMS[name]
    node = canvas.add(kind, 760, 120)
    canvas.paste(node, link, name)
    canvas.primary()
    return node


def source(canvas: Canvas, node: str, field: str) -> str:
    """The node whose link arrives at an input, or none."""
    return canvas.run_js(
        """([id, field]) => {
            const node = app.canvas.graph.nodes.find((one) => String(one.id) === id);
            const slot = node.findInputSlot(field);
            return String((slot === -1 ? null : node.getInputNode(slot))?.id ?? "");
        }""",
        [node, field],
    )


def sockets(canvas: Canvas, node: str) -> set[str]:
    return set(canvas.node(node)["inputs"])


@pytest.mark.parametrize("name", PROGRAMS)
def test_each_socket_takes_what_is_dropped_on_it(each: Canvas, name: str) -> None:
    node = program(each, name)
    picture = each.add("LoadImage", 80, 80)
    text = each.add("PrimitiveString", 80, 480)
    number = each.add("PrimitiveInt", 80, 620)
    texts = [field for field in each.node(node)["inputs"] if field.endswith(".text")]
    assert sockets(each, node).isdisjoint(HIDDEN)
    each.picture("built")

    for output, field in (("IMAGE", "10.image"), ("MASK", "10.image")):
        each.draw_link(picture, output, node, field)
        assert source(each, node, field) == picture, output
    each.picture("linked")
    each.drag(each.socket(node, "inputs", "10.image"), EMPTY_PLACE)
    assert source(each, node, "10.image") == ""
    each.draw_link(picture, "IMAGE", node, "10.image")
    assert source(each, node, "10.image") == picture

    each.draw_link(number, "INT", node, "10.image")
    assert source(each, node, "10.image") == picture
    each.draw_link(text, "STRING", node, "10.image")
    assert source(each, node, "10.image") == text
    each.draw_link(picture, "IMAGE", node, "10.image")

    for field in [*texts, name]:
        each.draw_link(text, "STRING", node, field)
        assert source(each, node, field) == text
    seeds = [field for field in each.node(node)["inputs"] if field.endswith(".seed")]
    for field in seeds:
        each.draw_link(number, "INT", node, field)
        assert source(each, node, field) == number
    each.picture("all linked")
    labels = each.node(node)["labels"]
    assert {labels[field] for field in texts} <= set(each.painted())
    linked = {name for name, one in each.node(node)["inputs"].items() if one["linked"]}
    assert linked == {"10.image", name, *texts, *seeds}


def test_an_advanced_socket_is_there_while_it_is_seen_or_linked(each: Canvas) -> None:
    node = program(each)
    number = each.add("PrimitiveInt", 80, 480)
    each.show_advanced(node)
    each.wait_for(
        """(id) => app.canvas.graph.nodes.find((one) => String(one.id) === id)
            .findInputSlot("timeout") !== -1""",
        node,
    )
    assert sockets(each, node) >= {*HIDDEN} - {"form"}
    each.picture("advanced")
    each.draw_link(number, "INT", node, "timeout")
    assert source(each, node, "timeout") == number
    each.show_advanced(node)
    assert sockets(each, node) & {*HIDDEN} == {"timeout"}
    # It is seen by its name, and none of the others is.
    shown = {"timeout", "profile", "超时", "配置"} & set(each.painted())
    assert shown == {"超时" if each.classic else "timeout"}
    each.picture("linked alone")

    before = each.prompt()
    saved = each.workflow()
    each.load(saved)
    assert each.prompt() == before
    assert sockets(each, node) & {*HIDDEN} == {"timeout"}
    each.settle()
    each.open()
    each.would_send(before)
    assert sockets(each, node) & {*HIDDEN} == {"timeout"}
    each.select(node, number)
    each.press("Control+c")
    each.press("Control+v")
    each.wait_for("() => app.canvas.graph.nodes.length === 4")
    (other,) = {*each.nodes("RunningHubRemoteWorkflow")} - {node}
    (number_too,) = {*each.nodes("PrimitiveInt")} - {number}
    assert source(each, other, "timeout") == number_too
    assert sockets(each, other) & {*HIDDEN} == {"timeout"}
    each.load(saved)

    each.drag(each.socket(node, "inputs", "timeout"), EMPTY_PLACE)
    assert sockets(each, node).isdisjoint(HIDDEN)
    each.settle()
    each.press("Control+z")
    each.wait_for(
        """(id) => app.canvas.graph.nodes.find((one) => String(one.id) === id)
            ?.findInputSlot("timeout") >= 0""",
        node,
    )
    assert each.prompt() == before


def test_a_graph_of_an_older_version_keeps_its_links(each: Canvas) -> None:
    """Its nodes were saved with a socket for each hidden widget."""
    node = program(each)
    picture = each.add("LoadImage", 80, 80)
    number = each.add("PrimitiveInt", 80, 480)
    text = each.add("PrimitiveString", 80, 620)
    each.draw_link(picture, "IMAGE", node, "10.image")
    each.show_advanced(node)
    each.draw_link(number, "INT", node, "timeout")
    each.draw_link(text, "STRING", node, "profile")
    before = each.prompt()
    old = with_old_sockets(each.workflow(), node)
    each.clear()
    each.load(old)
    assert sockets(each, node) & {*HIDDEN} == {"timeout", "profile"}
    assert each.prompt() == before
    each.load(each.workflow())
    assert each.prompt() == before
    each.picture("old")


def test_a_prompt_brings_a_link_to_what_is_hidden(each: Canvas) -> None:
    """A prompt in API format fills only the sockets that are there while it is loaded."""
    node = program(each)
    number = each.add("PrimitiveInt", 80, 480)
    each.show_advanced(node)
    each.draw_link(number, "INT", node, "timeout")
    before = each.prompt()
    each.clear()
    each.run_js("(prompt) => app.loadApiJson(prompt, 'mine')", before)
    (loaded,) = each.nodes("RunningHubRemoteWorkflow")
    assert sockets(each, loaded) & {*HIDDEN} == {"timeout"}
    assert each.prompt()[loaded]["inputs"] == before[node]["inputs"]


def with_old_sockets(workflow: dict[str, Any], node: str) -> dict[str, Any]:
    """A saved graph as version 0.1.0 wrote it: all sockets in the order of the schema."""
    old = copy.deepcopy(workflow)
    (saved,) = [one for one in old["nodes"] if str(one["id"]) == node]
    saved.pop("showAdvanced", None)
    now = {one["name"]: one for one in saved["inputs"]}
    order = ["form", "workflow", "instance", *HIDDEN[1:]]
    order += [name for name in now if name not in order]
    kinds = {"form": "STRING", "batch": "COMBO", "add_metadata": "BOOLEAN"}
    saved["inputs"] = [
        now.get(name)
        or {"name": name, "type": kinds.get(name, "INT"), "widget": {"name": name}, "link": None}
        for name in order
    ]
    places = {one["link"]: place for place, one in enumerate(saved["inputs"]) if one["link"]}
    for link in old["links"]:
        link[4] = places.get(link[0], link[4])
    return old
