"""Parses a model's documentation page: Markdown with one OpenAPI block."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..errors import CatalogueRefused
from ..graph.fields import FieldKind
from ..graph.json_values import as_object
from ..wire.envelope import as_list
from ..wire.model_refs import BASE, is_endpoint
from .fields import default_of
from .index import Entry
from .names import is_parameter_name
from .sanitize import (
    MAX_OPTIONS,
    MAX_PARAMETERS,
    check_size,
    count_of,
    is_chinese,
    number_of,
    text_of,
    texts_of,
)
from .schema import Model, Parameter
from .tasks import output_of, task_of
from .yaml import NotYaml, read_yaml

MAX_PAGE = 400_000

Json = Mapping[str, object]
_FENCE = re.compile(r"```ya?ml[ \t]*\r?\n(.*?)\r?\n```", re.DOTALL)
_NOT_OURS = frozenset({"apiKey", "webhookUrl"})
_KINDS = {
    "integer": FieldKind.INT,
    "number": FieldKind.FLOAT,
    "boolean": FieldKind.BOOLEAN,
    "object": FieldKind.JSON,
}
# On pages every file is a string; its kind is inferred from its key.
_FILES = (
    (re.compile(r"video.*url", re.IGNORECASE), FieldKind.VIDEO),
    (re.compile(r"(audio|voice|music).*url", re.IGNORECASE), FieldKind.AUDIO),
    (re.compile(r"(image|img|frame|photo|picture|mask).*url", re.IGNORECASE), FieldKind.IMAGE),
)


def read_page(data: bytes, entry: Entry) -> Model:
    """Parse the model that a page describes.

    Raises CatalogueRefused for a page without an OpenAPI block (at times the site sends its app
    shell), and for one that does not describe a model.
    """
    check_size(data, entry.page, MAX_PAGE)
    spec = as_object(_spec(data.decode("utf-8", "replace"), entry))
    paths = [path for path in as_object(spec.get("paths")) if path.startswith(BASE)]
    endpoint = paths[0].removeprefix(BASE).strip("/") if len(paths) == 1 else ""
    if not is_endpoint(endpoint):
        raise CatalogueRefused(source=entry.page, reason="no path of a model")
    post = as_object(as_object(as_object(spec.get("paths")).get(paths[0])).get("post"))
    content = as_object(as_object(post.get("requestBody")).get("content"))
    schema = _resolved(as_object(as_object(content.get("application/json")).get("schema")), spec)
    properties = as_object(schema.get("properties"))
    required = {name for name in as_list(schema.get("required")) if isinstance(name, str)}
    parameters = [
        _parameter(name, _resolved(as_object(about), spec), spec, name in required)
        for name, about in [*properties.items()][:MAX_PARAMETERS]
        if is_parameter_name(name) and name not in _NOT_OURS
    ]
    task = task_of(*entry.crumbs[2:3], *endpoint.split("/")[::-1])
    chinese = is_chinese(entry.title)
    return Model(
        endpoint=endpoint,
        name=endpoint if chinese else entry.title,
        name_zh=entry.title if chinese else "",
        task=task,
        output=output_of(task),
        family=entry.crumbs[3] if len(entry.crumbs) > 3 else "",
        parameters=tuple(parameters),
        pages=(entry.page,),
    )


def _spec(text: str, entry: Entry) -> object:
    block = _FENCE.search(text)
    try:
        return read_yaml(block[1]) if block else None
    except NotYaml as error:
        raise CatalogueRefused(source=entry.page, reason=f"its YAML: {error}") from error


def _resolved(schema: Json, spec: Json) -> Json:
    """Resolve `$ref` of a schema to a component, through at most 8 references."""
    for _ in range(8):
        reference = schema.get("$ref")
        if not isinstance(reference, str) or not reference.startswith("#/components/schemas/"):
            break
        components = as_object(as_object(spec.get("components")).get("schemas"))
        schema = as_object(components.get(reference.rpartition("/")[2]))
    return schema


def _parameter(name: str, about: Json, spec: Json, required: bool) -> Parameter:
    is_array = about.get("type") == "array"
    item = _resolved(as_object(about.get("items")), spec) if is_array else about
    options = texts_of(as_list(item.get("enum")) or as_list(about.get("enum")), MAX_OPTIONS)
    kind = _kind(name, item, options)
    return Parameter(
        name=name,
        kind=kind,
        required=required,
        default=default_of(kind, about.get("default"), options),
        options=options,
        low=number_of(item.get("minimum")),
        high=number_of(item.get("maximum")),
        step=number_of(item.get("multipleOf")),
        min_length=count_of(item.get("minLength")),
        max_length=count_of(item.get("maxLength")),
        is_array=is_array,
        max_items=count_of(about.get("maxItems")),
        note=text_of(about.get("description")),
    )


def _kind(name: str, item: Json, options: tuple[str, ...]) -> FieldKind:
    json_type = item.get("type")
    if isinstance(json_type, str) and json_type in _KINDS:
        return _KINDS[json_type]
    if options:
        return FieldKind.COMBO
    return next((kind for pattern, kind in _FILES if pattern.search(name)), FieldKind.STRING)
