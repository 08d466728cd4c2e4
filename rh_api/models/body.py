"""Composes the flat JSON body of a model's call from the user's values.

What cannot work is refused before anything is uploaded or paid. A violation of the catalogue alone
is a doubt: the catalogue may be older than the service, whose refusals are free of charge, so the
user may send it anyway.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from ..errors import BadField
from ..graph.check import GivenMedia, Promised
from ..graph.nearest import listed, nearest
from ..texts import Words
from .labels import told
from .names import input_name, is_parameter_name, parameter_name
from .schema import Model, Op, Parameter, Rule, option_for
from .values import (
    MediaFile,
    as_items,
    check_count,
    check_file,
    convert,
    is_plain,
    read_plain,
)

MAX_EXTRA = 200_000  # characters of `extra`


@dataclass(frozen=True, slots=True)
class Composed:
    """A body, and its problems.

    `body` has its keys in the order of the schema, then those of `extra`; files that are still to
    be uploaded are in it as they were given. `refusals` are fatal, `doubts` may be sent
    anyway.
    """

    body: dict[str, object]
    refusals: tuple[BadField, ...] = ()
    doubts: tuple[BadField, ...] = ()

    def checked(self, *, send_anyway: bool = False) -> dict[str, object]:
        """The body. Raises BadField for the first refusal, or the first doubt if not accepted."""
        if self.refusals:
            raise self.refusals[0]
        if self.doubts and not send_anyway:
            raise BadField("error.model_doubtful", reason=self.doubts[0], hint="send_anyway")
        return self.body


def compose(model: Model, inputs: Mapping[str, object], extra: object = None) -> Composed:
    """Compose the body for values by input name (`prompt`, `p.model`, `imageUrls.2`).

    A value is a text, number, bool or MediaFile, or a list of those for an array. A JSON parameter
    takes JSON or its text. Of a Promised only its existence is checked. None and blank texts count
    as not given. `extra`: a JSON object, or its text, of keys that the schema lacks.
    """
    return _Composer(model).compose(inputs, extra)


def check_files(model: Model, files: Mapping[str, MediaFile]) -> None:
    """Check files (by their names in `flat`) that were encoded after the body was composed. Raises
    BadField for a doubt."""
    composer = _Composer(model)
    for name, file in files.items():
        parameter = model.parameter(parameter_name(name)[0])
        if parameter is not None:
            check_file(parameter, file, composer.doubt)
    Composed({}, doubts=tuple(composer.doubts)).checked()


class _Composer:
    def __init__(self, model: Model) -> None:
        self.model = model
        self.parameters = {parameter.name: parameter for parameter in model.parameters}
        self.refusals: list[BadField] = []
        self.doubts: list[BadField] = []

    def compose(self, inputs: Mapping[str, object], extra: object) -> Composed:
        values: dict[str, object] = {}
        wrong: set[str] = set()
        for name, value in self._by_parameter(inputs).items():
            try:
                converted = convert(self.parameters[name], value, self.doubt)
            except BadField as error:
                self.refusals.append(error)
                wrong.add(name)
                continue
            if converted is not None:
                values[name] = converted
        more = self._extra(extra, values)
        for name, parameter in self.parameters.items():
            # Required, but with a known default: filled in, so that a prompt alone is enough.
            usual = parameter.default
            if parameter.required and name not in {*values, *more} and usual is not None:
                values[name] = [usual] if parameter.is_array else usual
        self._drop_idle(values, more)
        given_names = {*values, *more, *wrong}
        for name, parameter in self.parameters.items():
            if parameter.required and name not in given_names:
                tell = self._refuse if parameter.is_sure else self.doubt
                tell("error.model_field_missing", name)
        for rule in self.model.rules:
            self._check(rule, {**more, **values}, wrong)
        body = {name: values[name] for name in self.parameters if name in values}
        return Composed({**body, **more}, tuple(self.refusals), tuple(self.doubts))

    def _by_parameter(self, inputs: Mapping[str, object]) -> dict[str, object]:
        """Values by parameter; numbered items are appended to their list, in order."""
        values: dict[str, object] = {}
        items: dict[str, dict[int, object]] = {}
        for key, value in inputs.items():
            if value is None or (isinstance(value, str) and not value.strip()):
                continue
            name, item = parameter_name(key)
            parameter = self.parameters.get(name)
            if parameter is None or (item is not None and not parameter.is_array):
                near = listed(nearest(key, map(input_name, self.parameters)))
                is_listed = bool(self.parameters)
                refusal = "error.model_field_unknown" if is_listed else "error.model_field_unlisted"
                self._refuse(refusal, key[:100], near=near)
            elif item is None:
                values[name] = value
            else:
                items.setdefault(name, {})[item] = value
        for name, numbered in items.items():
            first = as_items(values.get(name))
            # The socket of one item may carry a batch, which is spliced in.
            more = (item for number in sorted(numbered) for item in as_items(numbered[number]))
            values[name] = [*first, *more]
        return values

    def _holds(self, rule: Rule, values: Mapping[str, object]) -> bool | None:
        """Whether a rule's condition holds; None if that depends on a linked value."""
        parameter = self.parameters.get(rule.other)
        value = values.get(rule.other, parameter.default if parameter else None)
        if value is None:
            return False
        if isinstance(value, Promised) and rule.values:
            return None
        return not rule.values or option_for(rule.values, value) is not None

    def _drop_idle(self, values: dict[str, object], more: Mapping[str, object]) -> None:
        """Remove defaults that do not apply with the other values and `extra`: a node on the canvas
        has them all. Another value was set by somebody, and is doubted."""
        idle: dict[str, Rule] = {}
        for rule in self.model.rules:
            if rule.op is Op.ONLY and self._holds(rule, {**more, **values}) is False:
                idle |= {name: rule for name in rule.names if name in values and name not in idle}
        for name, rule in idle.items():
            if values[name] == self._default(self.parameters[name]):
                del values[name]
            else:
                self.doubt("error.model_field_idle", name, condition=_condition(rule))

    def _default(self, parameter: Parameter) -> object:
        """A parameter's default as it is in a body; None if it is not known."""
        try:
            return convert(parameter, parameter.default, _ignore)
        except BadField:
            return None

    def _check(self, rule: Rule, values: Mapping[str, object], wrong: set[str]) -> None:
        here = [name for name in rule.names if name in values or name in wrong]
        missing = len(here) < len(rule.names)
        match rule.op:
            case Op.ONLY:
                pass
            case Op.NEEDS if missing and self._holds(rule, values):
                self._refuse("error.model_field_missing", told(*rule.names))
            case Op.TOTAL:
                count = sum(len(as_items(values.get(name))) for name in here)
                check_count(told(*rule.names), count, rule.limit, self.doubt)
            case Op.TOGETHER if here and missing:
                self._refuse("error.model_fields_together", told(*rule.names))
            case Op.AT_MOST_ONE | Op.ONE if len(here) > 1:
                self._refuse("error.model_fields_exclude", told(*here))
            case Op.AT_LEAST_ONE | Op.ONE if not here:
                self._refuse("error.model_field_one_of", told(*rule.names))
            case _:
                pass

    def _extra(self, extra: object, values: Mapping[str, object]) -> dict[str, object]:
        if extra is None or (isinstance(extra, str) and not extra.strip()):
            return {}
        too_long = isinstance(extra, str) and len(extra) > MAX_EXTRA
        parsed = read_plain(extra) if isinstance(extra, str) and not too_long else extra
        if not isinstance(parsed, dict) or not is_plain(cast("object", parsed)):
            self._refuse("error.model_extra", "extra")
            return {}
        keys = cast("dict[str, object]", parsed)
        for name in keys:
            if not is_parameter_name(name):
                self._refuse("error.model_extra_key", name[:100])
            elif name in values:
                self._refuse("error.model_extra_twice", name)
        return keys

    def _error(self, key: str, name: str, params: dict[str, object]) -> BadField:
        shown = told(name) if name in self.parameters else name
        about = {**params, "field": shown, "model": self.model.endpoint}
        return BadField(key).with_context(params=about)

    def _refuse(self, key: str, name: str, /, **params: object) -> None:
        self.refusals.append(self._error(key, name, params))

    def doubt(self, key: str, name: str, /, **params: object) -> None:
        self.doubts.append(self._error(key, name, params))


def _ignore(_key: str, _field: str, /, **_params: object) -> None:
    """Discard a doubt."""


def _condition(rule: Rule) -> str:
    name, values = told(rule.other), " / ".join(rule.values)
    return Words.of(lambda say: f"{name.tell(say)} = {values}") if values else name


def flat(body: Mapping[str, object]) -> dict[str, object]:
    """Flatten the lists that hold files: their items become `imageUrls.1`, `imageUrls.2` …"""
    values: dict[str, object] = {}
    for name, value in body.items():
        items = as_items(cast("object", value)) if isinstance(value, list) else []
        if any(isinstance(item, GivenMedia) for item in items):
            values |= {f"{name}.{number}": item for number, item in enumerate(items, 1)}
        else:
            values[name] = value
    return values


def nested(values: Mapping[str, object]) -> dict[str, object]:
    """The inverse of `flat`."""
    body: dict[str, object] = {}
    for name, value in values.items():
        key, dot, _ = name.partition(".")  # a key has no dot itself
        if dot:
            cast("list[object]", body.setdefault(key, [])).append(value)
        else:
            body[name] = value
    return body
