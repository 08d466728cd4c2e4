"""Replaces nodes of ComfyUI_RH_OpenAPI, which has one class per model, by RunningHub Model.

Its class names derive from endpoints and its input names from parameters, by rules read in its
sources (HM-RunningHub/ComfyUI_RH_OpenAPI, May 2026), so its 299 classes are not listed here.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

from ..errors import BadInput
from ..graph.fields import FieldKind
from ..models.catalogue import Catalogue
from ..models.names import input_name
from ..models.schema import Model, Parameter
from ..models.stored import model_json
from .graph import Change, NewField, NewNode, OldGraph, OldNode, Output, Plan, Sentence, Source
from .target_nodes import MODEL, SHAPES

PREFIX = "RH_"
_ENDPOINTS = {"rhseedancevideoreftovideo": "bytedance/dreamactor-v2"}
"""Endpoints of classes whose names do not derive from them."""

_SOCKETS = {FieldKind.IMAGE: 9, FieldKind.VIDEO: 3, FieldKind.AUDIO: 3}
"""Media kinds, and the number of sockets of a list parameter without `max_items`."""
_NO_WIDGET = frozenset({FieldKind.JSON, FieldKind.LORA, FieldKind.URL, FieldKind.ANY})
_OMIT = "empty"  # the option that omits the parameter
_CONTROL = "control_after_generate"
_OWN = ("skip_error", "seed")  # widgets of every class
_REAL_PERSON = ("real_person_mode", "conversion_slots")  # of some classes, last
_RATIO_IN_PROMPT = "rhart-image-g-2/"
# Whether a parameter was required, where it differs today: required widgets come first.
_REQUIRED = {
    ("rhart-video-g/image-to-video", "duration"): False,
    ("rhart-video-g/text-to-video", "duration"): False,
    ("rhart-image-g-2-official/text-to-image", "aspectRatio"): True,
}
# Parameters that a model got after its old class was made.
_SINCE = {
    "rhart-video-v3.1-pro/image-to-video": {"resolution"},
    "rhart-image/f-dev": {"prompt", "aspectRatio", "outputFormat"},
    "rhart-image/f-dev-lora": {"prompt", "aspectRatio", "outputFormat", "lora_strength"},
    "pixverse-v6/transition": {"thinkingType"},
}
_SINCE_OF_FAMILY = ("rhart-video/sparkvideo-2.0", {"seed", "conversionSlots", "realPersonMode"})
_OUTPUTS = {
    "image": "images",
    "video": "video",
    "audio": "audio",
    "3d": "files",
    "text": "text",
    "string": "text",
}


@dataclass(frozen=True)
class Layout:
    """Inputs of an old class: `widgets` in order; `sockets` by name to (parameter, item).

    `sent`: names of the parameters that have a widget. An item counts from 1, 0 for no list.
    """

    sent: tuple[str, ...]
    widgets: tuple[str, ...]
    sockets: Mapping[str, tuple[Parameter, int]]


class ModelClasses:
    """Maps old class names to a catalogue's models, and plans their replacement."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._models = {_folded(PREFIX + endpoint): endpoint for endpoint in catalogue.models}
        self._catalogue = catalogue

    def model_of(self, class_type: str) -> Model | None:
        if not class_type.startswith(PREFIX):
            return None
        folded = _folded(class_type)
        endpoint = _ENDPOINTS.get(folded) or self._models.get(folded)
        return self._catalogue.models.get(endpoint or "")

    def widgets_of(self, class_type: str, values: Sequence[object]) -> Sequence[str] | None:
        """The names of saved values, by the widget order that fits them best.

        Published graphs of the old pack have older orders: texts first, required or not, or all
        as the registry lists them.
        """
        model = self.model_of(class_type)
        if model is None:
            return None
        layout = layout_of(model)
        listed = [parameter.name for parameter in model.parameters if parameter.name in layout.sent]
        texts_first = sorted(listed, key=lambda name: _place(model.parameter(name)))
        uncontrolled = [name for name in layout.widgets if name != _CONTROL]
        orders = (layout.widgets, texts_first, listed, uncontrolled)
        return min(orders, key=lambda names: _misfits(model, names, values))

    def plan_all(self, graph: OldGraph, plan: Plan, skip: Container[str]) -> None:
        """Add to the plan the replacement of each model node, or why it is kept."""
        for node in graph.nodes.values():
            model = self.model_of(node.class_type)
            if model is None:
                continue
            if node.id in skip:
                plan.kept[node.id] = Sentence("migrate.stays_chosen")
            elif not model.parameters:
                unknown = Sentence("migrate.stays_unknown_model", {"model": model.endpoint})
                plan.kept[node.id] = _gone(model, self._catalogue) or unknown
            elif "asset_ids" in node.links:
                plan.kept[node.id] = Sentence("migrate.stays_assets")
            else:
                self._put(graph, node, model, plan)

    def _put(self, graph: OldGraph, node: OldNode, model: Model, plan: Plan) -> None:
        change = Change([node.id], MODEL, model.endpoint)
        new = NewNode(MODEL, {"model": model.endpoint}, title=node.own_title or model.name)
        new.shown = model.main_outputs
        new.form = {"id": model.endpoint, "name": model.name, "model": model_json(model)}
        layout = layout_of(model)
        for parameter in model.parameters:
            if parameter.name in layout.sent:
                _set_value(node, model, parameter, new)
                if parameter.is_media:
                    _link_text(input_name(parameter.name), new, plan, node)
            elif parameter.required and not parameter.is_media:
                _show(parameter, new)
        for socket, (parameter, item) in layout.sockets.items():
            _set_media(node, socket, parameter, item, new)
        for parameter in model.parameters:
            if parameter.is_media:
                _show(parameter, new)
        _add_notes(node, model, self._catalogue, change)
        plan.put[node.id] = new
        plan.changes.append(change)
        _move_output(graph, node, _OUTPUTS.get(model.output, "files"), plan, change)


