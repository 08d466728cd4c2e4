"""All known models by endpoint, and lookup by endpoint, name or link."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..errors import BadInput
from ..graph.nearest import listed, nearest
from ..wire.model_refs import ModelRef, read_model_ref
from .schema import Completeness, Model, Status


class Catalogue:
    """An immutable set of models as of `date` (`2026-11-01`)."""

    __slots__ = ("_by_name", "_by_page", "date", "models")

    def __init__(self, models: Iterable[Model], *, date: str) -> None:
        self.date = date
        self.models: Mapping[str, Model] = {model.endpoint: model for model in models}
        self._by_name: dict[str, list[Model]] | None = None
        self._by_page: dict[str, Model] | None = None

    def __len__(self) -> int:
        return len(self.models)

    def find(self, text: str) -> Model:
        """The model that `text` names by endpoint, by name or by a link to its page.

        An unlisted endpoint gives a model without parameters: models appear every day, and `extra`
        runs them. Raises BadInput for an unknown link or name, or an ambiguous name.
        """
        return self.resolve(read_model_ref(text))

    def resolve(self, ref: ModelRef) -> Model:
        """The model of a parsed reference; see `find`."""
        if ref.endpoint in self.models:
            return self.models[ref.endpoint]
        if ref.page:
            described = self._pages().get(ref.page)
            if described is None:
                raise BadInput("error.model_page_unknown", page=ref.page)
            return described
        named = self.named(ref.name)
        if len(named) > 1:
            raise BadInput(
                "error.model_ambiguous",
                value=ref.name,
                near=listed(model.endpoint for model in named),
            )
        if named:
            return named[0]
        if "/" in ref.endpoint:
            return unknown_model(ref.endpoint)
        near = nearest(ref.name, [m.endpoint for m in self.models.values() if m.is_usable])
        raise BadInput("error.model_unknown", value=ref.name[:100], near=listed(near))

    def named(self, name: str) -> list[Model]:
        """The models of a name, ignoring case: all active ones, else withdrawn, else gone."""
        if self._by_name is None:
            self._by_name = {}
            for model in self.models.values():
                own = {model.name, model.name_zh, *model.aliases, model.endpoint}
                for folded in {own_name.lower() for own_name in own if own_name}:
                    self._by_name.setdefault(folded, []).append(model)
        namesakes = self._by_name.get(name.strip().lower(), [])
        for status in Status:
            some = [model for model in namesakes if model.status is status]
            if some:
                return some
        return []

    def successor(self, model: Model) -> Model | None:
        """The usable successor, maybe of successors; None if there is none, or only a cycle."""
        seen = {model.endpoint}
        while model.successor and model.successor not in seen:
            seen.add(model.successor)
            following = self.models.get(model.successor)
            if following is None or following.is_usable:
                return following
            model = following
        return None

    def check_offered(self, model: Model) -> None:
        """Raise BadInput, naming the successor, for a model that the site no longer offers."""
        if model.is_usable:
            return
        following = self.successor(model)
        if following is None:
            raise BadInput("error.model_gone_alone", model=model.endpoint)
        raise BadInput("error.model_gone", model=model.endpoint, successor=following.endpoint)

    def _pages(self) -> dict[str, Model]:
        if self._by_page is None:
            self._by_page = {page: model for model in self.models.values() for page in model.pages}
        return self._by_page


def unknown_model(endpoint: str) -> Model:
    """A model of which only the endpoint is known."""
    return Model(endpoint=endpoint, name=endpoint, completeness=Completeness.NONE)
