"""The site's three listings of models: documentation, catalogue, vendor registry.

They differ as the real ones do. The documentation has every callable model, and its pages type
files as strings. The catalogue gives node keys for self-hosted models and may lag. The registry
lacks those models and omits nested parameters.
"""

from __future__ import annotations

import json
from typing import Any, cast

from ..codes import Json
from .catalogue import Model, Parameter

INDEX_PATH = "/runninghub-api-doc-cn/llms.txt"

_SECTIONS = {
    "image": "图像生成",
    "video": "视频生成与处理",
    "audio": "音频",
    "text": "文本",
    "3d": "3D 生成",
}
_TYPES = {"INT": "integer", "FLOAT": "number", "BOOLEAN": "boolean", "JSON": "object"}


def index(models: list[Model], base_url: str) -> str:
    """Return ``llms.txt``: one line per page, those of other endpoints first."""
    folder = f"{base_url}/runninghub-api-doc-cn"
    lines = [
        "# RunningHub-API",
        "",
        "## Docs",
        f"- [使用须知]({folder}/doc-8287334.md): ",
        f"- [错误码说明]({folder}/doc-8287338.md): ",
        "",
        "## API Docs",
        f"- ComfyUI [发起ComfyUI任务1-简易]({folder}/api-425749012.md): ",
    ]
    for model in models:
        crumbs = " > ".join(("标准模型API", _SECTIONS[model.output], model.task, model.category))
        title = model.name_cn or model.name
        lines.append(f"- {crumbs} [{title}]({folder}/{model.page}.md): ")
    return "\n".join(lines) + "\n"


def page(model: Model) -> str:
    """Return a model's page: Markdown around one OpenAPI block."""
    properties: Json = {param.name: _schema(param) for param in model.parameters}
    properties["webhookUrl"] = {"type": "string", "description": "任务结束时回调的地址"}
    required = [param.name for param in model.parameters if param.required]
    schema: Json = {"type": "object", "properties": properties}
    if required:
        schema["required"] = required
    post: Json = {
        "summary": model.name_cn or model.name,
        "deprecated": model.status == "deprecated",
        "description": "",
        "tags": [f"标准模型API/{_SECTIONS[model.output]}/{model.task}/{model.category}"],
        "parameters": [
            {
                "name": "Authorization",
                "in": "header",
                "required": True,
                "example": "Bearer [Your API KEY]",
                "schema": {"type": "string"},
            }
        ],
        "requestBody": {"content": {"application/json": {"schema": schema}}},
        "responses": {"200": {"description": "", "headers": {}}},
    }
    spec: Json = {
        "openapi": "3.0.1",
        "info": {"title": "", "version": "1.0.0"},
        "paths": {f"/openapi/v2/{model.endpoint}": {"post": post}},
        "components": {"schemas": {}},
        "security": [],
    }
    title = model.name_cn or model.name
    block = "\n".join(_yaml(spec))
    return f"# {title}\n\n## OpenAPI Specification\n\n```yaml\n{block}\n```\n"


def _schema(parameter: Parameter) -> Json:
    item: Json = {"type": _TYPES.get(parameter.type, "string")}
    if parameter.options:
        item["enum"] = list(parameter.options)
    limits = {
        "minimum": parameter.low,
        "maximum": parameter.high,
        "minLength": parameter.min_length,
        "maxLength": parameter.max_length,
    }
    item |= {name: value for name, value in limits.items() if value is not None}
    if parameter.default is not None:
        item["default"] = parameter.default
    if not parameter.array:
        return item
    whole: Json = {"type": "array", "items": item}
    return whole if parameter.max_items is None else {**whole, "maxItems": parameter.max_items}


