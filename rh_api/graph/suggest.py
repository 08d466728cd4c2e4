"""What a user may select of a program: fields as inputs, savers as outputs, and which of both to
suggest."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from ..wire.apps import AppField, AppForm, word
from .app_fields import app_facts, app_fields
from .check import HIGHEST, LOWEST, Facts
from .fields import Field, FieldKind, fields_of, is_seed, media_taken, words_of
from .prompt import Graph, Node, id_order, read_nodes, terminal_nodes

SUGGESTED_MOST = 16
LABEL_LENGTH = 60
LONG_TEXT = 60  # characters; a longer stored text gets a multiline widget

_NUMBERS = frozenset({FieldKind.INT, FieldKind.FLOAT})
# Stored by the browser beside a file's name; the remote node does not read it.
_UPLOAD_BUTTON = re.compile(r"upload|choose .+ to upload", re.IGNORECASE)
_PROMPT = re.compile(
    r"(.*_)?(text|prompt|caption|lyrics|tags|instruction)(_[0-9a-z]{1,2})?|clip_l|t5xxl|llama",
    re.IGNORECASE,
)
_PLAIN_TEXT = frozenset({"value", "string", "text", "prompt"})
_WRITES = frozenset({"encode", "encoder", "prompt", "conditioning", "generate", "api"})
_TEXT_CLASS = frozenset({"string", "text", "prompt", "multiline"})
_SIZE_CLASS = frozenset({"empty", "latent", "size", "resolution", "dimension"})
_FRACTION = re.compile(
    r"(.*_)?(cfg|denoise|strength|weight|scale|factor|guidance|shift|ratio|opacity|threshold)(_.*)?"
)
_MARKED = re.compile(
    r"\b(inputs?|param(eter)?s?|settings?|user|upload)\b|输入|上传|参数|设置|提示词|可修改|可调",
    re.IGNORECASE,
)
_MARKED_FIELDS = 6  # the title of a marked node with more fields says nothing about each

_SAVING = frozenset({"save", "saver", "combine", "export", "output", "write", "writer"})
_SHOWING = frozenset({"preview", "show", "display"})
_VIDEO = frozenset({"video", "vhs", "gif", "mp", "webm"})
_RESOURCES = {"ckpt": "CHECKPOINT", "unet": "UNET", "lora": "LORA"}
_NAMES_MODEL = re.compile(r"(ckpt|unet|lora)(_name)?(_?[0-9]+)?(_name)?", re.IGNORECASE)
_JOINERS = "\u200c\u200d"  # zero-width (non-)joiners, of Persian and Indic scripts and emoji


@dataclass(frozen=True, slots=True)
class About:
    """What a local class declares of a field. `kind`: its type, such as FLOAT."""

    kind: str | None = None
    choices: Sequence[object] | None = None
    low: float | None = None
    high: float | None = None
    step: float | None = None
    multiline: bool = False


_NOTHING = About()

Local = Callable[[str, str], About | None]
"""(class, field) to what the local class declares; None: unknown."""


def nothing_local(class_type: str, name: str) -> None:
    """The default of `local`: no class is known."""


@dataclass(frozen=True, slots=True)
class Offered:
    """A field offered as an input; `suggested`: it is part of the initial selection."""

    field: Field
    kind: FieldKind
    label: str
    multiline: bool = False
    low: float | None = None
    high: float | None = None
    step: float | None = None
    options: tuple[object, ...] | None = None
    is_seed: bool = False
    suggested: bool = False
    description: str = ""


@dataclass(frozen=True, slots=True)
class Output:
    """A remote node offered as an output; `type` as ComfyUI names it."""

    node: Node
    type: str
    suggested: bool


def workflow_offer(graph: Graph, local: Local = nothing_local) -> list[Offered]:
    """The fields of a saved workflow: nodes sorted as integer paths, a node's fields as stored."""
    offered: list[Offered] = []
    ranks: list[tuple[int, int]] = []
    for node in sorted(read_nodes(graph).values(), key=lambda node: id_order(node.id)):
        plain = [field for field in fields_of(node) if not _is_button(field)]
        title = one_line(node.title)
        marked = (
            node.title != node.class_type
            and len(plain) <= _MARKED_FIELDS
            and _MARKED.search(node.title) is not None
        )
        for field in plain:
            about = local(node.class_type, field.name) or _NOTHING
            offer = _offered(field, about, _label(field, title, len(plain)))
            rank = _rank(offer, marked=marked)
            if rank is not None:
                ranks.append((rank, len(offered)))
            offered.append(offer)
    # The best ranks; ties in order.
    for _, index in sorted(ranks)[:SUGGESTED_MOST]:
        offered[index] = replace(offered[index], suggested=True)
    return _with_unique_labels(offered)


