"""Which models the cloud has, as its list says."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from ...client import Client, Notice, ResourceKind
from ...errors import RunningHubError
from ...graph.extra_data import STRICT
from ...graph.nearest import listed, nearest
from ...wire.resources import Resource
from .. import CannotOffload, ModelName, Segment
from .inputs import LocalFiles, title_of

KEPT_SECONDS = 3600.0  # that an answer about a model is trusted


@dataclass(slots=True)
class Models:
    """Which models the cloud has, as it answered within the last hour.

    The service lists by a part of the title, which may say nothing of the file: so a name is
    compared with all that was listed, and a list without it proves nothing. What cannot be asked
    is not known.
    """

    now: Callable[[], float]
    _answers: dict[tuple[str, ResourceKind, str], tuple[float, list[Resource]]] = field(
        default_factory=dict[tuple[str, ResourceKind, str], "tuple[float, list[Resource]]"]
    )

    async def has(self, client: Client, kind: ResourceKind, name: str) -> bool:
        """Whether the cloud lists that very name; raises what the question raises."""
        return await self._lists(
            client, kind, name, lambda resource: is_same_model(resource.model_name, name)
        )

    async def _lists(
        self, client: Client, kind: ResourceKind, name: str, matches: Callable[[Resource], bool]
    ) -> bool:
        stem = _stem(name)
        # A title need not hold the whole file name, or any of it.
        for part in dict.fromkeys((stem, _longest_word(stem), "")):
            if any(matches(resource) for resource in self._resources(client, kind)):
                return True
            await self._ask(client, kind, part)
        return any(matches(resource) for resource in self._resources(client, kind))

    async def search(self, client: Client, kind: ResourceKind, words: str) -> list[Resource]:
        """Models for people to choose from: what the service lists for these words first, then
        all seen whose name or title holds them. Raises what the question raises."""
        await self._ask(client, kind, words)
        answer = self._answers[client.settings.origin, kind, words][1]
        terms = words.casefold().split()
        others = (
            resource
            for resource in self._resources(client, kind)
            if all(word in f"{resource.model_name} {resource.title}".casefold() for word in terms)
        )
        return [*{resource.model_name: resource for resource in (*answer, *others)}.values()]

    def _resources(self, client: Client, kind: ResourceKind) -> list[Resource]:
        """All models of a kind that this site has listed within the last hour."""
        return [
            resource
            for (origin, listed_kind, _), (since, resources) in self._answers.items()
            if (origin, listed_kind) == (client.settings.origin, kind) and self._is_fresh(since)
            for resource in resources
        ]

    async def _ask(self, client: Client, kind: ResourceKind, part: str) -> None:
        question = client.settings.origin, kind, part
        answer = self._answers.get(question)
        if answer is None or not self._is_fresh(answer[0]):
            resources = await client.account.resources(kind, part)
            self._answers[question] = (self.now(), resources)

    def _is_fresh(self, since: float) -> bool:
        return self.now() - since < KEPT_SECONDS

    async def certainly_has(self, client: Client, kind: ResourceKind, name: str) -> bool:
        """Whether the service lists a model; False where it does not say."""
        try:
            return await self.has(client, kind, name)
        except RunningHubError:
            return False

    async def check(
        self, client: Client, segment: Segment, files: LocalFiles
    ) -> tuple[Notice, ...]:
        """A notice for each model that the cloud does not list, and that is no LoRA of this
        machine; who asked for strict checks is refused instead, by CannotOffload."""
        is_strict = (segment.ordering.models or client.settings.models) == STRICT
        notices: list[Notice] = []
        may_go_up = {(lora.node_id, lora.input) for lora in segment.loras}
        for model in segment.models:
            kind = _KINDS.get(model.kind)
            goes_up = (model.node_id, model.input) in may_go_up
            if kind is None or (goes_up and files.lora(model.value) is not None):
                continue
            if await self._may_be_there(client, kind, model.value):
                continue
            missing = _missing(segment, model, self._resources(client, kind))
            if is_strict:
                raise missing
            notices.append(Notice("segment.model_unlisted", missing.params))
        return tuple(notices)

    async def _may_be_there(self, client: Client, kind: ResourceKind, name: str) -> bool:
        """Whether it is listed by its name or as a title, or nobody can say."""
        title = _stem(name).casefold()

        def matches(resource: Resource) -> bool:
            return is_same_model(resource.model_name, name) or resource.title.casefold() == title

        try:
            return await self._lists(client, kind, name, matches)
        except RunningHubError:
            return True  # the graph's own check will tell, before anything is paid


_KINDS = {kind.value: kind for kind in ResourceKind}


def _stem(name: str) -> str:
    return PurePosixPath(name.replace("\\", "/")).stem


def _longest_word(stem: str) -> str:
    words = "".join(sign if sign.isalnum() else " " for sign in stem).split()
    return max(words, key=len, default=stem)


def is_same_model(listed_name: str, name: str) -> bool:
    """Whether two names are one model's: Windows writes folders with a backslash."""
    return listed_name.replace("\\", "/") == name.replace("\\", "/")


def _missing(segment: Segment, model: ModelName, rows: Iterable[Resource]) -> CannotOffload:
    files = {word: row.model_name for row in rows for word in (row.title, row.model_name)}
    near = dict.fromkeys(files[word] for word in nearest(model.value, files))
    return CannotOffload(
        "segment.model_missing",
        local_id=model.node_id,
        node=title_of(segment, model.node_id),
        name=model.value,
        near=listed([*near]),
    )