def _yaml(value: Any, indent: int = 0) -> list[str]:
    """Return a non-empty object or list as block YAML; scalars as JSON, which is valid YAML."""
    pad = "  " * indent
    lines: list[str] = []
    if isinstance(value, dict):
        for name, item in cast("Json", value).items():
            head = f"{pad}{_scalar(name)}:"
            lines += (
                [head, *_yaml(item, indent + 1)] if _is_block(item) else [f"{head} {_scalar(item)}"]
            )
        return lines
    for item in cast("list[Any]", value):
        block = _yaml(item, indent + 1) if _is_block(item) else [_scalar(item)]
        lines += [f"{pad}- {block[0].lstrip()}", *block[1:]]
    return lines


def _is_block(value: Any) -> bool:
    return value not in ({}, []) and isinstance(value, (dict, list))


def _scalar(value: Any) -> str:
    """Return a scalar as JSON, but plain words unquoted as the site does."""
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    reserved = value.lower() in ("true", "false", "null", "yes", "no", "on", "off", "y", "n")
    plain = value.isascii() and value.replace("_", "").isalpha() and not reserved
    return value if plain else json.dumps(value, ensure_ascii=False)


def catalogue_row(model: Model) -> Json:
    """Return an item of ``data.page.records`` of ``/api/sku/list``."""
    amounts = model.price.amounts.values() if model.price else ()
    return {
        "id": model.sku,
        "name": model.name_cn or model.name,
        "nameEn": model.name,
        "categoryName": model.task,
        "price": str(min(amounts)) if amounts else None,
        "cover": "",
    }


def catalogue_detail(model: Model) -> Json:
    """Return ``data`` of ``/api/sku/detail``; its fields are encoded as JSON text."""
    fields = [_site_field(param) for param in model.parameters]
    return {
        **catalogue_row(model),
        "rhEndpoint": model.endpoint,
        "relationTags": [{"name": model.category}],
        "inputConfigJson": json.dumps(fields, ensure_ascii=False),
    }


def _site_field(parameter: Parameter) -> Json:
    """Return a field in the site editor's format; ``maxInpuNum`` is its spelling."""
    field = _field(parameter)
    if parameter.aliases:
        field["fieldKey"] = parameter.aliases[0]
        if parameter.options:
            field["options"] = [
                {"value": str(index), "description": option, "apiValue": option}
                for index, option in enumerate(parameter.options)
            ]
    if parameter.array:
        field |= {"multipleInputs": True, "maxInpuNum": parameter.max_items}
    return field


def _field(parameter: Parameter) -> Json:
    field: Json = {
        "fieldKey": parameter.name,
        "type": "LIST" if parameter.type == "COMBO" else parameter.type,
        "title": parameter.name,
        "label": parameter.name,
        "required": parameter.required,
        "description": parameter.name,
    }
    optional = {
        "defaultValue": parameter.default,
        "min": parameter.low,
        "max": parameter.high,
        "step": parameter.step,
        "minLength": parameter.min_length,
        "maxLength": parameter.max_length,
        "maxSize": parameter.max_mb,
        "accept": json.dumps([form.upper() for form in parameter.formats])
        if parameter.formats
        else None,
    }
    field |= {name: value for name, value in optional.items() if value is not None}
    if parameter.options:
        field["options"] = [
            {"value": option, "description": option, "descriptionEn": option}
            for option in parameter.options
        ]
    return field


def registry(models: list[Model]) -> Json:
    """Return the vendor's registry file, without self-hosted models and nested parameters."""
    return {
        "version": "public-2026-11-01",
        "source": "models_registry.json",
        "models": [
            {
                "display_name": f"RH {model.name}",
                "endpoint": model.endpoint,
                "output_type": "string" if model.output == "text" else model.output,
                "category": f"RunningHub/{model.category}",
                "params": [
                    {**_field(param), **({"multiple": True} if param.array else {})}
                    for param in model.parameters
                    if param.type != "JSON"
                ],
                "name_cn": model.name_cn or model.name,
                "name_en": model.name,
            }
            for model in models
            if not model.is_self_hosted
        ],
    }
