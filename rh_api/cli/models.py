"""`models` and `model`: search standard models, show a form and price, run one."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence

from ..client import open_catalogue
from ..errors import BadInput
from ..graph.nearest import listed, nearest
from ..models.live_catalogue import ModelCatalogue
from ..models.names import input_name
from ..models.schema import Completeness, Model, Parameter
from ..settings import Settings
from ..texts import english
from ..wire.apps import word
from .files import out_folder
from .run import connected, job_of, limited, order
from .terminal import Terminal, shortened

_RUN_OPTIONS = ("set", "extra", "out", "run")


async def models(arguments: Namespace, terminal: Terminal, environ: Mapping[str, str]) -> None:
    """Search models by words in either language, best match first; no key needed."""
    settings = Settings.from_mapping(environ)
    if arguments.refresh:
        async with open_catalogue(settings) as renewed:
            changed = await renewed.refresh(thorough=True)
        terminal.note(changed.describe(english))
    catalogue = ModelCatalogue(settings)
    matches = catalogue.search(" ".join(arguments.words), arguments.task or "")
    if matches:
        terminal.table([(model.endpoint, model.task, _names(model)) for model in matches])
    params = {"count": len(matches), "date": catalogue.catalogue.date}
    terminal.note(english("cli.models_found", params))
    terminal.document(matches_document(catalogue, matches))


def matches_document(catalogue: ModelCatalogue, matches: Sequence[Model]) -> dict[str, object]:
    """Return found models as `--json` prints them."""
    return {
        "date": catalogue.catalogue.date,
        "models": [
            {
                "endpoint": model.endpoint,
                "name": model.name,
                "name_zh": model.name_zh,
                "task": model.task,
                "output": model.output,
                "family": model.family,
            }
            for model in matches
        ],
    }


async def model(arguments: Namespace, terminal: Terminal, environ: Mapping[str, str]) -> None:
    """Show a model's form and price, or run it if any option of a run is given."""
    runs = any(getattr(arguments, name) not in (None, False) for name in _RUN_OPTIONS)
    await (_run if runs else _form)(arguments, terminal, environ)


async def _run(arguments: Namespace, terminal: Terminal, environ: Mapping[str, str]) -> None:
    settings = limited(Settings.from_mapping(environ), arguments)
    settings.require_key()
    job = job_of(arguments)
    folder = out_folder(arguments.out or ".")
    async with connected(settings, terminal) as service:
        endpoint = service.client.models.find(arguments.model).endpoint
        await order(service, job, terminal, folder, prefix=endpoint.replace("/", "-"))


async def _form(arguments: Namespace, terminal: Terminal, environ: Mapping[str, str]) -> None:
    catalogue = ModelCatalogue(Settings.from_mapping(environ))
    model = offered_model(catalogue, arguments.model)
    price = catalogue.price_of(model)
    if model.parameters:
        names = {"model": model.endpoint, "names": _names(model)}
        terminal.say(english("cli.model_fields", names))
        terminal.table([_row(parameter) for parameter in model.parameters])
    if model.completeness is not Completeness.FULL:
        terminal.say(english("cli.model_incomplete", {}))
    price_text = price.describe(english) if price else english("model.price_unknown", {})
    terminal.say(price_text)
    terminal.document(form_document(catalogue, model))


def offered_model(catalogue: ModelCatalogue, name: str) -> Model:
    """Return a model's form; BadInput, with near names, if the catalogue does not offer it."""
    model, offered = catalogue.form(name), catalogue.catalogue.models
    if model.endpoint not in offered:
        near = listed(nearest(model.endpoint, offered))
        raise BadInput("cli.model_unlisted", model=model.endpoint, near=near)
    return model


def form_document(catalogue: ModelCatalogue, model: Model) -> dict[str, object]:
    """Return a model's form and price as `--json` prints them."""
    price = catalogue.price_of(model)
    return {
        "endpoint": model.endpoint,
        "name": model.name,
        "name_zh": model.name_zh,
        "task": model.task,
        "output": model.output,
        "complete": model.completeness is Completeness.FULL,
        "parameters": [_document(parameter) for parameter in model.parameters],
        "price": price.describe(english) if price else None,
    }


def _names(model: Model) -> str:
    """Return the sites' names of a model, except its endpoint."""
    names = dict.fromkeys((model.name, model.name_zh))
    return " · ".join(name for name in names if name and name != model.endpoint)


def _row(parameter: Parameter) -> tuple[str, ...]:
    name = input_name(parameter.name) + ("*" if parameter.required else "")
    kind = f"{parameter.kind.value}[]" if parameter.is_array else parameter.kind.value
    default = "" if parameter.default is None else f"= {word(parameter.default)}"
    return name, kind, shortened(default), _limits(parameter), shortened(parameter.note)


def _limits(parameter: Parameter) -> str:
    if parameter.options:
        return shortened(" | ".join(parameter.options))
    parts: list[str] = []
    if parameter.low is not None or parameter.high is not None:
        low, high = ("" if end is None else end for end in (parameter.low, parameter.high))
        parts.append(f"{low} … {high}")
    if parameter.max_length is not None:
        parts.append(f"≤ {parameter.max_length}")
    if parameter.max_items is not None:
        parts.append(f"≤ {parameter.max_items}")
    if parameter.max_mb is not None:
        parts.append(f"≤ {parameter.max_mb:g} MB")
    return ", ".join([*parts, *parameter.formats])


def _document(parameter: Parameter) -> dict[str, object]:
    return {
        "name": input_name(parameter.name),
        "type": parameter.kind.value,
        "array": parameter.is_array,
        "required": parameter.required,
        "default": parameter.default,
        "options": list(parameter.options) or None,
        "low": parameter.low,
        "high": parameter.high,
        "max_length": parameter.max_length,
        "max_items": parameter.max_items,
        "max_mb": parameter.max_mb,
        "formats": list(parameter.formats) or None,
        "note": parameter.note or None,
    }
