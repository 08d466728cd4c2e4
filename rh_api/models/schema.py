"""The schema of a standard model: its parameters, the rules between them, and its price."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..graph.fields import FieldKind
from ..wire.apps import word


class Status(enum.Enum):
    """ACTIVE; WITHDRAWN: listed, but refuses calls; GONE: no longer listed."""

    ACTIVE = "active"
    WITHDRAWN = "withdrawn"
    GONE = "gone"


class Completeness(enum.Enum):
    """FULL: every published parameter; PARTIAL: some may be missing; NONE: only the name."""

    FULL = "full"
    PARTIAL = "partial"
    NONE = "none"


class Op(enum.Enum):
    """What a rule requires of its `names`; `other` and `values` are its condition."""

    ONLY = "only"
    """They apply only under the condition."""
    NEEDS = "needs"
    """They are required under the condition."""
    AT_MOST_ONE = "at_most_one"
    ONE = "one"
    AT_LEAST_ONE = "at_least_one"
    TOGETHER = "together"
    """All of them, or none."""
    TOTAL = "total"
    """Their items together are at most `limit`."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A constraint on several parameters.

    The condition holds if `other` is given and, if there are `values`, is one of them (as
    texts: `true`, `custom`). An omitted `other` has its default.
    """

    op: Op
    names: tuple[str, ...]
    other: str = ""
    values: tuple[str, ...] = ()
    limit: int = 0


@dataclass(frozen=True, slots=True)
class Parameter:
    """One key of a model's body.

    Attributes:
        kind: IMAGE, VIDEO and AUDIO take the URL of an uploaded file, URL that of any kind of
            file, COMBO one of `options` as a text, JSON a list or an object, LORA the name of one
            in the cloud; the others take the type of their name.
        is_sure: whether a source confirms that it is required.
        default: what the service uses if the key is omitted; None: not known.
        low, high, step: of a number; None: not limited, or not known.
        min_length, max_length: of a text, in characters.
        is_array: its value is a JSON array on the wire, even of a single item.
        max_items: of an array.
        max_mb: of each file, in megabytes.
        formats: of a file, as suffixes without the dot.
        note: a remark, in English.
    """

    name: str
    kind: FieldKind
    required: bool = False
    is_sure: bool = True
    default: object = None
    options: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    step: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    is_array: bool = False
    max_items: int | None = None
    max_mb: float | None = None
    formats: tuple[str, ...] = ()
    note: str = ""

    @property
    def is_media(self) -> bool:
        return self.kind in MEDIA

    @property
    def is_seed(self) -> bool:
        return self.kind is FieldKind.INT and self.name.lower().endswith("seed")


MEDIA = frozenset({FieldKind.IMAGE, FieldKind.VIDEO, FieldKind.AUDIO, FieldKind.URL})


@dataclass(frozen=True, slots=True)
class PriceRule:
    """What a model costs, in CNY, as read on the date `as_of`; a hint, not binding.

    `unit`: run, second, image, 1000_chars or 5_seconds. Either `amount`, or `rows` by the values
    of `keys` joined by `|` (an empty part: not given; `*`: any). `is_from`: a lower bound.
    """

    unit: str
    as_of: str
    amount: str = ""
    keys: tuple[str, ...] = ()
    rows: tuple[tuple[str, str], ...] = ()
    is_from: bool = False


@dataclass(frozen=True, slots=True)
class Model:
    """One standard model.

    Attributes:
        endpoint: its id, in paths and in the catalogue; stable, while names change.
        name, name_zh: its names on the two sites.
        aliases: other names, former ones among them.
        task: what it does, such as `text-to-image`; `other` if that is not known.
        output: image, video, audio, text or 3d.
        successor: endpoint of the model that replaces a gone or withdrawn one; "" for none.
        pages: ids of its pages on the sites, such as `api-425766743`.
    """

    endpoint: str
    name: str
    name_zh: str = ""
    aliases: tuple[str, ...] = ()
    task: str = "other"
    output: str = ""
    family: str = ""
    status: Status = Status.ACTIVE
    completeness: Completeness = Completeness.FULL
    parameters: tuple[Parameter, ...] = ()
    rules: tuple[Rule, ...] = ()
    price: PriceRule | None = None
    successor: str = ""
    pages: tuple[str, ...] = field(default=())

    def parameter(self, name: str) -> Parameter | None:
        return next((parameter for parameter in self.parameters if parameter.name == name), None)

    @property
    def main_outputs(self) -> tuple[str, ...]:
        """The node's typed outputs that its results most likely fill."""
        return _MAIN_OUTPUTS.get(self.output, ("images", "video", "audio", "text"))

    @property
    def is_usable(self) -> bool:
        """Whether the service still accepts orders of it."""
        return self.status is Status.ACTIVE


_MAIN_OUTPUTS = {
    "image": ("images",),
    "video": ("video",),
    "audio": ("audio",),
    "text": ("text",),
    "3d": ("model_3d",),
}


def option_for(options: Iterable[str], value: object) -> str | None:
    """The option that equals a value, ignoring case: `5` and 5.0 are "5", `1K` is "1k"; or None."""
    text = word(value).strip()
    folded = {option.lower(): option for option in reversed(tuple(options))}
    return text if text in folded.values() else folded.get(text.lower())