def app_offer(form: AppForm, *, chinese: bool = False) -> list[Offered]:
    """The fields of an app in its form's order; its author chose them, so all are suggested."""
    facts = app_facts(form)
    pairs = zip(form.fields, app_fields(form), strict=True)
    return _with_unique_labels(
        [_of_app(about, field, facts[field.full_name], chinese=chinese) for about, field in pairs]
    )


def nothing_saved(_: str) -> bool | None:
    """The default of `saves`: no class is known."""


def outputs(graph: Graph, saves: Callable[[str], bool | None] = nothing_saved) -> list[Output]:
    """The nodes whose results may have an output of their own, sorted by id.

    `saves`: whether a class is an output node; None: not known here. Suggested are those that
    save; if none does, those that display; else all.
    """
    nodes = read_nodes(graph)
    ends = frozenset(terminal_nodes(graph))
    ranked: list[tuple[Node, int]] = []
    for node in sorted(nodes.values(), key=lambda node: id_order(node.id)):
        words = words_of(node.class_type)
        is_output = saves(node.class_type)
        rank = 0 if words & _SAVING else 1 if words & _SHOWING else 2
        if is_output or (is_output is None and (node.id in ends or rank == 0)):
            ranked.append((node, rank))
    best = min((rank for _, rank in ranked), default=0)
    return [Output(node, output_type(node.class_type), rank == best) for node, rank in ranked]


def output_type(class_type: str) -> str:
    """The likely type of an output node's results, by its class name; `*` if that tells none."""
    words = words_of(class_type)
    if words & {"audio", "sound", "music", "speech"} and "video" not in words:
        return "AUDIO"
    if words & _VIDEO:
        return "VIDEO"
    if words & {"image", "picture", "mask", "png", "webp", "jpg"}:
        return "IMAGE"  # a mask is saved as an image, too
    if words & {"text", "string", "any", "json", "caption"}:
        return "STRING"
    return "*"


def _is_button(field: Field) -> bool:
    is_name = field.kind is not FieldKind.ZIP and isinstance(field.stored, str)
    return is_name and _UPLOAD_BUTTON.fullmatch(field.name) is not None


def _offered(field: Field, about: About, label: str) -> Offered:
    options = about.choices
    if options is not None and (field.stored not in options or resource_of(field)):
        options = None  # the remote class has other choices, or they are local files
    kind = _kind(field, about, has_options=options is not None)
    low, high = (about.low, about.high) if kind in _NUMBERS else (None, None)
    if not _within(field.stored, low, high):
        low = high = None
    return Offered(
        field,
        kind,
        label,
        multiline=kind is FieldKind.STRING and _multiline(field, about.multiline),
        low=_clamped(low, kind),
        high=_clamped(high, kind),
        step=about.step if kind in _NUMBERS else None,
        options=tuple(options) if options is not None else None,
        is_seed=kind is FieldKind.INT and is_seed(field),
    )


def _kind(field: Field, about: About, *, has_options: bool) -> FieldKind:
    if has_options and field.kind in (FieldKind.STRING, FieldKind.INT, FieldKind.FLOAT):
        return FieldKind.COMBO
    if field.kind is not FieldKind.INT:
        return field.kind
    # JSON stores a FLOAT of 7.0 as 7.
    if about.kind is None:
        is_fraction = _FRACTION.fullmatch(field.name.lower()) is not None
    else:
        is_fraction = about.kind == "FLOAT"
    return FieldKind.FLOAT if is_fraction else FieldKind.INT


def _multiline(field: Field, declared: bool) -> bool:
    stored = field.stored if isinstance(field.stored, str) else ""
    return declared or "\n" in stored or len(stored) > LONG_TEXT or _is_prompt(field)


def _within(stored: object, low: float | None, high: float | None) -> bool:
    if not isinstance(stored, (int, float)):
        return True
    return (low is None or low <= stored) and (high is None or stored <= high)


def _clamped(limit: float | None, kind: FieldKind) -> float | None:
    """Clamp a limit to the range that `check` accepts."""
    return limit if limit is None or kind is FieldKind.FLOAT else min(max(limit, LOWEST), HIGHEST)


def _rank(offered: Offered, *, marked: bool) -> int | None:
    """Priority of suggesting a field, 0 is the first; None: not suggested."""
    node, name = offered.field.node, offered.field.name.lower()
    words = words_of(node.class_type)
    writes = bool(words & (_SAVING | _SHOWING))
    rules = (
        bool(media_taken(node.class_type, offered.kind)),
        not writes and _is_prompt(offered.field),
        not writes and offered.is_seed,
        not writes and name == "steps" and offered.kind in _NUMBERS,
        not writes and name in ("width", "height") and bool(words & _SIZE_CLASS),
        not writes and marked,
    )
    return next((rank for rank, holds in enumerate(rules) if holds), None)


