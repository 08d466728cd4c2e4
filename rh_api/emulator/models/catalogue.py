"""The standard models that the emulated service offers, from its own data file."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any, Literal, cast

Json = dict[str, Any]

CATALOGUE = Path(__file__).with_name("catalogue.jsonl")

MEDIA = ("IMAGE", "VIDEO", "AUDIO")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One key of a model's body. None and empty mean: no limit.

    ``type`` is STRING, INT, FLOAT, BOOLEAN, COMBO, IMAGE, VIDEO, AUDIO, LORA or JSON; with
    ``array`` the value is a list of such. ``aliases`` are the node keys that the site publishes and
    the API refuses. ``only_with`` is (key, value), ``needs`` and ``excludes`` are keys beside this
    one. ``made_by``: models that issue the ids accepted here, for ``purpose`` if that is set.
    """

    name: str
    type: str = "STRING"
    required: bool = False
    array: bool = False
    default: Any = None
    options: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    step: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    max_items: int | None = None
    max_mb: float | None = None
    formats: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    only_with: tuple[str, str] | None = None
    needs: str | None = None
    excludes: str | None = None
    made_by: tuple[str, ...] = ()
    purpose: str | None = None


@dataclass(frozen=True, slots=True)
class Price:
    """CNY ``per`` run, second, image, 1000_chars or 5_seconds.

    ``amounts``: keyed by the values of the keys ``by``, joined with ``|``; ``*`` is a wildcard.
    """

    per: str = "run"
    by: tuple[str, ...] = ()
    amounts: dict[str, float] = field(default_factory=lambda: {"": 0.05})


@dataclass(frozen=True, slots=True)
class Model:
    """A model. ``schema`` full: keys other than its parameters are refused."""

    endpoint: str
    name: str = ""
    name_cn: str = ""
    task: str = "text-to-image"
    output: Literal["image", "video", "audio", "text", "3d"] = "image"
    category: str = ""
    status: Literal["active", "deprecated", "removed"] = "active"
    schema: Literal["full", "partial", "none"] = "full"
    parameters: tuple[Parameter, ...] = ()
    one_of: tuple[tuple[str, str], ...] = ()
    price: Price | None = None

    def values(self, body: Json) -> Json:
        """Return the effective values: the body, with defaults for missing keys."""
        usual = {param.name: param.default for param in self.parameters if param.only_with is None}
        return usual | body

    @property
    def is_self_hosted(self) -> bool:
        """Whether the service's own machines run it, billed by run time; the site lists node
        keys."""
        return any(param.aliases for param in self.parameters)

    @property
    def page(self) -> str:
        """The name of its documentation page, numeric as the site's."""
        return f"api-{425_800_000 + _number(self.endpoint)}"

    @property
    def sku(self) -> str:
        """Its id in the site's own catalogue."""
        return str(1_990_000_000_000_000_000 + _number(self.endpoint))


def _number(endpoint: str) -> int:
    value = 0
    for sign in endpoint.encode():
        value = (value * 257 + sign) % 99_999_989
    return value


def read_model(row: Json) -> Model:
    """Parse a model from JSON, as in the data file and in the emulator's control path."""
    row = dict(row)
    parameters = tuple(_parameter(param) for param in row.pop("parameters", ()))
    price = row.pop("price", None)
    return Model(
        **_arguments_of(Model, row),
        parameters=parameters,
        price=Price(**_arguments_of(Price, price)) if price else None,
    )


def _parameter(row: Json) -> Parameter:
    return Parameter(**_arguments_of(Parameter, row))


def _arguments_of(kind: type, row: Json) -> Json:
    """Convert lists to tuples; TypeError for a name that ``kind`` lacks."""
    names = {field.name for field in fields(kind)}
    if unknown := row.keys() - names:
        raise TypeError(f"{kind.__name__} has no {min(unknown)!r}")
    return {name: _frozen(value) for name, value in row.items()}


def _frozen(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    return tuple(_frozen(item) for item in cast("list[Any]", value))


@cache
def shipped() -> tuple[Model, ...]:
    """All models of the data file, including those removed from the site."""
    lines = CATALOGUE.read_text("utf-8").splitlines()
    return tuple(read_model(json.loads(line)) for line in lines)