def layout_of(model: Model) -> Layout:
    """The widgets and sockets that the old class of a model has."""
    family, unknown = _SINCE_OF_FAMILY
    since = _SINCE.get(model.endpoint, unknown if model.endpoint.startswith(family) else set())
    parameters = [param for param in model.parameters if param.name not in since]
    plain = [param for param in parameters if _is_text(model, param) or param.kind not in _SOCKETS]
    plain = sorted((param for param in plain if param.kind not in _NO_WIDGET), key=_place)
    required = [param.name for param in plain if _required(model, param)]
    optional = [param.name for param in plain if not _required(model, param)]
    names = [*required, *optional, *(name for name in _OWN if name not in (*required, *optional))]
    widgets = [
        widget for name in names for widget in ((name, _CONTROL) if name == "seed" else (name,))
    ]
    sockets: dict[str, tuple[Parameter, int]] = {}
    taken = {param.name for param in plain}
    for param in parameters:
        if param.kind not in _SOCKETS or _is_text(model, param):
            continue
        base = _socket_name(param.name)
        count = param.max_items or (_SOCKETS[param.kind] if param.is_array else 1)
        if param.is_array and count > 1:
            sockets |= {f"{base}{item}": (param, item) for item in range(1, count + 1)}
        else:
            sockets[f"{base}_input" if base in taken else base] = (param, int(param.is_array))
    return Layout((*required, *optional), (*widgets, *_REAL_PERSON), sockets)


