"""A segment's order: from what goes up to a Job, and from its results to what each outlet brings.

ComfyUI and the command line are hosts of this; they bring the values and the files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from .client import Client, Draft, InlineGraph, Job, LoraFile, ResourceKind, Result, Source
from .errors import BadInput, RunningHubError
from .graph.nearest import listed, nearest
from .graph.outputs import group
from .graph.segments import (
    CannotOffload,
    Inlet,
    Item,
    LocalFile,
    ModelName,
    Outlet,
    Plan,
    Segment,
    with_file,
    with_inlet,
    with_lora,
)
from .graph.segments.explain import Facts, Load
from .wire.orders import TaskOptions

TEXT_LIMIT = 4 * 1024 * 1024  # bytes; a larger text is no value
KEPT_SECONDS = 3600.0  # that an answer about a model is trusted


@dataclass(frozen=True, slots=True)
class Given:
    """What came for one inlet: a plain value as the one Item's, or a file for each Item."""

    inlet: Inlet
    items: Sequence[Item]
    files: Sequence[Source | Draft] = ()


@dataclass(slots=True)
class Models:
    """Which models the cloud has, as it answered within the last hour.

    Names are looked for by a part of their title, as the service's list is; what cannot be
    asked is not known.
    """

    now: Callable[[], float]
    _known: dict[tuple[str, ResourceKind, str], tuple[float, list[str]]] = field(
        default_factory=dict[tuple[str, ResourceKind, str], "tuple[float, list[str]]"]
    )

    async def like(self, client: Client, kind: ResourceKind, name: str) -> list[str]:
        """Names of that kind which may be meant, the same one first if it is there."""
        stem = PurePosixPath(name.replace("\\", "/")).stem
        found: list[str] = []
        # A title need not hold the whole file name.
        for part in dict.fromkeys((stem, _longest_word(stem))):
            found += await self._listed(client, kind, part)
            if same := [one for one in found if is_same_model(one, name)]:
                return [same[0], *found]
        return found

    async def _listed(self, client: Client, kind: ResourceKind, part: str) -> list[str]:
        question = client.settings.origin, kind, part
        known = self._known.get(question)
        if known is not None and self.now() - known[0] < KEPT_SECONDS:
            return known[1]
        names = [one.model_name for one in await client.resources(kind, part)]
        self._known[question] = (self.now(), names)
        return names

    async def has(self, client: Client, kind: ResourceKind, name: str) -> bool:
        """Whether the cloud has it; raises what the question raises."""
        found = await self.like(client, kind, name)
        return bool(found) and is_same_model(found[0], name)

    async def certainly_has(self, client: Client, kind: ResourceKind, name: str) -> bool:
        """The same; False where the service does not say."""
        try:
            return await self.has(client, kind, name)
        except RunningHubError:
            return False

    async def check(self, client: Client, segment: Segment, local: Callable[[str], bool]) -> None:
        """Refuse a model that the cloud lacks; `local`: whether a LoRA is here and can go up."""
        for model in segment.models:
            kind = _KINDS.get(model.kind)
            if kind is None or (kind is ResourceKind.LORA and local(model.value)):
                continue
            if not await self._may_be_there(client, kind, model.value):
                near = await self.like(client, kind, "")
                raise _missing(segment, model, near)

    async def _may_be_there(self, client: Client, kind: ResourceKind, name: str) -> bool:
        try:
            return await self.has(client, kind, name)
        except RunningHubError:
            return True  # the graph's own check will tell, before anything is paid


_KINDS = {kind.value: kind for kind in ResourceKind}


def _longest_word(stem: str) -> str:
    words = "".join(sign if sign.isalnum() else " " for sign in stem).split()
    return max(words, key=len, default=stem)


def is_same_model(one: str, other: str) -> bool:
    """Whether two names are one model's: Windows writes folders with a backslash."""
    return one.replace("\\", "/") == other.replace("\\", "/")


def _missing(segment: Segment, model: ModelName, names: Iterable[str]) -> CannotOffload:
    return CannotOffload(
        "segment.model_missing",
        local_id=model.node_id,
        node=title_of(segment, model.node_id),
        name=model.value,
        near=listed(nearest(model.value, names)),
    )


