"""Merges newer descriptions of models into a catalogue, and compares two catalogues.

Every source systematically omits something: the pages the kind and the maximum size of a file, for
example. So what only the older one has is kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

from ..errors import Say
from ..graph.fields import FieldKind
from .catalogue import Catalogue
from .schema import MEDIA, Completeness, Model, Parameter, Status

_STRINGS_ON_PAGES = MEDIA | {FieldKind.JSON, FieldKind.LORA}


@dataclass(frozen=True, slots=True)
class Changes:
    """Endpoints of models that are new, changed, and no longer offered."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.gone)

    def describe(self, say: Say) -> str:
        """One line, such as `+12 models, 3 changed, 1 gone`."""
        if not self:
            return say("model.unchanged", {})
        counts = {"added": len(self.added), "changed": len(self.changed), "gone": len(self.gone)}
        return say("model.changes", counts)


def merge(old: Catalogue, newer: Iterable[Model], *, date: str) -> Catalogue:
    """Return `old` with `newer` models merged into it, as of `date`; no model is removed."""
    models = dict(old.models)
    for model in newer:
        older = models.get(model.endpoint)
        models[model.endpoint] = model if older is None else merge_model(older, model)
    return Catalogue(models.values(), date=date)


def merge_model(old: Model, new: Model) -> Model:
    """The newer description of a model, completed by the older one."""
    newer = {parameter.name: parameter for parameter in new.parameters}
    older = {parameter.name: parameter for parameter in old.parameters}
    merged = [_merged(older.get(name), parameter) for name, parameter in newer.items()]
    # A key that is no longer valid costs a free refusal; a dropped one could not be sent at all.
    merged += [replace(older[name], required=False) for name in older if name not in newer]
    endpoint = new.endpoint
    name = old.name if new.name == endpoint else new.name
    was = [alias for alias in (old.name, *old.aliases) if alias not in (name, endpoint)]
    incomplete = old.completeness is not Completeness.FULL and not new.parameters
    return Model(
        endpoint=endpoint,
        name=name,
        name_zh=new.name_zh or old.name_zh,
        aliases=tuple(dict.fromkeys([*new.aliases, *was])),
        task=new.task if new.task != "other" else old.task,
        output=new.output or old.output,
        family=old.family or new.family,
        status=Status.WITHDRAWN if old.status is Status.WITHDRAWN else new.status,
        completeness=old.completeness if incomplete else new.completeness,
        parameters=tuple(merged),
        rules=new.rules or old.rules,
        price=new.price or old.price,
        successor=new.successor or old.successor,
        pages=tuple(dict.fromkeys([*old.pages, *new.pages])),
    )


def _merged(old: Parameter | None, new: Parameter) -> Parameter:
    if old is None:
        return new
    merged = {field.name: getattr(new, field.name) for field in fields(Parameter)}
    for name, value in merged.items():
        if value is None or value in ((), ""):
            merged[name] = getattr(old, name)
    if old.kind in _STRINGS_ON_PAGES and new.kind is FieldKind.STRING:
        merged["kind"] = old.kind
    merged["is_array"] = new.is_array or old.is_array
    merged["note"] = old.note or new.note
    if merged["options"] and merged["default"] not in merged["options"]:
        merged["default"] = new.default
    return Parameter(**merged)


def changes(old: Catalogue, new: Catalogue) -> Changes:
    """Compare two catalogues for the report of a refresh; `pages` of models are ignored."""
    added: list[str] = []
    changed: list[str] = []
    gone: list[str] = []
    for endpoint, model in new.models.items():
        older = old.models.get(endpoint)
        if older is None or (model.is_usable and older.status is Status.GONE):
            added.append(endpoint)
        elif older.is_usable and not model.is_usable:
            gone.append(endpoint)
        elif replace(older, pages=()) != replace(model, pages=()):
            changed.append(endpoint)
    return Changes(tuple(sorted(added)), tuple(sorted(changed)), tuple(sorted(gone)))
