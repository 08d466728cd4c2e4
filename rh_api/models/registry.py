"""Parses the vendor's registry of models, the file from which its own node pack is generated.

It lacks self-hosted models, and nested and list parameters.
"""

from __future__ import annotations

from ..errors import CatalogueRefused
from ..wire.envelope import as_list, read_json, read_object
from ..wire.model_refs import is_endpoint
from .fields import read_fields
from .sanitize import MAX_MODELS, check_size, text_of
from .schema import Model
from .tasks import output_of, task_of

_OUTPUTS = {"string": "text"}


def read_registry(data: bytes) -> tuple[Model, ...]:
    """Parse its models. Raises CatalogueRefused for a file that lists none, or too many."""
    check_size(data, "registry")
    whole = read_json(data)
    listed = as_list(whole) or as_list(read_object(whole).get("models"))
    if len(listed) > MAX_MODELS:
        raise CatalogueRefused(source="registry", reason=f"{len(listed)} models are too many")
    models = {model.endpoint: model for model in filter(None, map(_model, listed))}
    if not models:
        raise CatalogueRefused(source="registry", reason="no list of models")
    return tuple(models.values())


def _model(value: object) -> Model | None:
    about = read_object(value)
    endpoint = text_of(about.get("endpoint")).strip("/")
    if not is_endpoint(endpoint):
        return None
    task = task_of(*endpoint.split("/")[::-1])
    output = text_of(about.get("output_type"), 20)
    return Model(
        endpoint=endpoint,
        name=text_of(about.get("name_en")) or text_of(about.get("display_name")) or endpoint,
        name_zh=text_of(about.get("name_cn")),
        task=task,
        output=_OUTPUTS.get(output, output) or output_of(task),
        family=text_of(about.get("category"), 60),
        parameters=read_fields(as_list(about.get("params"))),
    )