async def job(
    client: Client,
    segment: Segment,
    given: Sequence[Given],
    *,
    models: Models,
    file: Callable[[LocalFile], Path],
    lora: Callable[[str], Path | None],
    workflow: str = "",
    again: bool = False,
) -> Job:
    """The segment's order. `file`, `lora`: where a file of this machine lies, None for nowhere.

    A LoRA that the cloud has stays as it is; one that is only here goes up with the order.
    """
    graph: Mapping[str, Any] = segment.graph
    fields: dict[str, object] = {}
    for one in given:
        graph, places = with_inlet(graph, one.inlet, one.items)
        fields |= {name: one.files[index] for name, index in places.items()}
    for local in segment.files:
        graph = with_file(graph, local, "")
        fields[f"{local.node_id}.{local.input}"] = Source.of_file(file(local))
    for style in segment.loras:
        path = lora(style.value)
        if path is None or await models.certainly_has(client, ResourceKind.LORA, style.value):
            continue
        graph = with_lora(graph, style, "")
        for name in ("file_name", "lora_name"):
            fields[f"{style.node_id}.{name}"] = LoraFile(path)
    return Job(
        workflow,
        fields,
        TaskOptions(instance=segment.instance, add_metadata=False),
        again=again,
        graph=titled(graph, segment.titles),
    )


def titled(graph: Mapping[str, Any], titles: Mapping[str, str]) -> dict[str, Any]:
    """The graph with what people call its nodes, which only our own sentences need."""
    return {
        node_id: {**node, "_meta": {"title": titles[node_id]}} if node_id in titles else node
        for node_id, node in graph.items()
    }


def title_of(segment: Segment, node_id: str) -> str:
    """A node of a segment as a sentence names it: its id, and what people call it."""
    node: Mapping[str, Any] = segment.graph.get(node_id) or {}
    called = segment.titles.get(node_id) or str(node.get("class_type", ""))
    return f"{node_id} ({called})" if called else node_id


def results_of(outlet: Outlet, results: Sequence[Result]) -> list[Result]:
    """What the outlet's saver made, in its order: told by the node, else by the file's name."""
    own = [
        one
        for one in results
        if (one.node_id == outlet.saver)
        or (not one.node_id and outlet.prefix and one.name.startswith(_begin(outlet.prefix)))
    ]
    groups = group(own, (outlet.saver,), lambda result: result.name)
    return [one for made in groups.values() for one in made]


def _begin(prefix: str) -> str:
    return PurePosixPath(prefix).name + "_"


def text_of(result: Result) -> str:
    """The text of a result: as the service gives it, or out of its file."""
    if result.text is not None:
        return result.text
    if result.path is None or result.size > TEXT_LIMIT:
        raise BadInput("segment.no_text", name=result.name)
    return result.path.read_text("utf-8-sig", errors="replace")


def plain(outlet: Outlet, text: str) -> object:
    """A text that PreviewAny wrote as the value that it was."""
    try:
        if outlet.type == "INT":
            return int(text)
        if outlet.type == "FLOAT":
            return float(text)
    except ValueError:
        raise BadInput("segment.bad_text", type=outlet.type, value=text[:80]) from None
    if outlet.type == "BOOLEAN":
        word = text.strip().lower()
        if word not in ("true", "false"):
            raise BadInput("segment.bad_text", type=outlet.type, value=text[:80])
        return word == "true"
    return text


async def facts(
    client: Client | None,
    plan: Plan,
    *,
    models: Models,
    file: Callable[[LocalFile], Path],
    lora: Callable[[str], Path | None],
    inlets: Mapping[tuple[str, int], Load] | None = None,
) -> Facts:
    """What goes up and what it usually takes; `client` None: there is no account to ask."""
    files: dict[tuple[str, str], Load] = {}
    loras: dict[tuple[str, str], Load] = {}
    usual: dict[str, Mapping[str, object]] = {}
    for segment in plan.segments:
        for one in segment.files:
            files[one.node_id, one.input] = await _load(client, one.value, file(one))
        for style in segment.loras:
            path = lora(style.value)
            there = client is not None and await models.certainly_has(
                client, ResourceKind.LORA, style.value
            )
            if path is not None and not there:
                loras[style.node_id, style.input] = Load(style.value, path.stat().st_size)
        if client is not None:
            usual[segment.id] = asdict(
                await client.usual(_book_name(segment, loras), segment.instance)
            )
    return Facts(files, loras, inlets or {}, usual)


async def _load(client: Client | None, name: str, path: Path) -> Load:
    source = Source.of_file(path)
    known = None if client is None else await client.is_uploaded(source)
    return Load(name, source.size, known)


def _book_name(segment: Segment, loras: Mapping[tuple[str, str], Load]) -> str:
    """What the order book will call the graph, if one item comes through each inlet."""
    graph: Mapping[str, Any] = segment.graph
    for inlet in segment.inlets:
        graph, _ = with_inlet(graph, inlet, [Item(value="")])
    for style in segment.loras:
        if (style.node_id, style.input) in loras:
            graph = with_lora(graph, style, "")
    return InlineGraph.of(graph, "", ()).name
