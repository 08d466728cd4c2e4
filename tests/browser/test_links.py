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

pytestmark = pytest.mark.one_page

PROGRAMS = {
    "workflow": ("RunningHubRemoteWorkflow", catalog.IMAGE_TO_IMAGE),
    "app": ("RunningHubAIApp", "1900000000000000203"),
}
HIDDEN = [
    *("form", "outputs", "batch", "max_orders", "timeout", "reroll_seeds"),
    *("add_metadata", "use_personal_queue", "retain_seconds", "profile"),
]
EMPTY_PLACE = (420.0, 800.0)


@pytest.fixture(
    params=list(dict.fromkeys([(NEWEST, False), (NEWEST, True), (OLDEST, False), (OLDEST, True)])),
    ids=str,
)
def canvas(
    request: pytest.FixtureRequest,
    kind: str,
    oldest: str,
    hosts: Callable[[str, str], Host],
    opened: Callable[..., Canvas],
    emulator: Emulator,
) -> Canvas:
    """Both front ends with both renderers."""
    version, classic = request.param
    frontend = oldest if version == OLDEST else version
    canvas = opened(hosts(kind, frontend), classic=classic)
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
            const node = app.canvas.graph.nodes.find((node) => String(node.id) === id);
            const slot = node.findInputSlot(field);
            return String((slot === -1 ? null : node.getInputNode(slot))?.id ?? "");
        }""",
        [node, field],
    )


def sockets(canvas: Canvas, node: str) -> set[str]:
    return set(canvas.node(node)["inputs"])


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.every_frontend
def test_each_socket_takes_what_is_dropped_on_it(canvas: Canvas, name: str) -> None:
    node = program(canvas, name)
    picture = canvas.add("LoadImage", 80, 80)
    text = canvas.add("PrimitiveString", 80, 480)
    number = canvas.add("PrimitiveInt", 80, 620)
    texts = [field for field in canvas.node(node)["inputs"] if field.endswith(".text")]
    assert texts
    assert sockets(canvas, node).isdisjoint(HIDDEN)
    canvas.picture("built")

    for output, field in (("IMAGE", "10.image"), ("MASK", "10.image")):
        canvas.draw_link(picture, output, node, field)
        assert source(canvas, node, field) == picture, output
    canvas.picture("linked")
    canvas.drag(canvas.socket(node, "inputs", "10.image"), EMPTY_PLACE)
    assert source(canvas, node, "10.image") == ""
    canvas.draw_link(picture, "IMAGE", node, "10.image")
    assert source(canvas, node, "10.image") == picture

    canvas.draw_link(number, "INT", node, "10.image")
    assert source(canvas, node, "10.image") == picture
    canvas.draw_link(text, "STRING", node, "10.image")
    assert source(canvas, node, "10.image") == text
    canvas.draw_link(picture, "IMAGE", node, "10.image")

    for field in [*texts, name]:
        canvas.draw_link(text, "STRING", node, field)
        assert source(canvas, node, field) == text
    seeds = [field for field in canvas.node(node)["inputs"] if field.endswith(".seed")]
    assert seeds
    for field in seeds:
        canvas.draw_link(number, "INT", node, field)
        assert source(canvas, node, field) == number
    canvas.picture("all linked")
    labels = canvas.node(node)["labels"]
    assert {labels[field] for field in texts} <= set(canvas.painted())
    linked = {name for name, socket in canvas.node(node)["inputs"].items() if socket["linked"]}
    assert linked == {"10.image", name, *texts, *seeds}


@pytest.mark.later("shows a linked box in Nodes 2.0 though it is advanced, in an opened graph too")
def test_an_advanced_socket_is_there_while_it_is_seen_or_linked(canvas: Canvas) -> None:
    node = program(canvas)
    number = canvas.add("PrimitiveInt", 80, 480)
    canvas.show_advanced(node)
    canvas.wait_for(
        """(id) => app.canvas.graph.nodes.find((node) => String(node.id) === id)
            .findInputSlot("timeout") !== -1""",
        node,
    )
    assert sockets(canvas, node) >= {*HIDDEN} - {"form"}
    canvas.picture("advanced")
    canvas.draw_link(number, "INT", node, "timeout")
    assert source(canvas, node, "timeout") == number
    canvas.show_advanced(node)
    assert sockets(canvas, node) & {*HIDDEN} == {"timeout"}
    # It is seen by its name, and none of the others is.
    shown = {"timeout", "profile", "超时", "账户"} & set(canvas.painted())
    assert shown == {"超时" if canvas.classic else "timeout"}
    canvas.picture("linked alone")

    before = canvas.prompt()
    saved = canvas.workflow()
    canvas.load(saved)
    assert canvas.prompt() == before
    assert sockets(canvas, node) & {*HIDDEN} == {"timeout"}
    canvas.reload()
    canvas.would_send(before)
    assert sockets(canvas, node) & {*HIDDEN} == {"timeout"}
    canvas.select(node, number)
    canvas.press("Control+c")
    canvas.press("Control+v")
    canvas.wait_for("() => app.canvas.graph.nodes.length === 4")
    (copied,) = {*canvas.nodes("RunningHubRemoteWorkflow")} - {node}
    (number_too,) = {*canvas.nodes("PrimitiveInt")} - {number}
    assert source(canvas, copied, "timeout") == number_too
    assert sockets(canvas, copied) & {*HIDDEN} == {"timeout"}
    canvas.load(saved)

    canvas.drag(canvas.socket(node, "inputs", "timeout"), EMPTY_PLACE)
    assert sockets(canvas, node).isdisjoint(HIDDEN)
    canvas.settle()
    canvas.press("Control+z")
    canvas.wait_for(
        """(id) => app.canvas.graph.nodes.find((node) => String(node.id) === id)
            ?.findInputSlot("timeout") >= 0""",
        node,
    )
    canvas.would_send(before)


def test_a_graph_of_an_older_version_keeps_its_links(canvas: Canvas) -> None:
    """Its nodes were saved with a socket for each hidden widget."""
    node = program(canvas)
    picture = canvas.add("LoadImage", 80, 80)
    number = canvas.add("PrimitiveInt", 80, 480)
    text = canvas.add("PrimitiveString", 80, 620)
    canvas.draw_link(picture, "IMAGE", node, "10.image")
    canvas.show_advanced(node)
    canvas.draw_link(number, "INT", node, "timeout")
    canvas.draw_link(text, "STRING", node, "profile")
    before = canvas.prompt()
    old = with_old_sockets(canvas.workflow(), node)
    canvas.clear()
    canvas.load(old)
    assert sockets(canvas, node) & {*HIDDEN} == {"timeout", "profile"}
    assert canvas.prompt() == before
    canvas.load(canvas.workflow())
    assert canvas.prompt() == before
    canvas.picture("old")


def test_a_prompt_brings_a_link_to_what_is_hidden(canvas: Canvas) -> None:
    """A prompt in API format fills only the sockets that are there while it is loaded."""
    node = program(canvas)
    number = canvas.add("PrimitiveInt", 80, 480)
    canvas.show_advanced(node)
    canvas.draw_link(number, "INT", node, "timeout")
    before = canvas.prompt()
    canvas.clear()
    canvas.run_js("(prompt) => app.loadApiJson(prompt, 'mine')", before)
    (loaded,) = canvas.nodes("RunningHubRemoteWorkflow")
    assert sockets(canvas, loaded) & {*HIDDEN} == {"timeout"}
    assert canvas.prompt()[loaded]["inputs"] == before[node]["inputs"]


def with_old_sockets(workflow: dict[str, Any], node: str) -> dict[str, Any]:
    """A saved graph as version 0.1.0 wrote it: all sockets in the order of the schema."""
    old = copy.deepcopy(workflow)
    (saved,) = [entry for entry in old["nodes"] if str(entry["id"]) == node]
    saved.pop("showAdvanced", None)
    now = {socket["name"]: socket for socket in saved["inputs"]}
    order = ["form", "workflow", "instance", *HIDDEN[1:]]
    order += [name for name in now if name not in order]
    kinds = {"form": "STRING", "batch": "COMBO", "add_metadata": "BOOLEAN"}
    saved["inputs"] = [
        now.get(name)
        or {"name": name, "type": kinds.get(name, "INT"), "widget": {"name": name}, "link": None}
        for name in order
    ]
    places = {slot["link"]: place for place, slot in enumerate(saved["inputs"]) if slot["link"]}
    for link in old["links"]:
        link[4] = places.get(link[0], link[4])
    return old


def test_the_addresses_go_on_to_where_they_are_dropped(canvas: Canvas, emulator: Emulator) -> None:
    node = canvas.add("RunningHubRemoteWorkflow", 60, 120)
    canvas.paste(node, catalog.TEXT_TO_IMAGE)
    canvas.tick("typed 19")
    canvas.picture("chooser")
    canvas.primary()
    reader = canvas.add("PreviewAny", 760, 120)
    canvas.draw_link(node, "urls", reader, "source")
    assert source(canvas, reader, "source") == node
    canvas.drag(canvas.socket(reader, "inputs", "source"), EMPTY_PLACE)
    assert source(canvas, reader, "source") == ""
    canvas.draw_link(node, "urls", reader, "source")
    canvas.ask_anew(node)
    entry = canvas.finished(canvas.run())
    canvas.picture("addresses")
    (shown,) = entry["outputs"][reader]["text"]
    assert shown.startswith("http")