def _folded(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _misfits(model: Model, names: Sequence[str], values: Sequence[object]) -> int:
    """Count the values that are invalid for the widget of the name at their index."""
    count = 0
    for name, value in zip(names, values, strict=False):
        parameter = model.parameter(name)
        if parameter is None:
            continue
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        fits = {
            FieldKind.COMBO: value in parameter.options or value == _OMIT,
            FieldKind.INT: is_number,
            FieldKind.FLOAT: is_number,
            FieldKind.BOOLEAN: isinstance(value, bool),
        }
        count += not fits.get(parameter.kind, isinstance(value, str))
    return count


def _place(parameter: Parameter | None) -> int:
    name = parameter.name.lower() if parameter else ""
    if name in ("prompt", "text"):
        return 0
    return 1 if name in ("negativeprompt", "negative_prompt") else 2


def _required(model: Model, parameter: Parameter) -> bool:
    return _REQUIRED.get((model.endpoint, parameter.name), parameter.required)


def _is_text(model: Model, parameter: Parameter) -> bool:
    """Whether the old class takes this media parameter as a URL in a text widget."""
    return model.endpoint.startswith("marble-") and parameter.kind in _SOCKETS


def _socket_name(parameter: str) -> str:
    """`firstImageUrl` had the socket `first_image`, `imageUrls` `image`, `videos` `video`."""
    name = re.sub(r"Urls?$", "", parameter)
    name = "video" if name == "videos" else name
    return re.sub(r"([A-Z])", r"_\1", name).lower().strip("_")


def _set_value(node: OldNode, model: Model, parameter: Parameter, new: NewNode) -> None:
    name = input_name(parameter.name)
    about = _about(parameter)
    if parameter.name in node.links:
        new.links[name] = node.links[parameter.name]
        new.fields.append(NewField(name, parameter.kind.value, about))
        return
    value = node.values.get(parameter.name)
    if value is None and node.is_saved:
        value = _default(model, parameter)
    if isinstance(value, str) and parameter.kind is not FieldKind.COMBO:
        value = value.strip()
    if value is None or value == "" or (parameter.options and value == _OMIT):
        if parameter.required or _place(parameter) == 0:
            _show(parameter, new)
        return
    new.values[name] = str(value) if parameter.kind is FieldKind.COMBO else value
    control = node.text(_CONTROL) if parameter.name == "seed" else ""
    new.fields.append(NewField(name, parameter.kind.value, about, control=control))


def _show(parameter: Parameter, new: NewNode) -> None:
    """Add a parameter without a value: a box, or a socket that nothing is connected to."""
    name = input_name(parameter.name)
    if all(field.name != name for field in new.fields):
        new.fields.append(NewField(name, parameter.kind.value, _about(parameter)))


def _link_text(name: str, new: NewNode, plan: Plan, node: OldNode) -> None:
    """Move a URL into a linked PrimitiveString: our media inputs have a socket, but no widget."""
    address = new.values.pop(name, None)
    if address is not None:
        text = NewNode("PrimitiveString", {"value": address}, near=node.id)
        new.links[name] = Output(plan.add(text), "STRING")


def _set_media(node: OldNode, socket: str, parameter: Parameter, item: int, new: NewNode) -> None:
    source = node.links.get(socket)
    name = input_name(parameter.name)
    if source is None:
        return
    if parameter.kind is FieldKind.IMAGE:
        new.values["batch"] = "first"
    full_name = f"{name}.{item}" if item else name
    new.links[full_name] = source
    if item:
        _show(parameter, new)
    new.fields.append(NewField(full_name, parameter.kind.value, _about(parameter), bool(item)))


def _default(model: Model, parameter: Parameter) -> object:
    """The initial value of a widget."""
    if parameter.kind is FieldKind.COMBO:
        if model.endpoint.startswith(_RATIO_IN_PROMPT) and parameter.name == "aspectRatio":
            return None
        return parameter.default or (parameter.options[0] if parameter.options else None)
    if parameter.kind in (FieldKind.INT, FieldKind.FLOAT):
        return parameter.default if parameter.default is not None else 0
    return bool(parameter.default) if parameter.kind is FieldKind.BOOLEAN else None


def _about(parameter: Parameter) -> Mapping[str, object]:
    about: dict[str, object] = {
        "stored": parameter.default,
        "min": parameter.low,
        "max": parameter.high,
        "step": parameter.step,
        "options": list(parameter.options) or None,
        "seed": parameter.name == "seed",
    }
    if parameter.is_array:
        about |= {"array": True, "max_items": parameter.max_items}
    return about


def _add_notes(node: OldNode, model: Model, catalogue: Catalogue, change: Change) -> None:
    def switched(name: str) -> bool:
        return name in node.links or node.values.get(name) in (True, "true")

    gone = _gone(model, catalogue)
    if gone is not None:
        change.notes.append(gone)
    if switched("skip_error"):
        change.note("migrate.note_skip_error")
    if switched("real_person_mode"):
        change.note("migrate.note_persons")
    if "seed" not in layout_of(model).sent and node.values.get(_CONTROL) in (
        "randomize",
        "increment",
    ):
        change.note("migrate.note_idle_seed")
    if model.endpoint.startswith(_RATIO_IN_PROMPT):
        change.note("migrate.note_ratio")
    sockets = layout_of(model).sockets.items()
    if any(name in node.links for name, (param, _) in sockets if param.kind is FieldKind.IMAGE):
        change.note("migrate.note_first")


def _gone(model: Model, catalogue: Catalogue) -> Sentence | None:
    """That the service no longer offers a model, and its successor; None if it does."""
    try:
        catalogue.check_offered(model)
    except BadInput as error:
        return Sentence(error.key, error.params)
    return None


def _move_output(graph: OldGraph, node: OldNode, name: str, plan: Plan, change: Change) -> None:
    readers = graph.readers.get(Source(node.id, 0), ())
    kind = SHAPES[MODEL].outputs[name]
    if all(reader.takes(kind) for reader in readers):
        plan.moved[Source(node.id, 0)] = Output(node.id, name)
        if name == "files" and readers:
            change.note("migrate.note_files")
    else:
        # The old class gave something else: ComfyUI would refuse its readers after the order.
        for reader in readers:
            change.note("migrate.note_no_fit", reader=reader.label, output=name)
    for slot in (1, 2):
        for reader in graph.readers.get(Source(node.id, slot), ()):
            change.note("migrate.note_lost", slot=slot + 1, reader=reader.label)
