"""Parses ComfyUI's descriptions of node classes (`/object_info`) into ClassInfo."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from .plan import Classes, ClassInfo, InputInfo

_UPLOADS = {"image": "IMAGE", "video": "VIDEO", "audio": "AUDIO", "file": "FILE"}
_GROWING = ("COMFY_DYNAMIC", "COMFY_AUTOGROW")
_MAX_GROWN = 100  # ComfyUI's maximum of inputs by one autogrow template
# Modules whose classes take declared inputs only; of packs the format does not tell `**kwargs`.
_CLOSED = ("nodes", "comfy_extras", "comfy_api_nodes")
MATCHED = "COMFY_MATCHTYPE_V3"
"""Polymorphic type of inputs and outputs: resolved to the type of what is linked. A template id
(the type variable) may follow, where a class has several."""
_CREDENTIALS = frozenset({"AUTH_TOKEN_COMFY_ORG", "API_KEY_COMFY_ORG"})
"""Hidden inputs that hold a user's comfy.org credentials."""


def class_info(about: Mapping[str, Any]) -> ClassInfo:
    """Parse one entry of ComfyUI's `/object_info` (`GET_NODE_INFO_V1()` of a V3 class), to which
    our host adds `changes`.

    Malformed members count as absent: a class of another pack must not stop a prompt.
    """
    groups = _mapping(about.get("input"))
    inputs: dict[str, InputInfo] = {}
    for name, spec, required in _declared(groups):
        inputs[name] = _input(spec, required=required)
        if inputs[name].grows:
            inputs.update(_expanded(name, spec))
    kinds = _sequence(about.get("output"))
    templates = (*_sequence(about.get("output_matchtypes")), *(None,) * len(kinds))
    outputs = tuple(map(_type_name, kinds, templates))
    lists = tuple(map(bool, _sequence(about.get("output_is_list"))))
    module = str(about.get("python_module", "custom_nodes")).partition(".")[0]
    return ClassInfo(
        inputs=inputs,
        outputs=outputs,
        output_is_list=lists,
        input_is_list=bool(about.get("is_input_list")),
        is_output=bool(about.get("output_node")),
        is_api=bool(about.get("api_node")) or _takes_credentials(groups),
        open=module not in _CLOSED,
        changes=bool(about.get("changes")),
    )


def is_growing(type_name: str) -> bool:
    """Whether inputs of that type expand to others, named by paths such as `format.codec`."""
    return type_name.startswith(_GROWING)


def from_object_info(text: Mapping[str, Any]) -> Classes:
    """Look-up of the classes of a whole `/object_info`; each is parsed on first use and cached."""
    infos: dict[str, ClassInfo | None] = {}

    def find(name: str) -> ClassInfo | None:
        if name not in infos:
            about = text.get(name)
            infos[name] = (
                class_info(cast("Mapping[str, Any]", about)) if isinstance(about, dict) else None
            )
        return infos[name]

    return find


def _declared(groups: Mapping[str, Any]) -> Iterator[tuple[str, object, bool]]:
    """Name, spec, and whether it is required, of each input."""
    for group in ("required", "optional"):
        for name, spec in _mapping(groups.get(group)).items():
            yield name, spec, group == "required"


def _expanded(name: str, spec: object) -> Mapping[str, InputInfo]:
    """The inputs that a dynamic input expands to, such as `mode.image` and `images.image0`.

    Only a prompt tells which choice was made, and two choices may share an input name: so none is
    required or has a range, and differing types become `*`.
    """
    brought: dict[str, InputInfo] = {}
    for full, inner in _nested(name, spec):
        for path, info in ((full, _input(inner, required=False)), *_expanded(full, inner).items()):
            earlier = brought.get(path, info)
            brought[path] = InputInfo(
                info.type if info.type == earlier.type else "*",
                lazy=info.lazy or earlier.lazy,
                upload=info.upload or earlier.upload,
                grows=info.grows or earlier.grows,
            )
    return brought


def _nested(name: str, spec: object) -> Iterator[tuple[str, object]]:
    """Yield path and spec of the inputs of each choice, and of those that a template generates."""
    about = _options(spec)
    for choice in map(_mapping, _sequence(about.get("options"))):
        for inner, nested_spec, _ in _declared(_mapping(choice.get("inputs"))):
            yield f"{name}.{inner}", nested_spec
    template = _mapping(about.get("template"))
    most, prefix = template.get("max"), template.get("prefix")
    count = min(most, _MAX_GROWN) if isinstance(most, int) else 0
    names = _sequence(template.get("names")) or [f"{prefix}{number}" for number in range(count)]
    for _, nested_spec, _ in _declared(_mapping(template.get("input"))):
        yield from ((f"{name}.{inner}", nested_spec) for inner in names)


def _takes_credentials(groups: Mapping[str, Any]) -> bool:
    """Whether a class takes comfy.org credentials: some that call it declare nothing else. A V3
    class writes each hidden input as a tuple."""
    hidden = _mapping(groups.get("hidden")).values()
    return any(str(next(iter(_sequence(kind)), kind)) in _CREDENTIALS for kind in hidden)


def _input(spec: object, *, required: bool) -> InputInfo:
    parts = _sequence(spec)
    kind = parts[0] if parts else "*"
    about = _options(spec)
    name = _type_name(kind, _mapping(about.get("template")).get("template_id"))
    upload = next((medium for word, medium in _UPLOADS.items() if about.get(f"{word}_upload")), "")
    return InputInfo(
        name,
        required=required,
        lazy=bool(about.get("lazy")),
        upload=upload,
        grows=is_growing(name),
        least=_bound(name, about.get("min")),
        most=_bound(name, about.get("max")),
        raw=bool(about.get("rawLink")),
    )


def _options(spec: object) -> Mapping[str, Any]:
    """The options of an input's declaration."""
    parts = _sequence(spec)
    return _mapping(parts[1]) if len(parts) > 1 else {}


def _type_name(kind: object, template: object) -> str:
    """The name of a type as a plain str; a list of choices is COMBO.

    Packs write "any type" as a str subclass that equals every type or has no hash.
    """
    name = str(kind) if isinstance(kind, str) else "COMBO"
    return f"{name} {template}" if name == MATCHED and isinstance(template, str) else name


def _bound(type_name: str, bound: object) -> float | None:
    """One end of a number's range; ints stay ints, since a float cannot represent every seed."""
    if type_name not in ("INT", "FLOAT") or isinstance(bound, bool):
        return None
    return bound if isinstance(bound, (int, float)) else None


def _mapping(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def _sequence(value: object) -> tuple[Any, ...]:
    return tuple(cast("list[Any]", value)) if isinstance(value, (list, tuple)) else ()
