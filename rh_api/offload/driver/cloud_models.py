"""Cached look-ups in the service's lists of models."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from ...client import Client, ResourceKind
from ...errors import RunningHubError
from ...graph.nearest import listed, nearest
from ...wire.resources import Resource
from .. import ModelName, Note, Segment
from .inputs import LocalFiles, title_of

KEPT_SECONDS = 3600.0  # TTL of a cached list
MODEL_UNLISTED = "segment.model_unlisted"


@dataclass(slots=True)
class Models:
    """Cache of the models that the service listed within the last hour of `now`.

    The service searches by a part of the title, which may not resemble the file name. So a name is
    compared with all that was listed, and a list without it proves nothing. What a failed query
    leaves open is unknown.
    """

    now: Callable[[], float]
    _answers: dict[tuple[str, ResourceKind, str], tuple[float, list[Resource]]] = field(
        default_factory=dict[tuple[str, ResourceKind, str], "tuple[float, list[Resource]]"]
    )

    async def has(self, client: Client, kind: ResourceKind, name: str) -> bool:
        """Whether the service lists exactly that name; raises what the query raises."""
        return await self._lists(
            client, kind, name, lambda resource: is_same_model(resource.model_name, name)
        )

    async def _lists(
        self, client: Client, kind: ResourceKind, name: str, matches: Callable[[Resource], bool]
    ) -> bool:
        stem = _stem(name)
        # Less and less specific: a title need not contain the file name, or any of it.
        for part in dict.fromkeys((stem, _longest_word(stem), "")):
            if any(matches(resource) for resource in self._resources(client, kind)):
                return True
            await self._ask(client, kind, part)
        return any(matches(resource) for resource in self._resources(client, kind))

    async def search(self, client: Client, kind: ResourceKind, words: str) -> list[Resource]:
        """Models for a user to choose from: what the service lists for these words, then all cached
        ones whose name or title contains every word. Raises what the query raises."""
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
        """All unexpired models of a kind, of the client's origin."""
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
        """`has`, but False if the query fails."""
        try:
            return await self.has(client, kind, name)
        except RunningHubError:
            return False

    async def unlisted(self, client: Client, segment: Segment, files: LocalFiles) -> list[Note]:
        """A note on each model that the cloud does not list, and that is no local LoRA to upload;
        its `near` are the nearest listed ones."""
        notes: list[Note] = []
        may_go_up = {(lora.node_id, lora.input) for lora in segment.loras}
        for model in segment.models:
            kind = _KINDS.get(model.kind)
            goes_up = (model.node_id, model.input) in may_go_up
            if kind is None or (goes_up and files.lora(model.value) is not None):
                continue
            if not await self._may_be_there(client, kind, model.value):
                notes.append(_unlisted(segment, model, self._resources(client, kind)))
        return notes

    async def is_unlisted(self, client: Client, kind: ResourceKind, name: str) -> bool:
        """Whether the service lists it neither by file name nor by title; False if that fails."""
        return not await self._may_be_there(client, kind, name)

    async def _may_be_there(self, client: Client, kind: ResourceKind, name: str) -> bool:
        """Whether it is listed by file name or by title; True if the query fails, and in the
        sandbox, which draws whatever a loader names."""
        title = _stem(name).casefold()

        def matches(resource: Resource) -> bool:
            return is_same_model(resource.model_name, name) or resource.title.casefold() == title

        try:
            return client.settings.is_sandbox or await self._lists(client, kind, name, matches)
        except RunningHubError:
            return True  # the graph's own check will tell, before anything is paid


_KINDS = {kind.value: kind for kind in ResourceKind}


def _stem(name: str) -> str:
    return PurePosixPath(name.replace("\\", "/")).stem


def _longest_word(stem: str) -> str:
    words = "".join(sign if sign.isalnum() else " " for sign in stem).split()
    return max(words, key=len, default=stem)


def is_same_model(listed_name: str, name: str) -> bool:
    """Whether two names denote one model: Windows writes folders with a backslash."""
    return listed_name.replace("\\", "/") == name.replace("\\", "/")


def _unlisted(segment: Segment, model: ModelName, rows: Iterable[Resource]) -> Note:
    files = {word: row.model_name for row in rows for word in (row.title, row.model_name)}
    near = listed([*dict.fromkeys(files[word] for word in nearest(model.value, files))])
    node = title_of(segment, model.node_id)
    return Note(model.node_id, MODEL_UNLISTED, {"node": node, "name": model.value, "near": near})