def _is_prompt(field: Field) -> bool:
    if not isinstance(field.stored, str) or field.kind is not FieldKind.STRING:
        return False
    words = words_of(field.node.class_type)
    if words & _WRITES and _PROMPT.fullmatch(field.name):
        return True
    is_source = "primitive" in words or len(words & _TEXT_CLASS) > 0
    return is_source and field.name.lower() in _PLAIN_TEXT


def _label(field: Field, title: str, count: int) -> str:
    """The node's title, prefixed by the field's name if the node has several: a narrow node cuts
    off the end of a label."""
    alone = count == 1 or media_taken(field.node.class_type, field.kind) or _is_prompt(field)
    return title if alone else f"{field.name} · {title}"


def one_line(text: str, limit: int = LABEL_LENGTH) -> str:
    """One line of at most `limit` characters, without line breaks, control or bidi characters."""
    letters = (c if c.isprintable() or c in _JOINERS else " " for c in text[: 8 * limit])
    words = " ".join("".join(letters).split())
    return words if len(words) <= limit else words[: limit - 1] + "…"


def _with_unique_labels(offered: list[Offered]) -> list[Offered]:
    """Make labels unique: append the node's id, then if needed the field's name."""
    by_id = _with_suffixes(offered, [offer.field.node.id for offer in offered])
    return _with_suffixes(by_id, [offer.field.name for offer in offered])


def _with_suffixes(offered: list[Offered], more: Sequence[str]) -> list[Offered]:
    counts = Counter(offer.label for offer in offered)
    return [
        replace(offer, label=f"{offer.label} ({word})") if counts[offer.label] > 1 else offer
        for offer, word in zip(offered, more, strict=True)
    ]


def _of_app(about: AppField, field: Field, facts: Facts, *, chinese: bool) -> Offered:
    title = (about.description if chinese else about.description_en) or field.node.title
    # In a form each field has a title of its own, its node has none.
    node = replace(field.node, title=field.node.class_type)
    shown = _shown(facts)
    stored = shown.get(word(field.stored), field.stored) if shown else field.stored
    offer = _offered(
        replace(field, node=node, stored=stored),
        About(kind=facts.declared, multiline=about.multiline, step=about.step),
        one_line(title or field.name),
    )
    return replace(
        offer,
        kind=field.kind,
        low=facts.low,
        high=facts.high,
        options=tuple(shown.values()) if shown else None,
        suggested=True,
        description=one_line(title, 500),
    )


def _shown(facts: Facts) -> dict[str, object]:
    """Choices to show, by value: `Choice.shown`, or the values if two of those are equal."""
    choices = facts.choices or ()
    shown = [choice.shown for choice in choices]
    if len(set(shown)) < len(shown):
        shown = [choice.value for choice in choices]
    return {word(choice.value): label for choice, label in zip(choices, shown, strict=True)}


LARGEST = 2**53 - 1
"""The largest integer that JavaScript represents exactly."""


def plain(value: object) -> object:
    """A value as JavaScript can hold it: larger integers as text, lists and objects as JSON."""
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # Python's JSON parser accepts NaN
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > LARGEST:
        return str(value)
    return value


def listed(offered: Iterable[Offered]) -> list[dict[str, object]]:
    """Serialize offered fields to JSON values, grouped by node."""
    nodes: dict[str, dict[str, object]] = {}
    fields: dict[str, list[dict[str, object]]] = {}
    for offer in offered:
        node = offer.field.node
        if node.id not in nodes:
            fields[node.id] = []
            nodes[node.id] = {
                "id": node.id,
                "title": one_line(node.title, 200),
                "class_type": node.class_type[:200],
                "fields": fields[node.id],
            }
        fields[node.id].append(_as_json(offer))
    return list(nodes.values())


def _as_json(offered: Offered) -> dict[str, object]:
    options = None if offered.options is None else [plain(option) for option in offered.options]
    return {
        "resource": resource_of(offered.field) if offered.options is None else "",
        "name": offered.field.full_name,
        "field": offered.field.name,
        "kind": offered.kind.value,
        "stored": plain(offered.field.stored),
        "multiline": offered.multiline,
        "min": plain(offered.low),
        "max": plain(offered.high),
        "step": plain(offered.step),
        "options": options,
        "seed": offered.is_seed,
        "suggested": offered.suggested,
        "label": offered.label,
        "description": offered.description,
    }


def resource_of(field: Field) -> str:
    """The service's list of models (`ResourceKind`) that a field's value is from, or "".

    There is none of VAE, CLIP or ControlNet models.
    """
    if field.kind is FieldKind.LORA:
        return "LORA"
    named = _NAMES_MODEL.fullmatch(field.name) if isinstance(field.stored, str) else None
    if named is None:
        return ""
    is_gguf = "gguf" in field.node.class_type.lower()
    return "GGUF" if is_gguf else _RESOURCES[named[1].lower()]
